"""The store is trusted for durability, not for truth: a row changed behind the HSM's back is refused, and secrets are nowhere in the clear."""

import base64
import hashlib
import json
import pathlib
import shutil
import sqlite3

import pytest

import keycheck
from authority import Authority
from test_wire_keys import private_jwk
from wire import b64u, unb64u, version_of

DIGEST = hashlib.sha256(b"tampering").digest()
SECRETS = {}


@pytest.fixture(scope="module")
def pristine(scratch):
    """A stopped HSM with two keys and one imported key, to be copied for each attack."""
    authority = Authority(scratch / "pristine").up()
    wire = authority.wire("user")
    keys = {name: wire.create_key(name, tags={"of": name}) for name in ("alpha", "beta")}
    for kind in ("P-256", "RSA"):
        SECRETS[kind] = private_jwk(kind)
        wire.put(f"/keys/imported-{kind.lower().replace('-', '')}", {"key": SECRETS[kind]}).expect(200)
    SECRETS["oct"] = {"kty": "oct", "k": b64u(b"a very secret symmetric key 0123")}
    wire.put("/keys/imported-oct", {"key": SECRETS["oct"]}).expect(200)
    for name in keys:
        wire.sign(name, "ES256", DIGEST).expect(200)
    wire.close()
    authority.down()
    return authority, keys


