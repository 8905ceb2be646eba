"""cosign 3.1 with its key in the HSM, through `sigstore-kms-hallmark` and, as the same program, `sigstore-kms-azurekms`."""

import base64
import datetime
import hashlib
import json
import os
import stat
import subprocess
import time

import pytest

import keycheck
from authority import BINARY, Authority, free_port
from faults import FaultFront, VaultFront
from registry import plain_registry  # noqa: F401

SCHEMES = ["hallmark", "azurekms"]
KEYS = {
    "ecdsa-sha2-256-nistp256": {"kty": "EC-HSM", "crv": "P-256"},
    "ecdsa-sha2-384-nistp384": {"kty": "EC-HSM", "crv": "P-384"},
    "ecdsa-sha2-512-nistp521": {"kty": "EC-HSM", "crv": "P-521"},
    "rsa-sign-pkcs1-2048-sha256": {"kty": "RSA-HSM", "key_size": 2048},
    "rsa-sign-pkcs1-3072-sha256": {"kty": "RSA-HSM", "key_size": 3072},
    "rsa-sign-pkcs1-4096-sha256": {"kty": "RSA-HSM", "key_size": 4096},
}
# cosign loads key files with SHA-256 unless told otherwise.
FILE_HASH = {"ecdsa-sha2-384-nistp384": "sha384", "ecdsa-sha2-512-nistp521": "sha512"}
SIGNING_CONFIG = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}
TRUSTED_ROOT = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}


class Cosign:
    """cosign with both plugins on PATH, a home of its own and the environment of one principal."""

    def __init__(self, program, folder, plugin, variables):
        self.program, self.folder = program, folder
        self.home, self.bin = folder / "home", folder / "bin"
        self.home.mkdir(parents=True)
        self.bin.mkdir()
        for scheme in SCHEMES:
            (self.bin / f"sigstore-kms-{scheme}").symlink_to(plugin)
        (folder / "config.json").write_text(json.dumps(SIGNING_CONFIG))
        (folder / "root.json").write_text(json.dumps(TRUSTED_ROOT))
        self.blob = folder / "artifact.bin"
        self.blob.write_bytes(bytes(range(256)) * 1000)
        self.env = {**variables, "HOME": str(self.home), "PATH": f"{self.bin}:/usr/bin:/bin"}
        self.signing = ["--signing-config", folder / "config.json", "--trusted-root", folder / "root.json", "--yes"]

    @property
    def cache(self):
        return self.home / ".cache/hallmark"

    def run(self, *arguments, env=None, timeout=60):
        return subprocess.run(
            [str(a) for a in [self.program, *arguments]], cwd=self.folder, env={**self.env, **(env or {})}, capture_output=True, text=True,
            timeout=timeout, stdin=subprocess.DEVNULL)

    def ok(self, *arguments, **options):
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done

    def refused(self, *arguments, **options):
        """The error text of a command that must fail."""
        done = self.run(*arguments, **options)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def plugin(self, method, argument, resource, stdin=b"", scheme="hallmark", env=None, **initial):
        """Calls the plugin as cosign does: (answer, exit status)."""
        request = {"initOptions": {"protocolVersion": "v1", "keyResourceID": resource, "hashFunc": 5, "rpcOptions": {}, **initial}, "methodName": method, method: argument}
        done = subprocess.run(
            [self.bin / f"sigstore-kms-{scheme}", "v1", json.dumps(request)], env={**self.env, **(env or {})}, input=stdin, capture_output=True, timeout=60)
        assert done.stdout.count(b"\n") == 1 and done.stdout.endswith(b"\n"), done
        return json.loads(done.stdout), done.returncode


@pytest.fixture(scope="module")
def plugin():
    path = BINARY.parent / "sigstore-kms-hallmark"
    assert path.exists(), f"{path} does not exist: run `make build`"
    return path


@pytest.fixture
def tool(cosign, tmp_path, plugin, hsm):
    variables = {"HALLMARK_TOKEN": hsm.token("user"), **{k: hsm.env[k] for k in ("HALLMARK_URL", "HALLMARK_CA")}}
    return Cosign(cosign, tmp_path / "cosign", plugin, variables)


