"""Fewer HSM operations: cache, batches, channels and `hallmark cost`, counted in the HSM's own audit trail and judged by cosign."""

import base64
import hashlib
import json
import subprocess

import pytest

import keycheck
import trail
from authority import TOOLS, run_hallmark
from registry import oci_registry, plain_registry  # noqa: F401

COSIGN = TOOLS / "bin" / "cosign"
FILES = 500


class Shop:
    """Two keys, a folder of small files, a cache of its own."""

    def __init__(self, hsm, user, folder):
        self.hsm, self.folder = hsm, folder
        self.public = {}
        for name in ("eco-release", "eco-dev"):
            self.public[name] = folder / f"{name}.pem"
            self.public[name].write_bytes(keycheck.public_pem(user.create_key(name, kty="EC-HSM", crv="P-256")["key"]))
        self.cache = folder / "cache"

    def env(self, **more):
        return {**self.hsm.cli_env("user"), "XDG_CACHE_HOME": str(self.cache), "HOME": str(self.folder), **more}

    def sign(self, *arguments, key="eco-release", check=True, env=None):
        return run_hallmark("sign", *arguments, "--key", key, env=self.env(**(env or {})), check=check, timeout=300)

    def verify(self, *arguments):
        done = run_hallmark("verify", "blob", *arguments, "--output", "json", env={"HOME": str(self.folder)})
        return done.returncode, (json.loads(done.stdout) if done.stdout.strip() else None), done.stderr

    def signs(self):
        return sum(1 for r in trail.records(self.hsm) if r["operation"] == "sign" and r["decision"] == "allow" and r["status"] == 200)

    def files(self, name, count):
        folder = self.folder / name
        folder.mkdir()
        paths = []
        for i in range(count):
            path = folder / f"file-{i}.bin"
            path.write_bytes(f"{name} {i}\n".encode())
            paths.append(path)
        manifest = folder / "manifest.jsonl"
        manifest.write_text("".join(json.dumps({"kind": "blob", "artifact": str(p)}) + "\n" for p in paths))
        return paths, manifest

    def trust(self, name, *keys, rules=""):
        path = self.folder / name
        entries = "".join(
            f"  - name: {key}\n    channel: {channel}\n    pem: |\n" + "".join(f"      {line}\n" for line in self.public[key].read_text().splitlines())
            for key, channel in keys)
        path.write_text(f"schema: hallmark.trust/v1\nkeys:\n{entries}{rules}")
        return path

    def policy(self, name, text):
        path = self.folder / name
        path.write_text("schema: hallmark.signing/v1\n" + text)
        return path


@pytest.fixture(scope="module")
def shop(hsm, user, tmp_path_factory):
    return Shop(hsm, user, tmp_path_factory.mktemp("shop"))


def cosign(shop, command, *arguments):
    root = shop.folder / "root.json"
    root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))
    return subprocess.run([COSIGN, command, *map(str, arguments), "--trusted-root", root, "--insecure-ignore-tlog"],
                          env={"PATH": "/usr/bin:/bin", "HOME": str(shop.folder)}, capture_output=True, text=True, timeout=60)


