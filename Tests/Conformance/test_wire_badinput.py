"""Input nobody should send: a clear error, nothing lost, and the server still stands."""

import json

import pytest

from wire import b64u

DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def key(user):
    return user.create_key("target")["key"]


@pytest.fixture(autouse=True)
def still_serving(user, key):
    yield
    user.sign("target", "ES256", DIGEST).expect(200)


def refused(answer, *mentions):
    answer.expect(400)
    assert answer.error == "BadParameter", answer.body
    assert f"(Activity ID: {answer.header('x-ms-request-id')})" in answer.message
    for mention in mentions:
        assert mention in answer.message, answer.message


MALFORMED = {
    "empty": b"", "blank": b"   ", "truncated": b'{"alg":"ES256","value":"AA', "open": b'{"alg":"ES256"', "trailing comma": b'{"alg":"ES256",}',
    "trailing bytes": b'{"alg":"ES256","value":"AA"} x', "two documents": b"{}{}", "single quotes": b"{'alg':'ES256'}", "bare words": b"{alg:ES256}",
    "comment": b'{/* */"alg":"ES256"}', "array": b"[]", "string": b'"x"', "number": b"1", "null": b"null", "true": b"true", "NaN": b'{"count":NaN}',
    "leading zero": b'{"count":01}', "plus": b'{"count":+1}', "bad escape": b'{"alg":"\\x41"}', "lone surrogate": b'{"alg":"\\ud800"}',
    "control character": b'{"alg":"ES\n256"}', "not UTF-8": b'{"alg":"\xff\xfe"}', "overlong UTF-8": b'{"alg":"\xc0\xaf"}',
    "byte order mark": b'\xef\xbb\xbf{"alg":"ES256"}', "UTF-16": '{"alg":"ES256"}'.encode("utf-16"), "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "duplicate alg": b'{"alg":"ES256","alg":"ES256","value":"AA"}',
    "duplicate by escape": b'{"alg":"ES256","\\u0061lg":"ES256","value":"AA"}', "duplicate elsewhere": b'{"alg":"ES256","value":"AA","x":{"a":1,"a":2}}',
    "NUL": b"\0" * 64,
}
ROUTES = [("POST", "/keys/target/sign"), ("POST", "/keys/target/verify"), ("POST", "/keys/bad/create"), ("PUT", "/keys/bad"),
          ("PATCH", "/keys/target/"), ("POST", "/rng")]


@pytest.mark.parametrize("method,path", ROUTES, ids=[p for _, p in ROUTES])
@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_json(what, method, path, user):
    if what == "empty" and method == "PATCH":
        user.send(method, path, MALFORMED[what]).expect(200, 400)
        return
    refused(user.send(method, path, MALFORMED[what]))
    if path.startswith("/keys/bad"):
        user.get("/keys/bad/").expect(404)


@pytest.mark.parametrize("body", [
    {"value": b64u(DIGEST)}, {"alg": "ES256"}, {"alg": 1, "value": b64u(DIGEST)}, {"alg": None, "value": b64u(DIGEST)}, {"alg": ["ES256"], "value": b64u(DIGEST)},
    {"alg": "ES256", "value": 1}, {"alg": "ES256", "value": None}, {"alg": "ES256", "value": {}}, {"alg": "", "value": b64u(DIGEST)},
    {"alg": "es256", "value": b64u(DIGEST)}, {"alg": "none", "value": b64u(DIGEST)}, {"alg": "ROT13", "value": b64u(DIGEST)}, {"alg": "A" * 5000, "value": b64u(DIGEST)},
    {"alg": "HS256", "value": b64u(DIGEST)}, {"alg": "ES256\u0000", "value": b64u(DIGEST)}, {"alg": "🔑", "value": b64u(DIGEST)},
    {"ALG": "ES256", "VALUE": b64u(DIGEST)},
], ids=str)
def test_sign_with_wrong_members(body, user):
    refused(user.post("/keys/target/sign", body))


def test_unknown_members_are_ignored(user):
    user.post("/keys/target/sign", {"alg": "ES256", "value": b64u(DIGEST), "note": {"a": [1, 2]}, "iv": None}).expect(200)


