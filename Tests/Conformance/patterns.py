"""Builders and the estate for the tests of the gate's patterns: one small company, in every dialect a change can be written in."""

import copy
import dataclasses

from plans import BUILD, CRYPTO_USER, GROUP, HSM, HSM_TYPE, SUBSCRIPTION, VAULT, change, hsm_key, plan, vault_key

TENANT, OTHER_TENANT = "0a0a0a0a-0000-4000-8000-000000000001", "0b0b0b0b-0000-4000-8000-000000000002"
OTHER_VAULT = f"{SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.KeyVault/vaults/kv-pol"
DARK_VAULT = f"{SUBSCRIPTION}/resourceGroups/rg-dark/providers/Microsoft.KeyVault/vaults/kv-dark"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/mg-nw"
BUILD_CLIENT = "7c1d0000-0000-4000-8000-00000000000b"
BUILD_ARM = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-build-eu"
OFFICER = "5f0c0000-0000-4000-8000-00000000000c"
OFFICER_ARM = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-officer"
DISK = "5f0c0000-0000-4000-8000-00000000000d"
HUMAN = "5f0c0000-0000-4000-8000-00000000000e"
UNLISTED_CI = "5f0c0000-0000-4000-8000-00000000000f"
INNER, OUTER, STAFF = "9a9a0000-0000-4000-8000-000000000001", "9a9a0000-0000-4000-8000-000000000002", "9a9a0000-0000-4000-8000-000000000003"
SIGNER, AZURE_SIGNER, SHARED = "c0c00000-0000-4000-8000-000000000001", "c0c00000-0000-4000-8000-000000000002", "c0c00000-0000-4000-8000-000000000003"

SERVICE_ENCRYPTION = "33413926-3206-4cdd-b39a-83574fe37a17"
SERVICE_RELEASE = "21dbd100-6940-42c2-9190-5d6cb909625c"
AUDITOR = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"
ADMINISTRATOR, POLICY_ADMINISTRATOR = "a290e904-7015-4bba-90c8-60543313cdb4", "4bd23610-cdcf-4971-bdee-bdc562cc28e4"
CRYPTO_OFFICER = "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"
KV_CRYPTO_USER, KV_READER = "12338af0-0e69-4776-bea7-57ae8d297424", "21090545-7ca7-4776-b22c-e363652d74d2"
OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
PURGE_OPERATOR = "a68e7c17-0ab2-4c09-9a58-125dae29748c"

GITHUB = "https://token.actions.githubusercontent.com"
L, V = "Microsoft.KeyVault/managedHsm/", "Microsoft.KeyVault/vaults/"


@dataclasses.dataclass
class Case:
    """One change and what the gate has to say of it. A field that is None is not looked at."""

    name: str
    document: object
    verdict: str
    rule: str = None
    who: str = None
    store: str = None
    key: str = None
    gained: tuple = ()
    says: tuple = ()
    address: str = None
    undecided: str = None
    standing: str = None
    inventory: dict = None
    intent: dict = None
    flags: tuple = ()
    files: dict = None
    no_inventory: bool = False


INTENT = {"schema": "hallmark.intent/v1",
          "identities": [
              {"name": "build-eu", "match": {"objectId": BUILD, "clientId": BUILD_CLIENT, "armId": BUILD_ARM}, "purpose": "sign-only", "keys": ["fw-sign", "legacy-sign"]},
              {"name": "officer", "match": {"objectId": OFFICER}, "purpose": "officer"},
              {"name": "disks", "match": {"objectId": DISK}, "purpose": "encrypt-service"},
              {"name": "alice", "match": {"objectId": HUMAN}, "purpose": "administrator"}],
          "signingKeys": {"names": ["fw-sign", "codesign-*"], "tags": {"purpose": ["release", "signing"]}, "subjects": ["CN=Northwind Release"]},
          "defaults": {"ciFederated": "sign-only", "unlisted": "unclassified"}}


