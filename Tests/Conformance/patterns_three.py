"""Gate 3, row by row (estate-and-gates §3.10): purge protection is lost on a store that holds signing material."""

from patterns import *  # noqa: F403
from patterns import Case, change, estate, plan, vault_key

KV = dict(store="kv-acme")
NW = dict(store="nw-hsm")
RG_SIGN = ("--resource-group", GROUP)
COMPLETE = ("--deployment-mode", "Complete", *RG_SIGN)
LOCK, DIAGNOSTICS = "azurerm_management_lock", "azurerm_monitor_diagnostic_setting"


def acme(purge=True, days=90, **more):
    result = {**vault_of("kv-acme", "rg-sign", purge, True, soft_delete_retention_days=days, **more)}
    return result


def kv(before, after, actions=None, **more):
    return plan(change("azurerm_key_vault", "v", before, after, actions, **more))


def hsm(before, after, actions=None, **more):
    return plan(change(HSM_TYPE, "h", before, after, actions, **more))


def arm_vault(name="kv-acme", api="2024-11-01", **properties):
    return arm("Microsoft.KeyVault/vaults", name, {"tenantId": TENANT, "sku": {"family": "A", "name": "premium"}, "enableRbacAuthorization": True, **properties}, api, location="westeurope")


def arm_hsm(**properties):
    return arm("Microsoft.KeyVault/managedHSMs", "nw-hsm", {"tenantId": TENANT, **properties}, sku={"family": "B", "name": "Standard_B1"}, location="westeurope")


def lock(level="CanNotDelete", scope=HSM):
    return {"name": "keep", "scope": scope, "lock_level": level}


def diagnostics(target=HSM, categories=("AuditEvent",)):
    return {"name": "d", "target_resource_id": target, "storage_account_id": "/subscriptions/x", "enabled_log": [{"category": c, "category_group": None} for c in categories]}


def features(**flags):
    return {"configuration": {"provider_config": {"azurerm": {"name": "azurerm", "full_name": "registry.terraform.io/hashicorp/azurerm", "expressions": {"features": [
        {"key_vault": [{k: {"constant_value": v} for k, v in flags.items()}]}]}}}, "root_module": {"resources": []}}}


NEW = {k: v for k, v in acme().items() if k != "id"} | {"name": "kv-new"}
NEW_KEY = {**vault_key("fw-sign"), "key_vault_id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-new"}
DENIED = estate(stores=[store("kv-dark", "vault", DARK_VAULT, "azureRbac", visibility="denied")])
GUARD = {"name": "p", "subscription_id": SUBSCRIPTION, "enforce": True, "policy_definition_id": "/providers/Microsoft.Authorization/policyDefinitions/0B60C0B2-2dc2-4e1c-b5c9-abbed971de53"}
GONE = [["delete", "create"], ["create", "delete"]]

