"""Evasions common to all gates (estate-and-gates §3.11)."""

import json

from patterns import *  # noqa: F403
from patterns import Case, assign, azure, change, estate, hsm_key, local, plan, vault_key

GRANT = assign(local())
HARMLESS = change("azurerm_resource_group", "g", None, {"name": "rg", "location": "westeurope"})
RG_SIGN = ("--resource-group", GROUP)


def text(document, old, new):
    return json.dumps(document).replace(old, new)


def script(command, kind="azurerm_resource_deployment_script_azure_cli"):
    return plan(change(kind, "s", None, {"name": "s", "script_content": command}))


def providers(**settings):
    return {"provider_config": {key: {"name": "azurerm", "alias": key.split(".")[-1], "full_name": "registry.terraform.io/hashicorp/azurerm",
                                      "expressions": {"features": [{}], "tenant_id": {"constant_value": tenant}}} for key, tenant in settings.items()}}


def of_tenant(key):
    return plan(GRANT, configuration={**providers(**{"azurerm": TENANT, "azurerm.far": OTHER_TENANT}), "root_module": {"resources": [
        {**declared(HSM_TYPE + "_role_assignment.ci"), "provider_config_key": key}]}})


CASES = [
    Case("targeted", plan(HARMLESS, complete=False), "undecidable"),
    Case("targeted with a block", plan(GRANT, complete=False), "block", "HM-G1-CRYPTO-USER", who="build-eu", store="nw-hsm", key="fw-sign"),
    Case("errored", plan(HARMLESS, errored=True, applyable=False), "invalid"),
    Case("errored and targeted", plan(GRANT, errored=True, complete=False), "invalid"),
    Case("nothing to do", plan(), "pass"),
    Case("another major version", plan(HARMLESS, format_version="2.0"), "invalid"),
    Case("another minor version", plan(HARMLESS, format_version="1.9"), "pass"),
    Case("duplicate member", text(plan(GRANT), '"complete": true', '"complete": true, "complete": true'), "invalid"),
    Case("not a number", text(plan(GRANT, timestamp=1), '"timestamp": 1', '"timestamp": NaN'), "invalid"),
    Case("huge number", text(plan(GRANT, timestamp=1), '"timestamp": 1', '"timestamp": 1' + "0" * 400), "invalid|block"),
    Case("deep", text(plan(GRANT, timestamp=1), '"timestamp": 1', '"timestamp": ' + "[" * 5000 + "]" * 5000), "invalid"),
    Case("cut", json.dumps(plan(GRANT))[:-40], "invalid"),
    Case("ui stream", '{"@level":"info","@message":"Terraform 1.11.4","type":"version"}\n{"@level":"info","type":"planned_change"}\n', "invalid"),
    Case("state", {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {}}}, "invalid"),
    Case("deferred grant", plan(HARMLESS, deferred_changes=[{"reason": "provider_config_unknown", "resource_change": GRANT}]), "undecidable|block"),
    Case("deferred group", plan(deferred_changes=[{"reason": "provider_config_unknown", "resource_change": HARMLESS}], complete=False), "undecidable"),
    Case("drift shows a live grant", plan(HARMLESS, resource_drift=[assign(local(), before=local(AUDITOR))]), "pass|warn|block", standing="HM-G1-CRYPTO-USER", who="build-eu", store="nw-hsm", key="fw-sign"),
    Case("unknown type of key vault", plan(change("azurerm_key_vault_key_grant", "x", None, {"a": "b"})), "undecidable", undecided="azurerm_key_vault_key_grant"),
    Case("unknown arm type", template(arm("Microsoft.KeyVault/vaults/keyGrants", "kv-acme/x", {})), "undecidable", undecided="keyGrants", flags=RG_SIGN),
    Case("type of another service", plan(change("azurerm_storage_account", "x", None, {"name": "b"})), "pass"),
    Case("second tenant", of_tenant("azurerm.far"), "block|undecidable"),
    Case("first tenant", of_tenant("azurerm"), "block", "HM-G1-CRYPTO-USER", who="build-eu"),
    Case("external data source", plan({**change("external", "e", None, {"program": ["sh"]}, ["read"]), "mode": "data", "address": "data.external.e"}), "warn|pass", "HM-X-*"),
    Case("azapi data source", plan({**change("azapi_resource_action", "e", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": VAULT, "action": "x"}, ["read"]), "mode": "data", "address": "data.azapi_resource_action.e"}), "warn|undecidable|block", "HM-X-*"),
    *[Case(f"script {name}", script(command), "block", "HM-G1-SCRIPT") for name, command in [
        ("role", f"az keyvault role assignment create --hsm-name nw-hsm --role 'Managed HSM Crypto User' --assignee {BUILD} --scope /keys"),
        ("policy", f"az keyvault set-policy -n kv-pol --object-id {BUILD} --key-permissions decrypt unwrapKey"),
        ("broken lines", f"az keyvault \\\n  role assignment \\\n create --hsm-name nw-hsm --role 21dbd100-6940-42c2-9190-5d6cb909625b --assignee {BUILD} --scope /"),
        ("rest", "curl -X PUT https://nw-hsm.managedhsm.azure.net/keys/fw-sign/providers/Microsoft.Authorization/roleAssignments/x?api-version=7.4 -d @b"),
        ("powershell", "New-AzKeyVaultRoleAssignment -HsmName nw-hsm -RoleDefinitionName 'Managed HSM Crypto User' -ObjectId x"),
        ("access policy", "Set-AzKeyVaultAccessPolicy -VaultName kv-pol -ObjectId x -PermissionsToKeys decrypt")]],
    Case("script arm", template(arm("Microsoft.Resources/deploymentScripts", "s", {"azCliVersion": "2.60", "scriptContent": f"az keyvault role assignment create --role 'Managed HSM Crypto User' --assignee {BUILD} --scope / --hsm-name nw-hsm"}, kind="AzureCLI")),
         "block", "HM-G1-SCRIPT", who="build-eu", flags=RG_SIGN),
    Case("script from elsewhere", template(arm("Microsoft.Resources/deploymentScripts", "s", {"azCliVersion": "2.60", "primaryScriptUri": "https://x.example/s.sh"}, kind="AzureCLI")), "undecidable", flags=RG_SIGN),
    Case("harmless script", script("az keyvault show --name kv-acme"), "pass"),
    Case("linked template", template({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "m", "properties": {"mode": "Incremental", "templateLink": {"uri": "https://x.example/t.json"}}}), "undecidable", flags=RG_SIGN),
    Case("template spec", plan(change("azurerm_resource_group_template_deployment", "t", None, {"name": "t", "resource_group_name": "rg-sign", "deployment_mode": "Incremental", "template_spec_version_id": f"{GROUP}/providers/Microsoft.Resources/templateSpecs/s/versions/2"})), "undecidable"),
    Case("sensitive body", plan(change("azapi_resource", "r", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "parent_id": GROUP, "name": "kv-acme", "body": {}, "sensitive_body_version": {"properties.accessPolicies": "1"}})), "undecidable"),
    Case("unknown body", plan(change("azapi_resource", "r", None, {"type": "Microsoft.Authorization/roleAssignments@2022-04-01", "parent_id": VAULT, "name": "x"}, after_unknown={"body": True})), "undecidable"),
    Case("unknown key permissions", plan(change("azurerm_key_vault_access_policy", "p", None, {k: v for k, v in policy().items() if k != "key_permissions"}, after_unknown={"key_permissions": True})), "undecidable", undecided="access_policy.p"),
    Case("unknown data actions", plan(change("azurerm_role_definition", "r", None, {**role_definition(role_definition_id=SHARED), "permissions": [{"actions": []}]}, after_unknown={"permissions": [{"data_actions": True}]}), assign(azure(SHARED))), "undecidable"),
    Case("look-alike key", plan(change(HSM_TYPE + "_key", "a", hsm_key(), None), change("azurerm_key_vault_key", "b", None, vault_key("fw-ѕign"))), "block", "HM-G2-MOVED", store="nw-hsm", key="fw-sign"),
    Case("unsupported by what-if", what_if(what(VAULT + "/providers/Microsoft.Authorization/roleAssignments/x", "Unsupported")), "undecidable"),
    Case("what-if of ids only", what_if(what(VAULT, "Modify")), "undecidable"),
    Case("what-if potential changes", what_if(potentialChanges=[what(VAULT, "Modify")]), "undecidable"),
    Case("what-if ignored elsewhere", what_if(what(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/x", "Ignore")), "pass"),
    Case("what-if principal by reference", what_if(what(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/x", "Create", None, {"type": "Microsoft.Authorization/roleAssignments", "properties": {
        "principalId": "[reference('/x').principalId]", "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}})), "undecidable"),
    Case("pulumi unknown principal", pulumi(step("create", "azure-native:authorization:RoleAssignment", "g", None, {"scope": VAULT, "principalId": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)})), "undecidable"),
    Case("pulumi secret principal", pulumi(step("create", "azure-native:authorization:RoleAssignment", "g", None, {"scope": VAULT, "principalId": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"},
         "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)})), "undecidable"),
    Case("pulumi without changes", pulumi(step("same", "azure-native:keyvault:Vault", "v", {"vaultName": "kv-acme"}, {"vaultName": "kv-acme"})), "pass"),
    Case("no inventory, unknown principal of crypto user", plan(assign(local(principal="77777777-0000-4000-8000-000000000001"))), "undecidable", no_inventory=True),
    Case("no inventory, known signer", plan(GRANT), "block", "HM-G1-CRYPTO-USER", who="build-eu", store="nw-hsm", key="fw-sign", no_inventory=True),
    Case("no inventory, vault deleted", plan(change("azurerm_key_vault", "v", vault_of("kv-x"), None)), "undecidable", no_inventory=True),
    Case("observed rights of a built-in role left out", plan(change("azuread_group_member", "m", None, {"group_object_id": OUTER, "member_object_id": BUILD})), "block", "HM-G1-GROUP", who="build-eu", store="nw-hsm", key="fw-sign", gained=("decrypt", "unwrap"),
         inventory=estate(grants=[grant(OUTER, CRYPTO_USER, "/keys/fw-sign", capabilities=[])], groups=[{"objectId": OUTER, "name": "releases", "members": []}])),
    Case("azure role listed under its vault", plan(assign(azure(SHARED, scope=VAULT + "/keys/legacy-sign"))), "block", "HM-G1-CUSTOM-ROLE", who="build-eu", store="kv-acme", key="legacy-sign", gained=("unwrap",),
         inventory=estate(roles=[{"store": "kv-acme", "id": SHARED, "name": "Opener", "custom": True, "dataActions": [V + "keys/unwrap/action"], "notDataActions": [], "actions": [], "notActions": []}])),
    Case("credential for an identity nobody lists", plan(change("azurerm_federated_identity_credential", "f", None, {"name": "gh", "audience": ["x"], "issuer": GITHUB, "subject": "repo:a/b:pull_request",
         "parent_id": f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-who"})), "undecidable", undecided="id-who"),
    Case("secret of the second group", plan(change("azuread_group_member", "m", None, {"group_object_id": "9a9a0000-0000-4000-8000-0000000000ff", "member_object_id": BUILD})), "undecidable", undecided="9a9a0000"),
]