ACCEPTED = ["w7_Dv8O_w7_Dv8O_w7_Dv8O_w7_Dv8O_w7_Dv8O_w78", "w7/Dv8O/w7/Dv8O/w7/Dv8O/w7/Dv8O/w7/Dv8O/w78", "w7_Dv8O_w7_Dv8O_w7_Dv8O_w7_Dv8O_w7_Dv8O_w78=",
            "w7/Dv8O/w7/Dv8O/w7/Dv8O/w7/Dv8O/w7/Dv8O/w78="]
GARBAGE = ["A", "A" * 42 + "!", "A" * 43 + "==", "=" * 43, "A" * 20 + "=" + "A" * 22, "A" * 42 + " A", "A" * 42 + "\nA", "é" * 20, "A" * 42 + "%3D", "AAAA" * 10 + "A", "A" * 42 + "B"]


@pytest.mark.parametrize("text", ACCEPTED)
def test_both_alphabets_and_padding_decode_to_the_same_bytes(text, user, key):
    import base64

    import keycheck
    from wire import unb64u

    digest = base64.urlsafe_b64decode(ACCEPTED[2])
    assert len(digest) == 32
    answer = user.post("/keys/target/sign", {"alg": "ES256", "value": text}).expect(200).json
    assert keycheck.accepts(key, "ES256", digest, unb64u(answer["value"])), "decoded to other bytes"


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_base64(text, user):
    refused(user.post("/keys/target/sign", {"alg": "ES256", "value": text}))
    refused(user.post("/keys/target/verify", {"alg": "ES256", "digest": b64u(DIGEST), "value": text}))
    refused(user.post("/keys/target/verify", {"alg": "ES256", "digest": text, "value": b64u(DIGEST * 2)}))


def test_an_oversized_body_is_413_and_names_the_limit(user):
    import re

    for size in (2 << 20, 8 << 20):
        answer = user.post("/keys/target/sign", b'{"alg":"ES256","value":"' + b"A" * size + b'"}')
        assert answer.status == 413, answer.body[:200]
        assert re.search(r"\d{4,}", answer.message), answer.message
        user.close()
    declared = user.raw(
        f"POST /keys/target/sign?api-version=7.4 HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\n"
        f"Content-Length: 99999999999\r\n\r\n{{".encode())
    assert declared.startswith(b"HTTP/1.1 413 "), declared[:200]


def test_an_oversized_chunked_body_is_413(user):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = (f"POST /keys/target/sign?api-version=7.4 HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    try:
        answer = user.raw(head + chunk * 80 + b"0\r\n\r\n")
    except (ConnectionResetError, BrokenPipeError):
        return  # closed before we had sent it all: as good
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 "), answer[:200]


def test_a_chunked_body_is_read(user):
    body = json.dumps({"alg": "ES256", "value": b64u(DIGEST)}).encode()
    head = (f"POST /keys/target/sign?api-version=7.4 HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]) for i in range(0, len(body), 7))
    assert user.raw(head + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("count", [0, -1, 129, 1 << 70, 1.5, "8", None, True, [8]], ids=str)
def test_rng_refuses(count, user):
    refused(user.post("/rng", {"count": count}))


@pytest.mark.parametrize("query", ["api-version=", "api-version=%zz", "api-version=7.4&api-version=7.5", "a=" + "b" * 9000, "&&&", "=x", "%00=1"])
def test_odd_queries(query, user):
    answer = user.get("/keys?" + query, api=None)
    assert answer.status in (200, 400, 414, 431), answer.body[:200]


@pytest.mark.parametrize("payload", [
    b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n\r\n", b"\0" * 4096, b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /keys HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
    b"GET /keys HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"POST /keys/target/sign HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
    b"POST /keys/target/sign HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /keys/target/sign HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /keys/target/sign HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=range(12))
def test_bytes_that_are_no_request(payload, user):
    answer = user.raw(payload)
    assert answer == b"" or answer.startswith(b"HTTP/1.") and b" 200 " not in answer[:20], answer[:100]


def test_a_request_that_never_ends_does_not_hold_others_up(user):
    import socket
    import time

    held = []
    for _ in range(50):
        plain = socket.create_connection((user.host, user.port), timeout=5)
        stream = user.context.wrap_socket(plain, server_hostname=user.host)
        stream.sendall(b"POST /keys/target/sign HTTP/1.1\r\nHost: h\r\nContent-Le")
        held.append(stream)
    started = time.monotonic()
    for _ in range(50):
        user.sign("target", "ES256", DIGEST).expect(200)
    assert time.monotonic() - started < 5
    for stream in held:
        stream.close()
