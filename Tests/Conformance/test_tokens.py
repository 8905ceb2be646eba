"""Which bearer tokens the data plane takes. Everything else gets 401 with the challenge, and never a 200 or a 500."""

import base64
import hashlib
import hmac
import json
import shutil
import time

import pytest

from authority import Authority, free_port
from wire import b64u, unb64u


def parts(token):
    header, payload, signature = token.split(".")
    return json.loads(unb64u(header)), json.loads(unb64u(payload)), unb64u(signature)


def join(header, payload, signature):
    return ".".join((b64u(json.dumps(header).encode()), b64u(json.dumps(payload).encode()), b64u(signature)))


def refused(answer, hsm):
    assert answer.status == 401, f"{answer.status} {answer.body[:200]!r}"
    assert answer.all("WWW-Authenticate") == [f'Bearer authorization="{hsm.login}/{hsm.tenant}", resource="{hsm.resource}"']


def test_the_tokens_of_dev_up_say_what_azures_say(hsm):
    for who in ("admin", "officer", "user", "nobody"):
        header, claims, _ = parts(hsm.token(who))
        assert header["alg"] in ("RS256", "ES256") and header["kid"]
        assert claims["oid"] == hsm.oid(who) and claims["tid"] == hsm.tenant
        assert claims["aud"].rstrip("/") in (hsm.resource, "https://managedhsm.azure.net")
        assert 7.9 * 3600 < claims["exp"] - time.time() <= 8 * 3600 + 60


def foreign_key_token(header, payload):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    signing_input = f"{b64u(json.dumps(header).encode())}.{b64u(json.dumps(payload).encode())}"
    if header["alg"] == "ES256":
        r, s = utils.decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    else:
        signature = rsa.generate_private_key(65537, 2048).sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return signing_input + "." + b64u(signature)


def forgeries(token, published):
    header, payload, signature = parts(token)
    head, body, tail = token.split(".")
    later = payload | {"exp": payload["exp"] + 86400}
    yield "signature bit", ".".join((head, body, b64u(signature[:-1] + bytes([signature[-1] ^ 1]))))
    yield "no signature", f"{head}.{body}."
    yield "two parts", f"{head}.{body}"
    yield "five parts", f"{head}.{body}.{tail}.a.b"
    yield "longer life", join(header, later, signature)
    yield "other principal", join(header, payload | {"oid": "11111111-1111-4111-8111-111111111111"}, signature)
    for spelling in ("none", "None", "NONE", ""):
        yield f"alg {spelling!r}", join(header | {"alg": spelling}, payload, b"")
        yield f"alg {spelling!r}, signed", join(header | {"alg": spelling}, payload, signature)
    yield "no alg", join({k: v for k, v in header.items() if k != "alg"}, payload, signature)
    for secret_name, secret in published.items():
        for size in ("256", "512"):
            signing_input = f"{b64u(json.dumps(header | {'alg': 'HS' + size}).encode())}.{body}"
            yield f"HS{size} with {secret_name}", signing_input + "." + b64u(hmac.new(secret, signing_input.encode(), "sha" + size).digest())
    yield "foreign key", foreign_key_token(header, payload)
    yield "foreign key in the header", foreign_key_token(header | {"jwk": published_jwk(published)}, payload)
    yield "key address in the header", foreign_key_token(header | {"jku": "https://localhost:1/jwks", "x5u": "https://localhost:1/"}, payload)
    yield "unknown kid", join(header | {"kid": "nope"}, payload, signature)
    yield "kid path", join(header | {"kid": "../../../etc/passwd"}, payload, signature)
    yield "critical header", join(header | {"crit": ["b64"], "b64": False}, payload, signature)
    yield "padding", token + "="
    yield "standard alphabet", token.replace("-", "+").replace("_", "/") if set("-_") & set(token) else token + "!"
    yield "empty", ""
    yield "dots", "..."
    yield "one dot", "."
    yield "long", "A" * 100_000
    yield "long parts", ".".join(["A" * 20_000] * 3)
    yield "not JSON", ".".join((b64u(b"x"), b64u(b"y"), b64u(b"z")))
    yield "deep JSON", ".".join((head, b64u(b"[" * 5000), tail))
    yield "blank inside", head + " ." + body + "." + tail


def published_jwk(published):
    return json.loads(published["jwk"])


