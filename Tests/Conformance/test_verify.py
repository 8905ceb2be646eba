"""`hallmark verify`, judged on what cosign and notation made with keys of their own: nothing here was signed by Hallmark unless it says so."""

import base64
import hashlib
import json
import shutil
import subprocess

import pytest

from authority import BINARY as HALLMARK, TOOLS
from localcosign import COSIGN, Cosign  # noqa: F401
from registry import oci_registry, plain_registry  # noqa: F401

NOTATION, ORAS = (TOOLS / "bin" / name for name in ("notation", "oras"))
SPDX = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "app", "documentNamespace": "https://example.com/app", "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: t"]}, "packages": []}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return Cosign(tmp_path_factory.mktemp("cosign") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return Cosign(tmp_path_factory.mktemp("cosign") / "theirs")


def verify(*arguments, cwd, offline_namespace=False):
    """(exit code, decision, standard error)."""
    prefix = ["unshare", "-rn"] if offline_namespace else []
    done = subprocess.run([*prefix, HALLMARK, "verify", *map(str, arguments), "--output", "json"], cwd=cwd, capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)})
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr


def codes(decision):
    return {r["code"] for s in decision["signatures"] for r in s["reasons"]} | {r["code"] for r in decision["reasons"]}


@pytest.fixture
def image(plain_registry, request):  # noqa: F811
    """A fresh image of its own, as `HOST/REPOSITORY@DIGEST`."""
    repository = "verify/" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")[:60].strip("-")
    pushed = plain_registry.push_image(repository, "v1", content=request.node.name.encode())
    return f"{plain_registry.host}/{repository}@{pushed['digest']}"


def parts(image):
    name, digest = image.split("@")
    host, repository = name.split("/", 1)
    return host, repository, digest


@pytest.mark.parametrize("how", ["sign", "sign_legacy"])
def test_an_image_that_cosign_signed_is_trusted(ours, image, tmp_path, how):
    getattr(ours, how)(image)
    code, decision, error = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (0, "trusted"), error
    assert decision["digest"] == parts(image)[2]


@pytest.mark.parametrize("how", ["sign", "sign_legacy"])
def test_an_image_that_another_key_signed_is_refused(ours, theirs, image, tmp_path, how):
    getattr(theirs, how)(image)
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused")
    assert codes(decision) & {"noTrustedKeyMatches", "signatureMismatch"}


def test_an_unsigned_image_is_refused(ours, image, tmp_path):
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused") and "noSignature" in codes(decision)


def test_an_attestation_alone_does_not_sign_an_image(ours, image, tmp_path):
    """`cosign verify` accepts such an image; a verifier that looks at predicate types must not."""
    ours.attest(image, SPDX, "spdxjson")
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused") and "notASignature" in codes(decision)


@pytest.mark.parametrize("how", ["attest", "attest_legacy"])
def test_an_attestation_that_cosign_made_is_found_by_its_type(ours, image, tmp_path, how):
    getattr(ours, how)(image, SPDX, "spdxjson")
    statement = tmp_path / "statement.json"
    code, decision, error = verify("attestation", image, "--type", "spdxjson", "--plain-http", "--key", ours.public, "--statement", statement, cwd=tmp_path)
    assert (code, decision["verdict"]) == (0, "trusted"), error
    assert json.loads(statement.read_text())["predicate"]["spdxVersion"] == "SPDX-2.3"
    code, decision, _ = verify("attestation", image, "--type", "slsaprovenance1", "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert code == 1 and "attestationMissing" in codes(decision)


def test_a_signature_moved_to_another_image_is_refused(ours, plain_registry, image, tmp_path):  # noqa: F811
    _, repository, digest = parts(image)
    ours.sign(image)
    listed = plain_registry.signatures(repository, digest)[0]
    manifest = json.loads(plain_registry.manifest(repository, listed["digest"])[0])
    other = plain_registry.push_image(repository, "other", content=b"something else")
    manifest["subject"] = {key: other[key] for key in ("mediaType", "digest", "size")}
    pushed = attach(plain_registry, repository, other["digest"], json.dumps(manifest).encode(), listed["artifactType"])
    assert pushed
    code, decision, _ = verify("image", f"{image.split('@')[0]}@{other['digest']}", "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused") and "subjectMismatch" in codes(decision)


def attach(registry, repository, subject, manifest, artifact_type):
    """Pushes a manifest and lists it under the fallback tag, as any client with push rights could."""
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    registry.push_manifest(repository, digest, manifest, "application/vnd.oci.image.manifest.v1+json")
    entries = registry.fallback_entries(repository, subject)
    entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": len(manifest), "artifactType": artifact_type})
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}).encode()
    registry.push_manifest(repository, subject.replace(":", "-"), index, "application/vnd.oci.image.index.v1+json")
    return digest


