"""Second thoughts: the same patterns written as somebody would who has not read the tables."""

import json

from patterns import *  # noqa: F403
from patterns import Case, assign, azure, change, estate, hsm_key, local, plan, vault_key
from patterns_one import D, FIC, OFFICER_HOLDS, UAMI, VM, RG_APP, RG_SIGN, SUB, arm_policies, block, fine, held, role_change, tf
from patterns_two import SIGN, app, certificate, gone, new, url
from patterns_three import COMPLETE, KV, NW, acme, hsm, kv, lock

BACKUP_USER = "7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8"
GITLAB = "https://gitlab.com"
BUILD_ID = "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id-build-eu')]"
LOCAL_ASSIGNMENT = HSM_TYPE + "_role_assignment"


def referring(expression, *resources, extra=(), modules=None, **given):
    """A local assignment of Crypto User whose principal is only known by an expression."""
    after = {k: v for k, v in local().items() if k != "principal_id"} | given
    return plan(*resources, change(LOCAL_ASSIGNMENT, "ci", None, after, after_unknown={"principal_id": True}),
                **configured(*extra, declared(LOCAL_ASSIGNMENT + ".ci", principal_id=expression), **(modules or {})))


def identity(name="id-new", tags=None, address=UAMI, **more):
    kind, resource = address.split(".")[-2:]
    return change(kind, resource.split("[")[0], None, {"name": name, "tags": tags or {}}, after_unknown={"id": True, "principal_id": True, "client_id": True}, address=address, **more)


def credential(subject="repo:northwind/new:ref:refs/heads/main", issuer=GITHUB, parent=(UAMI + ".id", UAMI)):
    return change(FIC, "gh", None, {"name": "gh", "audience": ["api://AzureADTokenExchange"], "issuer": issuer, "subject": subject}, after_unknown={"parent_id": True}), declared(FIC + ".gh", parent_id=parent)


def of_pipeline(subject, issuer, tags=None):
    resource, configuration = credential(subject, issuer)
    return referring([UAMI + ".principal_id", UAMI], identity(tags=tags), resource, extra=(declared(UAMI), configuration))