def message_options(message, name="sha256"):
    return {"rpcOptions": {}, "messageOptions": {"digest": base64.b64encode(hashlib.new(name, message).digest()).decode()}}


# -- keys and blobs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_cosign_makes_a_key_signs_a_file_and_verifies_it(tool, hsm, user, name, scheme):
    uri = f"{scheme}://{hsm.netloc}/keys/{name}"
    tool.ok("generate-key-pair", "--kms", uri)
    made = user.get(f"/keys/{name}").expect(200).json["key"]
    assert (made["kty"], made["crv"], sorted(made["key_ops"])) == ("EC-HSM", "P-256", ["sign", "verify"])
    assert (tool.folder / "cosign.pub").read_bytes().strip() == keycheck.public_pem(made).strip()
    assert tool.ok("public-key", "--key", uri).stdout.encode().strip() == keycheck.public_pem(made).strip()
    tool.ok("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob)
    for key in ("cosign.pub", uri, uri.replace("/keys/", "/"), f"{uri}/{made['kid'].rsplit('/', 1)[1]}"):
        assert "Verified OK" in tool.ok("verify-blob", "--key", key, "--bundle", "b.json", "--insecure-ignore-tlog", tool.blob).stderr
    assert "the signature is not by" in tool.refused("verify-blob", "--key", uri, "--bundle", "b.json", "--insecure-ignore-tlog", tool.folder / "root.json")
    assert hsm.run("verify", "blob", tool.blob, "--bundle", tool.folder / "b.json", "--key", tool.folder / "cosign.pub").returncode == 0


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_kind_of_key_signs_files_as_far_as_cosign_can(tool, hsm, user, name, algorithm):
    uri = f"hallmark://{hsm.netloc}/{name}"
    tool.ok("generate-key-pair", "--kms", uri, env={"HALLMARK_NEW_KEY_ALGORITHM": algorithm})
    made = user.get(f"/keys/{name}").expect(200).json["key"]
    assert made["kty"] == KEYS[algorithm]["kty"] and made.get("crv") == KEYS[algorithm].get("crv")
    tool.ok("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob)
    tool.ok("verify-blob", "--key", uri, "--bundle", "b.json", "--insecure-ignore-tlog", tool.blob)
    options = ["--signature-digest-algorithm", FILE_HASH[algorithm]] if algorithm in FILE_HASH else []
    tool.ok("verify-blob", "--key", "cosign.pub", "--bundle", "b.json", "--insecure-ignore-tlog", *options, tool.blob)
    assert hsm.run("verify", "blob", tool.blob, "--bundle", tool.folder / "b.json", "--key", tool.folder / "cosign.pub").returncode == 0


def test_making_a_key_twice_makes_no_second_version(tool, hsm, user, name):
    uri = f"hallmark://{hsm.netloc}/{name}"
    tool.ok("generate-key-pair", "--kms", uri)
    first = (tool.folder / "cosign.pub").read_bytes()
    (tool.folder / "cosign.pub").unlink()
    tool.ok("generate-key-pair", "--kms", uri)
    assert (tool.folder / "cosign.pub").read_bytes() == first
    assert len(user.get(f"/keys/{name}/versions").expect(200).json["value"]) == 1
    (tool.folder / "cosign.pub").unlink()
    assert "exists already and is EC P-256" in tool.refused("generate-key-pair", "--kms", uri, env={"HALLMARK_NEW_KEY_ALGORITHM": "rsa-sign-pkcs1-3072-sha256"})


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme, algorithm", [
    *((s, "ecdsa-sha2-256-nistp256") for s in SCHEMES), *(("hallmark", a) for a in KEYS if a not in ("ecdsa-sha2-256-nistp256", "rsa-sign-pkcs1-4096-sha256"))])
