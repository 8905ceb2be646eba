"""A service that throttles, fails, drops, delays, truncates and lies: nothing is lost, nothing is signed twice silently, every wait ends."""

import json
import subprocess
import time

import pytest

import keycheck
import trail
from authority import ROOT, run_hallmark
from faults import FaultFront, VaultFront
from registry import plain_registry  # noqa: F401

BOUND_SECONDS = 30
DEBUG_TOOLS = ROOT / ".build/debug"


@pytest.fixture(scope="module")
def front(hsm, scratch):
    with FaultFront(hsm, scratch / "fronts") as front:
        yield front


@pytest.fixture(scope="module")
def vault(hsm, scratch):
    with VaultFront(hsm, scratch / "fronts") as front:
        yield front


@pytest.fixture
def key(front, user, name):
    """A fresh key, so that its audit records are this test's."""
    front.clear()
    bundle = user.create_key(name, crv="P-256", key_ops=["sign", "verify"])
    return name, bundle


@pytest.fixture
def blob(tmp_path):
    path = tmp_path / "artifact.bin"
    path.write_bytes(b"faults" * 1000)
    return path


def performed(hsm, name):
    """How many signatures the service says it made with this key."""
    return len([r for r in trail.records(hsm) if r["operation"] == "sign" and r["key"] == name and r["decision"] == "allow"])


@pytest.fixture(autouse=True)
def bounded():
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 2 * BOUND_SECONDS


def run(hsm, env, *arguments, timeout=BOUND_SECONDS):
    started = time.monotonic()
    done = run_hallmark(*arguments, env=env, timeout=timeout)
    done.seconds = time.monotonic() - started
    return done


# name: (action, times, signatures the service makes, attempts that must be reported, at least so many seconds)
RECOVERS = {
    "429 with Retry-After": (("status", 429, {"Retry-After": "1"}), 2, 1, 1, 2.0),
    "429 with retry-after-ms": (("status", 429, {"retry-after-ms": "300"}), 2, 1, 1, 0.6),
    "429 with x-ms-retry-after-ms": (("status", 429, {"x-ms-retry-after-ms": "300"}), 2, 1, 1, 0.6),
    "429 without a time": (("status", 429), 2, 1, 1, 0.1),
    "503 before the service": (("status", 503), 1, 1, 2, 0.0),
    "503 after it signed": (("status-after", 503), 1, 2, 2, 0.0),
    "500 three times": (("status", 500), 3, 1, 4, 0.0),
    "dropped before the service": ("drop-before", 1, 1, 2, 0.0),
    "dropped after it signed": ("drop-after", 1, 2, 2, 0.0),
    "dropped after it signed, three times": ("drop-after", 3, 4, 4, 0.0),
    "slow": (("slow", 2), 1, 1, 1, 2.0),
    "a truncated answer": ("truncate", 1, 2, 2, 0.0),
}


