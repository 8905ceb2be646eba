"""Access tokens of an outside issuer (an Entra tenant, say), trusted as data instead of the embedded authority's own."""

import time
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import federation
from issuer import Issuer
from wire import Wire

CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
TENANT = "8c7e4f0a-2f1c-4f58-9a57-4f2f6a1d7c11"
PERSON = "1f6b2f7e-6a0d-4f39-8f0e-0d6a4c1b9e22"
AUDIENCE = "https://managedhsm.example"


@pytest.fixture(scope="module")
def issuer(scratch, hsm):
    issuer = Issuer(scratch / "external-issuer", host="login.localhost")
    federation.directory(hsm).post("/hallmark/v1/issuers", {
        "issuer": issuer.url, "caPem": issuer.ca_file.read_text(), "accessTokens": True, "tenant": TENANT, "audiences": [AUDIENCE]}).expect(201)
    federation.grant(hsm, PERSON, CRYPTO_USER)
    yield issuer
    issuer.close()


def token(issuer, **changes):
    claims = {"tid": TENANT, "oid": PERSON, "upn": "person@example", "ver": "1.0"} | changes
    options = {k: claims.pop(k) for k in ("audience", "lifetime", "header", "key") if k in claims}
    return issuer.assertion("subject-of-" + str(claims.get("oid")), **({"audience": AUDIENCE} | options), **claims)


def status(hsm, bearer):
    return Wire(hsm.url, hsm.ca, bearer).get("/keys").status


def test_a_good_token_is_somebody(hsm, issuer):
    wire = Wire(hsm.url, hsm.ca, token(issuer))
    wire.get("/keys").expect(200)
    wire.create_key("outside")
    assert status(hsm, token(issuer, audience=AUDIENCE + "/")) == 200  # a trailing slash is the same audience
    assert status(hsm, token(issuer, nbf=int(time.time()) + 60)) == 200  # a minute of skew


def test_a_good_token_without_a_role_is_refused_with_403(hsm, issuer):
    answer = Wire(hsm.url, hsm.ca, token(issuer, oid=str(uuid.uuid4()))).get("/keys").expect(403)
    assert answer.error == "AccessDenied"


def bad_tokens(issuer):
    now = int(time.time())
    yield "expired", token(issuer, lifetime=-3600)
    yield "early", token(issuer, nbf=now + 3600, exp=now + 7200)
    yield "no expiry", token(issuer, exp=None)
    yield "text expiry", token(issuer, exp="soon")
    yield "wrong audience", token(issuer, audience="https://vault.example")
    yield "audience of a child", token(issuer, audience=AUDIENCE + ".evil.example")
    yield "no audience", token(issuer, aud=None)
    yield "empty audience list", token(issuer, aud=[])
    yield "another tenant", token(issuer, tid=str(uuid.uuid4()))
    yield "another issuer's name", token(issuer, iss="https://login.localhost:1")
    yield "the HSM's own issuer name", token(issuer, iss="https://managedhsm.localhost")
    yield "no object id", token(issuer, oid=None)
    yield "object id that is none", token(issuer, oid="me")
    yield "foreign key", token(issuer, key=rsa.generate_private_key(65537, 2048))
    yield "alg none", token(issuer, header={"alg": "none"}).rsplit(".", 1)[0] + "."
    yield "HS256", token(issuer, header={"alg": "HS256"})
    yield "critical header", token(issuer, header={"crit": ["exp"]})


def test_bad_tokens_are_refused_with_the_challenge(hsm, issuer):
    tried = 0
    for what, bearer in bad_tokens(issuer):
        answer = Wire(hsm.url, hsm.ca, bearer).get("/keys")
        assert answer.status == 401, (what, answer.status)
        assert answer.header("WWW-Authenticate").startswith('Bearer authorization="'), what
        tried += 1
    assert tried == 17


def test_an_external_principal_is_not_a_local_one(hsm, issuer):
    """A token of the outside tenant with the object id of a local principal: rights belong to the pair, or the token is refused."""
    answer = Wire(hsm.url, hsm.ca, token(issuer, tid=hsm.tenant, oid=hsm.oid("user"))).get("/keys")
    assert answer.status == 401


def test_distrust_takes_effect_at_once_even_for_cached_tokens(hsm, issuer):
    bearer = token(issuer)
    assert status(hsm, bearer) == 200
    directory = federation.directory(hsm)
    directory.delete("/hallmark/v1/issuers?issuer=" + issuer.url).expect(204)
    assert status(hsm, bearer) == 401
    assert status(hsm, token(issuer)) == 401


@pytest.mark.parametrize("body", [
    {}, {"issuer": 5}, {"issuer": "http://plain.localhost"}, {"issuer": "not a url"}, {"issuer": "https://x.localhost", "accessTokens": True},
    {"issuer": "https://x.localhost", "accesTokens": True}, {"issuer": "https://x.localhost", "jwks": {"keys": "x"}}, {"issuer": "https://x.localhost", "caPem": "no certificate"},
    {"issuer": "https://x.localhost", "caPem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
], ids=str)
def test_bad_issuers_are_refused(body, hsm):
    assert federation.directory(hsm).post("/hallmark/v1/issuers", body).status == 400