def test_cosign_signs_and_attests_images(tool, hsm, name, plain_registry, scheme, algorithm):  # noqa: F811
    uri = f"{scheme}://{hsm.netloc}/keys/{name}"
    tool.ok("generate-key-pair", "--kms", uri, env={"HALLMARK_NEW_KEY_ALGORITHM": algorithm})
    options = ["--signature-digest-algorithm", FILE_HASH[algorithm]] if algorithm in FILE_HASH else []
    image = f"{plain_registry.host}/{name.lower()}@{plain_registry.push_image(name.lower(), 'v1', name.encode())['digest']}"
    tool.ok("sign", "--key", uri, *tool.signing, "-a", "env=test", image)
    for key in ([uri], ["cosign.pub", *options]):
        tool.ok("verify", "--key", *key, "--insecure-ignore-tlog", "-a", "env=test", image)
    predicate = tool.folder / "predicate.json"
    predicate.write_text(json.dumps({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "n", "dataLicense": "CC0-1.0", "documentNamespace": "https://h/n", "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: t"]}, "packages": []}))
    tool.ok("attest", "--key", uri, *tool.signing, "--type", "spdxjson", "--predicate", predicate, image)
    for key in ([uri], ["cosign.pub", *options]):
        tool.ok("verify-attestation", "--key", *key, "--insecure-ignore-tlog", "--type", "spdxjson", image)
    assert tool.run("verify-attestation", "--key", uri, "--insecure-ignore-tlog", "--type", "cyclonedx", image).returncode != 0


def test_another_key_does_not_verify_an_image(tool, hsm, user, name, plain_registry):  # noqa: F811
    for key in (name, f"other-{name}"):
        user.create_key(key, crv="P-256")
    image = f"{plain_registry.host}/{name.lower()}@{plain_registry.push_image(name.lower(), 'v1', name.encode())['digest']}"
    tool.ok("sign", "--key", f"hallmark://{hsm.netloc}/{name}", *tool.signing, image)
    tool.refused("verify", "--key", f"hallmark://{hsm.netloc}/other-{name}", "--insecure-ignore-tlog", image)


# -- one version -------------------------------------------------------------------------------------------------------


def test_a_rotation_does_not_tear_one_signature_apart(tool, hsm, user, name):
    """cosign reads the public key, signs, and reads it again in separate processes: all speak of one version."""
    old = user.create_key(name, crv="P-256")["key"]
    resource = f"{hsm.netloc}/keys/{name}"
    before, _ = tool.plugin("publicKey", {"publicKeyOptions": {"rpcOptions": {}}}, resource)
    user.create_key(name, crv="P-256")
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(b"m")}, resource, b"m")
    assert status == 0
    assert base64.b64decode(before["publicKey"]["publicKeyPEM"]).strip() == keycheck.public_pem(old).strip()
    keycheck.public_key(old).verify(base64.b64decode(answer["signMessage"]["signature"]), b"m", *_ecdsa("sha256"))
    after, _ = tool.plugin("publicKey", {"publicKeyOptions": {}}, resource)
    assert after == before


def test_without_a_cache_the_newest_version_signs(tool, hsm, user, name):
    user.create_key(name, crv="P-256")
    resource, off = f"{hsm.netloc}/{name}", {"HALLMARK_NO_CACHE": "1"}
    before, _ = tool.plugin("publicKey", {}, resource, env=off)
    new = user.create_key(name, crv="P-256")["key"]
    after, _ = tool.plugin("publicKey", {}, resource, env=off)
    assert before != after and base64.b64decode(after["publicKey"]["publicKeyPEM"]).strip() == keycheck.public_pem(new).strip()
    assert not tool.cache.exists()


def test_a_named_version_is_the_one_that_signs(tool, hsm, user, name):
    old = user.create_key(name, crv="P-256")["key"]
    user.create_key(name, crv="P-256")
    version = old["kid"].rsplit("/", 1)[1]
    for resource, options in ((f"{hsm.netloc}/keys/{name}/{version}", {}), (f"hallmark://{hsm.netloc}/{name}", {"keyVersion": version})):
        answer, status = tool.plugin("signMessage", {"signOptions": {**message_options(b"m"), "rpcOptions": options}}, resource, b"m")
        assert status == 0, answer
        keycheck.public_key(old).verify(base64.b64decode(answer["signMessage"]["signature"]), b"m", *_ecdsa("sha256"))


