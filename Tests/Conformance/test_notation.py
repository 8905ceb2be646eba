"""notation 1.3 with our plugin: what it signs, what it verifies, and what users read when something is wrong."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from authority import run_hallmark, running
from faults import FaultFront, VaultFront
from notary import PLUGIN, Notation, Root, call_plugin
from registry import oci_registry, plain_registry  # noqa: F401

KEYS = {
    "rsa2048": {"kty": "RSA-HSM", "key_size": 2048}, "rsa3072": {"kty": "RSA-HSM", "key_size": 3072},
    "rsa4096": {"kty": "RSA-HSM", "key_size": 4096}, "ec256": {"kty": "EC-HSM", "crv": "P-256"},
    "ec384": {"kty": "EC-HSM", "crv": "P-384"}, "ec521": {"kty": "EC-HSM", "crv": "P-521"},
}
SPECS = {"rsa2048": "RSA-2048", "rsa3072": "RSA-3072", "rsa4096": "RSA-4096", "ec256": "EC-256", "ec384": "EC-384", "ec521": "EC-521"}
SUBJECT = "x509.subject: C=US, ST=WA, O=Example, CN=release signer"


@pytest.fixture(scope="module")
def root():
    return Root("root of A")


@pytest.fixture(scope="module")
def keys(user, root, tmp_path_factory):
    """Name of each kind → (JWK, file with its chain); made when first asked for."""
    folder, made = tmp_path_factory.mktemp("chains"), {}

    def get(kind):
        if kind not in made:
            jwk = user.create_key(f"notary-{kind}", **KEYS[kind])["key"]
            path = folder / f"{kind}.pem"
            path.write_bytes(root.chain(jwk))
            made[kind] = (jwk, path)
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


def key_id(hsm, kind, version=""):
    return f"{hsm.url}/keys/notary-{kind}" + (f"/{version}" if version else "")


# -- signing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize("kind", KEYS)
def test_notation_verifies_what_it_signed_through_the_plugin(notation, hsm, keys, root, image, kind, form):
    _, chain = keys(kind)
    notation.trust(("ca", "a", root.pem), identities=[SUBJECT])
    notation.sign(image, key_id(hsm, kind), form=form, env=hsm.cli_env("user"), cert_chain=chain, check=True)
    notation.verify(image, check=True)
    [signature] = notation.inspect(image)
    assert signature["mediaType"] == {"jws": "application/jose+json", "cose": "application/cose"}[form]


def test_the_whole_payload_is_signed_by_one_hsm_operation(notation, hsm, keys, image, root):
    _, chain = keys("ec256")
    operations = lambda: sum(  # noqa: E731
        1 for line in hsm.run("audit", "export", who="officer", check=True).stdout.splitlines() if '"operation":"sign"' in line.replace(": ", ":"))
    before = operations()
    notation.sign(image, key_id(hsm, "ec256"), env=hsm.cli_env("user"), cert_chain=chain, check=True)
    assert operations() == before + 1


def test_expiry_and_user_metadata_are_signed_along(notation, hsm, keys, root, image):
    _, chain = keys("ec256")
    notation.trust(("ca", "a", root.pem))
    notation.sign(image, key_id(hsm, "ec256"), env=hsm.cli_env("user"), cert_chain=chain, check=True, more=("-e", "24h", "-m", "build=42"))
    assert "42" in notation.verify(image, check=True, more=("-m", "build=42")).stdout
    assert notation.verify(image, more=("-m", "build=43")).returncode == 1


def test_the_key_may_be_named_by_the_hallmark_scheme_and_with_a_version(notation, hsm, keys, root, image):
    jwk, chain = keys("ec384")
    version = jwk["kid"].rsplit("/", 1)[1]
    notation.trust(("ca", "a", root.pem))
    uri = f"hallmark://{hsm.netloc}/keys/notary-ec384/{version}"
    notation.sign(image, uri, env=hsm.cli_env("user"), cert_chain=chain, check=True)
    notation.sign(image, key_id(hsm, "ec384", version), env=hsm.cli_env("user"), cert_chain=chain, check=True)
    notation.verify(image, check=True)


def test_a_chain_in_the_certificate_folder_is_found_by_key_version(notation, hsm, keys, root, image, tmp_path):
    jwk, chain = keys("ec256")
    version = jwk["kid"].rsplit("/", 1)[1]
    place = tmp_path / "home" / hsm.netloc.replace(":", "_") / "notary-ec256"
    place.mkdir(parents=True)
    (place / f"{version}.pem").write_bytes(chain.read_bytes())
    env = {**hsm.cli_env("user"), "HALLMARK_CERTIFICATES": str(tmp_path / "home")}
    notation.trust(("ca", "a", root.pem))
    notation.sign(image, key_id(hsm, "ec256"), env=env, check=True)
    notation.verify(image, check=True)


def test_the_referrers_api_works_too(notation, hsm, keys, root, oci_registry):  # noqa: F811
    _, chain = keys("ec256")
    digest = oci_registry.push_image("test/api", "v1", b"api")["digest"]
    image = f"{oci_registry.host}/test/api@{digest}"
    notation.trust(("ca", "a", root.pem))
    notation.sign(image, key_id(hsm, "ec256"), env=hsm.cli_env("user"), cert_chain=chain, check=True, more=("--force-referrers-tag=false",))
    notation.verify(image, check=True)
    assert len(oci_registry.referrers("test/api", digest)) == 1


# -- signing authority -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jws", "cose"])
@pytest.mark.parametrize("kind", ["ec256", "rsa2048", "ec521"])
def test_the_signing_authority_states_the_time_and_only_its_own_store_trusts_it(notation, hsm, keys, root, image, kind, form):
    _, chain = keys(kind)
    notation.install("hallmark-authority")
    notation.sign(image, key_id(hsm, kind), plugin="hallmark-authority", form=form, env=hsm.cli_env("user"), cert_chain=chain, check=True,
                  more=("-e", "24h"))
    notation.trust(("signingAuthority", "a", root.pem), identities=[SUBJECT])
    notation.verify(image, check=True)
    attributes = notation.inspect(image)[0]["signedAttributes"]
    assert attributes["signingScheme"] == "notary.x509.signingAuthority"
    notation.trust(("ca", "a", root.pem), identities=[SUBJECT])
    refused = notation.verify(image)
    assert refused.returncode == 1


def test_the_manifest_of_an_authority_names_the_request(notation, hsm, keys, plain_registry, image):  # noqa: F811
    _, chain = keys("ec256")
    notation.install("hallmark-authority")
    notation.sign(image, key_id(hsm, "ec256"), plugin="hallmark-authority", env=hsm.cli_env("user"), cert_chain=chain, check=True)
    repository, digest = image.split("/", 1)[1].split("@")
    entry = plain_registry.fallback_entries(repository, digest)[0]
    manifest = json.loads(plain_registry.manifest(repository, entry["digest"])[0])
    request = manifest["annotations"]["hallmark.request-id"]
    assert request in hsm.run("audit", "export", who="officer", check=True).stdout
    thumbprints = json.loads(manifest["annotations"]["io.cncf.notary.x509chain.thumbprint#S256"])
    assert len(thumbprints) == 2


def test_a_demanded_verification_plugin_checks_key_and_channel(notation, hsm, keys, root, image, tmp_path):
    jwk, chain = keys("ec256")
    notation.install("hallmark-authority")
    notation.sign(image, key_id(hsm, "ec256"), plugin="hallmark-authority", env=hsm.cli_env("user"), cert_chain=chain, check=True,
                  verification_plugin="true", channel="release")
    notation.trust(("signingAuthority", "a", root.pem), identities=[SUBJECT])
    notation.verify(image, check=True)
    notation.verify(image, check=True, channel="release", key=jwk["kid"])
    notation.verify(image, check=True, key=key_id(hsm, "ec256"))
    for wrong in [{"channel": "dev"}, {"key": key_id(hsm, "other")}, {"key": jwk["kid"][:-32] + "0" * 32}]:
        refused = notation.verify(image, **wrong)
        assert refused.returncode == 1, wrong
    notation.trust(("signingAuthority", "a", root.pem), identities=["x509.subject: C=US, ST=WA, O=Example, CN=somebody else"])
    assert notation.verify(image).returncode == 1
    without = Notation(tmp_path / "without").trust(("signingAuthority", "a", root.pem))
    assert without.verify(image).returncode == 1, "verified without the plugin that the signature demands"


# -- two HSMs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def standby(scratch):
    with running(scratch / "standby-notation", hsm_name="standby-mhsm") as authority:
        yield authority


def test_two_stores_accept_either_hsm_and_one_down_stops_nothing(notation, hsm, standby, keys, root, plain_registry, tmp_path, user):  # noqa: F811
    _, chain_a = keys("ec256")
    root_b = Root("root of B")
    chain_b = tmp_path / "b.pem"
    chain_b.write_bytes(root_b.chain(standby.wire("user").create_key("standby", **KEYS["ec384"])["key"], "standby signer"))
    images = []
    for content in (b"one", b"two"):
        digest = plain_registry.push_image("test/either", None, content)["digest"]
        images.append(f"{plain_registry.host}/test/either@{digest}")
    notation.trust(("ca", "hsm-a", root.pem), ("ca", "hsm-b", root_b.pem), identities=[
        SUBJECT, "x509.subject: C=US, ST=WA, O=Example, CN=standby signer"])
    notation.sign(images[0], key_id(hsm, "ec256"), env=hsm.cli_env("user"), cert_chain=chain_a, check=True)
    notation.sign(images[1], f"{standby.url}/keys/standby", env=standby.cli_env("user"), cert_chain=chain_b, check=True)
    for image in images:
        notation.verify(image, check=True)

    # The primary's port answers nobody: signing there says so, the standby signs, everything verifies.
    dead = f"https://{hsm.netloc.split(':')[0]}:1/keys/notary-ec256"
    refused = notation.sign(images[1], dead, env={**hsm.cli_env("user"), "HALLMARK_URL": dead.split("/keys")[0]}, cert_chain=chain_a)
    assert refused.returncode == 1 and "no answer from" in refused.stderr and "next:" in refused.stderr
    notation.sign(images[0], f"{standby.url}/keys/standby", env=standby.cli_env("user"), cert_chain=chain_b, check=True)
    for image in images:
        notation.verify(image, check=True)
    only_b = Notation(tmp_path / "only-b").trust(("ca", "hsm-b", root_b.pem))
    for image in images:
        only_b.verify(image, check=True)


# -- what users read when something is wrong ---------------------------------------------------------------------


def refused(notation, image, identifier, hsm, *words, who="user", env=None, **config):
    done = notation.sign(image, identifier, env={**hsm.cli_env(who), **(env or {})}, **config)
    assert done.returncode == 1
    for word in words:
        assert word in done.stderr, done.stderr
    assert done.stderr.count("next:") <= 2
    return done.stderr


def test_wrong_key_ids(notation, hsm, keys, image):
    _, chain = keys("ec256")
    refused(notation, image, f"{hsm.url}/keys/no-such-key", hsm, "404", "Activity ID", "next:", cert_chain=chain)
    refused(notation, image, key_id(hsm, "ec256", "0" * 32), hsm, "404", cert_chain=chain)
    for bad in ["https://", f"{hsm.url}/secrets/a", f"{hsm.url}/keys/a/b/c", "http://127.0.0.1/keys/a", f"{hsm.url}/keys/a_b", "ftp://h/keys/a"]:
        refused(notation, image, bad, hsm, "https://HOST", cert_chain=chain)
    refused(notation, image, f"{hsm.url}/certificates/notary-ec256", hsm, "an HSM has keys only", cert_chain=chain)


def test_chains_that_must_not_sign(notation, hsm, user, keys, root, image, tmp_path):
    jwk, good = keys("ec256")
    other, _ = keys("ec384")
    rows = {
        "expired": (root.chain(jwk, start=-20, end=-10), ["expired", "certs renew"]),
        "future": (root.chain(jwk, start=10, end=20), ["valid only from"]),
        "tls": (root.chain(jwk, purposes=[ExtendedKeyUsageOID.SERVER_AUTH]), ["serverAuth", "codeSigning"]),
        "stamp": (root.chain(jwk, purposes=[ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING]), ["timeStamping"]),
        "other": (root.chain(other), ["belongs to another key"]),
        "rootless": (good.read_bytes().split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n", ["root"]),
        "order": (b"-----BEGIN".join(reversed(good.read_bytes().split(b"-----BEGIN")[1:])).join([b"-----BEGIN", b""]), ["chain"]),
        "empty": (b"", ["certificate"]),
        "noise": (b"hello\n", ["certificate"]),
    }
    for label, (content, words) in rows.items():
        path = tmp_path / f"{label}.pem"
        path.write_bytes(content)
        refused(notation, image, key_id(hsm, "ec256"), hsm, *words, cert_chain=path)
    refused(notation, image, key_id(hsm, "ec256"), hsm, "cannot be read", cert_chain=tmp_path / "absent.pem")
    refused(notation, image, key_id(hsm, "ec256"), hsm, "hallmark certs", env={"HALLMARK_CERTIFICATES": str(tmp_path / "none")})
    assert notation.inspect(image) == []


def test_nothing_is_signed_when_the_chain_is_wrong(notation, hsm, keys, root, image, tmp_path):
    jwk, _ = keys("ec256")
    path = tmp_path / "expired.pem"
    path.write_bytes(root.chain(jwk, start=-20, end=-10))
    count = lambda: hsm.run("audit", "export", who="officer", check=True).stdout.replace(": ", ":").count('"operation":"sign"')  # noqa: E731
    before = count()
    refused(notation, image, key_id(hsm, "ec256"), hsm, "expired", cert_chain=path)
    assert count() == before


def test_keys_that_make_no_notary_signatures(notation, hsm, user, image, keys):
    _, chain = keys("ec256")
    user.create_key("notary-koblitz", kty="EC-HSM", crv="P-256K")
    user.create_key("notary-symmetric", kty="oct-HSM", key_size=256, key_ops=["wrapKey", "unwrapKey"])
    refused(notation, image, key_id(hsm, "koblitz"), hsm, "P-256K", cert_chain=chain)
    refused(notation, image, key_id(hsm, "symmetric"), hsm, "symmetric", cert_chain=chain)


def test_a_rotated_key_needs_a_new_chain(notation, hsm, user, root, image, tmp_path):
    jwk = user.create_key("notary-rotating", **KEYS["ec256"])["key"]
    chain = tmp_path / "v1.pem"
    chain.write_bytes(root.chain(jwk))
    notation.sign(image, key_id(hsm, "rotating"), env=hsm.cli_env("user"), cert_chain=chain, check=True)
    user.create_key("notary-rotating", **KEYS["ec256"])
    refused(notation, image, key_id(hsm, "rotating"), hsm, "another key", "version", cert_chain=chain)
    version = jwk["kid"].rsplit("/", 1)[1]
    notation.sign(image, key_id(hsm, "rotating", version), env=hsm.cli_env("user"), cert_chain=chain, check=True)


def test_rights_and_settings(notation, hsm, user, keys, image):
    _, chain = keys("ec256")
    refused(notation, image, key_id(hsm, "ec256"), hsm, "403", "access grant", who="nobody", cert_chain=chain)
    refused(notation, image, key_id(hsm, "ec256"), hsm, "401", env={"HALLMARK_TOKEN": "x.y.z"}, cert_chain=chain)
    refused(notation, image, key_id(hsm, "ec256"), hsm, "cert_chian", "known:", cert_chian=chain)
    refused(notation, image, key_id(hsm, "ec256"), hsm, "holds no certificates", ca_certs=chain)
    refused(notation, image, key_id(hsm, "ec256"), hsm, "credential_type", credential_type="magic")
    user.create_key("notary-locked", **KEYS["ec256"], attributes={"enabled": False})
    refused(notation, image, key_id(hsm, "locked"), hsm, cert_chain=chain)


# -- the protocol itself -----------------------------------------------------------------------------------------


def test_answers_are_one_document_on_stdout_and_errors_one_on_stderr(hsm, keys):
    _, chain = keys("rsa3072")
    config = {"cert_chain": str(chain)}
    env = hsm.cli_env("user")
    code, out, err = call_plugin("describe-key", {"contractVersion": "1.0", "keyId": key_id(hsm, "rsa3072"), "pluginConfig": config, "x": 1}, env)
    assert (code, json.loads(out), err) == (0, {"keyId": key_id(hsm, "rsa3072"), "keySpec": "RSA-3072"}, b"")
    payload = b"any bytes at all"
    code, out, err = call_plugin("generate-signature", {
        "contractVersion": "1.0", "keyId": key_id(hsm, "rsa3072"), "keySpec": "RSA-3072", "hashAlgorithm": "SHA-384",
        "payload": base64.b64encode(payload).decode(), "pluginConfig": config}, env)
    answer = json.loads(out)
    assert code == 0 and err == b"" and answer["signingAlgorithm"] == "RSASSA-PSS-SHA-384"
    from keycheck import accepts

    assert accepts(keys("rsa3072")[0], "PS384", hashlib.sha384(payload).digest(), base64.b64decode(answer["signature"]))
    for command, request in {
        "describe-key": {"contractVersion": "2.0", "keyId": "x"}, "generate-signature": {"contractVersion": "1.0"}, "generate-envelope": {},
        "nonsense": {}, "verify-signature": [],
    }.items():
        code, out, err = call_plugin(command, request, env)
        document = json.loads(err)
        assert (code, out) == (1, b""), command
        assert document["errorCode"] in {"VALIDATION_ERROR", "UNSUPPORTED_CONTRACT_VERSION"} and document["errorMessage"]
    assert json.loads(call_plugin([], b"")[2])["errorCode"] == "VALIDATION_ERROR"
    assert call_plugin("version", b"")[1].decode().splitlines()[1].startswith("Version: ")


def test_error_codes_say_what_kind_of_failure_it_is(hsm, keys):
    def code_of(identifier, env):
        status, out, err = call_plugin("describe-key", {"contractVersion": "1.0", "keyId": identifier}, env)
        assert (status, out) == (1, b"")
        return json.loads(err)["errorCode"]

    keys("ec256")
    env = hsm.cli_env("user")
    assert code_of(f"{hsm.url}/keys/absent", env) == "VALIDATION_ERROR"
    assert code_of("nonsense//", env) == "VALIDATION_ERROR"
    assert code_of(key_id(hsm, "ec256"), hsm.cli_env("nobody")) == "ACCESS_DENIED"
    nobody = {k: v for k, v in env.items() if k in ("HALLMARK_CA",)}
    assert code_of(key_id(hsm, "ec256"), nobody) == "ACCESS_DENIED"
    host = hsm.netloc.split(":")[0]
    assert code_of(f"https://{host}:1/keys/a", {**env, "HALLMARK_URL": f"https://{host}:1"}) == "ERROR"


def test_a_request_beyond_the_limit_is_refused(hsm):
    code, out, err = call_plugin("describe-key", b" " * ((64 << 20) + 1))
    assert (code, out) == (1, b"") and "longer than" in json.loads(err)["errorMessage"]


def test_the_name_of_the_file_decides_the_capabilities(tmp_path):
    for file, name, capabilities in [
        ("notation-hallmark", "hallmark", {"SIGNATURE_GENERATOR.RAW", "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"}),
        ("notation-hallmark-authority", "hallmark-authority", {"SIGNATURE_GENERATOR.ENVELOPE"}),
        ("notation-other", "other", {"SIGNATURE_GENERATOR.RAW", "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"}),
    ]:
        (tmp_path / file).symlink_to(PLUGIN)
        answer = json.loads(call_plugin("get-plugin-metadata", b"{}", program=tmp_path / file)[1])
        assert (answer["name"], set(answer["capabilities"])) == (name, capabilities)
        assert all(answer[m] for m in ("description", "version", "url")) and answer["supportedContractVersions"] == ["1.0"]


def test_the_verifier_answers_every_check_and_every_attribute(keys, root):
    jwk, chain = keys("ec256")
    der = [base64.b64encode(base64.b64decode("".join(p.split("-----")[0].split()))).decode()
           for p in chain.read_text().split("-----BEGIN CERTIFICATE-----")[1:]]

    def ask(identities=("*",), attributes=None, unprocessed=(), checks=("SIGNATURE_VERIFIER.TRUSTED_IDENTITY",), config=None):
        code, out, _ = call_plugin("verify-signature", {
            "contractVersion": "1.0", "signature": {
                "criticalAttributes": {"contentType": "application/vnd.cncf.notary.payload.v1+json", "signingScheme": "notary.x509",
                                       "expiry": "0001-01-01T00:00:00Z", "extendedAttributes": attributes or {}},
                "unprocessedAttributes": list(unprocessed), "certificateChain": der},
            "trustPolicy": {"trustedIdentities": list(identities), "signatureVerification": list(checks)}, "pluginConfig": config or {}})
        assert code == 0
        return json.loads(out)

    def verdict(**question):
        return ask(**question)["verificationResults"]["SIGNATURE_VERIFIER.TRUSTED_IDENTITY"]

    assert verdict() == {"success": True, "reason": ""}
    assert verdict(identities=[SUBJECT])["success"]
    assert not verdict(identities=["x509.subject: C=US, ST=WA, O=Other"])["success"]
    assert not verdict(identities=[])["success"]
    assert not verdict(identities=["nonsense"])["success"]
    stranger = ask(attributes={"com.example": "x"}, unprocessed=["com.example"])
    assert stranger["processedAttributes"] == ["com.example"]
    assert "com.example" in stranger["verificationResults"]["SIGNATURE_VERIFIER.TRUSTED_IDENTITY"]["reason"]
    own = {"hallmark.key": jwk["kid"], "hallmark.channel": "release"}
    assert ask(attributes=own, unprocessed=list(own))["processedAttributes"] == list(own)
    assert verdict(attributes=own, unprocessed=list(own), config={"key": jwk["kid"], "channel": "release"})["success"]
    assert not verdict(attributes={"hallmark.key": "nonsense"}, unprocessed=["hallmark.key"])["success"]
    assert not verdict(attributes={"hallmark.channel": "prod"}, unprocessed=["hallmark.channel"])["success"]
    assert not verdict(config={"key": jwk["kid"]})["success"]
    both = ask(checks=["SIGNATURE_VERIFIER.TRUSTED_IDENTITY", "SIGNATURE_VERIFIER.REVOCATION_CHECK"])["verificationResults"]
    assert set(both) == {"SIGNATURE_VERIFIER.TRUSTED_IDENTITY", "SIGNATURE_VERIFIER.REVOCATION_CHECK"}
    assert not both["SIGNATURE_VERIFIER.REVOCATION_CHECK"]["success"]
    silent = ask(checks=[], attributes={"com.example": "x"}, unprocessed=["com.example"])
    assert silent == {"verificationResults": {}, "processedAttributes": []}


def test_a_local_key_of_notation_and_the_hsm_are_equals_to_a_verifier(notation, hsm, keys, root, image):
    local, home = ec.generate_private_key(ec.SECP256R1()), Root("root of laptops")
    from cryptography import x509
    from notary import name as subject, pem, usage

    leaf = home._sign(subject("laptop"), local.public_key(), [
        (x509.BasicConstraints(False, None), True), (usage(digital_signature=True), True)])
    notation.add_local_key(local, pem(leaf, home.certificate))
    notation.run("sign", "--key", "local", image, check=True)
    notation.trust(("ca", "a", root.pem))
    assert notation.verify(image).returncode == 1
    _, chain = keys("ec256")
    notation.sign(image, key_id(hsm, "ec256"), env=hsm.cli_env("user"), cert_chain=chain, check=True)
    notation.verify(image, check=True)


# -- what Hallmark keeps and installs ----------------------------------------------------------------------------


def test_plugins_and_chains_of_hallmark_are_all_that_notation_needs(hsm, user, image, tmp_path):
    """`hallmark plugin install` and `hallmark certs issue`: no file is named when signing, whatever the face."""
    notation = Notation(tmp_path / "n")
    user.create_key("notary-kept", **KEYS["ec384"])
    hsm.run("certs", "issue", "notary-kept", "--self-signed", "--subject", "C=US, ST=WA, O=Example, CN=release signer", who="user", check=True)
    pem = json.loads(hsm.run("certs", "show", "notary-kept", "--output", "json", who="user", check=True).stdout)["pem"].encode()
    run_hallmark("plugin", "install", "--for", "notation", env=notation.env(), check=True)
    listed = notation.run("plugin", "ls", check=True).stdout
    assert "SIGNATURE_GENERATOR.RAW" in listed and "SIGNATURE_GENERATOR.ENVELOPE" in listed
    for plugin, kind in [("hallmark", "ca"), ("hallmark-authority", "signingAuthority")]:
        notation.sign(image, key_id(hsm, "kept"), plugin=plugin, env=hsm.cli_env("user"), check=True)
        notation.trust((kind, "kept", pem), identities=[SUBJECT])
        notation.verify(image, check=True)


# -- services that misbehave, and vaults -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def front(hsm, scratch):
    with FaultFront(hsm, scratch / "notation-fronts") as front:
        yield front


@pytest.mark.parametrize("action", [("status", 429, {"Retry-After": "1"}), ("status", 503, {}), "drop-before", "drop-after", "truncate"], ids=str)
def test_a_passing_fault_costs_a_retry_and_nothing_else(notation, front, keys, root, image, action):
    _, chain = keys("ec256")
    front.clear()
    front.fail("POST", r"/sign$", action)
    before = front.count("POST", r"/sign$")
    notation.trust(("ca", "a", root.pem))
    notation.sign(image, f"{front.url}/keys/notary-ec256", env=front.env("user"), cert_chain=chain, check=True)
    notation.verify(image, check=True)
    assert front.count("POST", r"/sign$") == before + 2


@pytest.mark.parametrize("action, code, words", [
    (("status", 429, {"Retry-After": "600"}), "THROTTLED", ["429"]), (("status", 403, {}), "ACCESS_DENIED", ["403"]),
    (("status", 400, {}), "VALIDATION_ERROR", ["400"]), ("wrong-signature", "ERROR", ["does not verify"]), ("wrong-kid", "ERROR", ["although"]),
], ids=lambda v: str(v) if isinstance(v, str) else "")
def test_a_lasting_fault_ends_with_its_own_code_and_no_signature(front, keys, action, code, words):
    _, chain = keys("ec256")
    front.clear()
    front.fail("POST", r"/sign$", action, times=0)
    status, out, err = call_plugin("generate-signature", {
        "contractVersion": "1.0", "keyId": f"{front.url}/keys/notary-ec256", "keySpec": "EC-256", "hashAlgorithm": "SHA-256", "payload": "AQID",
        "pluginConfig": {"cert_chain": str(chain)}}, front.env("user"))
    front.clear()
    document = json.loads(err)
    assert (status, out, document["errorCode"]) == (1, b"", code), document
    for word in words:
        assert word in document["errorMessage"]


def test_a_vault_shaped_service_signs_too(notation, hsm, keys, root, image, scratch, tmp_path):
    _, chain = keys("ec256")
    with VaultFront(hsm, scratch / "notation-vault") as vault:
        env = {**vault.env_with_assertion(tmp_path), "HALLMARK_LEDGER": str(tmp_path / "ledger.jsonl")}
        notation.trust(("ca", "a", root.pem))
        notation.sign(image, f"{vault.url}/keys/notary-ec256", env=env, cert_chain=chain, check=True)
        notation.verify(image, check=True)
        assert len(vault.scopes) == 1, "three processes of the plugin asked for more than one token"
    ledger = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert len(ledger) == 1 and ledger[0]["operation"] == "sign", "the signing side keeps its own ledger when told"


def test_a_lost_answer_is_told_in_the_manifest_of_an_authority(notation, front, keys, image, plain_registry):  # noqa: F811
    _, chain = keys("ec256")
    front.clear()
    front.fail("POST", r"/sign$", "drop-after")
    notation.install("hallmark-authority")
    notation.sign(image, f"{front.url}/keys/notary-ec256", plugin="hallmark-authority", env=front.env("user"), cert_chain=chain, check=True)
    repository, digest = image.split("/", 1)[1].split("@")
    manifest = json.loads(plain_registry.manifest(repository, plain_registry.fallback_entries(repository, digest)[0]["digest"])[0])
    assert manifest["annotations"]["hallmark.sign-attempts"] == "2"
