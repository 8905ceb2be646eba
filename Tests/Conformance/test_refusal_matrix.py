"""Every cell of the role table that a request can reach: role x data action x scope of the assignment.

One principal that holds nothing gets one role at one scope; every action is then tried with a request that would change nothing even if it
were let through (a key that does not exist, a body that is no good). A cell passes when the answer is 403 AccessDenied naming
exactly that action and scope, or is anything else, as the table says. `roles.json` holds the table, with its origin.
"""

import json
import pathlib
import uuid

import pytest

TABLE = json.loads((pathlib.Path(__file__).parent / "roles.json").read_text())
PREFIX = TABLE["prefix"]
KEY = "matrix-absent"
MISSING = "00000000-0000-4000-8000-000000000000"
AUTHORIZATION = "/providers/Microsoft.Authorization"

# data action: (scope that is asked for, method, path, body). KEY never exists, so nothing is ever done. Where the scope is a pair, the first
# is where the right may be held and the second what a refusal names.
PROBES = {
    "/securitydomain/download/action": ("/", "POST", "/securitydomain/download", {}),
    "/securitydomain/download/read": ("/", "GET", "/securitydomain/download/pending", None),
    "/securitydomain/upload/action": ("/", "POST", "/securitydomain/upload", {}),
    "/securitydomain/upload/read": ("/", "GET", "/securitydomain/upload/pending", None),
    "/securitydomain/transferkey/read": ("/", "GET", "/securitydomain/upload", None),
    "/roleAssignments/read/action": (f"/keys/{KEY}", "GET", f"/keys/{KEY}{AUTHORIZATION}/roleAssignments", None),
    "/roleAssignments/write/action": (
        f"/keys/{KEY}", "PUT", f"/keys/{KEY}{AUTHORIZATION}/roleAssignments/{MISSING}",
        {"properties": {"roleDefinitionId": f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/{MISSING}", "principalId": MISSING}}),
    "/roleAssignments/delete/action": (
        f"/keys/{KEY}", "DELETE", f"/keys/{KEY}{AUTHORIZATION}/roleAssignments/{MISSING}", None),
    "/roleDefinitions/read/action": ("/", "GET", f"{AUTHORIZATION}/roleDefinitions", None),
    "/roleDefinitions/write/action": ("/", "PUT", f"{AUTHORIZATION}/roleDefinitions/not-a-guid", {"properties": {}}),
    "/roleDefinitions/delete/action": ("/", "DELETE", f"{AUTHORIZATION}/roleDefinitions/{MISSING}", None),
    "/settings/read/action": ("/", "GET", "/settings/NoSuchSetting", None),
    "/settings/write/action": ("/", "PATCH", "/settings/NoSuchSetting", {"value": "true"}),
    "/backup/start/action": ("/", "POST", "/backup", {}),
    "/backup/status/action": ("/", "GET", "/backup/" + "0" * 32 + "/pending", None),
    "/restore/start/action": ("/", "PUT", "/restore", {}),
    "/restore/status/action": ("/", "GET", "/restore/" + "0" * 32 + "/pending", None),
    "/keys/read/action": (f"/keys/{KEY}", "GET", f"/keys/{KEY}/", None),
    "/keys/write/action": (f"/keys/{KEY}", "PATCH", f"/keys/{KEY}/", {"tags": {}}),
    # Recorded: a refused creation names the scope /keys, not the new key's own. A right held at the name itself is enough.
    "/keys/create": ((f"/keys/{KEY}", "/keys"), "POST", f"/keys/{KEY}/create", {"kty": "no-such-type"}),
    "/keys/delete": (f"/keys/{KEY}", "DELETE", f"/keys/{KEY}", None),
    "/keys/rotate/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/rotate", None),
    "/keys/import/action": ((f"/keys/{KEY}", "/keys"), "PUT", f"/keys/{KEY}", {"key": {"kty": "no-such-type"}}),
    "/keys/release/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/release", {}),
    "/keys/backup/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/backup", None),
    "/keys/restore/action": ("/keys", "POST", "/keys/restore", {"value": "AAAA"}),
    "/keys/encrypt/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/encrypt", {"alg": "RSA-OAEP-256", "value": "AAAA"}),
    "/keys/decrypt/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/decrypt", {"alg": "RSA-OAEP-256", "value": "AAAA"}),
    "/keys/wrap/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/wrapKey", {"alg": "RSA-OAEP-256", "value": "AAAA"}),
    "/keys/unwrap/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/unwrapkey", {"alg": "RSA-OAEP-256", "value": "AAAA"}),
    "/keys/sign/action": (f"/keys/{KEY}", "POST", f"/keys/{KEY}/sign", {"alg": "ES256", "value": "A" * 43}),
    "/keys/verify/action": (
        f"/keys/{KEY}", "POST", f"/keys/{KEY}/verify", {"alg": "ES256", "digest": "A" * 43, "value": "A" * 86}),
    "/rng/action": ("/", "POST", "/rng", {"count": 0}),
    "/keys/deletedKeys/read/action": (f"/keys/{KEY}", "GET", f"/deletedkeys/{KEY}", None),
    "/keys/deletedKeys/delete": (f"/keys/{KEY}", "DELETE", f"/deletedkeys/{KEY}", None),
    "/keys/deletedKeys/recover/action": (f"/keys/{KEY}", "POST", f"/deletedkeys/{KEY}/recover", None),
}
# In the table, but no request of the data plane asks for them (export is a way of release; derive has no path; external key managers are not offered).
UNREACHABLE = {"/keys/derive/action", "/keys/export/action", "/ekm/read/action", "/ekm/write/action", "/ekm/delete/action"}

