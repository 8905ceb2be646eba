"""Registering issuers and federated identities with our authority, through its Graph-shaped endpoints."""

import dataclasses
import json
import uuid

from issuer import AUDIENCE
from wire import Wire


@dataclasses.dataclass
class Identity:
    client_id: str
    object_id: str
    application: str


def directory(hsm, who="admin"):
    """The directory of principals: the login host, asked with somebody's token."""
    return Wire(hsm.login, hsm.ca, hsm.token(who), api=None)


def trust(hsm, issuer):
    directory(hsm).post("/hallmark/v1/issuers", {"issuer": issuer.url, "caPem": issuer.ca_file.read_text()}).expect(200, 201)


def register(hsm, name, issuer, subject, audience=AUDIENCE):
    """An application with a service principal that this subject of this issuer may act as."""
    graph = directory(hsm)
    application = graph.post("/graph/v1.0/applications", {"displayName": name}).expect(201).json
    principal = graph.post("/graph/v1.0/servicePrincipals", {"appId": application["appId"]}).expect(201).json
    graph.post(f"/graph/v1.0/applications/{application['id']}/federatedIdentityCredentials",
               {"name": "ci", "issuer": issuer.url, "subject": subject, "audiences": [audience]}).expect(201)
    return Identity(application["appId"], principal["id"], application["id"])


def grant(hsm, principal, role, scope="/"):
    """Gives a built-in role; returns the assignment's path."""
    path = ("" if scope == "/" else scope) + f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    hsm.wire("admin").put(path, {"properties": {
        "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role}", "principalId": principal}}).expect(201)
    return path


def token_request(hsm, client_id, assertion, scope=None, **fields):
    """The form that MSAL posts for client_credentials with an assertion (managed-hsm.md §1.4); returns the answer."""
    import urllib.parse

    form = {"client_id": client_id, "grant_type": "client_credentials", "client_info": "1", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "scope": scope or hsm.resource + "/.default", "claims": json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})} | fields
    body = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode()
    wire = Wire(hsm.login, hsm.ca, None, api=None)
    document = wire.get(f"/{hsm.tenant}/v2.0/.well-known/openid-configuration").expect(200).json
    path = "/" + document["token_endpoint"].split("/", 3)[3]
    return wire.send("POST", path, body, headers={"Content-Type": "application/x-www-form-urlencoded"})