def push_referrer(registry, repository, image, layers, artifact_type="application/vnd.dev.sigstore.bundle.v0.3+json", layer_type=None):
    """A signature manifest with these layers, true or junk."""
    subject = {key: image[key] for key in ("mediaType", "digest", "size")}
    registry.push_blob(repository, b"{}")
    described = []
    for layer in layers:
        registry.push_blob(repository, layer)
        described.append({"mediaType": layer_type or artifact_type, "digest": "sha256:" + hashlib.sha256(layer).hexdigest(), "size": len(layer)})
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": artifact_type,
                "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "size": 2},
                "layers": described, "subject": subject}
    return attach(registry, repository, image["digest"], json.dumps(manifest).encode(), artifact_type)


BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTARY = "application/vnd.cncf.notary.signature"
JUNK = {
    "no-json": ([b"\x00\xff not json"], BUNDLE, None, "unreadable"),
    "truncated": ([b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verif'], BUNDLE, None, "unreadable"),
    "duplicate-member": ([b'{"mediaType":"a","mediaType":"b"}'], BUNDLE, None, "duplicateMember"),
    "two-layers": ([b"{}", b"[]"], BUNDLE, None, "unreadable"),
    "no-layer": ([], BUNDLE, None, "unreadable"),
    "notary-two-layers": ([b"{}", b"[]"], NOTARY, "application/jose+json", "unreadable"),
    "notary-unknown-layer": ([b"{}"], NOTARY, "text/plain", "unreadable"),
    "notary-empty-jws": ([b"{}"], NOTARY, "application/jose+json", "unreadable"),
    "notary-cose-junk": ([b"\xd2\x84\x40"], NOTARY, "application/cose", "unreadable"),
    "batch-junk": ([b"{}"], "application/vnd.hallmark.batch-proof.v1+json", None, "unreadable"),
}


@pytest.mark.parametrize("junk", JUNK)
def test_junk_that_is_listed_first_is_reported_and_never_fatal(ours, plain_registry, image, tmp_path, junk):  # noqa: F811
    """notation gives up on some of these when they come before the good signature."""
    _, repository, digest = parts(image)
    pushed = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": len(plain_registry.manifest(repository, digest)[0])}
    layers, kind, layer_type, wanted = JUNK[junk]
    push_referrer(plain_registry, repository, pushed, layers, kind, layer_type)
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused") and wanted in codes(decision)
    ours.sign(image)
    code, decision, error = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (0, "trusted"), error
    assert wanted in codes(decision) and len(decision["signatures"]) == 2


def test_what_is_no_signature_is_named_apart(ours, plain_registry, image, tmp_path):  # noqa: F811
    _, repository, digest = parts(image)
    pushed = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": len(plain_registry.manifest(repository, digest)[0])}
    push_referrer(plain_registry, repository, pushed, [b"{}"], "application/spdx+json")
    ours.sign(image)
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert code == 0 and len(decision["signatures"]) == 1 and len(decision["otherReferrers"]) == 1


def swapped(registry, repository, digest, change):
    """The image's bundle with its envelope changed, pushed as a further referrer; the true one is gone from the list."""
    listed = registry.signatures(repository, digest)[0]
    manifest = json.loads(registry.manifest(repository, listed["digest"])[0])
    bundle = json.loads(registry.blob(repository, manifest["layers"][0]["digest"]))
    change(bundle)
    content = json.dumps(bundle).encode()
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}).encode()
    registry.push_manifest(repository, digest.replace(":", "-"), index, "application/vnd.oci.image.index.v1+json")
    subject = manifest["subject"]
    push_referrer(registry, repository, subject, [content])


