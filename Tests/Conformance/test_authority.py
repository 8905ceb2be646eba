"""The token authority: discovery, federated assertions, what is refused, and the small Graph answers."""

import json
import time
import uuid

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential
from azure.keyvault.keys import KeyClient
from cryptography.hazmat.primitives.asymmetric import rsa

import federation
from issuer import Issuer
from wire import Wire, unb64u

CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
SUBJECT = "repo:myorg/product:environment:release"


@pytest.fixture(scope="module")
def issuer(scratch, hsm):
    issuer = Issuer(scratch / "authority-issuer")
    federation.trust(hsm, issuer)
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def build(hsm, issuer):
    identity = federation.register(hsm, "build", issuer, SUBJECT)
    federation.grant(hsm, identity.object_id, CRYPTO_USER, "/keys")
    return identity


@pytest.mark.parametrize("tenant", ["{tenant}", "organizations", "common"])
def test_discovery(tenant, hsm):
    login = Wire(hsm.login, hsm.ca, None, api=None)
    document = login.get(f"/{tenant.format(tenant=hsm.tenant)}/v2.0/.well-known/openid-configuration").expect(200).json
    for member in ("token_endpoint", "authorization_endpoint", "device_authorization_endpoint", "jwks_uri"):
        assert document[member].startswith(hsm.login + "/"), member
    keys = login.get("/" + document["jwks_uri"].split("/", 3)[3]).expect(200).json["keys"]
    assert keys and all(k["kid"] and not set(k) & {"d", "p", "q", "k"} for k in keys)


def test_a_federated_assertion_becomes_a_token_that_works(hsm, issuer, build):
    answer = federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT)).expect(200)
    document = answer.json
    assert document["token_type"] == "Bearer" and isinstance(document["expires_in"], int) and document["expires_in"] > 0
    claims = json.loads(unb64u(document["access_token"].split(".")[1]))
    assert claims["oid"] == build.object_id and claims["tid"] == hsm.tenant and claims["aud"].rstrip("/") == hsm.resource
    wire = Wire(hsm.url, hsm.ca, document["access_token"])
    wire.get("/keys").expect(200)


def test_the_double_slash_scope_is_understood(hsm, issuer, build):
    federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT), scope=hsm.resource + "//.default").expect(200)


def test_azure_identity_and_the_key_client(hsm, issuer, build, name):
    credential = ClientAssertionCredential(
        hsm.tenant, build.client_id, lambda: issuer.assertion(SUBJECT), authority=hsm.login, disable_instance_discovery=True, connection_verify=hsm.ca)
    client = KeyClient(hsm.url, credential, connection_verify=hsm.ca)
    key = client.create_ec_key(name, curve="P-256", hardware_protected=True)
    assert client.get_cryptography_client(name).sign("ES256", b"\1" * 32).key_id == key.id


def test_workload_identity_from_a_file(hsm, issuer, build, tmp_path, monkeypatch):
    from azure.identity import WorkloadIdentityCredential

    path = tmp_path / "assertion"
    path.write_text(issuer.assertion(SUBJECT))
    credential = WorkloadIdentityCredential(
        tenant_id=hsm.tenant, client_id=build.client_id, token_file_path=str(path), authority=hsm.login, disable_instance_discovery=True, connection_verify=hsm.ca)
    list(KeyClient(hsm.url, credential, connection_verify=hsm.ca).list_properties_of_keys())


def bad_assertions(issuer):
    good = {"subject": SUBJECT}
    yield "another subject", issuer.assertion("repo:evil/product:environment:release")
    yield "subject in other case", issuer.assertion(SUBJECT.upper())
    yield "subject with a tail", issuer.assertion(SUBJECT + "x")
    yield "another audience", issuer.assertion(**good, audience="api://something-else")
    yield "no audience", issuer.assertion(**good, aud=None)
    yield "audience list without ours", issuer.assertion(**good, audience=["a", "b"])
    yield "expired", issuer.assertion(**good, lifetime=-3600)
    yield "from the future", issuer.assertion(**good, nbf=4102444800, exp=4102448400)
    yield "no expiry", issuer.assertion(**good, exp=None)
    yield "text expiry", issuer.assertion(**good, exp="soon")
    yield "another issuer", issuer.assertion(**good, iss="https://ci.localhost:1")
    yield "issuer with a slash", issuer.assertion(**good, iss=issuer.url + "/")
    yield "foreign key", issuer.assertion(**good, key=rsa.generate_private_key(65537, 2048))
    yield "foreign key, unknown kid", issuer.assertion(**good, key=rsa.generate_private_key(65537, 2048), header={"kid": "zzz"})
    yield "alg none", issuer.assertion(**good, header={"alg": "none"}).rsplit(".", 1)[0] + "."
    yield "alg HS256", issuer.assertion(**good, header={"alg": "HS256"})
    yield "alg PS256 with a PKCS#1 signature", issuer.assertion(**good, header={"alg": "PS256"})
    yield "garbage", "garbage"
    yield "empty", ""


