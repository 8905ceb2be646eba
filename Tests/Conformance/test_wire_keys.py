"""Keys over the bare wire, against what the live service was recorded to answer (managed-hsm-recorded.md §4–6)."""

import re
import time
import uuid

import pytest

from wire import b64u, unb64u, version_of

ALWAYS = {"created", "updated", "enabled", "exportable", "recoverableDays", "recoveryLevel"}
RSA_OPS = {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}
OCT_OPS = RSA_OPS | {"deriveKey"}


def check_bundle(hsm, bundle, name, *, tags=False, extra=()):
    assert set(bundle) == {"attributes", "key", *extra} | ({"tags"} if tags else set())
    assert ALWAYS <= set(bundle["attributes"]) <= ALWAYS | {"nbf", "exp", "key_size"}
    assert re.fullmatch(re.escape(f"{hsm.url}/keys/{name}/") + "[0-9a-f]{32}", bundle["key"]["kid"])
    attributes = bundle["attributes"]
    assert attributes["recoverableDays"] == 7 and attributes["recoveryLevel"] == "CustomizedRecoverable+Purgeable"
    assert type(attributes["created"]) is int and type(attributes["updated"]) is int
    return bundle


# -- create ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked,stored,members,operations", [
    ({"kty": "RSA"}, "RSA-HSM", {"n", "e"}, RSA_OPS),
    ({"kty": "RSA-HSM", "key_size": 3072}, "RSA-HSM", {"n", "e"}, RSA_OPS),
    ({"kty": "EC"}, "EC-HSM", {"crv", "x", "y"}, {"sign", "verify", "deriveKey"}),
    ({"kty": "EC-HSM", "crv": "P-384"}, "EC-HSM", {"crv", "x", "y"}, {"sign", "verify", "deriveKey"}),
    ({"kty": "EC-HSM", "crv": "P-521"}, "EC-HSM", {"crv", "x", "y"}, {"sign", "verify", "deriveKey"}),
    ({"kty": "EC-HSM", "crv": "P-256K"}, "EC-HSM", {"crv", "x", "y"}, {"sign", "verify", "deriveKey"}),
    ({"kty": "oct"}, "oct-HSM", set(), OCT_OPS),
    ({"kty": "oct-HSM", "key_size": 128}, "oct-HSM", set(), OCT_OPS),
], ids=lambda v: v if isinstance(v, str) else "")
def test_create_promotes_the_type_and_sets_the_defaults(asked, stored, members, operations, hsm, user, name):
    bundle = check_bundle(hsm, user.create_key(name, **asked), name)
    key = bundle["key"]
    assert key["kty"] == stored and set(key) == {"kid", "kty", "key_ops"} | members
    assert set(key["key_ops"]) == operations
    if "n" in members:
        n = unb64u(key["n"])
        assert n[0] != 0 and len(n) == asked.get("key_size", 2048) // 8 and key["e"] == "AQAB"
    if "crv" in members:
        assert key["crv"] == asked.get("crv", "P-256")
    assert "=" not in str(key.get("n", "")) and bundle["attributes"]["enabled"] is True and bundle["attributes"]["exportable"] is False


def test_create_over_an_existing_name_adds_a_version(hsm, user, name):
    versions = [version_of(user.create_key(name)) for _ in range(3)]
    assert len(set(versions)) == 3
    assert version_of(user.get(f"/keys/{name}/").expect(200).json) == versions[2]
    listed = user.get(f"/keys/{name}/versions").expect(200).json["value"]
    assert [version_of(item["kid"]) for item in listed] == versions  # creation order, oldest first