def test_an_envelope_with_a_swapped_payload_is_refused(ours, plain_registry, image, tmp_path):  # noqa: F811
    _, repository, digest = parts(image)
    ours.sign(image)

    def change(bundle):
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        payload["subject"][0]["annotations"] = {"tested": "yes"}
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()

    swapped(plain_registry, repository, digest, change)
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused")
    assert codes(decision) & {"payloadMismatch", "signatureMismatch", "noTrustedKeyMatches"}


def test_an_ecdsa_signature_in_the_encoding_of_jws_is_refused_as_such(ours, plain_registry, image, tmp_path):  # noqa: F811
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    _, repository, digest = parts(image)
    ours.sign(image)

    def change(bundle):
        r, s = decode_dss_signature(base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"]))
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()

    swapped(plain_registry, repository, digest, change)
    code, decision, _ = verify("image", image, "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert (code, decision["verdict"]) == (1, "refused") and "wrongEncoding" in codes(decision)


def test_offline_reads_a_layout_and_opens_no_socket(ours, plain_registry, image, tmp_path):  # noqa: F811
    ours.sign(image)
    layout = tmp_path / "layout"
    name = image.split("@")[0]
    subprocess.run([ORAS, "copy", "-r", "--from-plain-http", "--to-oci-layout", f"{name}:v1", f"{layout}:v1"], check=True, capture_output=True, timeout=60)
    code, decision, error = verify("image", f"{name}:v1", "--oci-layout", layout, "--offline", "--key", ours.public, cwd=tmp_path, offline_namespace=True)
    assert (code, decision["verdict"]) == (0, "trusted"), error
    for path in (layout / "blobs/sha256").iterdir():
        if path.name == parts(image)[2].split(":")[1]:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes() + b" ")
    code, decision, error = verify("image", f"{name}:v1", "--oci-layout", layout, "--offline", "--key", ours.public, cwd=tmp_path)
    assert code == 1 and decision is None and "other content" in error


@pytest.mark.parametrize("arguments", [["image", "localhost:1/a:b", "--key", "cosign.pub"], ["image", "localhost:1/a:b", "--oci-layout", ".", "--key", "release"]])
def test_offline_refuses_what_would_need_a_socket_before_it_asks(ours, arguments, tmp_path):
    shutil.copy(ours.public, tmp_path / "cosign.pub")
    code, decision, error = verify(*arguments, "--offline", cwd=tmp_path)
    assert code == 2 and decision is None and "--offline opens no socket" in error


def policy(tmp_path, text):
    path = tmp_path / "hallmark-trust.yaml"
    path.write_text(text)
    return path


def keys(**named):
    lines = ["schema: hallmark.trust/v1", "keys:"]
    for name, tool in named.items():
        lines += [f"  - name: {name}", "    pem: |"] + ["      " + line for line in tool.public.read_text().splitlines()]
    return "\n".join(lines) + "\n"


def test_two_of_two_wants_both_keys(ours, theirs, image, tmp_path):
    policy(tmp_path, keys(primary=ours, standby=theirs) + "rules:\n  - name: both\n    scope: {repositories: ['*']}\n    require: {atLeast: {count: 2, of: [{key: primary}, {key: standby}]}}\n")
    ours.sign(image)
    code, decision, error = verify("image", image, "--plain-http", cwd=tmp_path)
    assert code == 1 and "requirementNotMet" in codes(decision), error
    ours.sign(image, "-a", "again=yes")
    code, decision, _ = verify("image", image, "--plain-http", cwd=tmp_path)
    assert code == 1, "two signatures of one key are one key"
    theirs.sign(image)
    code, decision, error = verify("image", image, "--plain-http", cwd=tmp_path)
    assert (code, decision["verdict"]) == (0, "trusted"), error


@pytest.mark.parametrize("level", ["warn", "audit"])
def test_a_rule_that_is_not_enforced_lets_through_and_says_so(ours, theirs, image, tmp_path, level):
    policy(tmp_path, keys(primary=ours) + f"rules:\n  - name: staged\n    scope: {{repositories: ['{image.split('@')[0]}']}}\n    level: {level}\n    require: {{key: primary}}\n")
    theirs.sign(image)
    code, decision, error = verify("image", image, "--plain-http", cwd=tmp_path)
    assert (code, decision["verdict"], decision["outcome"]) == (0, "refused", "admitUnenforced") and "WARNING" in error


def test_an_image_outside_every_scope_is_refused(ours, image, tmp_path):
    policy(tmp_path, keys(primary=ours) + "rules:\n  - name: elsewhere\n    scope: {repositories: ['registry.example/team/*']}\n    require: {key: primary}\n")
    ours.sign(image)
    code, decision, _ = verify("image", image, "--plain-http", cwd=tmp_path)
    assert code != 0 and "noRule" in codes(decision)


@pytest.mark.parametrize("text, why", [
    ("rules:\n  - name: a\n    scope: {repositories: ['*']}\n    colour: red\n    require: {key: primary}\n", "colour"),
    ("rules:\n  - name: a\n    scope: {repositories: ['*']}\n    require: {atLeast: {count: 0, of: [{key: primary}]}}\n", "atLeast"),
    ("rules:\n  - name: a\n    scope: {repositories: ['*']}\n    require: {any: []}\n", "any"),
    ("rules:\n  - name: a\n    scope: {repositories: ['*']}\n    require: {key: nobody}\n", "nobody"),
    ("rules:\n  - name: a\n    scope: {repositories: []}\n    require: {key: primary}\n", "rules[0]"),
    ("rules:\n  - name: a\n    scope: {repositories: ['*']}\n    require: {key: primary}\n  - name: b\n    scope: {repositories: ['*']}\n    require: {key: primary}\n", "*"),
])
def test_a_policy_that_cannot_be_meant_is_refused_before_anything_is_fetched(ours, tmp_path, text, why):
    policy(tmp_path, keys(primary=ours) + text)
    code, decision, error = verify("image", "localhost:1/nobody/there:v1", "--plain-http", cwd=tmp_path)
    assert code == 2 and decision is None and why in error, error


def test_a_registry_that_cannot_be_reached_is_not_a_no(ours, tmp_path):
    code, decision, error = verify("image", "localhost:1/nobody/there:v1", "--plain-http", "--key", ours.public, cwd=tmp_path)
    assert code == 4 and decision is None, error


@pytest.fixture(scope="module")
def notary(tmp_path_factory):
    """notation with a local key and its own self-signed certificate."""
    folder = tmp_path_factory.mktemp("notation")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    subprocess.run([NOTATION, "cert", "generate-test", "--default", "local.example"], env=env, check=True, capture_output=True, timeout=60)
    return env, folder / "notation/localkeys/local.example.crt"


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_an_image_that_notation_signed_with_a_local_key_is_trusted_under_its_root(notary, image, tmp_path, form):
    env, certificate = notary
    subprocess.run([NOTATION, "sign", "--signature-format", form, "--insecure-registry", image], env=env, check=True, capture_output=True, timeout=60)
    pem = "\n".join("      " + line for line in certificate.read_text().splitlines())
    head = f"schema: hallmark.trust/v1\nroots:\n  - name: local\n    type: ca\n    identities: ['*']\n    pem: |\n{pem}\n"
    policy(tmp_path, head + "rules:\n  - name: notary\n    scope: {repositories: ['*']}\n    require: {root: local}\n")
    code, decision, error = verify("image", image, "--plain-http", cwd=tmp_path)
    assert (code, decision["verdict"]) == (0, "trusted"), error
    policy(tmp_path, head.replace("type: ca", "type: signingAuthority") + "rules:\n  - name: notary\n    scope: {repositories: ['*']}\n    require: {root: local}\n")
    code, decision, error = verify("image", image, "--plain-http", cwd=tmp_path)
    assert code == 1 and "wrongRootKind" in codes(decision), error


def test_a_p256k_signature_of_our_own_hsm_is_checked(hsm, user, tmp_path):
    user.create_key("verify-p256k", kty="EC-HSM", crv="P-256K")
    file = tmp_path / "file"
    file.write_bytes(b"content")
    hsm.run("sign", "blob", file, "--key", "verify-p256k", who="user", check=True)
    done = hsm.run("verify", "blob", file, "--key", "verify-p256k", who="user")
    assert done.returncode == 0, done.stderr
    file.write_bytes(b"contenT")
    assert hsm.run("verify", "blob", file, "--key", "verify-p256k", who="user").returncode == 1
