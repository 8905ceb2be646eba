"""Credentials and small set-up for the Azure SDK tests."""

import contextlib
import time
import uuid

from azure.core.credentials import AccessToken

AUTHORIZATION = "/providers/Microsoft.Authorization"


class StaticCredential:
    """Hands out one ready token, and remembers which scopes the SDK asked for."""

    def __init__(self, token):
        self.token, self.scopes = token, []

    def get_token(self, *scopes, **_):
        self.scopes += scopes
        return AccessToken(self.token, int(time.time()) + 3600)


def token_of(hsm, who):
    return StaticCredential(hsm.token(who))


@contextlib.contextmanager
def granted(admin, principal, scope, actions):
    """A custom role of exactly these data actions, held at this scope for as long as the block runs."""
    role, grant = str(uuid.uuid4()), str(uuid.uuid4())
    definitions, prefix = AUTHORIZATION + "/roleDefinitions", "" if scope == "/" else scope
    admin.put(f"{definitions}/{role}", {"properties": {"roleName": f"Test {role}", "permissions": [
        {"dataActions": [f"Microsoft.KeyVault/managedHsm/{a}" for a in actions]}]}}).expect(201)
    admin.put(f"{prefix}{AUTHORIZATION}/roleAssignments/{grant}", {"properties": {
        "roleDefinitionId": f"Microsoft.KeyVault{definitions}/{role}", "principalId": principal}}).expect(201)
    try:
        yield
    finally:
        admin.delete(f"{prefix}{AUTHORIZATION}/roleAssignments/{grant}").expect(200)
        admin.delete(f"{definitions}/{role}").expect(200)