def test_many_files_cost_one_operation_each_then_none_then_one_for_all(shop):
    paths, manifest = shop.files("many", FILES)
    before = shop.signs()
    first = shop.sign("batch", manifest, "--no-journal", "--output", "json")
    assert json.loads(first.stdout.splitlines()[-1])["hsmOperations"] == FILES
    assert shop.signs() - before == FILES
    for path in paths:
        path.with_name(path.name + ".sigstore.json").unlink()

    again = shop.sign("batch", manifest, "--no-journal", "--output", "json")
    summary = json.loads(again.stdout.splitlines()[-1])
    assert summary["hsmOperations"] == 0 and summary["documents"]["reused"] == FILES
    assert shop.signs() - before == FILES, "the second run asked the HSM for nothing"
    bundle = paths[7].with_name(paths[7].name + ".sigstore.json")
    done = cosign(shop, "verify-blob", "--key", shop.public["eco-release"], "--bundle", bundle, paths[7])
    assert done.returncode == 0, done.stderr

    batch = shop.sign("batch", manifest, "--as", "merkle", "--output", "json")
    assert json.loads(batch.stdout)["hsmOperations"] == 1 and json.loads(batch.stdout)["savedOperations"] == FILES - 1
    assert shop.signs() - before == FILES + 1
    for index in (0, 1, FILES // 2, FILES - 1):
        proof = paths[index].with_name(paths[index].name + ".batch-proof.json")
        code, decision, error = shop.verify(paths[index], "--bundle", proof, "--key", shop.public["eco-release"])
        assert code == 0, error
        assert len(base64.b64decode(json.loads(proof.read_text())["bundle"]["dsseEnvelope"]["payload"])) < 1000


def test_a_statement_with_many_subjects_is_accepted_by_cosign(shop):
    paths, manifest = shop.files("statement", 30)
    before = shop.signs()
    shop.sign("batch", manifest, "--as", "statement")
    assert shop.signs() - before == 1
    bundle = paths[3].with_name(paths[3].name + ".sigstore.json")
    done = cosign(shop, "verify-blob-attestation", "--key", shop.public["eco-release"], "--bundle", bundle, "--type", "https://sigstore.dev/cosign/sign/v1", paths[3])
    assert done.returncode == 0, done.stderr
    code, _, error = shop.verify(paths[3], "--key", shop.public["eco-release"])
    assert code == 0, error
    stranger = shop.folder / "stranger"
    stranger.write_text("not in the batch")
    assert cosign(shop, "verify-blob-attestation", "--key", shop.public["eco-release"], "--bundle", bundle, "--type", "https://sigstore.dev/cosign/sign/v1", stranger).returncode != 0
    assert shop.verify(stranger, "--bundle", bundle, "--key", shop.public["eco-release"])[0] == 1


def _changed(proof, change):
    value = json.loads(proof.read_text())
    change(value)
    target = proof.with_name("changed.json")
    target.write_text(json.dumps(value))
    return target


@pytest.mark.parametrize("what", ["index", "size", "path", "short path", "long path", "digest", "name", "statement"])
def test_a_changed_proof_is_refused(shop, what):
    folder = shop.folder / "proofs"
    if not folder.exists():
        _, manifest = shop.files("proofs", 11)
        shop.sign("batch", manifest, "--as", "merkle")
    path = folder / "file-4.bin"
    proof = folder / "file-4.bin.batch-proof.json"

    def change(value):
        if what == "index":
            value["index"] = 5
        elif what == "size":
            value["size"] = 12
        elif what == "path":
            value["path"][0] = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
        elif what == "short path":
            value["path"].pop()
        elif what == "long path":
            value["path"].append(value["path"][0])
        elif what == "digest":
            value["artifact"]["digest"] = "sha256:" + hashlib.sha256(b"other").hexdigest()
        elif what == "name":
            value["artifact"]["name"] = "another"
        elif what == "statement":
            payload = json.loads(base64.b64decode(value["bundle"]["dsseEnvelope"]["payload"]))
            payload["predicate"]["size"] = 12
            value["size"] = 12
            value["bundle"]["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()

    assert shop.verify(path, "--bundle", proof, "--key", shop.public["eco-release"])[0] == 0
    code, _, _ = shop.verify(path, "--bundle", _changed(proof, change), "--key", shop.public["eco-release"])
    assert code != 0


def test_a_file_built_from_the_two_upper_nodes_is_not_signed_by_the_root(shop):
    paths, manifest = shop.files("nodes", 2)
    shop.sign("batch", manifest, "--as", "merkle")
    proofs = [json.loads(p.with_name(p.name + ".batch-proof.json").read_text()) for p in paths]
    payload = json.loads(base64.b64decode(proofs[0]["bundle"]["dsseEnvelope"]["payload"]))
    root = payload["subject"][0]["digest"]["hallmarkMerkleRoot"]
    # The sibling of each leaf is in the other's proof; their parent is SHA-256(01 || left || right).
    node = b"\x01" + base64.b64decode(proofs[1]["path"][0]) + base64.b64decode(proofs[0]["path"][0])
    assert hashlib.sha256(node).hexdigest() == root
    forged = shop.folder / "forged"
    forged.write_bytes(node)
    bundle = shop.folder / "forged.bundle"
    bundle.write_text(json.dumps(proofs[0]["bundle"]))
    assert shop.verify(forged, "--bundle", bundle, "--key", shop.public["eco-release"])[0] != 0
    assert cosign(shop, "verify-blob-attestation", "--key", shop.public["eco-release"], "--bundle", bundle, "--type", payload["predicateType"], forged).returncode != 0


def test_the_cache_is_private_and_a_poisoned_entry_is_signed_again(shop):
    path = shop.folder / "poisoned.txt"
    path.write_text("poisoned")
    innocent = shop.folder / "innocent.txt"
    innocent.write_text("innocent")
    shop.sign("blob", path, innocent)
    folder = shop.cache / "hallmark" / "signatures"
    assert folder.stat().st_mode & 0o777 == 0o700 and all(f.stat().st_mode & 0o777 == 0o600 for f in folder.iterdir())
    digest = "sha256:" + hashlib.sha256(b"poisoned").hexdigest()
    entry = next(f for f in folder.iterdir() if json.loads(f.read_text())["for"]["artifact"] == digest)
    whole = json.loads(entry.read_text())
    bundle = json.loads(base64.b64decode(whole["document"]["bytes"]))
    other = next(f for f in folder.iterdir() if json.loads(f.read_text())["for"]["artifact"] != digest)

    def poison(change):
        value = json.loads(json.dumps(whole))
        change(value)
        entry.write_text(json.dumps(value))

    changed = json.loads(json.dumps(bundle))
    signature = bytearray(base64.b64decode(changed["messageSignature"]["signature"]))
    signature[-1] ^= 1
    changed["messageSignature"]["signature"] = base64.b64encode(signature).decode()
    cases = [
        lambda v: v["document"].update(bytes=base64.b64encode(json.dumps(changed).encode()).decode()),
        lambda v: v["document"].update(bytes=json.loads(other.read_text())["document"]["bytes"]),
        lambda v: v["for"].update(purpose="dev"),
        lambda v: v.update(extra=1),
    ]
    for case in cases:
        poison(case)
        before = shop.signs()
        done = shop.sign("blob", path)
        assert shop.signs() - before == 1, "signed again"
        assert "signed again" in done.stderr
        assert shop.verify(path, "--key", shop.public["eco-release"])[0] == 0
    for junk in (b"", b"{", b"\xff" * 100):
        entry.write_bytes(junk)
        before = shop.signs()
        shop.sign("blob", path)
        assert shop.signs() - before == 1
    before = shop.signs()
    shop.sign("blob", path)
    assert shop.signs() == before, "and then it is found again"
    shop.sign("blob", path, "--no-cache")
    assert shop.signs() - before == 1


POLICY = """channels:
  dev:
    keys: [eco-dev]
    shortLived: 1h
    refs: ["refs/heads/*"]
  release:
    keys: [eco-release]
    refs: ["refs/tags/v*"]
    cache: {maxAge: 30d}
"""


def test_dev_signs_with_a_short_lived_key_and_never_satisfies_a_release_policy(shop):
    policy = shop.policy("signing.yaml", POLICY)
    paths, manifest = shop.files("dev", 20)
    before = shop.signs()
    done = shop.sign("batch", manifest, "--no-journal", "--signing-policy", policy, "--channel", "dev", "--ref", "refs/heads/main", "--output", "json", key="eco-dev")
    assert json.loads(done.stdout.splitlines()[-1])["hsmOperations"] == 1
    assert shop.signs() - before == 1, "one endorsement for the whole run"
    rules = "rules:\n  - name: all\n    scope: {blobs: true}\n    channel: %s\n    require: {key: eco-dev}\n"
    dev = shop.trust("dev.yaml", ("eco-dev", "dev"), rules=rules % "dev")
    code, decision, error = shop.verify(paths[3], "--policy", dev)
    assert code == 0, (decision, error)
    release = shop.trust("release.yaml", ("eco-dev", "dev"), ("eco-release", "release"),
                         rules="rules:\n  - name: all\n    scope: {blobs: true}\n    require: {key: eco-release}\n")
    assert shop.verify(paths[3], "--policy", release)[0] == 1
    # Without its endorsement the key is nobody's.
    paths[4].with_name(paths[4].name + ".dev-key.json").unlink()
    assert shop.verify(paths[4], "--policy", dev)[0] == 1


@pytest.mark.parametrize("key, arguments, reason", [
    ("eco-release", ["--channel", "release", "--ref", "refs/heads/main"], "may not sign in channel release"),
    ("eco-release", ["--channel", "release"], "asks for a git ref"),
    ("eco-dev", ["--channel", "release", "--ref", "refs/tags/v1"], "not among the keys"),
    ("eco-release", ["--channel", "dev", "--ref", "refs/heads/main"], "not among the keys"),
])
def test_who_may_not_sign_is_told_why_and_costs_nothing(shop, key, arguments, reason):
    policy = shop.policy("signing.yaml", POLICY)
    path = shop.folder / "refused.txt"
    path.write_text("refused")
    before = shop.signs()
    done = shop.sign("blob", path, "--signing-policy", policy, *arguments, key=key, check=False)
    assert done.returncode == 1 and reason in done.stderr, done.stderr
    assert shop.signs() == before


@pytest.mark.parametrize("text", [
    "channels: {}\n",
    "channels:\n  release:\n    keys: [a]\n",
    "channels:\n  release:\n    keys: [a]\n    refs: ['*']\n",
    "channels:\n  dev:\n    keys: [a]\n  release:\n    keys: [a]\n    refs: [refs/tags/v1]\n",
    "channels:\n  dev:\n    keys: [a]\n    shortLived: 48h\n",
    "channels:\n  dev:\n    keys: [a]\n    surprise: 1\n",
])
def test_a_signing_policy_that_cannot_be_meant_is_refused(shop, text):
    policy = shop.policy("bad.yaml", text)
    path = shop.folder / "bad.txt"
    path.write_text("bad")
    done = shop.sign("blob", path, "--signing-policy", policy, check=False)
    assert done.returncode == 2 and "signing policy" in done.stderr, done.stderr


def test_the_same_bytes_are_not_reused_across_purposes(shop):
    policy = shop.policy("signing.yaml", POLICY)
    path = shop.folder / "purposes.txt"
    path.write_text("purposes")
    before = shop.signs()
    shop.sign("blob", path)
    shop.sign("blob", path, "--signing-policy", policy, "--channel", "release", "--ref", "refs/tags/v1")
    assert shop.signs() - before == 2
    shop.sign("blob", path, "--signing-policy", policy, "--channel", "release", "--ref", "refs/tags/v1")
    assert shop.signs() - before == 2
    changed = shop.policy("changed.yaml", POLICY + "# another policy\n")
    shop.sign("blob", path, "--signing-policy", changed, "--channel", "release", "--ref", "refs/tags/v1")
    assert shop.signs() - before == 3


@pytest.mark.parametrize("kind", ["plain_registry", "oci_registry"])
def test_what_already_lies_beside_an_image_is_found_there(shop, request, kind):
    registry = request.getfixturevalue(kind)
    repository = "economy/app"
    pushed = registry.push_image(repository, "v1", content=kind.encode())
    reference = f"{registry.host}/{repository}@{pushed['digest']}"
    elsewhere = {"XDG_CACHE_HOME": str(shop.folder / f"empty-{kind}")}
    before = shop.signs()
    shop.sign("image", reference, "--plain-http")
    shop.sign("image", reference, "--plain-http", env=elsewhere)
    assert shop.signs() - before == 1, "another machine finds it in the registry"
    assert len(registry.signatures(repository, pushed["digest"])) == 1
    shop.sign("image", reference, "--plain-http", "--annotation", "build=8", env=elsewhere)
    assert shop.signs() - before == 2, "another claim is signed"
    shop.sign("image", reference, "--plain-http", key="eco-dev", env=elsewhere)
    assert shop.signs() - before == 3, "and so is another key's"


def test_a_release_stands_on_the_dev_attestation_of_the_same_bytes(shop):
    kind = "https://example.com/test-result/v1"
    rules = f"""rules:
  - name: files
    scope: {{blobs: true}}
    require: {{key: eco-release}}
    promotion: {{require: devAttestation, predicateType: "{kind}", signedBy: {{key: eco-dev}}}}
"""
    trust = shop.trust("promotion.yaml", ("eco-release", "release"), ("eco-dev", "dev"), rules=rules)
    paths, manifest = shop.files("promoted", 2)
    predicate = shop.folder / "result.json"
    predicate.write_text('{"result":"PASSED"}')
    tested = []
    for path in paths:
        bundle = path.with_name(path.name + ".tested.json")
        shop.sign("attestation", path, "--predicate", predicate, "--type", kind, "--bundle", bundle, key="eco-dev")
        tested.append(bundle)

    def verdict(index, *bundles):
        return shop.verify(paths[index], *(part for b in bundles for part in ("--bundle", b)), "--policy", trust)[0]

    one = paths[0].parent / "one.jsonl"
    one.write_text(manifest.read_text().splitlines()[0] + "\n")
    shop.sign("batch", one, "--as", "merkle")
    proof = paths[0].with_name(paths[0].name + ".batch-proof.json")
    assert verdict(0, proof, tested[0]) == 1, "it names nothing"
    shop.sign("batch", one, "--as", "merkle", "--promotes", tested[0])
    assert verdict(0, proof, tested[0]) == 0
    assert verdict(0, proof) == 1, "the attestation must be there"
    assert verdict(0, proof, tested[1]) == 1, "and be about these bytes"
    shop.sign("batch", one, "--as", "statement", "--promotes", tested[0])
    assert verdict(0, paths[0].with_name(paths[0].name + ".sigstore.json"), tested[0]) == 0
    shop.sign("batch", one, "--as", "statement", "--promotes", tested[1])
    assert verdict(0, paths[0].with_name(paths[0].name + ".sigstore.json"), tested[0]) == 1
    done = shop.sign("blob", paths[0], "--promotes", tested[0], check=False)
    assert done.returncode == 2 and "can name the attestation" in done.stderr, done.stderr
    # A policy that demands it refuses before anything is signed.
    policy = shop.policy("demanding.yaml", "channels:\n  release:\n    keys: [eco-release]\n    refs: [\"refs/tags/*\"]\n    promotion: {required: true}\n")
    before = shop.signs()
    done = shop.sign("batch", one, "--as", "merkle", "--signing-policy", policy, "--ref", "refs/tags/v1", check=False)
    assert done.returncode == 1 and "--promotes" in done.stderr and shop.signs() == before, done.stderr
    shop.sign("batch", one, "--as", "merkle", "--signing-policy", policy, "--ref", "refs/tags/v1", "--promotes", tested[0])
    assert verdict(0, proof, tested[0]) == 0


def test_cost_equals_the_audit_trail_and_names_what_was_saved(shop):
    ledger = shop.folder / "ledger.jsonl"
    paths, manifest = shop.files("cost", 12)
    shop.sign("batch", manifest, "--no-journal", "--ledger", ledger)
    shop.sign("batch", manifest, "--no-journal", "--ledger", ledger)
    shop.sign("batch", manifest, "--as", "merkle", "--ledger", ledger)
    records = trail.records(shop.hsm)
    export = shop.folder / "audit.jsonl"
    export.write_text("".join(json.dumps(r) + "\n" for r in records))
    done = run_hallmark("cost", export, ledger, "--output", "json", check=True)
    report = json.loads(done.stdout)
    expected = {}
    for record in records:
        who = record["principal"]["subject"] if record["principal"] else "(nobody)"
        key = (record["operation"], record["key"], who)
        good, bad = expected.get(key, (0, 0))
        ok = 200 <= record["status"] < 300
        expected[key] = (good + ok, bad + (not ok))
    assert {(l["operation"], l["key"], l["identity"]): (l["succeeded"], l["failed"]) for l in report["operations"]} == expected
    assert report["doubleRecords"] == 13, "the ledger's attempts are those of the trail"
    assert report["saved"]["byCache"] == 12 and report["saved"]["byBatch"] == 11
    assert report["unreadableLines"] == 0

    # Azure's shape of the same log, at Azure's hourly price.
    azure = shop.hsm.run("audit", "export", "--format", "azure", who="admin", check=True)
    file = shop.folder / "azure.jsonl"
    file.write_text(azure.stdout)
    report = json.loads(run_hallmark("cost", file, "--since", "2026-01-01T00:00:00Z", "--until", "2030-01-01T01:00:00Z", "--output", "json", check=True).stdout)
    signs = sum(l["succeeded"] for l in report["operations"] if l["operation"] == "sign")
    assert signs >= sum(1 for r in records if r["operation"] == "sign" and r["status"] == 200)
    hours = (4 * 365 + 1) * 24 + 1
    assert report["standing"] == [{"service": "azure-managed-hsm", "price": f"{hours * 3.2:.2f}"}]

    prices = shop.folder / "prices.yaml"
    prices.write_text("schema: hallmark.prices/v1\ncurrency: EUR\nasOf: 2026-03-02\nsource: our agreement\nservices:\n  hallmark:\n    perHour: 0\n    per10kOperations: {advanced: '10000'}\n")
    report = json.loads(run_hallmark("cost", ledger, "--prices", prices, "--output", "json", check=True).stdout)
    assert report["total"] == "13.00" and report["currency"] == "EUR" and report["saved"]["price"] == "23.00"


@pytest.mark.parametrize("text", ["{}", "schema: hallmark.prices/v1\ncurrency: EUR\nasOf: soon\nsource: x\nservices: {}\n",
                                  "schema: hallmark.prices/v1\ncurrency: EUR\nasOf: 2026-03-02\nsource: x\nservices: {hallmark: {perHour: -1}}\n",
                                  "schema: hallmark.prices/v1\ncurrency: EUR\nasOf: 2026-03-02\nsource: x\nservices: {cloud: {perHour: 1}}\n"])
def test_a_bad_price_table_is_refused(shop, text):
    prices = shop.folder / "bad-prices.yaml"
    prices.write_text(text)
    log = shop.folder / "empty.jsonl"
    log.write_text("")
    done = run_hallmark("cost", log, "--prices", prices)
    assert done.returncode == 2 and "price table" in done.stderr, done.stderr
