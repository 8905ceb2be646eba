"""The ceremony of a real HSM: `hallmark init`, `serve`, a quorum of custodians, activation; and what works before it."""

import json
import stat
import uuid

import pytest

import domain
from authority import run_hallmark
from ceremony import Ceremony
from test_activation import az_restore_blob, check_blob, check_format, make_exchange
from wire import Wire

CERTIFICATE_COUNT = 3


@pytest.fixture(scope="module")
def ceremony(scratch):
    folder = scratch / "ceremony"
    folder.mkdir()
    ceremony = Ceremony(folder)
    ceremony.serve()
    yield ceremony
    ceremony.stop()


def test_nothing_has_a_default_password_and_secrets_are_private(ceremony):
    for path in [*ceremony.hsm.rglob("*"), *ceremony.admin.rglob("*")]:
        if path.is_file() and (b"PRIVATE KEY" in path.read_bytes()[:8192] or "key" in path.name and path.suffix != ".pem"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_init_does_not_overwrite(ceremony):
    done = run_hallmark("init", "--dir", ceremony.hsm, "--hsm-name", "again", "--port", ceremony.port, "--admin-dir", ceremony.folder / "other")
    assert done.returncode != 0 and done.stderr


def test_before_activation_only_the_security_domain_calls_work(ceremony):
    wire = ceremony.wire()
    for method, path, body in (
        ("POST", "/keys/k/create", {"kty": "EC"}), ("GET", "/keys", None), ("POST", "/rng", {"count": 4}), ("GET", "/settings", None),
        ("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}), ("GET", "/deletedkeys", None),
        ("PUT", f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", {"properties": {}}),
    ):
        answer = wire.send(method, path, body)
        assert answer.status == 403 and answer.json["error"]["code"], (method, path, answer.status, answer.body[:200])
    wire.get("/securitydomain/download/pending").expect(200)
    assert Wire(ceremony.profile["url"], ceremony.ca, None).get("/keys").status == 401


def test_bad_requests_do_not_activate(ceremony):
    wire = ceremony.wire()
    for body in ({}, {"certificates": [], "required": 2}, {"certificates": [{"x5c": ["AAAA"]}] * 3, "required": 2}):
        wire.post("/securitydomain/download", body).expect(400)
    wire.get("/keys").expect(403)


def test_the_download_activates_and_az_can_read_the_file(ceremony, tmp_path):
    out = [tmp_path / f"safe{i}" for i in range(CERTIFICATE_COUNT)]
    run_hallmark("custodian", "keygen", *[a for o in out for a in ("--out", o)], check=True)
    pairs = [domain.custodians(o)[0] for o in out]
    path = tmp_path / "domain.json"
    run_hallmark("domain", "download", "--profile", ceremony.admin, "--certificate", *[c for _, c in pairs], "--quorum", "2", "--file", path, check=True)
    document = json.loads(path.read_text())
    check_format(document, 2, [c for _, c in pairs])
    key, exchange = make_exchange(tmp_path)
    check_blob(az_restore_blob(tmp_path, path, pairs[1:], exchange), key, exchange, domain.open_domain(document, pairs[:2])[1])
    wire = ceremony.wire()
    # Activated: the administrator still holds no key right, which is now said as such.
    answer = wire.post("/keys/k/create", {"kty": "EC"}).expect(403)
    assert answer.error == "AccessDenied"
    wire.get("/settings").expect(200)


def test_activation_and_rights_survive_a_restart(ceremony):
    wire = ceremony.wire()
    wire.put(f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", {"properties": {
        "roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
        "principalId": ceremony.profile["objectId"]}}).expect(201)
    made = wire.create_key("kept")
    assert made["attributes"]["recoveryLevel"] == "Recoverable+Purgeable" and made["attributes"]["recoverableDays"] == 90
    wire.close()
    ceremony.stop()
    (ceremony.folder / "pid").unlink(missing_ok=True)
    ceremony.serve()
    assert ceremony.wire().get("/keys/kept/").expect(200).json == made
    ceremony.wire().sign("kept", "ES256", b"\1" * 32).expect(200)


def test_the_command_line_works_from_the_profile_alone(ceremony):
    done = run_hallmark("keys", "list", "--profile", ceremony.admin)
    assert done.returncode == 0 and "kept" in done.stdout, done.stderr


def test_serve_refuses_a_folder_without_an_hsm(tmp_path):
    assert run_hallmark("serve", "--dir", tmp_path).returncode not in (0, None)


def test_unknown_configuration_keys_are_errors(ceremony, tmp_path):
    config = tmp_path / "hallmark.yaml"
    config.write_text("listen:\n  prot: 8443\n")
    done = run_hallmark("serve", "--dir", ceremony.hsm, "--config", config)
    assert done.returncode != 0 and "prot" in done.stderr + done.stdout
