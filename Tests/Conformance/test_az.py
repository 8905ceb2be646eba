"""The Azure command line, unmodified: federated login against our authority, then every command of the first slice.

One login and one HSM for the whole file; each az call takes a second or two. Tests run in the order they stand: a story.
"""

import base64
import hashlib
import json
import pathlib
import subprocess
import time

import pytest

import federation
import keycheck
from az import Az
from issuer import Issuer

HSM = "myorg-mhsm"
KEY = "codesign-prod-2026"
SUBJECT = "repo:myorg/product:environment:release"
SOMEONE = "5f0c9d3c-5b0e-4e9f-9f3e-6a2a35a0b001"


@pytest.fixture(scope="module")
def issuer(scratch):
    issuer = Issuer(scratch / "az-issuer")
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def identities(hsm, issuer):
    """Two federated identities: one that will run the HSM, one build that will only sign."""
    federation.trust(hsm, issuer)
    operator = federation.register(hsm, "hsm-operator", issuer, "repo:myorg/infra:ref:refs/heads/main")
    build = federation.register(hsm, "release-build", issuer, SUBJECT)
    return operator, build


@pytest.fixture(scope="module")
def az(hsm, issuer, identities, scratch):
    """az logged in as the operator, who holds Administrator, Crypto Officer and Crypto User at /."""
    operator, _ = identities
    for role in ("a290e904-7015-4bba-90c8-60543313cdb4", "515eb02d-2335-4d2d-92f2-b1cbdf9c3778", "21dbd100-6940-42c2-9190-5d6cb909625b"):
        federation.grant(hsm, operator.object_id, role)
    az = Az(hsm, scratch / "az-operator")
    az.register_cloud()
    az("login", "--service-principal", "-u", operator.client_id, "--tenant", hsm.tenant, "--allow-no-subscriptions",
       "--federated-token", issuer.assertion("repo:myorg/infra:ref:refs/heads/main"))
    return az


def test_login_shows_the_account(az, hsm, identities):
    account = az("account", "show")
    assert account["tenantId"] == hsm.tenant and account["user"] == {"name": identities[0].client_id, "type": "servicePrincipal"}


def test_an_access_token_for_the_hsm(az, hsm, identities):
    token = az("account", "get-access-token", "--resource", hsm.resource)
    claims = json.loads(base64.urlsafe_b64decode(token["accessToken"].split(".")[1] + "=="))
    assert claims["oid"] == identities[0].object_id and claims["tid"] == hsm.tenant and claims["aud"].rstrip("/") == hsm.resource


def test_login_with_a_foreign_assertion_fails(az, hsm, issuer, identities, scratch):
    stranger = Az(hsm, scratch / "az-foreign")
    stranger.register_cloud()
    stranger.refused("login", "--service-principal", "-u", identities[0].client_id, "--tenant", hsm.tenant, "--allow-no-subscriptions",
                     "--federated-token", issuer.assertion("repo:myorg/infra:pull_request"), says="AADSTS")


def test_key_create(az, hsm):
    key = az("keyvault", "key", "create", "--hsm-name", HSM, "--name", KEY, "--kty", "EC-HSM", "--curve", "P-384", "--ops", "sign", "verify", "--tags", "team=release")
    assert key["key"]["kty"] == "EC-HSM" and key["key"]["crv"] == "P-384" and sorted(key["key"]["keyOps"]) == ["sign", "verify"] and key["tags"] == {"team": "release"}
    assert key["key"]["kid"].startswith(f"{hsm.url}/keys/{KEY}/") and key["attributes"]["recoveryLevel"] == "CustomizedRecoverable+Purgeable"


def test_key_create_rsa_by_default_and_with_size(az):
    assert az("keyvault", "key", "create", "--hsm-name", HSM, "--name", "az-default")["key"]["kty"] == "RSA-HSM"
    key = az("keyvault", "key", "create", "--hsm-name", HSM, "--name", "az-rsa", "--kty", "RSA-HSM", "--size", "3072")
    assert len(base64.b64decode(key["key"]["n"])) == 384
    assert az("keyvault", "key", "create", "--hsm-name", HSM, "--name", "az-oct", "--kty", "oct-HSM", "--size", "256")["key"]["kty"] == "oct-HSM"


def test_key_show_list_versions(az):
    shown = az("keyvault", "key", "show", "--hsm-name", HSM, "--name", KEY)
    assert shown["key"]["crv"] == "P-384"
    second = az("keyvault", "key", "create", "--hsm-name", HSM, "--name", KEY, "--kty", "EC-HSM", "--curve", "P-384")
    versions = [v["kid"] for v in az("keyvault", "key", "list-versions", "--hsm-name", HSM, "--name", KEY)]
    assert versions == [shown["key"]["kid"], second["key"]["kid"]]
    assert KEY in [k["name"] for k in az("keyvault", "key", "list", "--hsm-name", HSM)]
    by_id = az("keyvault", "key", "show", "--id", shown["key"]["kid"])
    assert by_id["key"]["kid"] == shown["key"]["kid"]


