"""What `hallmark sign` makes, judged by cosign, sigstore-go and notation; and what it costs, counted in the audit trail."""

import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

import keycheck
import trail
from authority import BINARY, TOOLS, run_hallmark
from faults import FaultFront
from notary import Notation, Root
from registry import docker_config, oci_registry, plain_registry, token_registry, token_server  # noqa: F401
from timestamps import Timestamps

COSIGN, GO_VERIFY = (TOOLS / "bin" / name for name in ("cosign", "sigstore-go-verification"))
KEYS = {
    "sign-p256": {"kty": "EC-HSM", "crv": "P-256"}, "sign-p384": {"kty": "EC-HSM", "crv": "P-384"}, "sign-p521": {"kty": "EC-HSM", "crv": "P-521"},
    "sign-rsa2048": {"kty": "RSA-HSM", "key_size": 2048}, "sign-rsa3072": {"kty": "RSA-HSM", "key_size": 3072},
}
HASH = {"sign-p384": "sha384", "sign-p521": "sha512"}
SPDX = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "app", "documentNamespace": "https://example.com/app",
        "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: t"]}, "packages": []}
CYCLONEDX = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [{"type": "library", "name": "zlib", "version": "1.3"}]}
PROVENANCE = {"buildDefinition": {"buildType": "https://example.com/build/v1", "externalParameters": {"ref": "refs/heads/main"}},
              "runDetails": {"builder": {"id": "https://example.com/builder"}}}


