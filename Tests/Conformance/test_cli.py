"""The command line: sign, verify, trace, the ceremony, and exit codes 0 yes, 1 no, 2 usage, 3 could not decide, 4 remote failure."""

import hashlib
import json
import pathlib
import subprocess
import time

import pytest

import keycheck
from authority import BINARY, Authority, run_hallmark


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "artifact.tar"
    path.write_bytes(b"an artifact\n" * 10_000)
    return path


@pytest.fixture(scope="module")
def signed(hsm, user, artifact):
    user.create_key("cli-key")
    bundle = artifact.parent / "artifact.sigstore.json"
    hsm.run("sign", "blob", artifact, "--key", "cli-key", "--bundle", bundle, who="user", check=True)
    public = artifact.parent / "cli-key.pem"
    public.write_bytes(keycheck.public_pem(user.get("/keys/cli-key/").expect(200).json["key"]))
    return bundle, public


def test_verify_says_yes_with_pem_and_with_the_key_itself(hsm, artifact, signed):
    bundle, public = signed
    for key in (public, f"{hsm.url}/keys/cli-key", "cli-key"):
        done = hsm.run("verify", "blob", artifact, "--bundle", bundle, "--key", key, who="user")
        assert done.returncode == 0, done.stdout + done.stderr


def test_verify_says_no_for_a_changed_file_a_foreign_key_and_a_broken_bundle(hsm, user, artifact, signed, tmp_path):
    bundle, public = signed
    changed = tmp_path / "changed"
    changed.write_bytes(artifact.read_bytes() + b".")
    other = tmp_path / "other.pem"
    other.write_bytes(keycheck.public_pem(user.create_key("cli-other")["key"]))
    assert hsm.run("verify", "blob", changed, "--bundle", bundle, "--key", public).returncode == 1
    assert hsm.run("verify", "blob", artifact, "--bundle", bundle, "--key", other).returncode == 1
    document = json.loads(bundle.read_text())
    import base64

    raw = bytearray(base64.b64decode(document["messageSignature"]["signature"]))
    raw[-1] ^= 1
    document["messageSignature"]["signature"] = base64.b64encode(raw).decode()
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    assert hsm.run("verify", "blob", artifact, "--bundle", broken, "--key", public).returncode == 1


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"mediaType":"x"}', "[" * 100_000], ids=["empty", "object", "text", "type", "deep"])
def test_a_file_that_is_no_bundle_is_never_a_yes(content, hsm, artifact, signed, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text(content)
    done = hsm.run("verify", "blob", artifact, "--bundle", bad, "--key", signed[1])
    assert done.returncode in (1, 2, 3) and done.stderr.strip()


def test_missing_files_and_wrong_usage(hsm, artifact, signed, tmp_path):
    assert hsm.run("verify", "blob", tmp_path / "none", "--bundle", signed[0], "--key", signed[1]).returncode in (2, 3)
    assert hsm.run("verify", "blob").returncode == 2
    assert hsm.run("no-such-command").returncode == 2
    assert hsm.run("sign", "blob", artifact, "--key", "cli-key", "--no-such-flag", who="user").returncode == 2


def test_a_dead_server_is_a_remote_failure(hsm, artifact, tmp_path):
    env = hsm.cli_env("user") | {"HALLMARK_URL": "https://myorg-mhsm.managedhsm.localhost:1"}
    done = run_hallmark("sign", "blob", artifact, "--key", "cli-key", "--bundle", tmp_path / "b", env=env)
    assert done.returncode in (3, 4) and done.stderr.strip() and not (tmp_path / "b").exists()


def test_signing_without_the_right_is_refused_and_says_what_is_missing(hsm, artifact, signed, tmp_path):
    done = hsm.run("sign", "blob", artifact, "--key", "cli-key", "--bundle", tmp_path / "b", who="nobody")
    assert done.returncode in (1, 4) and "keys/" in done.stderr and not (tmp_path / "b").exists(), done.stderr


def test_trace_by_file_digest_and_bundle(hsm, artifact, signed):
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    for what in (artifact, f"sha256:{digest}", signed[0]):
        done = hsm.run("trace", what, "--output", "json", who="admin")
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout
        document = json.loads(text)
        for expected in (digest, "cli-key", hsm.oid("user")):
            assert expected in text, expected
        assert document
    shown = hsm.run("trace", artifact, who="admin")
    assert shown.returncode == 0 and "cli-key" in shown.stdout and "\x1b[" not in shown.stdout


def test_trace_of_something_never_signed_is_not_a_yes(hsm, tmp_path):
    stranger = tmp_path / "stranger"
    stranger.write_bytes(b"never signed")
    assert hsm.run("trace", stranger, who="admin").returncode in (1, 3)


def test_trace_without_the_right_to_read_the_trail_says_so(hsm, artifact, signed):
    done = hsm.run("trace", artifact, who="user")
    assert done.returncode in (1, 3, 4) and (done.stdout + done.stderr).strip()


def test_who_can_and_why(hsm, signed):
    assert hsm.run("access", "list", who="admin").returncode == 0
    done = hsm.run("access", "who-can", "sign", "--key", "cli-key", who="admin")
    assert done.returncode == 0 and hsm.oid("user") in done.stdout, done.stdout + done.stderr


def test_keys_commands(hsm, user):
    assert hsm.run("keys", "create", "cli-made", "--kty", "EC-HSM", "--curve", "P-256", who="user").returncode == 0
    listed = hsm.run("keys", "list", "--output", "json", who="user")
    assert listed.returncode == 0 and "cli-made" in listed.stdout
    user.get("/keys/cli-made/").expect(200)


def test_custodian_keygen_refuses_one_path_for_all(tmp_path):
    done = run_hallmark("custodian", "keygen", "--out", tmp_path / "all", "--count", "3")
    assert done.returncode != 0
    done = run_hallmark("custodian", "keygen", "--out", tmp_path / "all", "--count", "3", "--i-understand-this-defeats-the-quorum")
    assert done.returncode == 0, done.stderr
    keys = [p for p in (tmp_path / "all").rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()]
    assert len(keys) == 3 and all(p.stat().st_mode & 0o077 == 0 for p in keys)


def test_domain_inspect(hsm):
    done = hsm.run("domain", "inspect", hsm.env["HALLMARK_DOMAIN_FILE"])
    assert done.returncode == 0 and "2" in done.stdout and "3" in done.stdout


def test_dev_up_is_quick_private_and_idempotent(scratch):
    directory = scratch / "quick"
    authority = Authority(directory)
    started = time.monotonic()
    authority.up()
    elapsed = time.monotonic() - started
    assert elapsed < 2, f"{elapsed:.2f} s"
    try:
        for path in directory.rglob("*"):
            if path.is_file() and (path.name == "env" or b"PRIVATE KEY" in path.read_bytes()[:4096]):
                assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"
        shown = subprocess.run(["sh", "-c", ". ./env && echo $HALLMARK_URL $ADMIN_OID"], cwd=directory, capture_output=True, text=True)
        assert shown.stdout.split() == [authority.url, authority.oid("admin")]
        bundle = authority.wire("user").create_key("kept")
    finally:
        authority.down()
    authority.up()  # the same HSM again
    try:
        assert authority.wire("user").get("/keys/kept/").expect(200).json["key"]["n" if "n" in bundle["key"] else "x"] == bundle["key"].get("n", bundle["key"].get("x"))
    finally:
        authority.down()


def test_seed_file(scratch, tmp_path):
    seed = tmp_path / "seed.yaml"
    seed.write_text("keys:\n  - name: seeded\n    kty: EC-HSM\n    crv: P-384\n")
    authority = Authority(scratch / "seeded", flags=["--seed", seed]).up()
    try:
        assert authority.wire("user").get("/keys/seeded/").expect(200).json["key"]["crv"] == "P-384"
    finally:
        authority.down()


def test_help_names_every_command():
    shown = run_hallmark("--help")
    assert shown.returncode == 0
    for command in ("serve", "init", "dev", "keys", "sign", "verify", "trace", "audit", "access", "identity", "custodian", "domain"):
        assert command in shown.stdout, command