def test_set_attributes(az):
    changed = az("keyvault", "key", "set-attributes", "--hsm-name", HSM, "--name", KEY, "--expires", "2031-01-01T00:00:00Z", "--tags", "stage=prod")
    assert changed["attributes"]["expires"].startswith("2031-01-01") and changed["tags"] == {"stage": "prod"}
    assert az("keyvault", "key", "set-attributes", "--hsm-name", HSM, "--name", "az-rsa", "--enabled", "false")["attributes"]["enabled"] is False


def test_sign_and_verify(az, hsm):
    digest = hashlib.sha384(b"an artifact").digest()
    signed = az("keyvault", "key", "sign", "--hsm-name", HSM, "--name", KEY, "--algorithm", "ES384", "--digest", base64.b64encode(digest).decode())
    signature = base64.b64decode(signed["signature"])
    jwk = hsm.wire("user").get(f"/keys/{KEY}/").expect(200).json["key"]
    assert len(signature) == 96 and keycheck.accepts(jwk, "ES384", digest, signature)
    verdict = az("keyvault", "key", "verify", "--hsm-name", HSM, "--name", KEY, "--algorithm", "ES384", "--digest", base64.b64encode(digest).decode(),
                 "--signature", base64.b64encode(signature).decode())
    assert verdict["isValid"] is True


def test_download_public_key(az, hsm, openssl, tmp_path):
    pem = tmp_path / "key.pem"
    az("keyvault", "key", "download", "--hsm-name", HSM, "--name", KEY, "--file", pem, "--encoding", "PEM")
    assert keycheck.public_pem(hsm.wire("user").get(f"/keys/{KEY}/").expect(200).json["key"]).split() == pem.read_bytes().split()


def test_import_a_pem(az, openssl, tmp_path):
    pem = tmp_path / "own.pem"
    subprocess.run([openssl, "genrsa", "-out", pem, "2048"], check=True, capture_output=True)
    assert az("keyvault", "key", "import", "--hsm-name", HSM, "--name", "az-imported", "--pem-file", pem, "--kty", "RSA")["key"]["kty"] == "RSA-HSM"


def test_random(az):
    assert len(base64.b64decode(az("keyvault", "key", "random", "--hsm-name", HSM, "--count", "16")["value"])) == 16


def test_delete_recover_purge(az):
    az("keyvault", "key", "delete", "--hsm-name", HSM, "--name", "az-default")
    assert az("keyvault", "key", "list-deleted", "--hsm-name", HSM)[0]["name"] == "az-default"
    assert az("keyvault", "key", "show-deleted", "--hsm-name", HSM, "--name", "az-default")["recoveryId"].endswith("/deletedkeys/az-default")
    az("keyvault", "key", "recover", "--hsm-name", HSM, "--name", "az-default")
    az("keyvault", "key", "show", "--hsm-name", HSM, "--name", "az-default")
    az("keyvault", "key", "delete", "--hsm-name", HSM, "--name", "az-default")
    az("keyvault", "key", "purge", "--hsm-name", HSM, "--name", "az-default")
    gone = az.run("keyvault", "key", "show", "--hsm-name", HSM, "--name", "az-default")
    assert gone.returncode == 3 and "KeyNotFound" in gone.stderr


def test_role_definitions(az):
    definitions = az("keyvault", "role", "definition", "list", "--hsm-name", HSM)
    assert {"Managed HSM Administrator", "Managed HSM Crypto User", "Managed HSM Crypto Officer"} <= {d["roleName"] for d in definitions}


def test_custom_role_definition(az, tmp_path):
    path = tmp_path / "role.json"
    path.write_text(json.dumps({"roleName": "Az Signer", "description": "signs", "actions": [], "notActions": [],
                                "dataActions": ["Microsoft.KeyVault/managedHsm/keys/sign/action"], "notDataActions": []}))
    made = az("keyvault", "role", "definition", "create", "--hsm-name", HSM, "--role-definition", f"@{path}")
    assert made["roleName"] == "Az Signer"
    assert az("keyvault", "role", "definition", "show", "--hsm-name", HSM, "--name", made["name"])["description"] == "signs"
    az("keyvault", "role", "definition", "delete", "--hsm-name", HSM, "--name", made["name"])


def test_role_assignment_create_list_delete(az, identities):
    build = identities[1].object_id
    made = az("keyvault", "role", "assignment", "create", "--hsm-name", HSM, "--role", "Managed HSM Crypto User",
              "--assignee-object-id", build, "--scope", f"/keys/{KEY}")
    assert made["scope"] == f"/keys/{KEY}" and made["principalId"] == build and made["roleName"] == "Managed HSM Crypto User"
    assert made.get("principalName") not in (None, "Unknown", ""), "Graph resolves our own principals to their names"
    listed = az("keyvault", "role", "assignment", "list", "--hsm-name", HSM, "--scope", f"/keys/{KEY}")
    assert [a["name"] for a in listed] == [made["name"]]
    az("keyvault", "role", "assignment", "create", "--hsm-name", HSM, "--role", "Managed HSM Crypto Auditor", "--assignee-object-id", SOMEONE, "--scope", "/")
    az("keyvault", "role", "assignment", "delete", "--hsm-name", HSM, "--role", "Managed HSM Crypto Auditor", "--assignee-object-id", SOMEONE, "--scope", "/")
    assert SOMEONE not in [a["principalId"] for a in az("keyvault", "role", "assignment", "list", "--hsm-name", HSM)]