def test_create_echoes_options(hsm, user, name):
    now = int(time.time())
    bundle = user.create_key(
        name, "RSA-HSM", key_size=2048, public_exponent=3, key_ops=["verify"],
        attributes={"enabled": False, "nbf": now - 7200, "exp": now - 3600}, tags={"stage": "prod", " blank ": "a  b "})
    check_bundle(hsm, bundle, name, tags=True)
    assert bundle["key"]["e"] == "Aw" and bundle["key"]["key_ops"] == ["verify"]
    assert bundle["attributes"]["enabled"] is False and bundle["attributes"]["nbf"] == now - 7200 and bundle["attributes"]["exp"] == now - 3600
    assert bundle["tags"] == {"stage": "prod", " blank ": "a  b "}
    shown = user.get(f"/keys/{name}/").expect(200).json  # a disabled key is still shown
    assert shown["attributes"] == bundle["attributes"] and shown["tags"] == bundle["tags"]


def test_cosign_sends_a_key_size_with_ec_and_it_is_ignored(user, name):
    bundle = user.create_key(name, "EC", key_size=2048, key_ops=["sign", "verify"], attributes={"enabled": True}, tags={"use": "sigstore"})
    assert bundle["key"]["crv"] == "P-256" and bundle["tags"] == {"use": "sigstore"}


def test_import_marker_key_ops_are_echoed(user, name):
    assert user.create_key(name, "RSA-HSM", key_ops=["import"])["key"]["key_ops"] == ["import"]


@pytest.mark.parametrize("body", [
    {"kty": "RSA", "key_size": 1024}, {"kty": "RSA", "key_size": 2047}, {"kty": "RSA", "key_size": 0}, {"kty": "RSA", "key_size": -1},
    {"kty": "RSA", "key_size": 1 << 40}, {"kty": "RSA", "key_size": "2048"}, {"kty": "RSA", "key_size": 2048.5},
    {"kty": "EC", "crv": "P-999"}, {"kty": "EC", "crv": 256}, {"kty": "oct", "key_size": 100}, {"kty": "ROT13"}, {"kty": 7}, {"kty": ""}, {},
    {"kty": "EC", "key_ops": "sign"}, {"kty": "EC", "key_ops": ["fly"]}, {"kty": "EC", "key_ops": [1]},
    {"kty": "EC", "attributes": []}, {"kty": "EC", "attributes": {"enabled": "yes"}}, {"kty": "EC", "attributes": {"exp": "soon"}},
    {"kty": "EC", "tags": ["a"]}, {"kty": "EC", "tags": {"a": 1}}, {"kty": "EC", "tags": {f"t{i}": "x" for i in range(16)}},
    {"kty": "EC", "tags": {"n" * 257: "x"}}, {"kty": "EC", "tags": {"n": "x" * 257}}, {"kty": "RSA", "public_exponent": 2},
], ids=str)
def test_create_refuses(body, user, name):
    answer = user.post(f"/keys/{name}/create", body).expect(400)
    assert answer.error == "BadParameter", answer.body
    user.get(f"/keys/{name}/").expect(404)


def test_fifteen_tags_are_taken(user, name):
    tags = {f"t{i}" + "n" * (256 - len(f"t{i}")): "v" * 256 for i in range(15)}
    assert user.create_key(name, tags=tags)["tags"] == tags


@pytest.mark.parametrize("bad", ["a_b", "a.b", "a%20b", "%C3%BCber", "a" * 128, "a%2Fb", "..", "%2e%2e", "a%00b", "%ff", "a%zz", "%F0%9F%94%91"])
def test_names_that_are_no_key_names(bad, user):
    answer = user.post(f"/keys/{bad}/create", {"kty": "EC"}).expect(400, 403, 404)
    assert answer.json["error"]["code"] and "Activity ID" in answer.message
    user.get(f"/keys/{bad}/").expect(400, 403, 404)


def test_the_longest_name_and_mixed_case(hsm, user):
    long = "n" * 127
    check_bundle(hsm, user.create_key(long), long)
    bundle = user.create_key("MixedCase-Key")
    assert f"/keys/MixedCase-Key/" in bundle["key"]["kid"]


# -- read, paths ----------------------------------------------------------------------------------------------------