CASES = [
    # 3.1
    Case("3.1 turned off", kv(acme(), acme(False)), "block", "HM-G3-PURGE-OFF", **KV, says=("legacy-sign",)),
    Case("3.1 removed", kv(acme(), acme(None)), "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 missing", kv(acme(), {k: v for k, v in acme().items() if k != "purge_protection_enabled"}), "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 in a module", plan(change("azurerm_key_vault", "v", acme(), acme(False), address='module.kv["eu"].azurerm_key_vault.this')), "block", "HM-G3-PURGE-OFF", **KV, address='module.kv["eu"].azurerm_key_vault.this'),
    Case("3.1 denied store", kv(vault_of("kv-dark", "rg-dark", True, True), vault_of("kv-dark", "rg-dark", False, True)), "block", "HM-G3-PURGE-OFF", store="kv-dark", inventory=DENIED, says=("could not be read",)),
    Case("3.1 pulumi native", pulumi(step("update", "azure-native:keyvault/v20230701:Vault", "v", *[{"vaultName": "kv-acme", "resourceGroupName": "rg-sign", "properties": {"enablePurgeProtection": on, "enableRbacAuthorization": True}} for on in (True, False)])),
         "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 pulumi classic", pulumi(step("update", "azure:keyvault/keyVault:KeyVault", "v", *[{"name": "kv-acme", "resourceGroupName": "rg-sign", "purgeProtectionEnabled": on, "rbacAuthorizationEnabled": True} for on in (True, False)])),
         "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 what-if", what_if(what(VAULT, "Modify", *[{"id": VAULT, "name": "kv-acme", "type": "Microsoft.KeyVault/vaults", "properties": {"enablePurgeProtection": on, "enableRbacAuthorization": True}} for on in (True, False)],
         delta=[{"path": "properties.enablePurgeProtection", "propertyChangeType": "Modify", "before": True, "after": False}])), "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 azapi update", plan(change("azapi_update_resource", "u", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": VAULT, "body": {"properties": {"enablePurgeProtection": False}}})), "block", "HM-G3-PURGE-OFF", **KV),
    Case("3.1 vault without signing keys", kv(vault_of(), vault_of(purge=False)), "warn|pass"),
    Case("3.1 stays on", kv(acme(), acme(tags={"a": "b"})), "pass"),
    # 3.2, 3.3
    Case("3.2 hsm", hsm(hsm_of(), hsm_of(None), GONE[0], replace_paths=[["purge_protection_enabled"]]), "block", "HM-G3-PURGE-OFF", **NW, says=("purged",)),
    Case("3.2 hsm, features say no", plan(change(HSM_TYPE, "h", hsm_of(), hsm_of(False), GONE[0], replace_paths=[["purge_protection_enabled"]]), **features(purge_soft_deleted_hardware_security_modules_on_destroy=False)), "block", "HM-G3-PURGE-OFF", **NW),
    Case("3.2 pulumi replace", pulumi(*[step(op, "azure:keyvault/managedHardwareSecurityModule:ManagedHardwareSecurityModule", "h",
         *[{"name": "nw-hsm", "resourceGroupName": "rg-sign", "purgeProtectionEnabled": on, "adminObjectIds": [HUMAN]} for on in (True, False)]) for op in ("create-replacement", "replace", "delete-replaced")]), "block", "HM-G3-*", **NW),
    Case("3.3 turned on by replacement", hsm(hsm_of(False), hsm_of(True), GONE[0], replace_paths=[["purge_protection_enabled"]]), "block", "HM-G3-HSM-REPLACED", **NW, says=("destroys",),
         inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "nw-hsm" else s for s in estate()["stores"]]}),
    Case("3.3 turned on by arm", template(arm_hsm(enablePurgeProtection=True)), "pass", flags=RG_SIGN, inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "nw-hsm" else s for s in estate()["stores"]]}),
    Case("3.2 hsm retagged", hsm(hsm_of(), hsm_of(tags={"a": "b"})), "pass"),
    # 3.4, 3.5, 3.6
    Case("3.4 receives a signing key", plan(change("azurerm_key_vault", "v", None, {**NEW, "purge_protection_enabled": False}), change("azurerm_key_vault_key", "k", None, NEW_KEY)), "block", "HM-G3-NEW-UNPROTECTED", store="kv-new"),
    Case("3.4 key by reference", plan(change("azurerm_key_vault", "v", None, {**NEW, "purge_protection_enabled": None}, after_unknown={"id": True}),
         change("azurerm_key_vault_key", "k", None, {k: v for k, v in NEW_KEY.items() if k != "key_vault_id"}, after_unknown={"key_vault_id": True}),
         **configured(declared("azurerm_key_vault.v"), declared("azurerm_key_vault_key.k", key_vault_id=["azurerm_key_vault.v.id", "azurerm_key_vault.v"]))), "block", "HM-G3-NEW-UNPROTECTED", store="kv-new"),
    Case("3.4 tagged", kv(None, {**NEW, "purge_protection_enabled": False, "tags": {"hallmark.purpose": "signing"}}), "block", "HM-G3-NEW-UNPROTECTED", store="kv-new"),
    Case("3.4 arm", template(arm_vault("kv-new"), arm("Microsoft.KeyVault/vaults/keys", "kv-new/codesign-1", {"kty": "EC", "keyOps": ["sign"]})), "block", "HM-G3-NEW-UNPROTECTED", store="kv-new", flags=RG_SIGN),
    Case("3.5 nothing signs", kv(None, {**NEW, "purge_protection_enabled": False}), "warn", "HM-G3-NEW-UNPROTECTED", store="kv-new"),
    Case("3.5 protected", kv(None, NEW), "pass"),
    Case("3.6 unknown", plan(change("azurerm_key_vault", "v", acme(), {k: v for k, v in acme().items() if k != "purge_protection_enabled"}, after_unknown={"purge_protection_enabled": True}),
         **configured(declared("azurerm_key_vault.v", purge_protection_enabled=["data.terraform_remote_state.base.outputs.purge", "data.terraform_remote_state.base"]))), "undecidable", undecided="kv-acme"),
    Case("3.6 unknown, known elsewhere", plan(change("azurerm_key_vault", "v", acme(), acme(), after_unknown={"vault_uri": True})), "pass"),
    Case("3.6 arm parameter without value", template(arm_vault(enablePurgeProtection="[parameters('purge')]"), parameters={"purge": {"type": "bool"}}), "undecidable", undecided="purge", flags=RG_SIGN),
    Case("3.6 arm parameter with default", template(arm_vault(enablePurgeProtection="[parameters('purge')]"), parameters={"purge": {"type": "bool", "defaultValue": True}}), "pass", flags=RG_SIGN),
    # 3.7
    Case("3.7 vault deleted", kv(acme(), None), "block", "HM-G3-STORE-REMOVED", **KV, says=("legacy-sign",)),
    *[Case(f"3.7 vault replaced {path}", kv(acme(), acme(), actions, replace_paths=[[path]]), "block", "HM-G3-STORE-REMOVED", **KV) for path, actions in zip(("name", "location"), GONE)],
    Case("3.7 hsm deleted", hsm(hsm_of(), None), "block", "HM-G3-STORE-REMOVED", **NW),
    Case("3.7 hsm replaced for its admins", hsm(hsm_of(), hsm_of(admin_object_ids=[HUMAN, OFFICER]), GONE[0], replace_paths=[["admin_object_ids"]]), "block", "HM-G3-STORE-REMOVED", **NW),
    Case("3.7 what-if delete", what_if(what(HSM.upper(), "Delete", {"id": HSM, "name": "nw-hsm", "type": "Microsoft.KeyVault/managedHSMs", "properties": {"enablePurgeProtection": True}})), "block", "HM-G3-STORE-REMOVED", **NW),
    Case("3.7 vault without signing keys", kv(vault_of(), None), "pass|warn"),
    Case("3.7 deposed", plan(change("azurerm_key_vault", "v", vault_of(), None, deposed="deadbeef")), "pass|warn"),
    Case("3.7 azapi delete on destroy", plan(change("azapi_resource_action", "a", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": VAULT, "action": "", "method": "DELETE", "when": "apply"})), "block|undecidable"),
    # 3.8
    Case("3.8 vault", kv(acme(), acme(days=7)), "block", "HM-G3-RETENTION", **KV, says=("7", "90")),
    Case("3.8 hsm", hsm(hsm_of(), hsm_of(days=7), GONE[0], replace_paths=[["soft_delete_retention_days"]]), "block", "HM-G3-RETENTION", **NW),
    Case("3.8 arm", template(arm_hsm(enablePurgeProtection=True, softDeleteRetentionInDays=7)), "block", "HM-G3-RETENTION", **NW, flags=RG_SIGN),
    Case("3.8 raised", kv(acme(days=30), acme(days=90)), "pass"),
    # 3.9
    Case("3.9 lock removed", plan(change(LOCK, "l", lock(), None)), "block|warn", "HM-G3-LOCK", **NW),
    Case("3.9 lock of the group removed", plan(change(LOCK, "l", lock(scope=GROUP.upper()), None)), "block|warn", "HM-G3-LOCK"),
    Case("3.9 lock narrowed", plan(change(LOCK, "l", lock(), lock(scope=f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"), GONE[0], replace_paths=[["scope"]])), "block|warn", "HM-G3-LOCK", **NW),
    Case("3.9 read only to cannot delete", plan(change(LOCK, "l", lock("ReadOnly"), lock("CanNotDelete"), GONE[0], replace_paths=[["lock_level"]])), "warn", "HM-G3-LOCK", **NW),
    Case("3.9 cannot delete to read only", plan(change(LOCK, "l", lock("CanNotDelete"), lock("ReadOnly"), GONE[0], replace_paths=[["lock_level"]])), "pass"),
    Case("3.9 widened", plan(change(LOCK, "l", lock(), lock(scope=GROUP), GONE[0], replace_paths=[["scope"]])), "pass"),
    Case("3.9 lock of something else", plan(change(LOCK, "l", lock(scope=f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"), None)), "pass"),
    Case("3.9 pulumi", pulumi(step("delete", "azure-native:authorization:ManagementLockByScope", "l", {"scope": HSM, "lockName": "keep", "level": "CanNotDelete"})), "block|warn", "HM-G3-LOCK", **NW),
    # 3.10
    Case("3.10 flags say no purge", plan(change("azurerm_key_vault", "v", acme(), None), **features(purge_soft_delete_on_destroy=False)), "block", "HM-G3-STORE-REMOVED", **KV),
    # 3.11
    Case("3.11 arm false", template(arm_vault(enablePurgeProtection=False)), "block", "HM-G3-PURGE-OFF", **KV, flags=RG_SIGN),
    Case("3.11 arm false in bicep by name", template({"kv": arm_vault("[parameters('name')]", enablePurgeProtection=False)}, languageVersion="2.0", parameters={"name": {"type": "string", "defaultValue": "KV-ACME"}}), "block", "HM-G3-PURGE-OFF", **KV, flags=RG_SIGN),
    Case("3.11 arm omitted, on in azure", template(arm_vault()), "pass", flags=RG_SIGN),
    Case("3.11 existing in bicep", template({"kv": {"existing": True, "type": "Microsoft.KeyVault/vaults", "apiVersion": "2024-11-01", "name": "kv-acme"}}, languageVersion="2.0"), "pass", flags=RG_SIGN),
    Case("3.11 arm hsm false", template(arm_hsm(enablePurgeProtection=False)), "block", "HM-G3-PURGE-OFF", **NW, flags=RG_SIGN),
    Case("3.11 nested in a module", template({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "m", "resourceGroup": "rg-sign", "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
         "parameters": {"purge": {"value": False}}, "template": template(arm_vault(enablePurgeProtection="[parameters('purge')]"), parameters={"purge": {"type": "bool", "defaultValue": True}})}}, level="subscription"), "block", "HM-G3-PURGE-OFF", **KV,
         flags=("--resource-group", SUBSCRIPTION)),
    Case("3.11 copy loop", template({**arm_vault("[format('kv-{0}', variables('names')[copyIndex()])]", enablePurgeProtection="[not(equals(copyIndex(), 1))]"), "copy": {"name": "kvs", "count": 2}}, variables={"names": ["other", "acme"]}), "block", "HM-G3-PURGE-OFF", **KV, flags=RG_SIGN),
    # 3.12
    Case("3.12 recover", template(arm_vault("kv-old", createMode="recover")), "undecidable|warn", flags=RG_SIGN),
    # 3.13
    Case("3.13 complete without the stores", template(arm("Microsoft.Storage/storageAccounts", "st", {})), "block", "HM-G3-STORE-REMOVED", **NW, flags=COMPLETE),
    Case("3.13 complete without the vault", template(arm_hsm(enablePurgeProtection=True), arm("Microsoft.KeyVault/managedHSMs/keys", "nw-hsm/fw-sign", {"kty": "EC-HSM", "keyOps": ["sign", "verify"]})), "block", "HM-G3-STORE-REMOVED", **KV, flags=COMPLETE),
    Case("3.13 complete in another group", template(arm("Microsoft.Storage/storageAccounts", "st", {})), "pass", flags=("--deployment-mode", "Complete", "--resource-group", f"{SUBSCRIPTION}/resourceGroups/rg-web")),
    Case("3.13 incremental", template(arm("Microsoft.Storage/storageAccounts", "st", {})), "pass", flags=RG_SIGN),
    Case("3.13 embedded complete", plan(change("azurerm_resource_group_template_deployment", "t", None, {"name": "t", "resource_group_name": "rg-sign", "deployment_mode": "Complete", "parameters_content": None,
         "template_content": __import__("json").dumps(template(arm("Microsoft.Storage/storageAccounts", "st", {})))})), "block|undecidable"),
    # 3.14
    Case("3.14 purge operator", plan(assign(azure(PURGE_OPERATOR, scope=SUBSCRIPTION))), "warn|block", "HM-G1-*", who="build-eu", gained=("purge",)),
    Case("3.14 purge operator, strict", plan(assign(azure(name="Key Vault Purge Operator", scope=SUBSCRIPTION))), "block", "HM-G1-*", who="build-eu", gained=("purge",), flags=("--strict",)),
    *[Case(f"3.14 custom {action}", plan(change("azurerm_role_definition", "r", None, role_definition(actions=[action], role_definition_id=SHARED)), assign(azure(SHARED, scope=SUBSCRIPTION))), "warn|block", "HM-G1-*", who="build-eu", gained=("purge",))
      for action in ("Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/locations/deletedManagedHSMs/purge/action")],
    Case("3.14 custom data purge", plan(change("azurerm_role_definition", "r", None, role_definition([V + "keys/purge/action"], role_definition_id=SHARED)), assign(azure(SHARED))), "warn|block", "HM-G1-*", who="build-eu", gained=("purge",), store="kv-acme"),
    Case("3.14 local purge", plan(change(HSM_TYPE + "_role_definition", "r", None, local_role([L + "keys/deletedKeys/delete"])), assign(local(SHARED))), "warn|block", "HM-G1-*", who="build-eu", store="nw-hsm", gained=("purge",)),
    Case("3.14 purge operator to people", plan(assign(azure(PURGE_OPERATOR, HUMAN, SUBSCRIPTION))), "pass"),
    # 3.15
    *[Case(f"3.15 {name}", plan(change("azurerm_subscription_policy_assignment", "p", before, after)), "warn", "HM-G3-POLICY") for name, before, after in [
        ("removed", GUARD, None),
        ("not enforced", GUARD, {**GUARD, "enforce": False})]],
    Case("3.15 hsm policy by arm what-if", what_if(what(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/p", "Delete", {"id": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/p", "type": "Microsoft.Authorization/policyAssignments",
         "properties": {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/c39ba22d-4428-4149-b981-70acb31fc383"}})), "warn", "HM-G3-POLICY"),
    Case("3.15 exemption", plan(change("azurerm_resource_policy_exemption", "e", None, {"name": "e", "resource_id": HSM, "policy_assignment_id": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/p", "exemption_category": "Waiver"})), "warn", "HM-G3-POLICY"),
    Case("3.15 tag policy removed", plan(change("azurerm_subscription_policy_assignment", "p", {**GUARD, "policy_definition_id": "/providers/Microsoft.Authorization/policyDefinitions/96670d01-0a4d-4649-9c89-2d3abc0a5025"}, None)), "pass"),
    # 3.16
    Case("3.16 soft delete off", template(arm_vault(enableSoftDelete=False, enablePurgeProtection=True)), "block", "HM-G3-SOFT-DELETE-OFF", **KV, flags=RG_SIGN),
    Case("3.16 soft delete on", template(arm_vault(enableSoftDelete=True, enablePurgeProtection=True)), "pass", flags=RG_SIGN),
    # 3.19, 3.20
    Case("3.19 removed", plan(change(DIAGNOSTICS, "d", diagnostics(), None)), "warn", "HM-G3-DIAGNOSTICS", **NW),
    Case("3.19 audit no longer", plan(change(DIAGNOSTICS, "d", diagnostics(categories=("AuditEvent", "Metrics")), diagnostics(categories=("Metrics",)))), "warn", "HM-G3-DIAGNOSTICS", **NW),
    Case("3.19 of a web app", plan(change(DIAGNOSTICS, "d", diagnostics(f"{GROUP}/providers/Microsoft.Web/sites/a"), None)), "pass"),
    Case("3.19 category becomes group", plan(change(DIAGNOSTICS, "d", diagnostics(), {**diagnostics(), "enabled_log": [{"category_group": "audit"}]})), "pass"),
    Case("3.20 custodians in a weak vault", hsm(hsm_of(), hsm_of(security_domain_key_vault_certificate_ids=["https://kv-pol.vault.azure.net/certificates/c1/1", "https://kv-pol.vault.azure.net/certificates/c2/1"])), "block", "HM-G3-DOMAIN-CERTIFICATES", store="kv-pol",
         inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "kv-pol" else s for s in estate()["stores"]]}),
    Case("3.20 custodians in a good vault", hsm(hsm_of(), hsm_of(security_domain_key_vault_certificate_ids=["https://kv-pol.vault.azure.net/certificates/c1/1"])), "pass"),
    Case("3.20 vault with custodians loses it", plan(change(HSM_TYPE, "h", hsm_of(security_domain_key_vault_certificate_ids=["https://kv-pol.vault.azure.net/certificates/c1/1"]), hsm_of(security_domain_key_vault_certificate_ids=["https://kv-pol.vault.azure.net/certificates/c1/1"])),
         change("azurerm_key_vault", "v", vault_of(), vault_of(purge=False))), "block", "HM-G3-PURGE-OFF", store="kv-pol"),
    Case("standing", kv(acme(False), acme(False)), "pass", standing="HM-G3-NEW-UNPROTECTED|HM-G3-*", **KV, inventory={**estate(), "stores": [{**s, "purgeProtection": False} if s["id"] == "kv-acme" else s for s in estate()["stores"]]}),
]