def federated(subject, issuer=GITHUB):
    return {"issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}


def store(name, kind, arm, mode, **more):
    host = "managedhsm" if kind == "managedHsm" else "vault"
    return {"id": name, "kind": kind, "uri": f"https://{name}.{host}.azure.net", "armId": arm, "tenantId": TENANT, "rbacMode": mode, "purgeProtection": True,
            "sku": "Standard_B1" if kind == "managedHsm" else "premium", "softDeleteDays": 90, "visibility": "full", **more}


def grant(principal, role, scope, store="nw-hsm", via="localRbac", capabilities=None, latent=False):
    seen = {} if capabilities is None else {"capabilities": capabilities}
    return {"id": f"grant-{principal[-2:]}-{(role or 'policy')[-4:]}-{len(scope)}", "store": store, "principal": principal, "via": via, "scope": scope, "role": role, "latent": latent, **seen}


def policy_grant(principal, capabilities, latent=False, vault="kv-pol", arm=OTHER_VAULT):
    return grant(principal, None, arm, vault, "accessPolicy", capabilities, latent)


def estate(grants=(), roles=(), stores=(), keys=(), groups=None, identities=(), **more):
    """What Northwind has: an HSM with a signing key and a disk key, three vaults of different kinds, five identities, nested groups."""
    return copy.deepcopy({
        "schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z",
        "stores": [store("nw-hsm", "managedHsm", HSM, "local"), store("kv-acme", "vault", VAULT, "azureRbac"), store("kv-pol", "vault", OTHER_VAULT, "accessPolicy"), *stores],
        "keys": [
            {"store": "nw-hsm", "name": "fw-sign", "version": "1", "kty": "EC-HSM", "curve": "P-256", "keyOps": ["sign", "verify"], "tags": {"purpose": "release"}, "deleted": False},
            {"store": "nw-hsm", "name": "disk-wrap", "version": "1", "kty": "RSA-HSM", "bits": 3072, "keyOps": ["wrapKey", "unwrapKey"], "deleted": False},
            {"store": "kv-acme", "name": "legacy-sign", "version": "1", "kty": "RSA-HSM", "bits": 3072, "keyOps": ["sign", "verify"], "deleted": False},
            {"store": "kv-pol", "name": "app-enc", "version": "1", "kty": "RSA", "bits": 2048, "keyOps": ["encrypt", "decrypt"], "deleted": False}, *keys],
        "roles": [
            {"store": "nw-hsm", "id": SIGNER, "name": "nw-signer", "custom": True, "dataActions": [L + "keys/sign/action", L + "keys/read/action"], "notDataActions": [], "actions": [], "notActions": []},
            {"store": None, "id": AZURE_SIGNER, "name": "Key Signer", "custom": True, "dataActions": [V + "keys/sign/action", V + "keys/read"], "notDataActions": [], "actions": [], "notActions": []}, *roles],
        "grants": [grant(BUILD, SIGNER, "/keys/fw-sign", capabilities=["sign", "read"]), *grants],
        "identities": [
            {"objectId": BUILD, "clientId": BUILD_CLIENT, "kind": "userAssigned", "name": "id-build-eu", "armId": BUILD_ARM, "federated": [federated("repo:northwind@901/engine@77:environment:ship")]},
            {"objectId": OFFICER, "kind": "userAssigned", "name": "id-officer", "armId": OFFICER_ARM, "federated": []},
            {"objectId": DISK, "kind": "systemAssigned", "name": "des-disks", "federated": []}, {"objectId": HUMAN, "kind": "user", "name": "alice"},
            {"objectId": UNLISTED_CI, "kind": "servicePrincipal", "name": "sp-nightly", "federated": [federated("repo:northwind/nightly:ref:refs/heads/main")]}, *identities],
        "groups": groups if groups is not None else [
            {"objectId": INNER, "name": "builders", "members": [BUILD]}, {"objectId": OUTER, "name": "releases", "members": [INNER]}, {"objectId": STAFF, "name": "staff", "members": [HUMAN]}],
        **more})


# Terraform

def local_role_id(guid):
    return f"/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def azure_role_id(guid):
    return f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def local(role=CRYPTO_USER, principal=BUILD, scope="/keys/fw-sign", **more):
    return {"managed_hsm_id": HSM, "name": "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11", "scope": scope, "role_definition_id": local_role_id(role), "principal_id": principal, **more}


def azure(role=None, principal=BUILD, scope=VAULT, name=None, **more):
    given = {"role_definition_name": name} if name else {"role_definition_id": azure_role_id(role)}
    return {"scope": scope, "principal_id": principal, **given, **more}


def assign(after, name="ci", before=None, **more):
    return change("azurerm_role_assignment" if "managed_hsm_id" not in after and "vault_base_url" not in after else HSM_TYPE + "_role_assignment", name, before, after, **more)


def role_definition(data=(), not_data=(), actions=(), not_actions=(), name="Releaser", **more):
    return {"name": name, "scope": SUBSCRIPTION, "assignable_scopes": [SUBSCRIPTION],
            "permissions": [{"actions": list(actions), "not_actions": list(not_actions), "data_actions": list(data), "not_data_actions": list(not_data)}], **more}


def local_role(data, name=SHARED, role_name="releaser"):
    return {"name": name, "managed_hsm_id": HSM, "role_name": role_name, "permission": [{"actions": [], "not_actions": [], "data_actions": list(data), "not_data_actions": []}]}


def policy(principal=BUILD, keys=("Get", "Sign"), vault=OTHER_VAULT, **more):
    return {"key_vault_id": vault, "tenant_id": TENANT, "object_id": principal, "application_id": "", "key_permissions": list(keys), **more}


def inline(principal, keys):
    return {"tenant_id": TENANT, "object_id": principal, "application_id": "", "key_permissions": list(keys), "secret_permissions": [], "certificate_permissions": []}


def vault_of(name="kv-pol", group="rg-app", purge=True, rbac=False, **more):
    return {"name": name, "id": f"{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}", "resource_group_name": group, "location": "westeurope",
            "tenant_id": TENANT, "sku_name": "premium", "purge_protection_enabled": purge, "soft_delete_retention_days": 90, "rbac_authorization_enabled": rbac, **more}


def hsm_of(purge=True, days=90, **more):
    return {"name": "nw-hsm", "id": HSM, "resource_group_name": "rg-sign", "location": "westeurope", "tenant_id": TENANT, "sku_name": "Standard_B1",
            "admin_object_ids": [HUMAN], "purge_protection_enabled": purge, "soft_delete_retention_days": days, **more}


def configured(*resources, **modules):
    return {"configuration": {"root_module": {"resources": list(resources), **({"module_calls": modules} if modules else {})}}}


def declared(address, **expressions):
    kind, name = address.split(".")
    return {"address": address, "mode": "managed", "type": kind, "name": name, "provider_config_key": "azurerm", "schema_version": 0,
            "expressions": {k: v if isinstance(v, dict) else {"references": list(v)} for k, v in expressions.items()}}


# ARM, what-if, Pulumi

def template(*resources, level="", parameters=None, **more):
    schema = {"": "2019-04-01/deploymentTemplate", "subscription": "2018-05-01/subscriptionDeploymentTemplate",
              "managementGroup": "2019-08-01/managementGroupDeploymentTemplate"}[level]
    return {"$schema": f"https://schema.management.azure.com/schemas/{schema}.json#", "contentVersion": "1.0.0.0", "parameters": parameters or {},
            "resources": resources[0] if resources and isinstance(resources[0], dict) and "type" not in resources[0] else list(resources), **more}


def arm(resource_type, name, properties, api="2024-11-01", **more):
    return {"type": resource_type, "apiVersion": api, "name": name, "properties": properties, **more}


def arm_assignment(role, principal=BUILD, scope=None, **more):
    return arm("Microsoft.Authorization/roleAssignments", "[guid('grant')]", {"principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": role}, "2022-04-01",
               **({"scope": scope} if scope else {}), **more)


def what_if(*changes, **more):
    return {"status": "Succeeded", "changes": list(changes), "potentialChanges": [], "diagnostics": [], **more}


def what(resource, kind, before=None, after=None, delta=()):
    return {"resourceId": resource, "changeType": kind, "before": before, "after": after, "delta": list(delta)}


def pulumi(*steps):
    return {"config": {}, "steps": list(steps), "duration": 1, "changeSummary": {}}


def step(op, kind, name, old=None, new=None):
    urn = f"urn:pulumi:prod::estate::{kind}::{name}"
    result = {"op": op, "urn": urn, "provider": "urn:pulumi:prod::estate::pulumi:providers:azure-native::default::x"}
    for member, value in (("oldState", old), ("newState", new)):
        if value is not None:
            result[member] = {"urn": urn, "custom": True, "type": kind, "inputs": value, "outputs": value if member == "oldState" else {}}
    return result


__all__ = [name for name in globals() if not name.startswith("_")]