def test_odd_paths_lead_to_the_same_key(hsm, user, name):
    bundle = user.create_key(name)
    version = version_of(bundle)
    for path in (f"/keys/{name}", f"/keys/{name}/", f"/keys/{name}//", f"//keys//{name}", f"/keys/{name}/{version}", f"/keys/{name}/{version}/",
                 f"/KEYS/{name}/", f"/Keys/{name}/{version}", f"/%6beys/{name}/"):
        shown = user.get(path).expect(200).json
        assert shown["key"]["kid"] == bundle["key"]["kid"], path
    for path in (f"/keys/{name}/sign", f"/keys/{name}//sign", f"/keys/{name}/Sign", f"/keys/{name}/{version}/SIGN", f"/keys/{name}/{version}//sign"):
        assert user.post(path, {"alg": "ES256", "value": b64u(b"\1" * 32)}).expect(200).json["kid"] == bundle["key"]["kid"], path


@pytest.mark.parametrize("path", ["/keys/{}/../{}", "/keys/%2e%2e/keys/{}", "/keys/{}/..%2f..", "/./keys/{}", "/keys/{}/x/y/z", "/keys/{}/%00"])
def test_path_tricks_do_not_reach_a_key(path, user, name):
    user.create_key(name)
    answer = user.get(path.format(name, name))
    assert answer.status in (400, 404), answer.body


def test_unknown_keys_and_versions(hsm, user, name):
    answer = user.get("/keys/never-made/").expect(404)
    assert answer.error == "KeyNotFound"
    assert answer.message.startswith(f"Key not found: {hsm.url}/keys/never-made (Activity ID: "), answer.message
    user.create_key(name)
    assert user.get(f"/keys/{name}/{'0' * 32}").expect(404).error == "KeyNotFound"
    assert user.post(f"/keys/never-made/sign", {"alg": "ES256", "value": b64u(b"\1" * 32)}).expect(404).error == "KeyNotFound"
    assert user.patch("/keys/never-made/", {"tags": {}}).expect(404).error == "KeyNotFound"
    assert user.delete("/keys/never-made").expect(404).error == "KeyNotFound"
    assert user.get("/keys/never-made/versions").expect(200).body == b'{"value":[]}'


# -- update ---------------------------------------------------------------------------------------------------------


def test_update_replaces_what_is_given_and_keeps_the_rest(user, name):
    bundle = user.create_key(name, "EC-HSM", tags={"a": "1", "b": "2"})
    later = int(time.time()) + 1000
    changed = user.patch(f"/keys/{name}/", {"attributes": {"exp": later}}).expect(200).json
    assert changed["attributes"]["exp"] == later and changed["tags"] == {"a": "1", "b": "2"} and set(changed["key"]["key_ops"]) == set(bundle["key"]["key_ops"])
    changed = user.patch(f"/keys/{name}/{version_of(bundle)}", {"tags": {"c": "3"}, "key_ops": ["sign"]}).expect(200).json
    assert changed["tags"] == {"c": "3"} and changed["key"]["key_ops"] == ["sign"] and changed["attributes"]["exp"] == later
    assert changed["attributes"]["created"] == bundle["attributes"]["created"] and changed["key"]["kid"] == bundle["key"]["kid"]
    assert user.get(f"/keys/{name}/").expect(200).json == changed
    time.sleep(1.1)  # `updated` counts seconds
    assert user.patch(f"/keys/{name}/", {"attributes": {"enabled": False}}).expect(200).json["attributes"]["updated"] > bundle["attributes"]["updated"]


def test_update_touches_one_version_only(user, name):
    first, second = user.create_key(name), user.create_key(name)
    user.patch(f"/keys/{name}/{version_of(first)}", {"attributes": {"enabled": False}, "tags": {"old": "yes"}}).expect(200)
    assert user.get(f"/keys/{name}/").expect(200).json == second
    assert user.get(f"/keys/{name}/{version_of(first)}").expect(200).json["attributes"]["enabled"] is False


