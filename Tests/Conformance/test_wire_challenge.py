"""The 401 challenge and the headers of every answer (reference managed-hsm.md §1.1–1.2, managed-hsm-recorded.md §1–2)."""

import re
import uuid

import pytest

COMMON = {
    "cache-control": "no-cache",
    "content-type": "application/json; charset=utf-8",
    "content-security-policy": "default-src 'self'",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}
PATHS = [
    ("GET", "/keys"), ("GET", "/keys/n/"), ("GET", "/keys/n/0123456789abcdef0123456789abcdef"), ("GET", "/keys/n/versions"),
    ("POST", "/keys/n/create"), ("PUT", "/keys/n"), ("PATCH", "/keys/n/"), ("DELETE", "/keys/n"), ("POST", "/keys/n/sign"),
    ("POST", "/keys/n//verify"), ("GET", "/deletedkeys"), ("GET", "/deletedkeys/n"), ("DELETE", "/deletedkeys/n"),
    ("POST", "/deletedkeys/n/recover"), ("POST", "/rng"), ("GET", "/settings"), ("PATCH", "/settings/X"),
    ("GET", "/providers/Microsoft.Authorization/roleDefinitions"), ("GET", "//providers/Microsoft.Authorization/roleDefinitions"),
    ("GET", "///providers/Microsoft.Authorization/roleAssignments"),
    ("PUT", "/keys/n/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555"),
    ("POST", "/securitydomain/download"), ("GET", "/securitydomain/upload"), ("POST", "/backup"), ("GET", "/no/such/path"),
]


def challenge_of(hsm):
    return f'Bearer authorization="{hsm.login}/{hsm.tenant}", resource="{hsm.resource}"'


@pytest.mark.parametrize("method,path", PATHS)
def test_without_a_token_every_path_answers_the_challenge_byte_for_byte(method, path, hsm, anonymous):
    answer = anonymous.send(method, path)
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == [challenge_of(hsm)]
    assert answer.body == (b"OK" if method == "GET" else b"")
    assert answer.header("Content-Length") == str(len(answer.body))


def test_the_challenge_comes_before_routing_body_length_type_and_version_checks(hsm, anonymous):
    for options in (
        {"api": None}, {"api": "not a version".replace(" ", "-")}, {"body": b"{not json", "headers": {"Content-Type": "text/plain"}},
        {"body": b"", "headers": {"Content-Type": None}},
    ):
        answer = anonymous.send("POST", "/keys/n/create", **options)
        assert answer.status == 401 and answer.all("WWW-Authenticate") == [challenge_of(hsm)]


def test_the_challenge_suits_the_strictest_parsers(hsm, anonymous):
    value = anonymous.get("/keys").header("WWW-Authenticate")
    # Go: drops "Bearer ", splits on single spaces, each piece on "=" into exactly two parts.
    pieces = value.removeprefix("Bearer ").split(" ")
    pairs = {}
    for piece in pieces:
        assert piece.count("=") == 1
        key, text = piece.split("=")
        pairs[key] = text.strip('",')
    assert list(pairs) == ["authorization", "resource"]
    # JS: exactly one path segment, no trailing slash.
    assert re.fullmatch(r"https://[^/]+/[0-9a-f-]{36}", pairs["authorization"])
    uuid.UUID(pairs["authorization"].rsplit("/", 1)[1])
    # Python and Go: the dialled authority, port included, ends with "." + the resource's.
    assert hsm.netloc.endswith("." + pairs["resource"].removeprefix("https://"))


def test_headers_of_successes(hsm, user, name):
    for method, path, body in (("GET", "/keys", None), ("POST", f"/keys/{name}/create", {"kty": "EC"}), ("POST", "/rng", {"count": 8})):
        answer = user.send(method, path, body).expect(200)
        check_common(answer)
        assert answer.header("x-ms-keyvault-region")
        assert re.fullmatch(r"conn_type=Ipv[46];addr=[0-9a-f.:]+;act_addr_fam=Ipv[46];?", answer.header("x-ms-keyvault-network-info"))
        assert (answer.header("x-ms-build-version") is not None) == (method == "GET")


def test_headers_of_errors_and_challenges(user, anonymous):
    answer = user.get("/keys/no-such-key/").expect(404)
    check_common(answer)
    assert answer.header("x-ms-keyvault-region") is None and answer.header("x-ms-keyvault-network-info") is None
    assert f"(Activity ID: {answer.header('x-ms-request-id')})" in answer.message
    answer = anonymous.get("/keys")
    check_common(answer)
    assert answer.header("x-ms-keyvault-region") is None and answer.header("x-ms-keyvault-network-info") is None


def test_headers_of_an_empty_204(user, officer, name):
    user.create_key(name)
    user.delete(f"/keys/{name}").expect(200)
    answer = officer.delete(f"/deletedkeys/{name}").expect(204)
    check_common(answer)
    assert answer.body == b"" and answer.header("Content-Length") in (None, "0")


def check_common(answer):
    for name, value in COMMON.items():
        assert answer.header(name) == value, name
    assert answer.header("x-ms-server-latency").isdigit()
    uuid.UUID(answer.header("x-ms-request-id"))


def test_request_ids_are_unique_and_the_client_id_is_not_echoed(user):
    seen = set()
    for _ in range(50):
        mine = str(uuid.uuid4())
        answer = user.get("/keys", headers={"x-ms-client-request-id": mine, "x-ms-return-client-request-id": "true"})
        assert answer.header("x-ms-client-request-id") is None
        seen.add(answer.header("x-ms-request-id"))
    assert len(seen) == 50


@pytest.mark.parametrize("api", ["7.0", "7.2-preview", "7.4", "7.5", "7.6-preview.2", "2025-07-01", "2026-01-01-preview", "2031-12-31"])
def test_every_syntactically_valid_version_is_served(api, user):
    user.get("/keys", api=api).expect(200)