def _ecdsa(name):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return [ec.ECDSA({"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}[name]())]


# -- the protocol, call by call ----------------------------------------------------------------------------------------


def test_algorithms_are_named(tool):
    assert tool.plugin("defaultAlgorithm", {}, "h/k")[0] == {"defaultAlgorithm": {"defaultAlgorithm": "ecdsa-sha2-256-nistp256"}}
    assert sorted(tool.plugin("supportedAlgorithms", {}, "h/k")[0]["supportedAlgorithms"]["supportedAlgorithms"]) == sorted(KEYS)


@pytest.mark.parametrize("curve, name_of_hash", [("P-256", "sha256"), ("P-384", "sha384"), ("P-521", "sha512")])
def test_the_digest_decides_the_hash_whatever_hash_func_says(tool, hsm, user, name, curve, name_of_hash):
    jwk = user.create_key(name, crv=curve)["key"]
    resource = f"{hsm.netloc}/{name}"
    for options, stdin in ((message_options(b"m", name_of_hash), b"m"), (message_options(b"m", name_of_hash), b""), ({"messageOptions": {"digest": None}}, b"m")):
        answer, status = tool.plugin("signMessage", {"signOptions": options}, resource, stdin)
        assert status == 0, answer
        signature = base64.b64decode(answer["signMessage"]["signature"])
        keycheck.public_key(jwk).verify(signature, b"m", *_ecdsa(name_of_hash))
        ok, _ = tool.plugin("verifySignature", {"signature": answer["signMessage"]["signature"], "verifyOptions": {"messageOptions": {"digest": None}}}, resource, b"m")
        assert ok == {"verifySignature": {}}
    other = "sha512" if name_of_hash == "sha256" else "sha256"
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(b"m", other)}, resource, b"m")
    assert status == 1 and f"the digest is {other}, but key" in answer["errorMessage"]


@pytest.mark.parametrize("name_of_hash", ["sha256", "sha384", "sha512"])
def test_rsa_signs_every_digest_with_pkcs1(tool, hsm, user, name, name_of_hash):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    jwk = user.create_key(name, kty="RSA-HSM", key_size=2048)["key"]
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(b"m", name_of_hash)}, f"{hsm.netloc}/{name}", b"m")
    assert status == 0, answer
    chosen = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}[name_of_hash]()
    keycheck.public_key(jwk).verify(base64.b64decode(answer["signMessage"]["signature"]), b"m", padding.PKCS1v15(), chosen)


def test_a_digest_of_another_message_is_not_signed(tool, hsm, user, name):
    user.create_key(name, crv="P-256")
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(b"other")}, f"{hsm.netloc}/{name}", b"m")
    assert status == 1 and "nothing was signed" in answer["errorMessage"]