def test_exportable_cannot_be_switched_on(user, name):
    user.create_key(name)
    user.patch(f"/keys/{name}/", {"attributes": {"exportable": False}}).expect(200)
    answer = user.patch(f"/keys/{name}/", {"attributes": {"exportable": True}}).expect(400)
    assert answer.error == "BadParameter" and answer.message.startswith("Cannot modify the exportable state of a key"), answer.message


@pytest.mark.parametrize("body", [
    {"key_ops": "sign"}, {"key_ops": ["fly"]}, {"attributes": 1}, {"attributes": {"enabled": 1}}, {"tags": {"a": None}}, {"tags": "x"},
    {"attributes": {"exp": 1.5}}, {"attributes": {"nbf": "2031-01-01"}}, {"attributes": {"exp": 1 << 70}},
], ids=str)
def test_update_refuses(body, user, name):
    before = user.create_key(name)
    answer = user.patch(f"/keys/{name}/", body).expect(400)
    assert answer.error == "BadParameter"
    assert user.get(f"/keys/{name}/").expect(200).json == before


# -- lists ----------------------------------------------------------------------------------------------------------


def test_pages(hsm, user, name):
    names = [f"{name}-{i:02}" for i in range(27)]
    for i, each in enumerate(names):
        user.create_key(each, tags={"i": str(i)} if i % 2 else None)
    user.create_key(names[0])  # a second version changes nothing in the list of keys
    seen, path, pages = [], "/keys?maxresults=6", []
    while path:
        page = user.get(path).expect(200).json
        assert set(page) <= {"value", "nextLink"} and page.get("nextLink", "") is not None
        pages.append(len(page["value"]))
        seen += page["value"]
        path = None
        if "nextLink" in page:
            assert re.fullmatch(re.escape(hsm.url) + r"/keys\?maxresults=6&\$skiptoken=[^&]+", page["nextLink"]), page["nextLink"]
            path = page["nextLink"].removeprefix(hsm.url)
            user.get(path, api=None, headers={"Accept": "*/*"}).expect(200)  # followed verbatim by some clients
    assert all(size == 6 for size in pages[:-1]) and 0 < pages[-1] <= 6
    mine = [item for item in seen if item["kid"].rsplit("/", 1)[1] in names]
    assert [item["kid"] for item in mine] == [f"{hsm.url}/keys/{each}" for each in names]  # no version, oldest first
    for i, item in enumerate(mine):
        # The first key's latest version was made without tags.
        assert set(item) == {"kid", "attributes"} | ({"tags"} if i % 2 else set())
        assert "key" not in item and "managed" not in item
    assert len(user.get("/keys").expect(200).json["value"]) == 25  # default page


@pytest.mark.parametrize("query", ["maxresults=0", "maxresults=-1", "maxresults=26", "maxresults=x", "maxresults=99999999999999999999", "$skiptoken=zz", "$skiptoken=%00", "maxresults=1&$skiptoken=" + "A" * 3000])
def test_bad_paging(query, user):
    answer = user.get("/keys?" + query)
    assert answer.status in (200, 400), answer.body
    if answer.status == 200:
        assert len(answer.json["value"]) <= 25


# -- delete, recover, purge -----------------------------------------------------------------------------------------