@pytest.mark.parametrize("case", RECOVERS)
def test_a_fault_that_passes_loses_nothing_and_is_accounted_for(hsm, front, key, blob, cosign, tmp_path, case):
    action, times, made, reported, seconds = RECOVERS[case]
    name, bundle_key = key
    front.fail("POST", r"/sign$", action, times)
    done = run(hsm, front.env(), "sign", "blob", blob, "--key", name, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert seconds <= done.seconds < BOUND_SECONDS
    result = json.loads(done.stdout)["results"][0]
    assert performed(hsm, name) == made == front.count("POST", r"/sign$", forwarded=True)
    assert [s["attempts"] for s in result["signatures"]] == [reported]
    assert reported >= made, "never fewer than were made"
    assert ("may have been performed" in done.stderr) == (reported > 1)
    public = tmp_path / "pub.pem"
    public.write_bytes(keycheck.public_pem(bundle_key["key"]))
    checked = subprocess.run([cosign, "verify-blob", "--key", public, "--bundle", f"{blob}.sigstore.json", "--insecure-ignore-tlog", blob],
                             env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


# name: (action, signatures the service makes, what is said)
FAILS = {
    "429 for ever": (("status", 429), 0, "429"),
    "429 with a wait of an hour": (("status", 429, {"Retry-After": "3600"}), 0, "429"),
    "503 for ever": (("status", 503), 0, "503"),
    "dropped before, for ever": ("drop-before", 0, "no answer"),
    "dropped after, for ever": ("drop-after", 4, "4 of the sign requests may have been performed"),
    "truncated for ever": ("truncate", 4, "4 of the sign requests may have been performed"),
    "another key version signed": ("wrong-kid", 1, "nothing was written"),
    "a signature that is none": ("wrong-signature", 1, "does not verify"),
}


@pytest.mark.parametrize("case", FAILS)
def test_a_fault_that_stays_ends_in_time_writes_nothing_and_says_what_may_have_been_signed(hsm, front, key, blob, tmp_path, case):
    action, made, said = FAILS[case]
    name, _ = key
    ledger = tmp_path / "ledger.jsonl"
    front.fail("POST", r"/sign$", action, 0)
    done = run(hsm, front.env(), "sign", "blob", blob, "--key", name, "--ledger", ledger)
    assert done.returncode == 4, done.stderr
    assert done.seconds < BOUND_SECONDS
    assert said in done.stderr
    assert list(tmp_path.glob("*.sigstore.json")) == []
    assert performed(hsm, name) == made == front.count("POST", r"/sign$", forwarded=True)
    if made == 0 and "429" in case:
        assert "may have been performed" not in done.stderr
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    attempts = [line for line in lines if line.get("operation") == "sign"]
    assert len(attempts) == front.count("POST", r"/sign$"), "the signing side's ledger has every attempt"


def test_a_fault_while_the_key_is_looked_up_costs_no_signature(hsm, front, key, blob):
    name, _ = key
    front.fail("GET", r"/keys/", "drop-before", 1)
    front.fail("GET", r"/keys/", ("status", 503), 1)
    done = run(hsm, front.env(), "sign", "blob", blob, "--key", name)
    assert done.returncode == 0, done.stderr
    assert performed(hsm, name) == 1 and "may have been" not in done.stderr


def test_a_refusal_is_not_tried_again(hsm, front, key, blob):
    name, _ = key
    front.fail("POST", r"/sign$", ("status", 403), 0)
    done = run(hsm, front.env(), "sign", "blob", blob, "--key", name)
    assert done.returncode == 1 and front.count("POST", r"/sign$") == 1 and performed(hsm, name) == 0


def test_an_image_is_signed_through_faults_and_lies_in_the_registry_once(hsm, front, key, plain_registry, tmp_path):  # noqa: F811
    name, _ = key
    digest = plain_registry.push_image("faulty/app", "1")
    digest = digest if isinstance(digest, str) else digest["digest"]
    front.fail("POST", r"/sign$", "drop-after", 1)
    front.fail("POST", r"/sign$", ("status", 429, {"Retry-After": "1"}), 1)
    done = run(hsm, front.env(), "sign", "image", f"{plain_registry.host}/faulty/app:1", "--plain-http", "--key", name, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["signatures"][0]["attempts"] == 2 == performed(hsm, name)
    assert len(plain_registry.signatures("faulty/app", digest)) == 1


def test_a_batch_goes_through_faults_item_by_item(hsm, front, key, tmp_path):
    name, _ = key
    files = [tmp_path / f"f{i}" for i in range(12)]
    for i, path in enumerate(files):
        path.write_bytes(bytes([i]) * 100)
    manifest = tmp_path / "batch.jsonl"
    manifest.write_text("".join(json.dumps({"kind": "blob", "artifact": str(f)}) + "\n" for f in files))
    front.fail("POST", r"/sign$", ("status", 503), 3)
    front.fail("POST", r"/sign$", "drop-after", 2)
    done = run(hsm, front.env(), "sign", "batch", manifest, "--key", name, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / f"{f.name}.sigstore.json").exists() for f in files)
    assert performed(hsm, name) == 12 + 2
    items = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    extra = sum(s["attempts"] - 1 for item in items for r in item["results"] for s in r["signatures"])
    assert extra == 5


# -- a vault's name ---------------------------------------------------------------------------------------------


def test_the_same_client_signs_with_a_vault(hsm, vault, user, name, blob, cosign, tmp_path):
    for kind, options in (("ec", {"crv": "P-256"}), ("rsa", {"kty": "RSA-HSM", "key_size": 2048})):
        key_name = f"{name}-{kind}"
        bundle = user.create_key(key_name, **{"kty": "EC-HSM", **options})
        done = run(hsm, vault.env_with_assertion(tmp_path), "sign", "blob", blob, "--key", f"{vault.url}/keys/{key_name}", "--bundle", tmp_path / f"{kind}.json", "--output", "json")
        assert done.returncode == 0, done.stderr
        assert vault.scopes[-1] == vault.resource + "/.default"
        assert json.loads(done.stdout)["results"][0]["signatures"][0]["kid"].startswith(f"{vault.url}/keys/{key_name}/")
        public = tmp_path / "pub.pem"
        public.write_bytes(keycheck.public_pem(bundle["key"]))
        checked = subprocess.run([cosign, "verify-blob", "--key", public, "--bundle", tmp_path / f"{kind}.json", "--insecure-ignore-tlog", blob],
                                 env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stderr
    shown = run(hsm, vault.env_with_assertion(tmp_path), "keys", "show", f"{name}-ec", "--output", "json")
    assert shown.returncode == 0 and '"EC"' in shown.stdout.replace(" ", "").replace('"kty":', "") or "EC" in shown.stdout, shown.stderr


def test_a_vaults_errors_are_told_in_its_words(hsm, vault, user, name, blob, tmp_path):
    user.create_key(name, crv="P-256")
    env = vault.env_with_assertion(tmp_path)
    missing = run(hsm, env, "sign", "blob", blob, "--key", f"{name}-none")
    assert missing.returncode == 1 and "was not found in this key vault" in missing.stderr
    vault.deny = [r"/sign$"]
    denied = run(hsm, env, "sign", "blob", blob, "--key", name)
    vault.deny = []
    assert denied.returncode == 1 and "Caller is not authorized" in denied.stderr and performed(hsm, name) == 0
    vault.fail("POST", r"/sign$", ("status", 429, {"Retry-After": "1"}), 1)
    done = run(hsm, env, "sign", "blob", blob, "--key", name)
    assert done.returncode == 0 and performed(hsm, name) == 1


def test_a_token_is_not_given_to_a_vault_that_asks_for_another_resource(hsm, vault, user, name, blob, tmp_path):
    user.create_key(name, crv="P-256")
    asked = len(vault.scopes)
    original = VaultFront.resource
    try:
        VaultFront.resource = property(lambda self: "https://vault.azure.net")
        done = run(hsm, vault.env_with_assertion(tmp_path), "sign", "blob", blob, "--key", name)
    finally:
        VaultFront.resource = original
    assert done.returncode != 0 and "not a parent domain" in done.stderr
    assert len(vault.scopes) == asked and performed(hsm, name) == 0


# -- the plugins --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kms_plugin():
    for folder in (ROOT / ".build/release", DEBUG_TOOLS):
        path = folder / "sigstore-kms-hallmark"
        if path.exists():
            return path
    pytest.skip("sigstore-kms-hallmark is not built")


@pytest.mark.parametrize("action, made", [(("status", 429, {"Retry-After": "1"}), 1), ("drop-after", 2), (("status", 503), 1), ("truncate", 2)])
def test_cosign_signs_through_faults_by_the_plugin(hsm, front, key, blob, cosign, kms_plugin, tmp_path, action, made):
    name, bundle_key = key
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sigstore-kms-hallmark").symlink_to(kms_plugin)
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin", **front.env()}
    config, root, bundle = tmp_path / "config.json", tmp_path / "root.json", tmp_path / "b.json"
    config.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}))
    root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))
    front.fail("POST", r"/sign$", action, 1)
    started = time.monotonic()
    done = subprocess.run([cosign, "sign-blob", "--key", f"hallmark://{front.netloc}/keys/{name}", "--signing-config", config, "--trusted-root", root, "--bundle", bundle, "--yes", blob],
                          env=env, capture_output=True, text=True, timeout=BOUND_SECONDS)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < BOUND_SECONDS
    assert performed(hsm, name) == made
    public = tmp_path / "pub.pem"
    public.write_bytes(keycheck.public_pem(bundle_key["key"]))
    checked = subprocess.run([cosign, "verify-blob", "--key", public, "--bundle", bundle, "--insecure-ignore-tlog", blob], env=env, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