@pytest.fixture(scope="module")
def published(hsm, anonymous):
    """What an attacker can read: the keys under which tokens are signed, in several encodings."""
    import keycheck

    document = anonymous.get(f"/{hsm.tenant}/v2.0/.well-known/openid-configuration", api=None, headers={"Host": hsm.login.split("//")[1]}).expect(200).json
    keys = anonymous.get("/" + document["jwks_uri"].split("/", 3)[3], api=None, headers={"Host": hsm.login.split("//")[1]}).expect(200).json["keys"]
    kid = parts(hsm.token("user"))[0]["kid"]
    jwk = next(k for k in keys if k["kid"] == kid)
    assert not set(jwk) & {"d", "p", "q", "k"}
    return {"PEM": keycheck.public_pem(jwk), "jwk": json.dumps(jwk).encode(), "empty": b""}


def test_the_real_token_verifies_with_the_published_key(hsm, published):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    token = hsm.token("user")
    header, _, signature = parts(token)
    key, signed = serialization.load_pem_public_key(published["PEM"]), token.rsplit(".", 1)[0].encode()
    if header["alg"] == "RS256":
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        key.verify(utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:])), signed, ec.ECDSA(hashes.SHA256()))


def test_forgeries(hsm, user, published):
    tried = 0
    for what, token in forgeries(hsm.token("user"), published):
        wire = hsm.wire(None)
        try:
            answer = wire.get("/keys", token=token)
            if what.startswith("long"):
                assert answer.status in (401, 431, 400), (what, answer.status)
            else:
                refused(answer, hsm)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
        finally:
            wire.close()
        tried += 1
    assert tried > 30
    user.get("/keys").expect(200)  # the real one still works, whatever was cached


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "bearer", "Token {t}", "{t}", "Bearer {t} {t}", "Bearer {t}, Bearer {t}", "Negotiate {t}"])
def test_other_authorization_headers(header, hsm, anonymous):
    refused(anonymous.get("/keys", headers={"Authorization": header.format(t=hsm.token("user"))}), hsm)


def test_the_scheme_is_case_insensitive(hsm, anonymous):
    for scheme in ("Bearer", "bearer", "BEARER"):
        anonymous.get("/keys", headers={"Authorization": f"{scheme} {hsm.token('user')}"}).expect(200)


def test_two_authorization_headers_are_refused(hsm, user, anonymous):
    reply = user.raw(
        f"GET /keys?api-version=7.4 HTTP/1.1\r\nHost: {hsm.netloc}\r\nAuthorization: Bearer {hsm.token('nobody')}\r\n"
        f"Authorization: Bearer {hsm.token('user')}\r\nConnection: close\r\n\r\n".encode())
    assert reply.split(b" ")[1] in (b"400", b"401"), reply[:80]


def test_a_token_of_another_hsm_is_refused(hsm, scratch):
    from authority import running

    with running(scratch / "other", hsm_name="other-mhsm") as other:
        refused(hsm.wire(None).get("/keys", token=other.token("user")), hsm)
        refused(other.wire(None).get("/keys", token=hsm.token("user")), other)


def shifted(clock):
    """The command under which a program sees another time of day. Its monotonic clock stays real."""
    assert shutil.which("faketime"), "faketime is not installed: run scripts/setup test"
    return ["faketime", "--exclude-monotonic", "-f", clock]


@pytest.mark.parametrize("shift,accepted", [("+9h", False), ("+7h", True), ("-2m", True), ("-1h", False)])
def test_the_clock_decides(shift, accepted, scratch):
    """The same token, hours later or earlier: the server runs with its clock shifted (faketime)."""
    authority = Authority(scratch / f"clock{shift}", port=free_port()).up_foreground()
    token = authority.token("user")
    authority.wire(None).get("/keys", token=token).expect(200)
    authority.stop_foreground()
    authority.up_foreground(shifted(shift))
    try:
        answer = authority.wire(None).get("/keys", token=token)
        if accepted:
            answer.expect(200)
        else:
            refused(answer, authority)
    finally:
        authority.stop_foreground(may_be_killed=True)


def test_a_token_that_expires_while_cached_is_refused(scratch):
    """The cache of validated tokens must not outlive `exp`: the clock runs 8000 times as fast."""
    authority = Authority(scratch / "clock-fast", port=free_port()).up_foreground()
    token = authority.token("user")
    authority.stop_foreground()
    authority.up_foreground(shifted("+0 x8000"))
    try:
        wire = authority.wire(None)
        wire.get("/keys", token=token).expect(200)
        deadline = time.monotonic() + 25
        while (answer := wire.get("/keys", token=token)).status == 200:
            assert time.monotonic() < deadline, "still accepted after 13 faked hours"
            time.sleep(0.5)
        refused(answer, authority)
    finally:
        authority.kill()  # its timers run 8000 times as fast too: no graceful end