def test_the_life_after_delete(hsm, user, officer, name):
    user.create_key(name, tags={"v": "1"})
    bundle = user.create_key(name, tags={"v": "2"})
    deleted = check_bundle(hsm, user.delete(f"/keys/{name}").expect(200).json, name, tags=True, extra=("deletedDate", "recoveryId", "scheduledPurgeDate"))
    assert {k: deleted[k] for k in ("key", "tags", "attributes")} == bundle | {"key": deleted["key"]} and deleted["key"]["kid"] == bundle["key"]["kid"]
    assert deleted["recoveryId"] == f"{hsm.url}/deletedkeys/{name}"
    assert deleted["scheduledPurgeDate"] == deleted["deletedDate"] + 7 * 86400
    assert user.get(f"/keys/{name}/").expect(404).error == "KeyNotFound"
    assert user.sign(name, "ES256", b"\1" * 32).expect(404).error == "KeyNotFound"
    assert name not in str(user.get("/keys").expect(200).json)
    shown = officer.get(f"/deletedkeys/{name}").expect(200).json
    assert shown == deleted | {"key": shown["key"]}
    item = [i for i in officer.get("/deletedkeys").expect(200).json["value"] if i["kid"] == f"{hsm.url}/keys/{name}"]
    assert len(item) == 1 and set(item[0]) == {"attributes", "kid", "deletedDate", "recoveryId", "scheduledPurgeDate", "tags"}
    for refused in (user.post(f"/keys/{name}/create", {"kty": "EC"}), user.put(f"/keys/{name}", {"key": {"kty": "EC"}})):
        assert refused.status in (409, 400), refused.body
    conflict = user.post(f"/keys/{name}/create", {"kty": "EC"}).expect(409)
    assert conflict.error == "Conflict" and conflict.json["error"]["innererror"]["code"] == "ObjectIsDeletedButRecoverable"

    recovered = officer.post(f"/deletedkeys/{name}/recover").expect(200).json
    assert recovered == bundle | {"key": recovered["key"]} and recovered["key"]["kid"] == bundle["key"]["kid"]
    assert len(user.get(f"/keys/{name}/versions").expect(200).json["value"]) == 2
    user.sign(name, "ES256", b"\1" * 32).expect(200)

    user.delete(f"/keys/{name}").expect(200)
    answer = officer.delete(f"/deletedkeys/{name}").expect(204)
    assert answer.body == b""
    for answer in (officer.get(f"/deletedkeys/{name}"), officer.delete(f"/deletedkeys/{name}"), officer.post(f"/deletedkeys/{name}/recover")):
        assert answer.expect(404).error == "KeyNotFound"
    missing = officer.get(f"/deletedkeys/{name}")
    assert missing.message.startswith(f"Key not found: {hsm.url}/deletedkeys/{name} (Activity ID: ")
    assert version_of(user.create_key(name)) != version_of(bundle)


def test_delete_with_a_version_is_not_a_way_to_delete_one_version(user, name):
    bundle = user.create_key(name)
    assert user.delete(f"/keys/{name}/{version_of(bundle)}").status in (400, 404, 405)
    user.get(f"/keys/{name}/").expect(200)


# -- import ---------------------------------------------------------------------------------------------------------