@pytest.mark.parametrize("arguments, words", [
    ([], "cosign starts by itself"), (["v2", "{}"], "not \"v2\""), (["v1", "{"], "not a JSON document"), (["v1", "{}"], "initOptions"),
    (["v1", '{"initOptions":{"protocolVersion":"v2"},"methodName":"publicKey"}'], 'protocol version "v2"'),
    (["v1", '{"initOptions":{"protocolVersion":"v1","keyResourceID":"h/k"},"methodName":"decrypt","decrypt":{}}'], "decrypt"),
    (["v1", '{"initOptions":{"protocolVersion":"v1","keyResourceID":"h/k"},"methodName":"publicKey"}'], "publicKey"),
    (["v1", '{"initOptions":{"protocolVersion":"v1","keyResourceID":"not a key"},"methodName":"publicKey","publicKey":{}}'], "write hallmark://"),
])
def test_requests_outside_the_protocol_get_one_line_that_says_why(tool, arguments, words):
    done = subprocess.run([tool.bin / "sigstore-kms-azurekms", *arguments], env=tool.env, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and done.stdout.count("\n") == 1
    assert words in json.loads(done.stdout)["errorMessage"]


def test_a_deadline_that_has_passed_is_honoured(tool, hsm, name):
    answer, status = tool.plugin("publicKey", {"publicKeyOptions": {"rpcOptions": {"ctxDeadline": "2020-01-01T00:00:00Z"}}}, f"{hsm.netloc}/{name}")
    assert status == 1 and "time that the caller allowed" in answer["errorMessage"]


# -- what the user reads -----------------------------------------------------------------------------------------------


def test_a_missing_key_a_missing_right_and_a_disabled_key_reach_the_user(tool, hsm, user, name):
    uri = f"hallmark://{hsm.netloc}/{name}"
    assert "KeyNotFound" in tool.refused("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob)
    user.create_key(name, crv="P-256")
    refused = tool.refused("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob, env={"HALLMARK_TOKEN": hsm.token("nobody")})
    assert "403" in refused and "hallmark access grant" in refused
    tool.ok("public-key", "--key", uri)
    user.patch(f"/keys/{name}", {"attributes": {"enabled": False}}).expect(200)
    refused = tool.refused("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob)
    assert "disabled" in refused.lower() and "next: " in refused
    assert not (tool.folder / "b.json").exists()


def test_an_hsm_that_is_down_and_an_untrusted_one_reach_the_user(tool, hsm, user, name):
    down = tool.refused("public-key", "--key", f"hallmark://localhost:{free_port()}/{name}", env={"HALLMARK_URL": ""})
    assert "no answer from" in down or "no credential" in down
    port = free_port()
    down = tool.refused("public-key", "--key", f"hallmark://localhost:{port}/{name}", env={"HALLMARK_URL": f"https://localhost:{port}"})
    assert "no answer from" in down and "next: check the host and port" in down
    user.create_key(name, crv="P-256")
    untrusted = tool.refused("public-key", "--key", f"hallmark://{hsm.netloc}/{name}", env={"HALLMARK_CA": "/etc/ssl/certs/ca-certificates.crt"})
    assert "not trusted" in untrusted and "HALLMARK_CA" in untrusted


def test_no_credential_is_said_and_no_token_goes_to_another_host(tool, hsm, name):
    without = tool.refused("public-key", "--key", f"hallmark://{hsm.netloc}/{name}", env={"HALLMARK_TOKEN": ""})
    assert "no credential" in without and "set HALLMARK_TOKEN" in without
    # The token in the environment is for HALLMARK_URL; the key names another host.
    other = tool.refused("public-key", "--key", f"hallmark://localhost:{free_port()}/{name}")
    assert "no credential" in other and hsm.token("user")[:40] not in other


# -- what stays on the disk --------------------------------------------------------------------------------------------


@pytest.fixture
def with_profile(tool, hsm):
    """The administrator's own key instead of a token: tokens are fetched, and so can be kept."""
    tool.env = {k: v for k, v in tool.env.items() if k != "HALLMARK_TOKEN"}
    tool.env["HALLMARK_PROFILE"] = str(hsm.directory / "admin")
    return tool


def test_token_and_public_key_are_kept_privately_and_used_again(with_profile, hsm, user, name):
    user.create_key(name, crv="P-256")
    hsm.run("access", "grant", "--role", "Managed HSM Crypto User", "--assignee", hsm.oid("admin"), "--scope", "/keys", who="admin", check=True)
    uri = f"hallmark://{hsm.netloc}/{name}"
    before = os.umask(0)
    try:
        with_profile.ok("public-key", "--key", uri)
    finally:
        os.umask(before)
    files = sorted(with_profile.cache.iterdir())
    assert [f.name.split("-")[0] for f in files] == ["key", "token"]
    assert stat.S_IMODE(with_profile.cache.stat().st_mode) == 0o700
    assert [stat.S_IMODE(f.stat().st_mode) for f in files] == [0o600, 0o600]
    kept = [(f.name, f.read_bytes(), f.stat().st_mtime_ns) for f in files]
    with_profile.ok("public-key", "--key", uri)
    with_profile.ok("sign-blob", "--key", uri, *with_profile.signing, "--bundle", "b.json", with_profile.blob)
    assert [(f.name, f.read_bytes(), f.stat().st_mtime_ns) for f in sorted(with_profile.cache.iterdir())] == kept


@pytest.mark.parametrize("spoil", ["mode", "link", "folder-mode", "garbage", "future", "old", "other-version"])
def test_a_kept_file_that_is_not_beyond_doubt_is_not_used(tool, hsm, user, name, spoil, tmp_path):
    jwk = user.create_key(name, crv="P-256")["key"]
    other = user.create_key(f"other-{name}", crv="P-256")["key"]
    resource = f"{hsm.netloc}/{name}"
    tool.plugin("publicKey", {}, resource)
    (file,) = tool.cache.iterdir()
    forged = json.loads(file.read_text())
    forged["spki"] = "".join(keycheck.public_pem(other).decode().split("\n")[1:-2])
    if spoil == "future":
        forged["stored"] += 3600
    elif spoil == "old":
        forged["stored"] -= 301
    elif spoil == "other-version":
        forged["version"] = "latest"
    file.write_text("{" if spoil == "garbage" else json.dumps(forged))
    if spoil == "mode":
        file.chmod(0o644)
    elif spoil == "folder-mode":
        tool.cache.chmod(0o755)
    elif spoil == "link":
        target = tmp_path / "elsewhere"
        file.rename(target)
        file.symlink_to(target)
    answer, _ = tool.plugin("publicKey", {}, resource)
    assert base64.b64decode(answer["publicKey"]["publicKeyPEM"]).strip() == keycheck.public_pem(jwk).strip()


def test_a_forged_public_key_in_the_cache_cannot_make_a_wrong_signature(tool, hsm, user, name):
    """Even with the right owner and mode: the signature is checked with the key before it is given out."""
    user.create_key(name, crv="P-256")
    other = user.create_key(f"other-{name}", crv="P-256")["key"]
    resource = f"{hsm.netloc}/{name}"
    tool.plugin("publicKey", {}, resource)
    (file,) = tool.cache.iterdir()
    forged = json.loads(file.read_text())
    forged["spki"] = "".join(keycheck.public_pem(other).decode().split("\n")[1:-2])
    file.write_text(json.dumps(forged))
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(b"m")}, resource, b"m")
    assert status == 1 and "does not verify" in answer["errorMessage"]


def test_no_secret_stands_in_an_argument_list(tool, hsm, user, name):
    """A program under the plugin's name records how cosign calls it."""
    user.create_key(name, crv="P-256")
    real = tool.bin / "real"
    (tool.bin / "sigstore-kms-hallmark").rename(real)
    log = tool.folder / "calls"
    (tool.bin / "sigstore-kms-hallmark").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nexec {real} "$@"\n')
    (tool.bin / "sigstore-kms-hallmark").chmod(0o755)
    tool.ok("sign-blob", "--key", f"hallmark://{hsm.netloc}/{name}", *tool.signing, "--bundle", "b.json", tool.blob)
    calls = log.read_text()
    assert calls.count('"signMessage"') >= 1 and calls.count('"publicKey"') >= 2
    assert hsm.token("user") not in calls and "oken" not in calls


def test_a_message_of_many_megabytes_is_hashed_in_pieces(tool, hsm, user, name):
    jwk = user.create_key(name, crv="P-256")["key"]
    message = os.urandom(1 << 20) * 48
    answer, status = tool.plugin("signMessage", {"signOptions": message_options(message)}, f"{hsm.netloc}/{name}", message)
    assert status == 0, answer
    keycheck.public_key(jwk).verify(base64.b64decode(answer["signMessage"]["signature"]), message, *_ecdsa("sha256"))


def test_a_restarted_hsm_is_used_again(cosign, plugin, scratch, tmp_path):
    authority = Authority(scratch / "plugin-restart", port=free_port())
    authority.up()
    try:
        authority.wire("user").create_key("restart", crv="P-256")
        variables = {"HALLMARK_TOKEN": authority.token("user"), **{k: authority.env[k] for k in ("HALLMARK_URL", "HALLMARK_CA")}}
        tool = Cosign(cosign, tmp_path / "cosign", plugin, variables)
        sign = ["sign-blob", "--key", f"hallmark://{authority.netloc}/restart", *tool.signing, "--bundle", "b.json", tool.blob]
        tool.ok(*sign)
        (tool.folder / "b.json").unlink()
        authority.down()
        refused = tool.refused(*sign)
        assert "no answer from" in refused and "attempts" in refused and not (tool.folder / "b.json").exists()
        authority.up()
        tool.ok(*sign, env={"HALLMARK_TOKEN": authority.token("user")})
    finally:
        authority.down()


# -- services that misbehave, and vaults -------------------------------------------------------------------------------


@pytest.fixture
def front(hsm, tmp_path):
    with FaultFront(hsm, tmp_path) as front:
        yield front


@pytest.mark.parametrize("action", [("status", 429, {"Retry-After": "1"}), ("status", 503, {}), "drop-before"])
def test_a_service_that_asks_to_come_again_loses_nothing_and_signs_once(tool, user, name, front, action):
    user.create_key(name, crv="P-256")
    front.fail("POST", r"/sign$", action)
    done = tool.ok("sign-blob", "--key", f"hallmark://{front.netloc}/{name}", *tool.signing, "--bundle", "b.json", tool.blob, env=front.env())
    assert front.count("POST", r"/sign$", forwarded=True) == 1
    if action[1] == 429:
        assert "may have been performed" not in done.stderr


def test_a_lost_answer_means_a_second_signature_and_the_user_is_told(tool, user, name, front):
    user.create_key(name, crv="P-256")
    front.fail("POST", r"/sign$", "drop-after")
    done = tool.ok("sign-blob", "--key", f"hallmark://{front.netloc}/{name}", *tool.signing, "--bundle", "b.json", tool.blob, env=front.env())
    assert front.count("POST", r"/sign$", forwarded=True) == 2
    assert "2 sign requests" in done.stderr and "request id" in done.stderr


@pytest.mark.parametrize("action, words", [("wrong-signature", "does not verify"), ("wrong-kid", "the service signed with"), ("truncate", "")])
def test_a_wrong_answer_gives_no_signature(tool, user, name, front, action, words):
    user.create_key(name, crv="P-256")
    front.fail("POST", r"/sign$", action, times=0)
    refused = tool.refused("sign-blob", "--key", f"hallmark://{front.netloc}/{name}", *tool.signing, "--bundle", "b.json", tool.blob, env=front.env())
    assert words in refused and not (tool.folder / "b.json").exists()


def test_a_deadline_ends_the_wait_for_a_slow_service(tool, user, name, front):
    user.create_key(name, crv="P-256")
    front.fail("*", r"/keys/", ("slow", 20), times=0)
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)).isoformat()
    began = time.monotonic()
    answer, status = tool.plugin("publicKey", {"publicKeyOptions": {"rpcOptions": {"ctxDeadline": soon}}}, f"{front.netloc}/{name}", env=front.env())
    assert status == 1 and "time that the caller allowed" in answer["errorMessage"] and time.monotonic() - began < 5


def test_a_vault_serves_as_well(tool, hsm, user, name, tmp_path):
    with VaultFront(hsm, tmp_path) as vault:
        tool.env = {k: v for k, v in tool.env.items() if not k.startswith("HALLMARK_")} | vault.env_with_assertion(tmp_path)
        user.create_key(name, crv="P-256")
        uri = f"azurekms://{vault.netloc}/{name}"
        tool.ok("sign-blob", "--key", uri, *tool.signing, "--bundle", "b.json", tool.blob)
        tool.ok("verify-blob", "--key", uri, "--bundle", "b.json", "--insecure-ignore-tlog", tool.blob)
        assert set(vault.scopes) == {vault.resource + "/.default"} and len(vault.scopes) == 1  # one token for all processes
        assert vault.token not in "".join(str(e) for e in vault.log)