def test_bad_assertions_get_no_token(hsm, issuer, build):
    for what, assertion in bad_assertions(issuer):
        answer = federation.token_request(hsm, build.client_id, assertion)
        # An unknown key id may mean that the issuer rotated; its keys are fetched at most every 30 s, and until then the answer is "later".
        assert answer.status in ((400, 401, 503) if what.endswith("unknown kid") else (400, 401)), (what, answer.status, answer.body[:200])
        document = answer.json
        assert document["error"] in ("temporarily_unavailable", "invalid_client", "invalid_request", "unauthorized_client", "invalid_grant") and document.get("error_description"), (what, document)
        assert "access_token" not in document


def test_other_token_requests_that_are_refused(hsm, issuer, build):
    good = issuer.assertion(SUBJECT)
    for what, client, fields in (
        ("unknown client", str(uuid.uuid4()), {}), ("client that is no GUID", "me", {}), ("no client", None, {}), ("password grant", build.client_id, {"grant_type": "password"}),
        ("no grant", build.client_id, {"grant_type": None}), ("a secret", build.client_id, {"client_assertion": None, "client_assertion_type": None, "client_secret": "x"}),
        ("nothing", build.client_id, {"client_assertion": None}), ("other assertion type", build.client_id, {"client_assertion_type": "urn:x"}),
        ("foreign scope", build.client_id, {"scope": "https://vault.example/.default"}),
    ):
        answer = federation.token_request(hsm, client, good, **fields)
        assert answer.status in (400, 401) and answer.json["error"], (what, answer.status, answer.body[:200])


def test_an_issuer_that_is_not_trusted(hsm, build, scratch):
    stranger = Issuer(scratch / "stranger", host="stranger.localhost")
    try:
        answer = federation.token_request(hsm, build.client_id, stranger.assertion(SUBJECT))
        assert answer.status in (400, 401), answer.body
        assert stranger.requests == [], "an untrusted issuer was even asked for its keys"
    finally:
        stranger.close()


@pytest.mark.parametrize("pattern,good,bad", [
    ("repo:myorg@123/product@456:ref:refs/heads/main", ["repo:myorg@123/product@456:ref:refs/heads/main"], ["repo:myorg@123/product@457:ref:refs/heads/main", "repo:myorg/product:ref:refs/heads/main"]),
])
def test_github_subjects_with_ids(pattern, good, bad, hsm, issuer):
    identity = federation.register(hsm, f"gh-{uuid.uuid4()}", issuer, pattern)
    for subject in good:
        federation.token_request(hsm, identity.client_id, issuer.assertion(subject)).expect(200)
    for subject in bad:
        assert federation.token_request(hsm, identity.client_id, issuer.assertion(subject)).status in (400, 401)


def test_a_token_for_graph_does_not_open_the_hsm(hsm, issuer, build):
    answer = federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT), scope=hsm.login + "/graph//.default")
    if answer.status == 200:
        assert Wire(hsm.url, hsm.ca, answer.json["access_token"]).get("/keys").status == 401


def test_only_who_may_assign_roles_changes_the_directory(hsm, issuer, build):
    for who in ("user", "nobody"):
        graph = federation.directory(hsm, who)
        for path, body in (("/graph/v1.0/applications", {"displayName": "x"}), ("/graph/v1.0/servicePrincipals", {"appId": build.client_id}),
                           (f"/graph/v1.0/applications/{build.application}/federatedIdentityCredentials",
                            {"name": "mine", "issuer": issuer.url, "subject": "repo:evil/x", "audiences": ["api://AzureADTokenExchange"]}),
                           ("/hallmark/v1/issuers", {"issuer": "https://evil.localhost:1"})):
            assert graph.post(path, body).status in (401, 403), (who, path)
    anonymous = Wire(hsm.login, hsm.ca, None, api=None)
    assert anonymous.post("/graph/v1.0/applications", {"displayName": "x"}).status == 401


def test_graph_names_principals(hsm, build):
    """What az asks after every role command (§1.5)."""
    answer = federation.directory(hsm).post("/graph/v1.0/directoryObjects/getByIds", {
        "ids": [build.object_id, hsm.oid("user"), str(uuid.uuid4())], "types": ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"]}).expect(200)
    found = {o["id"]: o for o in answer.json["value"]}
    assert set(found) == {build.object_id, hsm.oid("user")}
    assert found[build.object_id]["displayName"] == "build" and found[build.object_id]["@odata.type"] == "#microsoft.graph.servicePrincipal"


def test_the_key_client_with_a_bad_assertion(hsm, issuer, build):
    credential = ClientAssertionCredential(
        hsm.tenant, build.client_id, lambda: issuer.assertion("repo:evil/x"), authority=hsm.login, disable_instance_discovery=True, connection_verify=hsm.ca)
    with pytest.raises(ClientAuthenticationError):
        KeyClient(hsm.url, credential, connection_verify=hsm.ca).get_key("x")


def test_the_issuer_rotates_its_keys(hsm, issuer, build):
    federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT)).expect(200)
    old = issuer.kid
    issuer.rotate()
    federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT, header={"kid": old}, key=issuer.keys[old])).expect(200)
    deadline = time.monotonic() + 40  # a set of keys is fetched at most every 30 s
    while (answer := federation.token_request(hsm, build.client_id, issuer.assertion(SUBJECT))).status == 503:
        assert answer.json["error"] == "temporarily_unavailable" and time.monotonic() < deadline, answer.body
        time.sleep(1)
    answer.expect(200)