class Judge:
    """cosign without any service, and the public halves of the keys."""

    def __init__(self, folder, user):
        self.folder = folder
        self.jwk, self.public = {}, {}
        for name, attributes in KEYS.items():
            self.jwk[name] = user.create_key(name, **attributes)["key"]
            self.public[name] = folder / f"{name}.pem"
            self.public[name].write_bytes(keycheck.public_pem(self.jwk[name]))
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
        self.root = folder / "root.json"
        self.root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))

    def cosign(self, command, *arguments, key="sign-p256", env=None):
        options = ["--key", self.public[key], "--insecure-ignore-tlog"]
        if key in HASH:
            options += ["--signature-digest-algorithm", HASH[key]]  # cosign does not ask the key
        return subprocess.run([COSIGN, command, *options, *map(str, arguments)], env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def judge(hsm, user, tmp_path_factory):
    return Judge(tmp_path_factory.mktemp("judge"), user)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Nothing of another test, or of the person who runs them, is found in a cache."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))


@pytest.fixture
def sign(hsm):
    def run(*arguments, key="sign-p256", check=True, **options):
        return hsm.run("sign", *arguments, *(["--key", key] if key else []), who="user", check=check, **options)
    return run


def accepted(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done, *texts):
    assert done.returncode != 0, done.stdout
    for text in texts:
        assert text in done.stderr + done.stdout, done.stderr


def operations(hsm):
    """The sign operations that the HSM has performed so far, by digest."""
    return [r["digest"] for r in trail.records(hsm) if r["operation"] == "sign" and r["decision"] == "allow"]


# -- files ------------------------------------------------------------------------------------------------------------

def test_several_files_cost_one_operation_for_each_digest(hsm, sign, judge, tmp_path):
    files = [tmp_path / n for n in ("a", "b", "copy of a")]
    for file, content in zip(files, (b"a", b"b", b"a")):
        file.write_bytes(content + tmp_path.name.encode())
    before = len(operations(hsm))
    result = json.loads(sign("blob", *files, "--output", "json", "--profile").stdout)
    made = operations(hsm)[before:]
    assert len(made) == result["hsmOperations"] == 2
    for file in files:
        accepted(judge.cosign("verify-blob", "--bundle", f"{file}.sigstore.json", file))
        refused(judge.cosign("verify-blob", "--bundle", f"{file}.sigstore.json", judge.root))
    hops = {h["hop"]: h["count"] for h in result["profile"]["hops"]}
    assert hops["hash"] == 3 and hops["HSM"] == 2 and {"token", "certificate", "envelope", "log", "registry"} <= set(hops)
    assert result["profile"]["slowest"] in hops


def test_results_name_the_request_that_the_audit_trail_knows(hsm, sign, tmp_path):
    file, ledger = tmp_path / "file", tmp_path / "ledger.jsonl"
    file.write_bytes(os.urandom(100))
    result = json.loads(sign("blob", file, "--output", "json", "--ledger", ledger).stdout)
    [made] = result["results"][0]["signatures"]
    assert made["attempts"] == 1 and made["checked"]
    [record] = [r for r in trail.records(hsm) if r["requestId"] == made["requestId"]]
    assert record["digest"] == made["digest"] and made["kid"].endswith(record["version"])
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [l["schema"] for l in lines] == ["hallmark.audit/v1", "hallmark.signing/v1"]
    assert {l["requestId"] for l in lines} == {made["requestId"]}
    assert lines[1]["artifactDigest"] == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest() and lines[1]["place"] == f"{file}.sigstore.json"


def test_a_plan_costs_nothing(hsm, sign, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"plan")
    before = len(operations(hsm))
    assert "one HSM operation" in sign("blob", file, "--dry-run").stdout
    assert json.loads(sign("blob", file, "--dry-run", "--output", "json").stdout)["hsmOperations"] == 1
    assert len(operations(hsm)) == before and not (tmp_path / "file.sigstore.json").exists()


@pytest.fixture(scope="module")
def stamps(tmp_path_factory, openssl):
    return Timestamps(tmp_path_factory.mktemp("tsa") / "tsa", openssl)


def sigstore_go(judge, stamps, bundle, artifact, key="sign-p256"):
    """sigstore-go's example program: it wants a time in every bundle, which openssl's authority gives."""
    stamps.stamp(bundle)
    return subprocess.run(
        [GO_VERIFY, "-artifact", artifact, "-publicKey", judge.public[key], "-trustedrootJSONpath", stamps.trusted_root, "-requireTlog=false", "-requireCTlog=false", bundle],
        env=judge.env, capture_output=True, text=True, timeout=60)


def test_sigstore_go_accepts_a_blob_bundle(sign, judge, stamps, tmp_path):
    file, bundle = tmp_path / "file", tmp_path / "file.sigstore.json"
    file.write_bytes(b"for sigstore-go")
    sign("blob", file)
    accepted(sigstore_go(judge, stamps, bundle, file))
    refused(sigstore_go(judge, stamps, bundle, judge.root))
    sign("blob", file, key="sign-p384")
    refused(sigstore_go(judge, stamps, bundle, file))


# -- images -----------------------------------------------------------------------------------------------------------

@pytest.fixture
def image(plain_registry, name):
    """(reference by tag, descriptor) of an image of its own."""
    repository = f"signed/{name.lower()}"
    descriptor = plain_registry.push_image(repository, "v1", content=name.encode())
    return f"{plain_registry.host}/{repository}:v1", descriptor, repository


@pytest.mark.parametrize("key", KEYS)
def test_cosign_accepts_an_image(sign, judge, image, key):
    reference, descriptor, _ = image
    done = sign("image", reference, "--plain-http", "-a", "build=77", key=key)
    assert descriptor["digest"] in done.stderr and "the digest is what is signed" in done.stderr
    out = accepted(judge.cosign("verify", "-a", "build=77", reference, key=key))
    assert descriptor["digest"] in out
    refused(judge.cosign("verify", "-a", "build=78", reference, key=key))
    other = "sign-p256" if key != "sign-p256" else "sign-rsa2048"
    refused(judge.cosign("verify", reference, key=other))


@pytest.mark.parametrize("key", ["sign-p256", "sign-p384", "sign-rsa3072"])
def test_cosign_accepts_the_older_layout(sign, judge, image, plain_registry, key):
    reference, descriptor, repository = image
    sign("image", reference, "--plain-http", "--format", "legacy", "-a", "build=77", key=key)
    assert not plain_registry.signatures(repository, descriptor["digest"]), "only the tag was asked for"
    accepted(judge.cosign("verify", "-a", "build=77", reference, key=key))
    refused(judge.cosign("verify", "-a", "build=78", reference, key=key))
    # A second signature is one more layer; the first stays.
    sign("image", reference, "--plain-http", "--format", "legacy", "-a", "build=78", key=key)
    accepted(judge.cosign("verify", "-a", "build=77", reference, key=key))
    accepted(judge.cosign("verify", "-a", "build=78", reference, key=key))


def test_cosign_accepts_every_manifest_of_an_index(sign, judge, plain_registry, name):
    repository = f"index/{name.lower()}"
    index, images = plain_registry.push_index(repository, "v1", content=name.encode())
    result = json.loads(sign("image", f"{plain_registry.host}/{repository}:v1", "--plain-http", "--recursive", "--output", "json").stdout)
    assert [r["digest"] for r in result["results"]] == [i["digest"] for i in images] + [index["digest"]]
    for descriptor in [index, *images]:
        accepted(judge.cosign("verify", f"{plain_registry.host}/{repository}@{descriptor['digest']}"))
    only = f"{repository}-only"
    index, images = plain_registry.push_index(only, "v1", content=name.encode())
    sign("image", f"{plain_registry.host}/{only}@{index['digest']}", "--plain-http")
    accepted(judge.cosign("verify", f"{plain_registry.host}/{only}:v1"))
    refused(judge.cosign("verify", f"{plain_registry.host}/{only}@{images[0]['digest']}"))


def test_an_image_in_a_registry_with_the_referrers_api(sign, judge, oci_registry, name):
    descriptor = oci_registry.push_image("app", "v1", content=name.encode())
    result = json.loads(sign("image", f"{oci_registry.host}/app:v1", "--plain-http", "--output", "json").stdout)
    [document] = result["results"][0]["documents"]
    assert document["listing"] == "api"
    [listed] = oci_registry.signatures("app", descriptor["digest"])
    assert listed["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert listed["annotations"]["dev.sigstore.bundle.predicateType"] == "https://sigstore.dev/cosign/sign/v1"
    assert document["placedDigest"] == listed["digest"]
    accepted(judge.cosign("verify", f"{oci_registry.host}/app:v1"))


def test_a_registry_that_wants_a_token(sign, judge, token_registry, tmp_path, name):
    repository = f"team/{name.lower()}"
    token_registry.push_image(repository, "v1", content=name.encode())
    reference = f"{token_registry.host}/{repository}:v1"
    password = token_registry.token_server.users["alice"]
    config = docker_config(tmp_path / "docker", **{token_registry.host: f"alice:{password}"})
    refused(sign("image", reference, "--plain-http", "--registry-config", tmp_path / "nothing.json", check=False))
    sign("image", reference, "--plain-http", "--registry-config", f"{config}/config.json")
    accepted(judge.cosign("verify", reference, env={"DOCKER_CONFIG": config}))


def test_signing_twice_leaves_two_signatures_and_says_nothing_false(hsm, sign, judge, image, plain_registry):
    reference, descriptor, repository = image
    before = len(operations(hsm))
    sign("image", reference, "--plain-http", key="sign-p384")
    sign("image", reference, "--plain-http", key="sign-p256")
    assert len(operations(hsm)) == before + 2
    assert len(plain_registry.signatures(repository, descriptor["digest"])) == 2
    for key in ("sign-p384", "sign-p256"):
        accepted(judge.cosign("verify", reference, key=key))


# -- Notary -----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def root():
    return Root("sign test root")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["jws", "cose"])
def test_notation_accepts_an_image(sign, judge, image, plain_registry, root, tmp_path, key, form):
    reference, descriptor, repository = image
    chain = tmp_path / "chain.pem"
    chain.write_bytes(root.chain(judge.jwk[key]))
    sign("image", reference, "--plain-http", "--notary", form, "-a", "build=77", "--certificate-chain", chain, key=key)
    [listed] = plain_registry.signatures(repository, descriptor["digest"])
    assert listed["artifactType"] == "application/vnd.cncf.notary.signature"
    notation = Notation(tmp_path / "notation").trust(("ca", "sign", root.pem))
    by_digest = f"{plain_registry.host}/{repository}@{descriptor['digest']}"
    accepted(notation.run("verify", by_digest, "--user-metadata", "build=77"))
    refused(notation.run("verify", by_digest, "--user-metadata", "build=78"))
    refused(Notation(tmp_path / "stranger").trust(("ca", "other", Root("other").pem)).run("verify", by_digest))


def test_one_call_for_cosign_and_notation(hsm, sign, judge, image, plain_registry, root, tmp_path):
    reference, descriptor, repository = image
    chain = tmp_path / "chain.pem"
    chain.write_bytes(root.chain(judge.jwk["sign-p256"]))
    before = len(operations(hsm))
    result = json.loads(sign(
        "image", reference, "--plain-http", "--format", "bundle", "--format", "legacy", "--format", "notary-jws", "--format", "notary-cose",
        "--certificate-chain", chain, "--output", "json").stdout)
    assert result["hsmOperations"] == 4 == len(operations(hsm)) - before
    assert [d["format"] for d in result["results"][0]["documents"]] == ["bundle", "legacy", "notary-jws", "notary-cose"]
    accepted(judge.cosign("verify", reference))
    accepted(Notation(tmp_path / "notation").trust(("ca", "sign", root.pem)).run("verify", f"{plain_registry.host}/{repository}@{descriptor['digest']}"))


def test_a_chain_that_does_not_fit_costs_no_operation(hsm, sign, judge, image, root, tmp_path):
    reference, _, _ = image
    chain = tmp_path / "chain.pem"
    before = len(operations(hsm))
    chain.write_bytes(root.chain(judge.jwk["sign-p384"]))
    refused(sign("image", reference, "--plain-http", "--notary", "jws", "--certificate-chain", chain, check=False), "another key")
    from cryptography.x509.oid import ExtendedKeyUsageOID

    chain.write_bytes(root.chain(judge.jwk["sign-p256"], purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)))
    refused(sign("image", reference, "--plain-http", "--notary", "jws", "--certificate-chain", chain, check=False))
    chain.write_bytes(root.chain(judge.jwk["sign-p256"], start=-10, end=-5))
    refused(sign("image", reference, "--plain-http", "--notary", "jws", "--certificate-chain", chain, check=False), "expired")
    refused(sign("image", reference, "--plain-http", "--notary", "jws", check=False), "certs")
    assert len(operations(hsm)) == before