def test_the_build_identity_signs_and_is_refused_the_rest(hsm, issuer, identities, az, scratch):
    build = identities[1]
    mine = Az(hsm, scratch / "az-build")
    mine.register_cloud()
    mine("login", "--service-principal", "-u", build.client_id, "--tenant", hsm.tenant, "--allow-no-subscriptions", "--federated-token", issuer.assertion(SUBJECT))
    digest = base64.b64encode(hashlib.sha384(b"release").digest()).decode()
    mine("keyvault", "key", "sign", "--hsm-name", HSM, "--name", KEY, "--algorithm", "ES384", "--digest", digest)
    mine.refused("keyvault", "key", "list", "--hsm-name", HSM)
    mine.refused("keyvault", "key", "show", "--hsm-name", HSM, "--name", "az-rsa")
    mine.refused("keyvault", "key", "sign", "--hsm-name", HSM, "--name", "az-imported", "--algorithm", "RS384", "--digest", digest)
    mine.refused("keyvault", "key", "create", "--hsm-name", HSM, "--name", "mine", "--kty", "EC-HSM")
    mine.refused("keyvault", "role", "assignment", "create", "--hsm-name", HSM, "--role", "Managed HSM Administrator", "--assignee-object-id", build.object_id, "--scope", "/")


def test_settings(az):
    listed = az("keyvault", "setting", "list", "--hsm-name", HSM)
    assert [s["name"] for s in (listed["settings"] if isinstance(listed, dict) else listed)] == ["AllowKeyManagementOperationsThroughARM"]
    shown = az("keyvault", "setting", "show", "--hsm-name", HSM, "--name", "AllowKeyManagementOperationsThroughARM")
    assert shown["value"] == "false"
    az("keyvault", "setting", "update", "--hsm-name", HSM, "--name", "AllowKeyManagementOperationsThroughARM", "--value", "true")
    az("keyvault", "setting", "update", "--hsm-name", HSM, "--name", "AllowKeyManagementOperationsThroughARM", "--value", "false")


def test_security_domain_download(az, hsm, tmp_path):
    import domain

    pairs = domain.custodians(pathlib.Path(hsm.env["HALLMARK_CUSTODIANS"]))
    path = tmp_path / "domain.json"
    status = az("keyvault", "security-domain", "download", "--hsm-name", HSM, "--sd-wrapping-keys", *[c for _, c in pairs], "--sd-quorum", "2",
                "--security-domain-file", path)
    assert status["status"] == "Success"
    document = json.loads(path.read_text())
    assert domain.open_domain(document, pairs[:2])[1]


def test_login_by_certificate_and_the_metadata_document(hsm, openssl, scratch, tmp_path):
    """A certificate instead of a federated assertion, and the cloud registered from one address alone."""
    pem = tmp_path / "officer.pem"
    certificate, key = tmp_path / "officer.cer", tmp_path / "officer.key"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=officer"], check=True, capture_output=True)
    pem.write_bytes(key.read_bytes() + certificate.read_bytes())
    added = json.loads(hsm.run("identity", "add", "certified", "--with-certificate", certificate, "--output", "json", who="admin", check=True).stdout)
    federation.grant(hsm, added["objectId"], "515eb02d-2335-4d2d-92f2-b1cbdf9c3778")
    officer = Az(hsm, scratch / "az-certificate")
    officer.register_cloud_by_metadata()
    officer("login", "--service-principal", "-u", added["clientId"], "--tenant", hsm.tenant, "--allow-no-subscriptions", "--certificate", pem)
    officer("keyvault", "key", "list-deleted", "--hsm-name", HSM)
    officer.refused("keyvault", "key", "list", "--hsm-name", HSM)
    other = tmp_path / "other.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", other, "-out", certificate, "-days", "2", "-subj", "/CN=officer"], check=True, capture_output=True)
    other.write_bytes(other.read_bytes() + certificate.read_bytes())
    officer.refused("login", "--service-principal", "-u", added["clientId"], "--tenant", hsm.tenant, "--allow-no-subscriptions", "--certificate", other, says="AADSTS")


def test_tokens_are_renewed_without_a_new_login(az):
    started = time.monotonic()
    az("keyvault", "key", "list", "--hsm-name", HSM)
    assert time.monotonic() - started < 30


def test_logout(az):
    az("logout")
    az.refused("keyvault", "key", "list", "--hsm-name", HSM, says="az login")
