"""One durable record for each answer, with the digest and the permitting role assignment (guard-formats.md §6)."""

import hashlib
import json
import uuid

import pytest

import sdk
import trail
from wire import b64u, version_of


def only(records, answer):
    found = [r for r in records if r["requestId"] == answer.header("x-ms-request-id")]
    assert len(found) == 1, f"{len(found)} records of request {answer.header('x-ms-request-id')}"
    return found[0]


def test_a_signature_leaves_one_complete_record(hsm, user, admin, name):
    bundle = user.create_key(name)
    digest, mine = hashlib.sha256(b"artifact").digest(), str(uuid.uuid4())
    answer = user.post(f"/keys/{name}/sign", {"alg": "ES256", "value": b64u(digest)}, headers={"x-ms-client-request-id": mine}).expect(200)
    record = only(trail.records(hsm), answer)
    assert set(record) == trail.MEMBERS
    assert record["schema"] == "hallmark.audit/v1" and record["operation"] == "sign" and record["decision"] == "allow" and record["status"] == 200
    assert record["key"] == name and record["version"] == version_of(bundle) and record["kid"] == bundle["key"]["kid"]
    assert record["algorithm"] == "ES256" and record["digest"] == "sha256:" + digest.hex() and record["clientRequestId"] == mine
    assert record["principal"]["objectId"] == hsm.oid("user") and record["engine"] == "software" and record["store"] == hsm.hsm_name
    grants = admin.get("/providers/Microsoft.Authorization/roleAssignments").expect(200).json["value"]
    assert record["assignment"] in [g["name"] for g in grants if g["properties"]["principalId"] == hsm.oid("user")]
    assert record["callerAddress"] and isinstance(record["durationMs"], int) and record["reason"] is None


def test_refusals_are_recorded_with_their_reason(hsm, user, nobody, name):
    user.create_key(name, key_ops=["verify"])
    denied = nobody.sign(name, "ES256", b"\1" * 32).expect(403)
    forbidden = user.sign(name, "ES256", b"\1" * 32)
    token = user.get("/keys", token=hsm.token("user")[:-4] + "AAAA")
    assert token.status == 401
    records = trail.records(hsm)
    record = only(records, denied)
    assert record["decision"] == "deny" and record["reason"] and record["assignment"] is None and record["principal"]["objectId"] == hsm.oid("nobody") and record["status"] == 403
    record = only(records, forbidden)
    assert record["decision"] == "deny" and record["reason"] and record["status"] == forbidden.status
    record = only(records, token)
    assert record["decision"] == "deny" and record["status"] == 401 and not (record["principal"] or {}).get("objectId")


def test_the_token_never_reaches_the_record(hsm, user):
    user.get("/keys").expect(200)
    text = json.dumps(trail.records(hsm))
    for who in ("admin", "officer", "user", "nobody"):
        assert hsm.token(who) not in text and hsm.token(who).rsplit(".", 1)[1] not in text


def test_every_kind_of_request_leaves_its_record(hsm, user, admin, officer, name):
    grant = f"/keys/{name}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    body = {"properties": {"roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
                           "principalId": hsm.oid("nobody")}}
    answers = [
        user.post(f"/keys/{name}/create", {"kty": "EC"}), user.get(f"/keys/{name}/"), user.get("/keys"), user.get(f"/keys/{name}/versions"), user.patch(f"/keys/{name}/", {"tags": {}}),
        user.sign(name, "ES256", b"\1" * 32), user.post(f"/keys/{name}/verify", {"alg": "ES256", "digest": b64u(b"\1" * 32), "value": b64u(b"\1" * 64)}), user.post("/rng", {"count": 4}),
        admin.put(grant, body), admin.get(grant), admin.delete(grant), admin.get("/settings"), user.delete(f"/keys/{name}"), officer.get(f"/deletedkeys/{name}"),
        officer.post(f"/deletedkeys/{name}/recover"), user.delete(f"/keys/{name}"), officer.delete(f"/deletedkeys/{name}"), user.get("/keys/gone/"), user.post("/rng", {"count": 0}), user.get("/nope")]
    records = trail.records(hsm)
    for answer in answers:
        assert only(records, answer)["status"] == answer.status
    operations = [only(records, a)["operation"] for a in answers]
    assert len(set(operations)) >= 14, operations
    sequences = [r["sequence"] for r in records]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "no gap, no repetition"


def test_filters(hsm, user, name):
    user.create_key(name)
    user.sign(name, "ES256", b"\1" * 32).expect(200)
    mine = trail.records(hsm, "--key", name)
    assert mine and all(r["key"] == name for r in mine)
    assert all(r["principal"]["objectId"] == hsm.oid("user") for r in trail.records(hsm, "--principal", hsm.oid("user")))
    assert trail.records(hsm, "--since", "2099-01-01T00:00:00Z") == []
    listed = hsm.run("audit", "list", "--key", name, "--output", "json", who="admin", check=True)
    assert name in listed.stdout


def test_azure_shape(hsm, user, name):
    bundle = user.create_key(name)
    done = hsm.run("audit", "export", "--format", "azure", who="admin", check=True)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    event = next(e for e in events if e["operationName"] == "KeyCreate" and name in e["requestUri"])
    assert event["category"] == "AuditEvent" and event["httpStatusCode"] == 200 and event["properties"]["PoolType"] == "M-HSM" and event["TenantId"] == hsm.tenant
    claims = json.loads(event["identity"])["claim"]
    assert claims["http_schemas_microsoft_com_identity"]["claims"]["objectidentifier"] == hsm.oid("user")


def test_the_chain_verifies(hsm, user):
    user.post("/rng", {"count": 4}).expect(200)
    done = trail.verify(hsm)
    assert done.returncode == 0, done.stdout + done.stderr


def test_reading_the_trail_needs_a_right(hsm):
    for who in ("user", "nobody"):
        assert hsm.run("audit", "export", who=who).returncode != 0


def test_a_changed_record_is_found(hsm, user, scratch):
    """Somebody edits one record on disk while the HSM is down: the chain no longer verifies."""
    import pathlib

    from authority import Authority

    authority = Authority(scratch / "tampered").up()
    wire = authority.wire("user")
    wire.create_key("target-of-tampering")
    marker = b"target-of-tampering"
    for _ in range(5):
        wire.sign("target-of-tampering", "ES256", b"\1" * 32).expect(200)
    assert trail.verify(authority).returncode == 0
    authority.down()
    touched = 0
    for path in sorted(authority.directory.rglob("*")):
        if path.is_file() and ("audit" in str(path.relative_to(authority.directory)).lower() or "ledger" in str(path.relative_to(authority.directory)).lower()):
            data = path.read_bytes()
            if marker in data:
                position = data.rfind(marker)
                path.write_bytes(data[:position] + b"targeX" + data[position + 6:])
                touched += 1
    assert touched, "found no audit file that holds the key's name"
    try:
        try:
            authority.up()
        except AssertionError:
            return  # refuses to start in doubt: as good
        assert trail.verify(authority).returncode == 1
    finally:
        authority.run("dev", "down", "--dir", authority.directory)