@pytest.fixture
def copy(pristine, scratch, request):
    authority, _ = pristine
    directory = scratch / ("t-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:8])
    shutil.copytree(authority.directory, directory)
    return Authority(directory)


def change(authority, *statements):
    with sqlite3.connect(authority.directory / "hsm/store.sqlite") as database:
        changed = sum(database.execute(sql, values).rowcount for sql, values in statements)
        assert changed > 0
    database.close()


def rows(authority, sql):
    with sqlite3.connect(authority.directory / "hsm/store.sqlite") as database:
        return database.execute(sql).fetchall()


def start(authority):
    """The running HSM, or None when it refuses to start in doubt."""
    try:
        return authority.up()
    except AssertionError:
        return None


def test_no_secret_lies_in_the_clear(pristine):
    authority, _ = pristine
    files = [p for p in authority.directory.rglob("*") if p.is_file()]
    needles = []
    for jwk in SECRETS.values():
        for member in ("d", "p", "q", "dp", "dq", "qi", "k"):
            if member in jwk:
                raw = unb64u(jwk[member])
                needles += [raw, raw[::-1], raw.hex().encode(), jwk[member].encode(), base64.b64encode(raw)]
    assert len(needles) > 30 and len(files) > 8
    for path in files:
        data = path.read_bytes()
        for needle in needles:
            assert needle not in data, f"a private value lies in {path.name}"


def test_the_process_keeps_its_memory_to_itself(copy):
    hsm = copy.up()
    try:
        pid = (hsm.directory / "hallmark.pid").read_text().strip()
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert next(l for l in limits.splitlines() if l.startswith("Max core file size")).split()[4:6] == ["0", "0"]
        locked = next(l for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith("VmLck"))
        warned = "memory protection" in (hsm.directory / "server.log").read_text()
        assert int(locked.split()[1]) > 0 or warned, "neither locked nor said so"
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert b"TOKEN=ey" not in environment
    finally:
        hsm.down()


def test_the_key_material_of_another_key_is_not_taken(copy, pristine):
    """alpha's version row gets beta's payload and MAC: whoever may use alpha must not get beta's key."""
    _, keys = pristine
    change(copy, ("UPDATE version_row SET payload = (SELECT payload FROM version_row WHERE name = 'beta'), mac = (SELECT mac FROM version_row WHERE name = 'beta') WHERE name = 'alpha'", ()))
    hsm = start(copy)
    if hsm is None:
        return
    try:
        answer = hsm.wire("user").sign("alpha", "ES256", DIGEST)
        assert answer.status >= 400, "it signed"
        assert hsm.wire("user").sign("beta", "ES256", DIGEST).status == 200
    finally:
        hsm.down()


@pytest.mark.parametrize("table,where", [("version_row", "name = 'alpha'"), ("key_row", "name = 'alpha'")])
@pytest.mark.parametrize("position", [0, 10, 40, 90, -1])
def test_one_changed_byte_of_a_key_is_refused(table, where, position, copy):
    payload = bytearray(rows(copy, f"SELECT payload FROM {table} WHERE {where}")[0][0])
    payload[max(-len(payload), min(position, len(payload) - 1))] ^= 1
    change(copy, (f"UPDATE {table} SET payload = ? WHERE {where}", (bytes(payload),)))
    hsm = start(copy)
    if hsm is None:
        return
    try:
        wire = hsm.wire("user")
        assert wire.sign("alpha", "ES256", DIGEST).status >= 400, "it signed with a changed row"
        assert wire.get("/keys/alpha/").status >= 400, "it showed a changed row"
        assert wire.sign("beta", "ES256", DIGEST).status == 200
    finally:
        hsm.down()


def test_an_undeleted_flag_does_not_bring_a_key_back(copy):
    """The `deleted` column is for the index; the row's MAC covers the state itself."""
    hsm = copy.up()
    hsm.wire("user").delete("/keys/alpha").expect(200)
    hsm.down()
    change(copy, ("UPDATE key_row SET deleted = 0 WHERE name = 'alpha'", ()))
    hsm = start(copy)
    if hsm is None:
        return
    try:
        assert hsm.wire("user").sign("alpha", "ES256", DIGEST).status >= 400
    finally:
        hsm.down()


def test_a_forged_role_assignment_grants_nothing(copy):
    """nobody's object id is written into user's assignment row, as text of the same length."""
    copy.up()
    user, nobody = copy.oid("user"), copy.oid("nobody")
    copy.down()
    forged = 0
    for kind, identifier, body in rows(copy, "SELECT kind, id, body FROM access_row"):
        for mine, theirs in ((user.encode(), nobody.encode()), (bytes.fromhex(user.replace("-", "")), bytes.fromhex(nobody.replace("-", "")))):
            if mine in body:
                change(copy, ("UPDATE access_row SET body = ? WHERE kind = ? AND id = ?", (body.replace(mine, theirs), kind, identifier)))
                forged += 1
    assert forged, "found no row to forge: the test must follow the store's form"
    hsm = start(copy)
    if hsm is None:
        return
    try:
        assert hsm.wire("nobody").sign("alpha", "ES256", DIGEST).status >= 400
        assert hsm.wire("nobody").get("/keys").status >= 400
    finally:
        hsm.down()


def test_an_assignment_row_under_another_identity_is_refused(copy):
    """A whole row, MAC included, is inserted again under another id."""
    kind, identifier, body, mac = next(r for r in rows(copy, "SELECT kind, id, body, mac FROM access_row") if "ssignment" in r[0])
    other = identifier[:-4] + ("0000" if not identifier.endswith("0000") else "1111")
    change(copy, ("INSERT INTO access_row (kind, id, body, mac) VALUES (?, ?, ?, ?)", (kind, other, body, mac)))
    hsm = start(copy)
    if hsm is None:
        return
    try:
        listed = hsm.wire("admin").get("/providers/Microsoft.Authorization/roleAssignments")
        assert listed.status >= 400 or other not in listed.body.decode()
    finally:
        hsm.down()


def test_another_partition_key_opens_nothing(copy):
    path = copy.directory / "hsm/partition.key"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    hsm = start(copy)
    if hsm is None:
        return
    try:
        assert hsm.wire("user").sign("alpha", "ES256", DIGEST).status >= 400
    finally:
        hsm.down()


@pytest.mark.parametrize("member, value", [
    ("retentionDays", 90), ("purgeProtection", True), ("strictLimits", True), ("tenant", "00000000-0000-4000-8000-000000000000"),
    ("name", "other-hsm"), ("hsmId", "00000000-0000-4000-8000-000000000000"), ("mac", "00" * 32)])
def test_a_changed_description_stops_the_server(copy, member, value):
    path = copy.directory / "hsm/hsm.json"
    document = json.loads(path.read_text())
    assert document[member] != value
    document[member] = value
    path.write_text(json.dumps(document))
    assert start(copy) is None


def test_the_untouched_copy_works(copy, pristine):
    _, keys = pristine
    hsm = copy.up()
    try:
        answer = hsm.wire("user").sign("alpha", "ES256", DIGEST, version_of(keys["alpha"])).expect(200).json
        assert keycheck.accepts(keys["alpha"]["key"], "ES256", DIGEST, unb64u(answer["value"]))
    finally:
        hsm.down()