def private_jwk(kind):
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if kind == "RSA":
        p = rsa.generate_private_key(65537, 2048).private_numbers()
        integers = {"n": p.public_numbers.n, "e": p.public_numbers.e, "d": p.d, "p": p.p, "q": p.q, "dp": p.dmp1, "dq": p.dmq1, "qi": p.iqmp}
        return {"kty": "RSA"} | {k: b64u(v.to_bytes((v.bit_length() + 7) // 8)) for k, v in integers.items()}
    curve, width = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48), "P-521": (ec.SECP521R1(), 66), "P-256K": (ec.SECP256K1(), 32)}[kind]
    p = ec.generate_private_key(curve).private_numbers()
    integers = {"d": p.private_value, "x": p.public_numbers.x, "y": p.public_numbers.y}
    return {"kty": "EC", "crv": kind} | {k: b64u(v.to_bytes(width)) for k, v in integers.items()}


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "P-256K"])
def test_import_keeps_the_key_and_signs_with_it(kind, hsm, user, name):
    import keycheck

    jwk = private_jwk(kind)
    bundle = user.put(f"/keys/{name}", {"key": jwk, "Hsm": True, "tags": {"from": "outside"}}).expect(200).json
    check_bundle(hsm, bundle, name, tags=True)
    public = {k: v for k, v in jwk.items() if k in ("n", "e", "crv", "x", "y")}
    assert {k: v for k, v in bundle["key"].items() if k in public} == public and bundle["key"]["kty"] == jwk["kty"] + "-HSM"
    assert not set(bundle["key"]) & {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert set(bundle["key"]["key_ops"]) == (RSA_OPS if kind == "RSA" else {"sign", "verify"})
    algorithm = {"RSA": "PS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}[kind]
    digest = keycheck.digest_of(algorithm, b"imported")
    assert keycheck.accepts(public | {"kty": jwk["kty"]}, algorithm, digest, unb64u(user.sign(name, algorithm, digest).expect(200).json["value"]))


def test_import_takes_leading_zeros_padding_and_oct(user, name):
    jwk = private_jwk("RSA")
    padded = {k: (b64u(b"\0" + unb64u(v)) if k in ("n", "d", "p") else v + "=" * (-len(v) % 4) if k != "kty" else v) for k, v in jwk.items()}
    bundle = user.put(f"/keys/{name}", {"key": padded}).expect(200).json
    assert bundle["key"]["n"] == jwk["n"]
    bundle = user.put(f"/keys/{name}-oct", {"key": {"kty": "oct-HSM", "k": b64u(b"k" * 32), "key_ops": ["sign", "verify"]}}).expect(200).json
    assert set(bundle["key"]) == {"kid", "kty", "key_ops"} and bundle["key"]["kty"] == "oct-HSM"


def broken_imports():
    rsa, ec, other = private_jwk("RSA"), private_jwk("P-256"), private_jwk("P-256")
    yield "no private part", {k: v for k, v in ec.items() if k != "d"}
    yield "point of another key", ec | {"x": other["x"], "y": other["y"]}
    yield "point off the curve", ec | {"x": b64u(b"\1" * 32)}
    yield "zero scalar", ec | {"d": b64u(b"\0" * 32)}
    yield "scalar over the order", ec | {"d": b64u(b"\xff" * 32)}
    yield "other curve's name", ec | {"crv": "P-384"}
    yield "RSA without d", {k: v for k, v in rsa.items() if k != "d"}
    yield "RSA with a foreign q", rsa | {"q": private_jwk("RSA")["q"]}
    yield "RSA with a zero modulus", rsa | {"n": "AA"}
    yield "not base64", ec | {"d": "!!!!"}
    yield "number for text", ec | {"d": 5}
    yield "unknown type", {"kty": "XYZ", "d": "AA"}
    yield "empty", {}
    yield "oct without k", {"kty": "oct"}
    yield "empty oct", {"kty": "oct", "k": ""}


@pytest.mark.parametrize("what,jwk", list(broken_imports()), ids=lambda v: v if isinstance(v, str) else "")
def test_import_refuses(what, jwk, user, name):
    answer = user.put(f"/keys/{name}", {"key": jwk}).expect(400)
    assert answer.error == "BadParameter", answer.body
    for secret in ("d", "p", "q", "k"):
        value = jwk.get(secret)
        assert not (isinstance(value, str) and len(value) > 8 and value in answer.body.decode()), "a secret came back in the error"
    user.get(f"/keys/{name}/").expect(404)


# -- concurrency ----------------------------------------------------------------------------------------------------


def test_concurrent_creates_lose_nothing(hsm, user, name):
    import concurrent.futures

    def make(i):
        wire = hsm.wire("user")
        try:
            return [version_of(wire.create_key(name)) for _ in range(5)]
        finally:
            wire.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = {v for versions in pool.map(make, range(8)) for v in versions}
    listed, path = set(), f"/keys/{name}/versions"
    while path:
        page = user.get(path).expect(200).json
        listed |= {version_of(i["kid"]) for i in page["value"]}
        path = page.get("nextLink", "").removeprefix(hsm.url) or None
    assert len(made) == 40 and listed == made
