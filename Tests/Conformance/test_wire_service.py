"""Settings, random bytes, health, metrics, and HTTP itself: keep-alive, HEAD, unknown methods, HTTP/2, TLS versions."""

import json
import re
import ssl
import subprocess

import pytest

from wire import API, b64u, unb64u

SETTING = "AllowKeyManagementOperationsThroughARM"


def test_settings(admin):
    document = admin.get("/settings").expect(200).json
    assert document == {"settings": [{"name": SETTING, "type": "boolean", "value": "false"}]}
    assert admin.get(f"/settings/{SETTING}").expect(200).json == document["settings"][0]
    assert admin.patch(f"/settings/{SETTING}", {"value": "true"}).expect(200).json == {"name": SETTING, "type": "boolean", "value": "true"}
    assert admin.get("/settings").expect(200).json["settings"][0]["value"] == "true"
    admin.patch(f"/settings/{SETTING}", {"value": "false"}).expect(200)


def test_unknown_settings(admin):
    for answer in (admin.get("/settings/Nope"), admin.patch("/settings/Nope", {"value": "true"})):
        assert answer.expect(400).error == "InvalidSetting" and answer.message.startswith("Invalid setting name. Please check the spelling")


@pytest.mark.parametrize("value", [True, "maybe", 1, None, ""], ids=str)
def test_bad_setting_values(value, admin):
    answer = admin.patch(f"/settings/{SETTING}", {"value": value}).expect(400)
    assert answer.json["error"]["code"]
    assert admin.get(f"/settings/{SETTING}").expect(200).json["value"] == "false"


@pytest.mark.parametrize("count", [1, 16, 127, 128])
def test_random_bytes(count, user):
    first, second = (unb64u(user.post("/rng", {"count": count}).expect(200).json["value"]) for _ in range(2))
    assert len(first) == len(second) == count and (count < 8 or first != second)


def test_unknown_paths_and_methods(user):
    for path in ("/", "/nope", "/keys/n/versions/extra/more", "/secrets/x", "/certificates", "/providers/Microsoft.Other/roleDefinitions"):
        answer = user.get(path).expect(404)
        assert answer.json["error"]["code"] and "Activity ID" in answer.message
    for method, path in (("PUT", "/keys"), ("POST", "/keys"), ("PATCH", "/rng"), ("DELETE", "/settings"), ("BREW", "/keys"), ("TRACE", "/keys"), ("OPTIONS", "/keys")):
        answer = user.send(method, path)
        assert answer.status in (404, 405, 400, 501), (method, path, answer.status)


def test_head_has_no_body(user, anonymous):
    for wire in (user, anonymous):
        answer = wire.send("HEAD", "/keys")
        assert answer.body == b"" and answer.status in (200, 401, 404, 405)
        wire.get("/keys").expect(200, 401)  # the connection is still in step


def test_one_connection_serves_many_requests(user):
    user.get("/keys").expect(200)
    kept = user.connect()
    for _ in range(200):
        user.post("/rng", {"count": 8}).expect(200)
    assert user.connect() is kept


def test_connection_close_is_honoured(user):
    reply = user.raw(f"GET /keys?api-version={API} HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\nConnection: close\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(user):
    one = f"GET /keys/%s/?api-version={API} HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\n"
    payload = "".join(one % f"absent-{i}" + "\r\n" for i in range(9)) + one % "absent-9" + "Connection: close\r\n\r\n"
    received = user.raw(payload.encode()).decode()
    assert re.findall(r"/keys/absent-(\d)", received) == [str(i) for i in range(10)]


def test_expect_continue(user):
    body = b'{"count":8}'
    reply = user.raw(
        f"POST /rng?api-version={API} HTTP/1.1\r\nHost: {user.authority}\r\nAuthorization: Bearer {user.token}\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    assert b"HTTP/1.1 200 " in reply


def test_http2(hsm, user):
    import httpx

    user.create_key("h2-key")
    headers = {"Authorization": "Bearer " + hsm.token("user")}
    with httpx.Client(http2=True, verify=ssl.create_default_context(cafile=hsm.ca), base_url=hsm.url, headers=headers, timeout=30) as client:
        answer = client.get("/keys", params={"api-version": API})
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        for _ in range(50):
            answer = client.post(f"/keys/h2-key/sign?api-version={API}", json={"alg": "ES256", "value": b64u(b"\1" * 32)})
            assert answer.status_code == 200 and len(unb64u(answer.json()["value"])) == 64
        assert client.get("/keys/none/", params={"api-version": API}).status_code == 404
        assert client.post("/keys/h2-key/sign", content=b"x" * (4 << 20)).status_code == 413
        answer = client.get("/keys", headers={"Authorization": ""})
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith('Bearer authorization="')


def test_http2_streams_run_together(hsm, user):
    import asyncio

    import httpx

    user.create_key("h2-many")

    async def run():
        headers = {"Authorization": "Bearer " + hsm.token("user")}
        async with httpx.AsyncClient(http2=True, verify=ssl.create_default_context(cafile=hsm.ca), base_url=hsm.url, headers=headers, timeout=30) as client:
            body = {"alg": "ES256", "value": b64u(b"\2" * 32)}
            return await asyncio.gather(*(client.post(f"/keys/h2-many/sign?api-version={API}", json=body) for _ in range(300)))

    answers = asyncio.run(run())
    assert {a.status_code for a in answers} == {200} and len({a.json()["value"] for a in answers}) == 300


@pytest.mark.parametrize("version,accepted", [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_tls_versions(version, accepted, hsm, openssl):
    host, port = hsm.netloc.split(":")
    done = subprocess.run(
        [openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, "-verify_hostname", host, "-CAfile", hsm.ca, "-verify_return_error", f"-{version}",
         "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True)
    assert (done.returncode == 0) == accepted, done.stdout[-500:] + done.stderr[-500:]
    if accepted:
        assert "Verify return code: 0 (ok)" in done.stdout


def test_plain_http_is_not_answered_with_anything_useful(hsm):
    import socket

    host, port = hsm.netloc.split(":")
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as plain:
        plain.sendall(b"GET /keys HTTP/1.1\r\nHost: h\r\n\r\n")
        try:
            received = plain.recv(4096)
        except ConnectionResetError:
            received = b""
    assert b"200" not in received[:20]


def test_health_and_metrics(hsm, anonymous, user):
    for path in ("/healthz", "/readyz"):
        assert anonymous.get(path, api=None).status == 200, path
    user.post("/rng", {"count": 1}).expect(200)
    answer = anonymous.get("/metrics", api=None).expect(200)
    assert answer.header("Content-Type").startswith("text/plain")
    text = answer.body.decode()
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert samples and all(re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [-+.eE0-9NaInf]+', line) for line in samples), text[:500]
    assert hsm.token("user")[:20] not in text and "absent-" not in text  # bounded labels, no paths, no secrets


def test_only_loopback_listens(hsm):
    port = int(hsm.netloc.split(":")[1])
    listening = [line.split()[1] for f in ("/proc/net/tcp", "/proc/net/tcp6") for line in open(f).read().splitlines()[1:]
                 if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port]
    assert listening
    loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    assert all(address.rsplit(":", 1)[0] in loopback for address in listening), listening
