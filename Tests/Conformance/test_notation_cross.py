"""Notary signatures across the border: notation verifies what `hallmark` made, and `hallmark` what notation and its local keys made."""

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from notary import Notation, Root, name as subject_of, pem, usage
from registry import oci_registry, plain_registry, sha256  # noqa: F401

KEYS = {
    "rsa2048": {"kty": "RSA-HSM", "key_size": 2048}, "rsa4096": {"kty": "RSA-HSM", "key_size": 4096},
    "ec256": {"kty": "EC-HSM", "crv": "P-256"}, "ec521": {"kty": "EC-HSM", "crv": "P-521"},
}
SUBJECT = "x509.subject: C=US, ST=WA, O=Example, CN=release signer"


@pytest.fixture(scope="module")
def root():
    return Root("root of the HSM")


@pytest.fixture(scope="module")
def keys(user, root, tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("chains"), {}

    def get(kind):
        if kind not in made:
            path = folder / f"{kind}.pem"
            path.write_bytes(root.chain(user.create_key(f"cross-{kind}", **KEYS[kind])["key"]))
            made[kind] = path
        return made[kind]

    return get


@pytest.fixture
def notation(tmp_path):
    return Notation(tmp_path / "n").install()


@pytest.fixture
def image(plain_registry, name):  # noqa: F811
    repository = f"test/{name}".lower()
    digest = plain_registry.push_image(repository, "v1", name.encode())["digest"]
    return f"{plain_registry.host}/{repository}@{digest}"


@pytest.fixture
def policy(tmp_path):
    def write(*roots, identities=("*",), kind="ca"):
        path = tmp_path / "trust.json"
        path.write_text(json.dumps({"schema": "hallmark.trust/v1", "roots": [
            {"name": f"root-{i}", "type": kind, "pem": r.pem.decode(), "identities": list(identities)} for i, r in enumerate(roots)]}))
        return path

    return write


def hallmark_sign(hsm, image, kind, chain, form, *more):
    return hsm.run("sign", "image", image, "--key", f"cross-{kind}", "--notary", form, "--certificate-chain", chain, "--plain-http", *more,
                   who="user", check=True)


def hallmark_verify(hsm, image, policy, *more):
    done = hsm.run("verify", "image", image, "--policy", policy, "--plain-http", "--output", "json", *more)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize("kind", KEYS)
def test_notation_verifies_what_hallmark_made(notation, hsm, keys, root, image, policy, kind, form):
    hallmark_sign(hsm, image, kind, keys(kind), form, "-a", "build=42")
    notation.trust(("ca", "a", root.pem), identities=[SUBJECT])
    assert "42" in notation.verify(image, check=True, more=("-m", "build=42")).stdout
    code, text = hallmark_verify(hsm, image, policy(root, identities=[SUBJECT]))
    assert code == 0, text


def test_both_formats_and_cosigns_from_one_call(notation, hsm, keys, root, image):
    hsm.run("sign", "image", image, "--key", "cross-ec256", "--format", "bundle", "--format", "notary-jws", "--format", "notary-cose",
            "--certificate-chain", keys("ec256"), "--plain-http", who="user", check=True)
    notation.trust(("ca", "a", root.pem))
    notation.verify(image, check=True)
    assert sorted(s["mediaType"] for s in notation.inspect(image)) == ["application/cose", "application/jose+json"]


def test_the_referrers_api_serves_both_sides(notation, hsm, keys, root, policy, oci_registry):  # noqa: F811
    digest = oci_registry.push_image("test/cross", "v1", b"cross")["digest"]
    image = f"{oci_registry.host}/test/cross@{digest}"
    hallmark_sign(hsm, image, "ec256", keys("ec256"), "cose")
    notation.trust(("ca", "a", root.pem))
    notation.verify(image, check=True)
    assert hallmark_verify(hsm, image, policy(root))[0] == 0


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize("kind", KEYS)
def test_hallmark_verifies_what_notation_made_through_the_plugin(notation, hsm, keys, root, image, policy, kind, form):
    notation.sign(image, f"{hsm.url}/keys/cross-{kind}", form=form, env=hsm.cli_env("user"), cert_chain=keys(kind), check=True)
    code, text = hallmark_verify(hsm, image, policy(root, identities=[SUBJECT]))
    assert code == 0, text
    code, text = hallmark_verify(hsm, image, policy(Root("a stranger")))
    assert code == 1 and "untrustedRoot" in text, text
    code, text = hallmark_verify(hsm, image, policy(root, identities=[SUBJECT.replace("release", "other")]))
    assert code == 1 and "identityNotAllowed" in text, text


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_hallmark_verifies_the_signing_authority_under_its_own_kind_of_root(notation, hsm, keys, root, image, policy, form):
    notation.install("hallmark-authority")
    notation.sign(image, f"{hsm.url}/keys/cross-ec256", plugin="hallmark-authority", form=form, env=hsm.cli_env("user"),
                  cert_chain=keys("ec256"), check=True)
    code, text = hallmark_verify(hsm, image, policy(root, kind="signingAuthority"))
    assert code == 0, text
    code, text = hallmark_verify(hsm, image, policy(root, kind="ca"))
    assert code == 1 and "wrongRootKind" in text, text


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_hallmark_verifies_what_a_local_key_of_notation_made(notation, hsm, root, image, policy, form):
    local, home = ec.generate_private_key(ec.SECP384R1()), Root("root of laptops")
    leaf = home._sign(subject_of("laptop"), local.public_key(), [
        (x509.BasicConstraints(False, None), True), (usage(digital_signature=True), True)])
    notation.add_local_key(local, pem(leaf, home.certificate))
    notation.run("sign", "--key", "local", "--signature-format", form, "-e", "48h", image, check=True)
    code, text = hallmark_verify(hsm, image, policy(home))
    assert code == 0, text
    assert hallmark_verify(hsm, image, policy(root))[0] == 1


def test_a_swapped_payload_is_refused_by_both(notation, hsm, keys, root, policy, plain_registry):  # noqa: F811
    """The envelope of one image under another one, and one whose payload was rewritten: junk, named as such, and never fatal."""
    first = plain_registry.push_image("test/swap", None, b"first")
    second = plain_registry.push_image("test/swap", None, b"second")
    image = lambda d: f"{plain_registry.host}/test/swap@{d['digest']}"  # noqa: E731
    notation.sign(image(first), f"{hsm.url}/keys/cross-ec256", env=hsm.cli_env("user"), cert_chain=keys("ec256"), check=True)
    entry = plain_registry.fallback_entries("test/swap", first["digest"])[0]
    manifest = json.loads(plain_registry.manifest("test/swap", entry["digest"])[0])
    envelope = json.loads(plain_registry.blob("test/swap", manifest["layers"][0]["digest"]))

    def attach(content, media_type="application/jose+json"):
        plain_registry.push_blob("test/swap", content)
        made = plain_registry.push_manifest("test/swap", None, {
            **manifest, "subject": second, "layers": [{"mediaType": media_type, "digest": sha256(content), "size": len(content)}],
        }, manifest["mediaType"])
        made = {**made, "artifactType": "application/vnd.cncf.notary.signature"}
        entries = plain_registry.fallback_entries("test/swap", second["digest"])
        plain_registry.push_manifest("test/swap", second["digest"].replace(":", "-"), {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [*entries, made],
        }, "application/vnd.oci.image.index.v1+json")

    rewritten = dict(envelope, payload=base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(envelope["payload"] + "===").replace(first["digest"].encode(), second["digest"].encode())).rstrip(b"=").decode())
    attach(json.dumps(envelope).encode())
    attach(json.dumps(rewritten).encode())
    attach(b"junk")
    attach(b"\xd2\x84", "application/cose")
    attach(b'{"payload":"e30","payload":"e30"}')
    notation.trust(("ca", "a", root.pem))
    assert notation.verify(image(second)).returncode == 1
    code, text = hallmark_verify(hsm, image(second), policy(root))
    assert code == 1, text
    for word in ["digestMismatch", "payloadMismatch"]:
        assert word in text, text
    notation.sign(image(second), f"{hsm.url}/keys/cross-ec256", env=hsm.cli_env("user"), cert_chain=keys("ec256"), check=True)
    code, text = hallmark_verify(hsm, image(second), policy(root))
    assert code == 0, text
    assert notation.verify(image(second)).returncode == 0