def bicep_identity(principal, *more):
    return template({"grant": arm_assignment(f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", principal, "[format('Microsoft.KeyVault/vaults/{0}', 'kv-acme')]"), **dict(more)}, languageVersion="2.0")


def azapi(kind, name, parent, body, version="2023-07-01", **more):
    return change("azapi_resource", "r", None, {"type": f"{kind}@{version}", "parent_id": parent, "name": name, "body": body}, **more)


def stack(action):
    return {"actionOnUnmanage": {"resources": action, "resourceGroups": "detach"}, "denySettings": {"mode": "none"}, "template": template(arm("Microsoft.Storage/storageAccounts", "st", {}))}


def group_of(name="rg-sign"):
    return {"name": name, "id": f"{SUBSCRIPTION}/resourceGroups/{name}", "location": "westeurope"}


APPLICATION = [
    change("azuread_application", "a", None, {"display_name": "releaser"}, after_unknown={"id": True, "client_id": True, "object_id": True}),
    change("azuread_service_principal", "a", None, {}, after_unknown={"id": True, "client_id": True, "object_id": True}),
    change("azuread_application_federated_identity_credential", "a", None, {"display_name": "gh", "audiences": ["x"], "issuer": GITHUB, "subject": "repo:northwind/new:ref:refs/heads/main"}, after_unknown={"application_id": True})]
APPLICATION_DECLARED = [
    declared("azuread_application.a"), declared("azuread_service_principal.a", client_id=["azuread_application.a.client_id", "azuread_application.a"]),
    declared("azuread_application_federated_identity_credential.a", application_id=["azuread_application.a.id", "azuread_application.a"])]

CASES = [
    # Scopes in odd spellings.
    *[block(f"local scope {scope}", tf(local(scope=scope)), store="nw-hsm", key="fw-sign", gained=D) for scope in ("/KEYS/fw-sign", "/keys/fw-sign/", "keys/fw-sign")],
    Case("local scope with a version", tf(local(scope="/keys/fw-sign/0f3e9f1c5d6a47a5b6a0c1d2e3f40516")), "block|undecidable"),
    block("key of a vault in odd case", tf(azure(KV_CRYPTO_USER, scope=(VAULT + "/Keys/legacy-sign/").replace("vaults", "Vaults"))), store="kv-acme", key="legacy-sign", gained=D),
    block("resource group in odd case", tf(azure(KV_CRYPTO_USER, scope=GROUP.upper() + "/")), gained=D, says=("kv-acme",)),
    fine("a group that only begins with the name", tf(azure(KV_CRYPTO_USER, scope=GROUP + "n")), "pass|block"),
    # The ladder of references.
    block("counted identity", referring([UAMI + "[0].principal_id", UAMI + "[0]", UAMI], identity(address=UAMI + "[0]"), credential(parent=(UAMI + "[0].id", UAMI + "[0]", UAMI))[0], extra=(declared(UAMI), credential(parent=(UAMI + "[0].id", UAMI + "[0]", UAMI))[1])),
          who="id-new", store="nw-hsm", key="fw-sign", gained=D),
    block("by a variable of the root", {**referring(["var.principal"]), "variables": {"principal": {"value": BUILD}}}, store="nw-hsm", key="fw-sign", gained=D),
    block("through a variable of a module", {**plan(
        identity("id-new", {"purpose": "sign-only"}),
        change(LOCAL_ASSIGNMENT, "ci", None, {k: v for k, v in local().items() if k != "principal_id"}, after_unknown={"principal_id": True}, address=f"module.grants.{LOCAL_ASSIGNMENT}.ci", module_address="module.grants"),
        **configured(declared(UAMI), grants={"source": "./grants", "expressions": {"who": {"references": [UAMI + ".principal_id", UAMI]}}, "module": {
            "resources": [declared(LOCAL_ASSIGNMENT + ".ci", principal_id=["var.who"])], "variables": {"who": {}}}}))}, who="id-new", store="nw-hsm", key="fw-sign", gained=D),
    block("through an output of a module", plan(
        identity("id-new", {"purpose": "sign-only"}, address="module.ci." + UAMI, module_address="module.ci"),
        change(LOCAL_ASSIGNMENT, "ci", None, {k: v for k, v in local().items() if k != "principal_id"}, after_unknown={"principal_id": True}),
        **configured(declared(LOCAL_ASSIGNMENT + ".ci", principal_id=["module.ci.principal", "module.ci"]), ci={"source": "./ci", "module": {
            "outputs": {"principal": {"expression": {"references": [UAMI + ".principal_id", UAMI]}}}, "resources": [declared(UAMI)]}})), who="id-new", store="nw-hsm", key="fw-sign", gained=D),
    Case("local value hides the principal", referring(["local.who"]), "undecidable", undecided="local.who"),
    fine("local value hides the principal of a signer's role", referring(["local.who"], role_definition_id=local_role_id(SIGNER))),
    block("known identity by its data source", {**referring(["data.azurerm_user_assigned_identity.b.principal_id", "data.azurerm_user_assigned_identity.b"]), "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": "data.azurerm_user_assigned_identity.b", "mode": "data", "type": "azurerm_user_assigned_identity", "name": "b", "values": {"name": "id-build-eu", "id": BUILD_ARM, "principal_id": BUILD}}]}}}},
          store="nw-hsm", key="fw-sign", gained=D),
    # Who is a pipeline, who is not.
    *[block(f"new identity of {name}", of_pipeline(subject, issuer), who="id-new", store="nw-hsm", key="fw-sign", gained=D) for name, subject, issuer in [
        ("gitlab", "project_path:northwind/engine:ref_type:branch:ref:main", GITLAB), ("azure devops", "sc://northwind/engine/release", "https://vstoken.dev.azure.com/6e0c0000-0000-4000-8000-000000000001"),
        ("a pull request", "repo:northwind/engine:pull_request", GITHUB), ("terraform cloud", "organization:northwind:project:p:workspace:w:run_phase:apply", "https://app.terraform.io")]],
    block("new identity tagged for signing", referring([UAMI + ".principal_id", UAMI], identity(tags={"purpose": "sign-only"}), extra=(declared(UAMI),)), who="id-new", store="nw-hsm", key="fw-sign", gained=D),
    fine("pipeline tagged for encryption", of_pipeline("repo:northwind/new:ref:refs/heads/main", GITHUB, {"hallmark.purpose": "encrypt-service"})),
    block("new application of a pipeline", referring(["azuread_service_principal.a.object_id", "azuread_service_principal.a"], *APPLICATION, extra=APPLICATION_DECLARED), who=None, store="nw-hsm", key="fw-sign", gained=D),
    block("group of the register", tf(local(principal="5f0c0000-0000-4000-8000-0000000000aa")), who="builders-all", store="nw-hsm", key="fw-sign", gained=D,
          intent={**INTENT, "identities": [{"name": "builders-all", "match": {"group": INNER}, "purpose": "sign-only"}]},
          inventory=estate(groups=[{"objectId": INNER, "name": "builders", "members": ["5f0c0000-0000-4000-8000-0000000000aa"]}],
                           identities=[{"objectId": "5f0c0000-0000-4000-8000-0000000000aa", "kind": "servicePrincipal", "name": "sp-x", "federated": []}])),
    block("by the address of the register", referring([UAMI + ".principal_id", UAMI], identity(), extra=(declared(UAMI),)), who="build-new", store="nw-hsm", key="fw-sign", gained=D,
          intent={**INTENT, "identities": [{"name": "build-new", "match": {"address": UAMI}, "purpose": "sign-only"}]}),
    Case("an unlisted service principal nobody has seen", tf(local(principal="77777777-0000-4000-8000-000000000001")), "undecidable", undecided="77777777"),
    fine("an unlisted user", tf(local(principal="77777777-0000-4000-8000-000000000002")), inventory=estate(identities=[{"objectId": "77777777-0000-4000-8000-000000000002", "kind": "user", "name": "bob"}])),
    # Rights in other words.
    block("backup user, strict", tf(local(BACKUP_USER, scope="/")), store="nw-hsm", gained=("backup",), flags=("--strict",)),
    Case("backup user", tf(local(BACKUP_USER, scope="/")), "warn", "HM-G1-*", "build-eu", store="nw-hsm", gained=("backup",)),
    *[block(f"actions {action}", plan(role_change(None, role_definition(actions=[action], role_definition_id=SHARED)), assign(azure(SHARED, scope=scope))), gained=("grant",)) for action, scope in [
        ("Microsoft.Authorization/*", VAULT), ("*/write", GROUP), ("Microsoft.Authorization/roleAssignments/write", VAULT), ("microsoft.keyvault/vaults/accesspolicies/*", OTHER_VAULT), ("Microsoft.Authorization/roleDefinitions/write", SUBSCRIPTION)]],
    fine("actions without writing", plan(role_change(None, role_definition(actions=["*/read", "Microsoft.Authorization/*/read"], role_definition_id=SHARED)), assign(azure(SHARED, scope=GROUP)))),
    fine("write taken away again", plan(role_change(None, role_definition(actions=["Microsoft.KeyVault/vaults/*"], not_actions=["Microsoft.KeyVault/vaults/write", "Microsoft.KeyVault/vaults/accessPolicies/*", "Microsoft.KeyVault/vaults/delete"], role_definition_id=SHARED)),
         assign(azure(SHARED, scope=OTHER_VAULT))), "pass|warn"),
    block("policy that purges and imports, strict", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", "Sign", "Import", "Purge"]))), store="kv-pol", gained=("import", "purge"), flags=("--strict",)),
    Case("policy that purges", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", "Sign", "Purge"]))), "warn", "HM-G1-ACCESS-POLICY", "build-eu", store="kv-pol", gained=("purge",)),
    block("policy all by a template's vault", template(arm("Microsoft.KeyVault/vaults", "kv-pol", {"tenantId": TENANT, "sku": {"family": "A", "name": "premium"}, "enableRbacAuthorization": False, "enablePurgeProtection": True,
          "accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": ["ALL"]}}]})), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=D, flags=RG_APP),
    fine("policy removed by template", arm_policies("decrypt", mode="remove"), flags=RG_APP, inventory=estate(grants=[policy_grant(BUILD, ["decrypt"])])),
    block("policy by azapi action", plan(change("azapi_resource_action", "a", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": OTHER_VAULT, "action": "accessPolicies/add", "method": "PUT", "when": "apply",
          "body": {"properties": {"accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": ["get", "UNWRAPKEY"]}}]}}})), store="kv-pol", gained=("unwrap",)),
    block("policy by azapi", plan(azapi("Microsoft.KeyVault/vaults/accessPolicies", "add", OTHER_VAULT, {"properties": {"accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": ["decrypt"]}}]}})), store="kv-pol", gained=("decrypt",)),
    Case("vault in part by azapi", plan(change("azapi_update_resource", "u", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": OTHER_VAULT, "body": {"properties": {"accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": ["decrypt"]}}]}}})),
         "block|undecidable"),
    block("native pulumi, versioned", pulumi(step("create", "azure-native:authorization/v20220401:RoleAssignment", "g", None, {"scope": VAULT, "principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)})), store="kv-acme", gained=D),
    block("native pulumi, policies of a vault", pulumi(step("update", "azure-native:keyvault:Vault", "v", *[{"vaultName": "kv-pol", "resourceGroupName": "rg-app", "location": "westeurope", "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "premium"}, "enablePurgeProtection": True,
          "enableRbacAuthorization": False, "accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": words}}]}} for words in (["get", "sign"], ["get", "sign", "unwrapKey"])])), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("unwrap",)),
    block("native pulumi, replaced assignment", pulumi(
        step("create-replacement", "azure-native:authorization:RoleAssignment", "g", {"scope": VAULT, "principalId": HUMAN, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}, {"scope": VAULT, "principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}),
        step("replace", "azure-native:authorization:RoleAssignment", "g", {"scope": VAULT, "principalId": HUMAN, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}, {"scope": VAULT, "principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}),
        step("delete-replaced", "azure-native:authorization:RoleAssignment", "g", {"scope": VAULT, "principalId": HUMAN, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)})), store="kv-acme", gained=D),
    block("pulumi credential", pulumi(step("create", "azure-native:managedidentity:FederatedIdentityCredential", "f", None, {"resourceGroupName": "rg-sign", "resourceName": "id-officer", "federatedIdentityCredentialResourceName": "gh", "issuer": GITHUB, "subject": "repo:a/b:pull_request", "audiences": ["x"]})),
          "HM-G1-FEDERATION", who="officer", store="nw-hsm", gained=D, inventory=OFFICER_HOLDS),
    # Templates that name an identity by its resource.
    block("bicep, identity by its id", bicep_identity("[reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id-build-eu'), '2023-01-31').principalId]"), store="kv-acme", gained=D, flags=RG_SIGN),
    block("bicep, existing identity", bicep_identity("[reference('ci').principalId]", ("ci", {"existing": True, "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31", "name": "id-build-eu"})), store="kv-acme", gained=D, flags=RG_SIGN),
    block("bicep, new identity and its credential", bicep_identity("[reference('ci').principalId]", ("ci", {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31", "name": "id-new", "location": "westeurope"}),
          ("fic", arm("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "[format('{0}/{1}', 'id-new', 'gh')]", {"issuer": GITHUB, "subject": "repo:a/b:environment:x", "audiences": ["x"]}, "2023-01-31"))), who="id-new", store="kv-acme", gained=D, flags=RG_SIGN),
    block("arm, old extension type", template({"type": "Microsoft.KeyVault/vaults/providers/roleAssignments", "apiVersion": "2022-04-01", "name": "[concat('kv-acme', '/Microsoft.Authorization/', guid('x'))]", "properties": {"principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}}),
          store="kv-acme", gained=D, flags=RG_SIGN),
    block("arm, resource group wide", template(arm_assignment(f"[resourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", BUILD)), gained=D, says=("kv-acme",), flags=RG_SIGN),
    # What was.
    fine("import of a grant that stands", plan(assign(local(), before=local(), importing={"id": "x"})), "pass|block", inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    fine("forgotten grant stays", plan(change(LOCAL_ASSIGNMENT, "ci", local(), None, ["forget"])), standing="HM-G1-CRYPTO-USER", who="build-eu", inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    block("a narrow grant becomes wide", plan(assign(local(scope="/"), before=local(), actions=["delete", "create"], replace_paths=[["scope"]])), store="nw-hsm", gained=D, inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    block("two plans, role and grant", [plan(role_change(None, role_definition([V + "keys/unwrap/action"], role_definition_id=SHARED))), plan(assign(azure(SHARED)))], store="kv-acme", gained=("unwrap",)),
    block("widened role held through a group", plan(role_change(role_definition([V + "keys/sign/action"], role_definition_id=SHARED), role_definition([V + "keys/sign/action", V + "keys/decrypt/action"], role_definition_id=SHARED))), "HM-G1-ROLE-WIDENED", gained=("decrypt",),
          inventory=held([V + "keys/sign/action"], identity=OUTER, scope=VAULT)),
    block("widened by template", template(arm("Microsoft.Authorization/roleDefinitions", SHARED, {"roleName": "Releaser", "assignableScopes": [SUBSCRIPTION], "permissions": [{"dataActions": [V + "keys/sign/action", V + "keys/unwrap/action"]}]}, "2022-04-01"), level="subscription"),
          "HM-G1-ROLE-WIDENED", gained=("unwrap",), inventory=held([V + "keys/sign/action"], scope=VAULT), flags=SUB),
    fine("role of others is widened", plan(role_change(role_definition([V + "keys/sign/action"], role_definition_id=SHARED), role_definition([V + "keys/*/action"], role_definition_id=SHARED))), inventory=held([V + "keys/sign/action"], identity=HUMAN)),
    block("kubernetes cluster gets the signer", plan(change("azurerm_kubernetes_cluster", "k", {"name": "k", "kubelet_identity": [{"user_assigned_identity_id": OFFICER_ARM}]}, {"name": "k", "kubelet_identity": [{"user_assigned_identity_id": BUILD_ARM}]})), "HM-G1-IDENTITY-ATTACHED", store="nw-hsm", key="fw-sign"),
    # Gate 2.
    Case("a certificate takes the place of the key", plan(gone(), change("azurerm_key_vault_certificate", "c", None, certificate(name="fw-sign"))), "block", "HM-G2-*", key="fw-sign"),
    Case("consumer follows by reference", plan(new(after_unknown={"id": True, "versionless_id": True}), change("azurerm_linux_web_app", "app", {"name": "app", "app_settings": {"SIGN_KEY": url("managedhsm")}}, {"name": "app", "app_settings": {}}, after_unknown={"app_settings": {"SIGN_KEY": True}}),
         **configured(declared("azurerm_key_vault_key.sign"), declared("azurerm_linux_web_app.app", app_settings=["azurerm_key_vault_key.sign.versionless_id", "azurerm_key_vault_key.sign"]))), "block", "HM-G2-*", key="fw-sign"),
    Case("consumer in another cloud", plan(app("https://nw-hsm.managedhsm.usgovcloudapi.net/keys/fw-sign", "https://kv-acme.vault.usgovcloudapi.net/keys/fw-sign")), "block", "HM-G2-REPOINTED", key="fw-sign"),
    Case("consumer within a document", plan(change("kubernetes_config_map", "c", {"data": {"c": json.dumps({"key": url("managedhsm")})}}, {"data": {"c": json.dumps({"key": url("vault", store="kv-acme")})}})), "block", "HM-G2-REPOINTED", **SIGN),
    Case("consumer is made anew", plan(change("azurerm_app_configuration_key", "c", {"key": "sign", "value": url("managedhsm")}, {"key": "sign", "value": url("vault", "fw-sign2", "kv-acme")}, ["create", "delete"])), "block", "HM-G2-REPOINTED", **SIGN),
    Case("sensitive consumer", plan(app(url("managedhsm"), url("vault", store="kv-acme"), after_sensitive={"app_settings": True}, before_sensitive={"app_settings": True})), "block", "HM-G2-REPOINTED", **SIGN),
    Case("key moved in two documents", [plan(gone()), template(arm("Microsoft.KeyVault/vaults/keys", "kv-acme/fw-sign", {"kty": "EC", "keyOps": ["sign"]}))], "block", "HM-G2-MOVED", **SIGN, flags=RG_SIGN),
    Case("key of the hsm is made anew", plan(change(HSM_TYPE + "_key", "k", hsm_key(), hsm_key(), ["delete", "create"], action_reason="replace_because_tainted")), "warn|block", "HM-G2-*", **SIGN),
    Case("tagged key of the inventory", plan(gone(hsm_key("plain", tags={})), new(vault_key("plain", ops=()))), "block", "HM-G2-MOVED", store="nw-hsm", key="plain", inventory=estate(keys=[
        {"store": "nw-hsm", "name": "plain", "version": "1", "kty": "EC-HSM", "keyOps": ["sign", "verify"], "tags": {"purpose": "signing"}, "deleted": False}])),
    # Gate 3.
    *[Case(f"group of the stores is deleted, {name}", document, "block", "HM-G3-STORE-REMOVED", store="nw-hsm") for name, document in [
        ("terraform", plan(change("azurerm_resource_group", "g", group_of(), None))), ("what-if", what_if(what(GROUP, "Delete", {"id": GROUP, "name": "rg-sign", "type": "Microsoft.Resources/resourceGroups"}))),
        ("pulumi", pulumi(step("delete", "azure-native:resources:ResourceGroup", "g", {"resourceGroupName": "rg-sign", "id": GROUP}))), ("made anew", plan(change("azurerm_resource_group", "g", group_of(), {**group_of(), "location": "northeurope"}, ["delete", "create"])))]],
    Case("group without stores is deleted", plan(change("azurerm_resource_group", "g", group_of("rg-web"), None)), "pass"),
    Case("group is left unmanaged", plan(change("azurerm_resource_group", "g", group_of(), None, ["forget"])), "pass|warn"),
    Case("stack that deletes, azapi", plan(azapi("Microsoft.Resources/deploymentStacks", "s", GROUP, {"properties": stack("delete")}, "2024-03-01")), "block|undecidable"),
    Case("stack that deletes, arm", template(arm("Microsoft.Resources/deploymentStacks", "s", stack("delete"), "2024-03-01")), "block|undecidable", flags=RG_SIGN),
    Case("retention of the hsm", hsm(hsm_of(), hsm_of(days=7), ["delete", "create"], replace_paths=[["soft_delete_retention_days"]]), "block", "HM-G3-RETENTION", **NW),
    Case("classic pulumi loses it", pulumi(step("update", "azure:keyvault/keyVault:KeyVault", "v", {"name": "kv-acme", "purgeProtectionEnabled": True, "skuName": "premium"}, {"name": "kv-acme", "purgeProtectionEnabled": False, "skuName": "premium"})), "block", "HM-G3-PURGE-OFF", **KV),
    Case("native pulumi loses it", pulumi(step("update", "azure-native:keyvault:Vault", "v", *[{"vaultName": "kv-acme", "resourceGroupName": "rg-sign", "properties": {"tenantId": TENANT, "enableRbacAuthorization": True, "enablePurgeProtection": on}} for on in (True, False)])), "block", "HM-G3-PURGE-OFF", **KV),
    Case("azapi loses it", plan(change("azapi_resource", "r", *[{"type": "Microsoft.KeyVault/vaults@2023-07-01", "parent_id": GROUP, "name": "KV-Acme", "body": {"properties": {"tenantId": TENANT, "enableRbacAuthorization": True, "enablePurgeProtection": on}}} for on in (True, False)])), "block", "HM-G3-PURGE-OFF", **KV),
    Case("what-if loses it", what_if(what(HSM, "Modify", *[{"id": HSM, "name": "nw-hsm", "type": "Microsoft.KeyVault/managedHSMs", "properties": {"tenantId": TENANT, "enablePurgeProtection": on}} for on in (True, False)])), "block", "HM-G3-PURGE-OFF", **NW),
    Case("lock deleted by what-if", what_if(what(HSM + "/providers/Microsoft.Authorization/locks/keep", "Delete", {"id": HSM + "/providers/Microsoft.Authorization/locks/keep", "name": "keep", "type": "Microsoft.Authorization/locks", "properties": {"level": "CanNotDelete"}})), "block", "HM-G3-LOCK", **NW),
    Case("lock of the group narrowed to one store", plan(change("azurerm_management_lock", "l", lock(scope=GROUP), lock(scope=VAULT), ["delete", "create"], replace_paths=[["scope"]])), "block", "HM-G3-LOCK", **NW),
    Case("new vault with a signing key by reference", plan(
        change("azurerm_key_vault", "v", None, {k: v for k, v in vault_of("kv-new", purge=False, rbac=True).items() if k != "id"}, after_unknown={"id": True}),
        change("azurerm_key_vault_key", "k", None, {k: v for k, v in vault_key("codesign-x").items() if k != "key_vault_id"}, after_unknown={"key_vault_id": True}),
        **configured(declared("azurerm_key_vault.v"), declared("azurerm_key_vault_key.k", key_vault_id=["azurerm_key_vault.v.id", "azurerm_key_vault.v"]))), "block", "HM-G3-NEW-UNPROTECTED", store="kv-new"),
    Case("denied store", kv(acme(), acme(False)), "block", "HM-G3-PURGE-OFF", **KV, inventory={**(e := estate()), "keys": [], "stores": [{**s, "visibility": "denied"} for s in e["stores"]]}),
    Case("vault without signing keys loses it", plan(change("azurerm_key_vault", "v", vault_of(), vault_of(purge=False))), "warn", "HM-G3-PURGE-OFF", store="kv-pol"),
    Case("tagged vault loses it", plan(change("azurerm_key_vault", "v", vault_of(tags={"purpose": "release"}), vault_of(purge=False, tags={"purpose": "release"}))), "block", "HM-G3-PURGE-OFF", store="kv-pol"),
]

OTHER_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-0000000000ff"
CASES += [
    # What only looks like it.
    fine("owner of another subscription", tf(azure(name="Owner", scope=OTHER_SUBSCRIPTION)), "pass|block"),
    fine("crypto user for somebody else's vault", tf(azure(KV_CRYPTO_USER, DISK))),
    fine("secret officer of the vault", tf(azure(name="Key Vault Secrets Officer"))),
    fine("policy for secrets only", plan(change("azurerm_key_vault_access_policy", "p", None, {**policy(keys=[]), "secret_permissions": ["Get", "List", "Set", "Delete", "Purge"]}))),
    fine("policy of get, list, sign, verify", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", "List", "Sign", "Verify"])))),
    fine("dormant policy in an rbac vault", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", "Sign"], vault=VAULT)))),
    fine("vault gets a tag", plan(change("azurerm_key_vault", "v", acme(tags={}), acme(tags={"cost": "1"})))),
    fine("vault of secrets is deleted", plan(change("azurerm_key_vault", "v", vault_of(), None))),
    fine("encryption key is deleted", plan(change(HSM_TYPE + "_key", "k", hsm_key("disk-wrap", ("wrapKey", "unwrapKey")), None))),
    fine("grant of a person is widened", plan(assign(local(principal=HUMAN, scope="/"), before=local(principal=HUMAN), actions=["delete", "create"]))),
    fine("sign only role through pulumi", pulumi(step("create", "azure-native:authorization:RoleAssignment", "g", None, {"scope": VAULT + "/keys/legacy-sign", "principalId": BUILD, "roleDefinitionId": azure_role_id(AZURE_SIGNER)}))),
    fine("pulumi same grant", pulumi(step("same", "azure-native:authorization:RoleAssignment", "g", *[{"scope": VAULT, "principalId": HUMAN, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}] * 2))),
    fine("what-if no change", what_if(what(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/x", "NoChange", *[{"type": "Microsoft.Authorization/roleAssignments", "properties": {"principalId": HUMAN, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}}] * 2))),
    fine("protection is turned on", kv(acme(False), acme(True)), inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "kv-acme" else s for s in estate()["stores"]]}),
    fine("retention is raised", kv(acme(days=7), acme(days=90)), "pass"),
    fine("new vault that is protected, with a key for data", plan(change("azurerm_key_vault", "v", None, {k: v for k, v in vault_of("kv-new").items() if k != "id"}), change("azurerm_key_vault_key", "k", None, vault_key("data", "RSA", ("encrypt", "decrypt"), **{})))),
    # And what does not.
    block("subscription of a template is that of the estate", template(arm_assignment(f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", BUILD), level="subscription"), gained=D, says=("kv-acme",)),
    block("both halves of a replaced policy", plan(change("azurerm_key_vault_access_policy", "p", policy(HUMAN, ["Decrypt"]), policy(BUILD, ["Decrypt"]), ["delete", "create"], replace_paths=[["object_id"]])), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("decrypt",)),
    block("deposed and made again", plan(change(LOCAL_ASSIGNMENT, "ci", local(SIGNER), None, deposed="abcd1234"), assign(local())), store="nw-hsm", key="fw-sign", gained=D),
    block("one of many", plan(*[assign(local(SIGNER), name=f"s{n}") for n in range(40)], *[change("azurerm_storage_account", f"x{n}", None, {"name": "b"}) for n in range(200)], assign(local(SERVICE_ENCRYPTION))), store="nw-hsm", key="fw-sign", gained=("unwrap",)),
    block("every instance of for_each", plan(*[assign(local(principal=who), address=f'{LOCAL_ASSIGNMENT}.ci["{n}"]', index=n) for n, who in (("a", DISK), ("b", HUMAN), ("c", BUILD))]), store="nw-hsm", key="fw-sign", gained=D, address=LOCAL_ASSIGNMENT + '.ci["c"]'),
    block("data and not data with two permissions", plan(role_change(None, {**role_definition(role_definition_id=SHARED), "permissions": [
        {"actions": [], "not_actions": [], "data_actions": [V + "keys/*"], "not_data_actions": [V + "keys/*/action"]}, {"actions": [], "not_actions": [], "data_actions": [V + "keys/unwrap/action"], "not_data_actions": []}]}), assign(azure(SHARED))), store="kv-acme", gained=("unwrap",)),
    fine("data and not data of one permission", plan(role_change(None, role_definition([V + "keys/*/action"], [V + "keys/decrypt/action", V + "keys/unwrap/action", V + "keys/release/action", V + "keys/un*", "*/backup/action", V + "keys/*ecure*", V + "keys/wrap/action", V + "keys/encrypt/action", V + "keys/rotate/action",
         V + "keys/purge/action", V + "keys/recover/action", V + "keys/restore/action", V + "keys/import/action", V + "keys/create/action", V + "keys/update/action"], role_definition_id=SHARED)), assign(azure(SHARED, scope=VAULT + "/keys/legacy-sign"))), "pass|warn|block"),
    Case("hsm protection turned on through its name", hsm(hsm_of(False), hsm_of(True), ["delete", "create"], replace_paths=[["purge_protection_enabled"]]), "block", "HM-G3-*", **NW, inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "nw-hsm" else s for s in estate()["stores"]]}),
    Case("vault is renamed", kv(acme(), {**acme(), "name": "kv-acme-2", "id": None}, ["delete", "create"], replace_paths=[["name"]]), "block", "HM-G3-STORE-REMOVED"),
    Case("vault moves to another tenant", kv(acme(), acme(tenant_id="0a0a0a0a-0000-4000-8000-0000000000ff"), ["delete", "create"], replace_paths=[["tenant_id"]]), "block", "HM-G3-STORE-REMOVED", **KV),
    Case("hsm deleted by template in complete mode", template(arm("Microsoft.Storage/storageAccounts", "st", {})), "block", "HM-G3-STORE-REMOVED", store="nw-hsm", flags=COMPLETE),
]