def test_a_chain_that_hallmark_keeps_is_found(hsm, sign, judge, image, plain_registry, tmp_path):
    reference, descriptor, repository = image
    subject = "C=US, ST=WA, O=Example, CN=kept"
    hsm.run("certs", "issue", "sign-p384", "--self-signed", "--subject", subject, "--days", "30", "--out", tmp_path / "kept.pem", who="user", check=True)
    sign("image", reference, "--plain-http", "--notary", "cose", key="sign-p384")
    notation = Notation(tmp_path / "notation").trust(("ca", "sign", (tmp_path / "kept.pem").read_bytes()))
    accepted(notation.run("verify", f"{plain_registry.host}/{repository}@{descriptor['digest']}"))


# -- attestations -----------------------------------------------------------------------------------------------------

ATTESTATIONS = {
    "spdx": (["--sbom"], SPDX, "spdxjson"), "cyclonedx": (["--sbom"], CYCLONEDX, "cyclonedx"), "slsa": (["--provenance"], PROVENANCE, "slsaprovenance1"),
    "uri": (["--type", "https://example.com/review/v1", "--predicate"], {"reviewed": True}, "https://example.com/review/v1"),
    "word": (["--type", "openvex", "--predicate"], {"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}, "openvex"),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["referrer", "tag"])
@pytest.mark.parametrize("kind", ATTESTATIONS)
def test_cosign_accepts_an_attestation_of_an_image(sign, judge, image, tmp_path, kind, legacy):
    options, predicate, word = ATTESTATIONS[kind]
    path = tmp_path / "predicate.json"
    path.write_text(json.dumps(predicate, indent=2))
    reference = image[0]
    sign("attestation", reference, *options, path, "--plain-http", *(["--legacy"] if legacy else []))
    out = accepted(judge.cosign("verify-attestation", "--type", word, reference))
    statement = payload(out)
    assert statement["_type"] == "https://in-toto.io/Statement/v1" and statement["predicate"] == predicate
    [subject] = statement["subject"]
    assert subject["name"] == reference.rsplit(":", 1)[0] and subject["digest"] == {"sha256": image[1]["digest"][7:]}
    refused(judge.cosign("verify-attestation", "--type", "vuln", reference))
    refused(judge.cosign("verify-attestation", "--type", word, reference, key="sign-rsa2048"))


def payload(out):
    import base64

    envelope = json.loads(out.splitlines()[0])
    if "dsseEnvelope" in envelope:
        envelope = envelope["dsseEnvelope"]
    return json.loads(base64.b64decode(envelope["payload"]))


@pytest.mark.parametrize("key", KEYS)
def test_an_attestation_of_a_file(sign, judge, stamps, tmp_path, key):
    file, sbom = tmp_path / "file", tmp_path / "sbom.json"
    file.write_bytes(b"a file")
    sbom.write_text(json.dumps(SPDX))
    sign("attest", file, "--sbom", sbom, key=key)
    bundle = tmp_path / "file.sbom.sigstore.json"
    accepted(judge.cosign("verify-blob-attestation", "--type", "spdxjson", "--bundle", bundle, file, key=key))
    refused(judge.cosign("verify-blob-attestation", "--type", "cyclonedx", "--bundle", bundle, file, key=key))
    refused(judge.cosign("verify-blob-attestation", "--type", "spdxjson", "--bundle", bundle, sbom, key=key))
    if key == "sign-p256":  # the example program knows no other hash and crashes on RSA
        accepted(sigstore_go(judge, stamps, bundle, file))


def test_a_large_sbom_is_signed_whole(sign, judge, image, tmp_path):
    """12 MB: no log's limit applies, and cosign reads it back."""
    sbom = tmp_path / "large.json"
    packages = [{"SPDXID": f"SPDXRef-{i}", "name": f"package-{i}", "downloadLocation": "NOASSERTION", "comment": "x" * 100} for i in range(60_000)]
    sbom.write_text(json.dumps({**SPDX, "packages": packages}))
    assert sbom.stat().st_size > 12_000_000
    sign("attestation", image[0], "--sbom", sbom, "--plain-http")
    assert payload(accepted(judge.cosign("verify-attestation", "--type", "spdxjson", image[0], env={"COSIGN_MAX_ATTACHMENT_SIZE": "1GB"})))["predicate"]["packages"][59_999]["name"] == "package-59999"


def test_what_is_no_sbom_is_not_signed_as_one(hsm, sign, image, tmp_path):
    before = len(operations(hsm))
    for content in ("{}", "[]", "no json", json.dumps({**CYCLONEDX, "specVersion": "9"}), '{"bomFormat":"CycloneDX","bomFormat":"CycloneDX"}'):
        path = tmp_path / "sbom.json"
        path.write_text(content)
        done = sign("attestation", image[0], "--sbom", path, "--plain-http", check=False)
        assert done.returncode == 2, done.stderr
    done = sign("attestation", image[0], "--provenance", write(tmp_path / "p.json", {"builder": {}}), "--plain-http", check=False)
    assert done.returncode == 2 and "buildDefinition" in done.stderr
    assert len(operations(hsm)) == before


def write(path, value):
    path.write_text(json.dumps(value))
    return path


# -- usage and refusals -----------------------------------------------------------------------------------------------

def test_usage_is_explained(sign, image, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x")
    cases = [
        (("blob", file, "--key", "no such"), "neither a key name"), (("blob", tmp_path / "absent", "--key", "sign-p256"), "no such file"),
        (("blob", file, file, "--bundle", "b", "--key", "sign-p256"), "one file each"), (("image", image[0], "--format", "signature", "--plain-http", "--key", "sign-p256"), "for files"),
        (("image", "not a reference", "--key", "sign-p256"), "no such file"), (("image", image[0], "-a", "x", "--key", "sign-p256"), "key=value"),
        (("attestation", file, "--key", "sign-p256"), "exactly one of"), (("attestation", file, "--type", "x", "--key", "sign-p256"), "--predicate"),
        (("attestation", file, "--sbom", file, "--legacy", "--key", "sign-p256"), ""), (("blob", file), "no key"),
    ]
    for arguments, text in cases:
        done = sign(*arguments, key=None, check=False)
        assert done.returncode == 2 and text in done.stderr, (arguments, done.stderr)


def test_nothing_is_sent_in_the_clear_unless_asked(sign, image):
    done = sign("image", image[0], check=False)
    assert done.returncode in (2, 4), done.stderr


def test_a_missing_image_is_a_no(sign, plain_registry):
    done = sign("image", f"{plain_registry.host}/none/such:v1", "--plain-http", check=False)
    assert done.returncode == 1 and "nothing at" in done.stderr


# -- batches ----------------------------------------------------------------------------------------------------------

def manifest(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def test_a_batch_of_every_kind(hsm, sign, judge, image, root, tmp_path):
    file, sbom, chain = tmp_path / "file", tmp_path / "sbom.json", tmp_path / "chain.pem"
    file.write_bytes(os.urandom(64))
    sbom.write_text(json.dumps(SPDX))
    chain.write_bytes(root.chain(judge.jwk["sign-p256"]))
    items = [
        {"kind": "blob", "artifact": str(file), "signature": str(tmp_path / "plain.sig"), "formats": ["bundle"]},
        {"kind": "image", "artifact": image[0], "formats": ["bundle", "notary-jws"], "annotations": {"build": "7"}},
        {"kind": "attestation", "artifact": image[0], "sbom": str(sbom)},
        {"kind": "attestation", "artifact": str(file), "provenance": str(write(tmp_path / "provenance.json", PROVENANCE))},
        {"kind": "blob", "artifact": str(tmp_path / "absent")}, {"kind": "cake", "artifact": "x"},
    ]
    before = len(operations(hsm))
    done = sign("batch", manifest(tmp_path / "m.jsonl", items), "--plain-http", "--certificate-chain", chain, "--output", "json", "--profile", check=False)
    *lines, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr
    assert {l["line"]: l["status"] for l in lines} == {1: "signed", 2: "signed", 3: "signed", 4: "signed", 5: "failed", 6: "failed"}
    assert "no such file" in next(l for l in lines if l["line"] == 5)["error"] and "kind" in next(l for l in lines if l["line"] == 6)["error"]
    assert summary["failed"] == 2 and summary["documents"]["signed"] == 6 and summary["hsmOperations"] == 5 == len(operations(hsm)) - before
    assert summary["profile"]["slowest"]
    accepted(judge.cosign("verify-blob", "--bundle", f"{file}.sigstore.json", file))
    accepted(judge.cosign("verify", "-a", "build=7", image[0]))
    accepted(judge.cosign("verify-attestation", "--type", "spdxjson", image[0]))
    accepted(judge.cosign("verify-blob-attestation", "--type", "slsaprovenance1", "--bundle", f"{file}.provenance.sigstore.json", file))
    again = sign("batch", tmp_path / "m.jsonl", "--plain-http", "--certificate-chain", chain, "--output", "json", check=False)
    summary = json.loads(again.stdout.splitlines()[-1])
    assert summary["documents"] == {"signed": 0, "reused": 0, "doneBefore": 6} and summary["hsmOperations"] == 0


def test_standard_input_and_text(hsm, sign, tmp_path):
    files = [tmp_path / str(i) for i in range(3)]
    for file in files:
        file.write_bytes(os.urandom(10))
    lines = "".join(json.dumps({"kind": "blob", "artifact": str(f)}) + "\n" for f in files)
    out = sign("batch", "-", "--jobs", "2", input=lines).stdout
    assert out.count("signed ") >= 3 and "3 items, 0 failed" in out
    assert sign("batch", "-", input="", check=False).returncode == 2
    out = sign("--batch", write(tmp_path / "m.jsonl", {"kind": "blob", "artifact": str(files[0])})).stdout
    assert "1 item, 0 failed" in out and "HSM operations: 0" in out, "found in the cache"
    assert sign(check=False).returncode == 2 and sign("batch", "-", "--batch", "-", input=lines, check=False).returncode == 2


def test_a_killed_batch_goes_on_where_it_stopped(hsm, judge, tmp_path):
    count, jobs = 200, 4
    files = [tmp_path / f"f{i}" for i in range(count)]
    for file in files:
        file.write_bytes(os.urandom(32))
    digests = {"sha256:" + hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    path = manifest(tmp_path / "m.jsonl", [{"kind": "blob", "artifact": str(f)} for f in files])
    journal = tmp_path / "m.jsonl.journal"
    command = [BINARY, "sign", "batch", path, "--key", "sign-p256", "--jobs", str(jobs), "--output", "json"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")} | hsm.cli_env("user")
    runs = 0
    for target in (40, 110):
        process = subprocess.Popen([str(c) for c in command], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and sum(1 for _ in tmp_path.glob("*.sigstore.json")) < target:
            time.sleep(0.002)
        assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        runs += 1
    journal_lines = journal.read_text().splitlines()
    # Killed between a file and its line in the journal: the file is recognised.
    assert target - jobs <= sum('"placed"' in l for l in journal_lines) < count
    done = subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["failed"] == 0 and sum(summary["documents"].values()) == count and summary["documents"]["doneBefore"] >= 110
    made = [d for d in operations(hsm) if d in digests]
    assert set(made) == digests
    # What was under way when a run was killed is asked for again, and said; nothing else is.
    twice = len(made) - count
    assert 0 <= twice <= runs * jobs
    assert done.stderr.count("an earlier run asked for a signature") <= runs * jobs
    for file in files[::20]:
        accepted(judge.cosign("verify-blob", "--bundle", f"{file}.sigstore.json", file))
    done = hsm.run("verify", "blob", *files, "--key", judge.public["sign-p256"])
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("trusted ") for line in done.stdout.splitlines()) == count
    # A changed file is signed; a lost bundle and one that somebody changed are put back from the cache; the rest is left alone.
    files[0].write_bytes(b"new content" + os.urandom(8))
    (tmp_path / "f1.sigstore.json").unlink()
    (tmp_path / "f2.sigstore.json").write_text("{}")
    summary = json.loads(subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, timeout=120).stdout.splitlines()[-1])
    assert summary["documents"] == {"signed": 1, "reused": 2, "doneBefore": count - 3}
    for file in files[:3]:
        accepted(judge.cosign("verify-blob", "--bundle", f"{file}.sigstore.json", file))
    # Another key version is another signature.
    hsm.wire("user").create_key("sign-p256", **KEYS["sign-p256"])
    summary = json.loads(subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, timeout=120).stdout.splitlines()[-1])
    assert summary["documents"]["signed"] == count


def test_a_retried_sign_request_is_shown(hsm, sign, judge, tmp_path):
    """A front that performs the request and loses the answer: the second request is one too, and both are told."""
    file = tmp_path / "file"
    file.write_bytes(os.urandom(16))
    before = len(operations(hsm))
    with FaultFront(hsm, tmp_path / "front") as front:
        front.fail("POST", r"/sign$", "drop-after", times=1)
        done = run_hallmark(
            "sign", "blob", file, "--key", "sign-p256", "--output", "json", "--ledger", tmp_path / "ledger", env=front.env("user"), check=True)
    made = json.loads(done.stdout)["results"][0]["signatures"][0]
    assert made["attempts"] == 2 == len(operations(hsm)) - before
    assert "2 sign requests may have been performed" in done.stderr
    lines = [json.loads(l) for l in (tmp_path / "ledger").read_text().splitlines()]
    assert [l["schema"] for l in lines] == ["hallmark.audit/v1"] * 2 + ["hallmark.signing/v1"] and lines[2]["attempts"] == 2


def test_two_runs_do_not_share_a_journal(sign, tmp_path):
    import fcntl

    file = tmp_path / "f"
    file.write_bytes(b"x")
    path = manifest(tmp_path / "m.jsonl", [{"kind": "blob", "artifact": str(file)}])
    with open(tmp_path / "m.jsonl.journal", "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = sign("batch", path, check=False)
        assert done.returncode == 2 and "another run" in done.stderr
    (tmp_path / "m.jsonl.journal").write_text("rubbish\n{}\n")
    assert sign("batch", path, check=False).returncode == 2
    sign("batch", path, "--no-journal")