SCOPES = ["/", "/keys", f"/keys/{KEY}"]
GRANTS = [(role, scope) for role in [None, *TABLE["roles"]] for scope in (SCOPES if role else ["/"])]


def covers(granted, asked):
    return granted == "/" or granted == asked or asked.startswith(granted + "/")


def path_at(scope, kind, identifier):
    prefix = "" if scope == "/" else scope
    return f"{prefix}{AUTHORIZATION}/{kind}/{identifier}"


@pytest.fixture(scope="module", params=GRANTS, ids=lambda g: f"{g[0]['name'][12:] if g[0] else 'no role'} at {g[1]}".replace(" ", "-"))
def grant(request, hsm, admin):
    """The principal `nobody` holds this role at this scope, and nothing else."""
    role, scope = request.param
    if role is None:
        yield request.param
        return
    path = path_at(scope, "roleAssignments", uuid.uuid4())
    admin.put(path, {"properties": {
        "roleDefinitionId": f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/{role['guid']}", "principalId": hsm.oid("nobody")}}).expect(201)
    yield request.param
    admin.delete(path).expect(200)


@pytest.mark.parametrize("action", PROBES)
def test_cell(grant, action, nobody):
    role, granted = grant
    asked, method, path, body = PROBES[action]
    asked, named = asked if isinstance(asked, tuple) else (asked, asked)
    answer = nobody.send(method, path, body)
    assert answer.status != 401, answer.body
    denied = answer.status == 403 and f"Not authorized to access {PREFIX}{action} on " in answer.message
    holds = role is not None and action in role["dataActions"]
    allowed = holds and covers(granted, asked)
    assert denied == (not allowed), f"{answer.status} {answer.body[:300]!r}"
    if denied:
        assert answer.error == "AccessDenied"
        assert f"{PREFIX}{action} on {named} " in answer.message
        assert answer.header("x-ms-request-id") in answer.message


def test_the_table_is_covered():
    named = {action for role in TABLE["roles"] for action in role["dataActions"]}
    assert named == set(PROBES) | UNREACHABLE
    assert len(TABLE["roles"]) == 10 and len(PROBES) == 36


def test_listing_keys_needs_read_at_keys(hsm, admin, nobody):
    path = path_at(f"/keys/{KEY}", "roleAssignments", uuid.uuid4())
    admin.put(path, {"properties": {
        "roleDefinitionId": f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
        "principalId": hsm.oid("nobody")}}).expect(201)
    answer = nobody.get("/keys").expect(403)
    assert answer.error == "AccessDenied" and f"{PREFIX}/keys/read/action on /keys " in answer.message
    nobody.get(f"/keys/{KEY}/versions").expect(200)
    admin.delete(path).expect(200)
    nobody.get(f"/keys/{KEY}/versions").expect(403)
