"""Azure's object limits (`--strict-limits`, managed-hsm.md §6.1), purge protection, retention, and the passphrase seal."""

import uuid

import pytest

import domain
from authority import run_hallmark
from ceremony import Ceremony

DEV_FLAGS = ["--strict-limits"]
AUTHORIZATION = "/providers/Microsoft.Authorization"
CRYPTO_USER = f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b"


def refused(answer):
    assert 400 <= answer.status < 500 and answer.json["error"]["code"], answer.body
    return answer


def test_a_hundred_versions_of_a_key(user, name):
    for _ in range(100):
        user.create_key(name)
    refused(user.post(f"/keys/{name}/create", {"kty": "EC"}))
    user.sign(name, "ES256", b"\1" * 32).expect(200)


def test_ten_assignments_of_a_key(admin, name):
    def put():
        return admin.put(f"/keys/{name}{AUTHORIZATION}/roleAssignments/{uuid.uuid4()}", {"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": str(uuid.uuid4())}})

    for _ in range(10):
        put().expect(201)
    refused(put())


def test_fifty_assignments_of_the_hsm(admin):
    there = len(admin.get(f"{AUTHORIZATION}/roleAssignments").expect(200).json["value"])
    made = []
    for _ in range(50 - there):
        path = f"{AUTHORIZATION}/roleAssignments/{uuid.uuid4()}"
        admin.put(path, {"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": str(uuid.uuid4())}}).expect(201)
        made.append(path)
    path = f"{AUTHORIZATION}/roleAssignments/{uuid.uuid4()}"
    refused(admin.put(path, {"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": str(uuid.uuid4())}}))
    admin.delete(made[0]).expect(200)
    admin.put(path, {"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": str(uuid.uuid4())}}).expect(201)


def test_fifty_custom_roles(admin):
    def put():
        return admin.put(f"{AUTHORIZATION}/roleDefinitions/{uuid.uuid4()}", {"properties": {"roleName": f"r{uuid.uuid4()}", "permissions": []}})

    for _ in range(50):
        put().expect(201)
    refused(put())


def activated(folder, *flags):
    """An HSM of `hallmark init` with these flags, serving and activated, whose administrator may also use keys."""
    folder.mkdir()
    ceremony = Ceremony(folder, *flags)
    ceremony.serve()
    out = folder / "custodians"
    run_hallmark("custodian", "keygen", "--out", out, "--count", "3", "--i-understand-this-defeats-the-quorum", "--bits", "2048", check=True)
    run_hallmark("domain", "download", "--profile", ceremony.admin, "--certificate", *[c for _, c in domain.custodians(out)], "--quorum", "2",
                 "--file", folder / "domain.json", check=True)
    wire = ceremony.wire()
    for role in ("21dbd100-6940-42c2-9190-5d6cb909625b", "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"):
        wire.put(f"{AUTHORIZATION}/roleAssignments/{uuid.uuid4()}", {"properties": {
            "roleDefinitionId": f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/{role}", "principalId": ceremony.profile["objectId"]}}).expect(201)
    return ceremony, wire


@pytest.mark.parametrize("days,level", [(7, "CustomizedRecoverable"), (90, "Recoverable")])
def test_purge_protection(days, level, scratch):
    ceremony, wire = activated(scratch / f"protected{days}", "--purge-protection", "--retention-days", days)
    try:
        made = wire.create_key("precious")
        assert made["attributes"]["recoveryLevel"] == level and made["attributes"]["recoverableDays"] == days
        deleted = wire.delete("/keys/precious").expect(200).json
        assert deleted["scheduledPurgeDate"] == deleted["deletedDate"] + days * 86400
        refused(wire.delete("/deletedkeys/precious"))
        wire.post("/deletedkeys/precious/recover").expect(200)
    finally:
        wire.close()
        ceremony.stop()


@pytest.mark.parametrize("days", [0, 6, 91, -1])
def test_retention_outside_7_to_90_is_refused(days, tmp_path):
    done = run_hallmark("init", "--dir", tmp_path / "h", "--hsm-name", "short", "--admin-dir", tmp_path / "a", f"--retention-days={days}")
    assert done.returncode != 0 and done.stderr.strip() and not (tmp_path / "h/hsm.json").exists()


def test_the_passphrase_seals(scratch, tmp_path):
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery staple\n")
    secret.chmod(0o600)
    folder = scratch / "sealed"
    folder.mkdir()
    ceremony = Ceremony(folder, "--seal", "passphrase", "--passphrase-file", secret)
    assert run_hallmark("serve", "--dir", ceremony.hsm, timeout=30).returncode != 0  # without the passphrase
    config = ceremony.hsm / "hallmark.yaml"
    wrong = tmp_path / "wrong"
    wrong.write_text("incorrect horse battery staple\n")
    wrong.chmod(0o600)
    config.write_text(f"seal:\n  passphraseFile: {wrong}\n")
    done = run_hallmark("serve", "--dir", ceremony.hsm, timeout=30)
    assert done.returncode != 0 and "passphrase" in done.stderr and "horse" not in done.stderr
    config.write_text(f"seal:\n  passphraseFile: {secret}\n")
    ceremony.serve()
    ceremony.stop()
    assert b"horse" not in b"".join(p.read_bytes() for p in ceremony.hsm.rglob("*") if p.is_file() and p != config)
