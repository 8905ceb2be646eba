"""Gate 1, row by row (estate-and-gates §3.8): an identity that only needs to sign gains decrypt, unwrap or what leads there."""

from patterns import *  # noqa: F403
from patterns import Case, local, azure, assign, plan, change, estate

D = ("decrypt", "unwrap")
HERE = dict(who="build-eu", store="nw-hsm", key="fw-sign")
UAMI = "azurerm_user_assigned_identity.ci"
FIC = "azurerm_federated_identity_credential"
VM = "azurerm_linux_virtual_machine"


def block(name, document, rule="HM-G1-*", **more):
    return Case(name, document, "block", rule, **{"who": "build-eu", **more})


def fine(name, document, verdict="pass", **more):
    return Case(name, document, verdict, **more)


def tf(after, **more):
    return plan(assign(after, **more))


def role_change(before, after, **more):
    return change("azurerm_role_definition", "r", before, after, **more)


def group(members, oid=OUTER, name="releases"):
    return {"object_id": oid, "display_name": name, "members": list(members)}


def held(data, not_data=(), actions=(), identity=BUILD, scope=SUBSCRIPTION):
    """A custom Azure role that an identity holds."""
    return estate(grants=[grant(identity, SHARED, scope, None, "azureRbac")],
                  roles=[{"store": None, "id": SHARED, "name": "Releaser", "custom": True, "dataActions": list(data), "notDataActions": list(not_data), "actions": list(actions), "notActions": []}])


def custom(data, not_data=(), actions=(), scope=VAULT, principal=BUILD):
    """A role definition and its assignment in one plan, joined by reference."""
    return plan(
        role_change(None, role_definition(data, not_data, actions), after_unknown={"id": True, "role_definition_resource_id": True, "role_definition_id": True}),
        assign({"scope": scope, "principal_id": principal}, after_unknown={"id": True, "role_definition_id": True}),
        **configured(declared("azurerm_role_definition.r"),
                     declared("azurerm_role_assignment.ci", role_definition_id=["azurerm_role_definition.r.role_definition_resource_id", "azurerm_role_definition.r"])))


def fic(subject, parent=OFFICER_ARM, **more):
    return {"name": "gh", "audience": ["api://AzureADTokenExchange"], "issuer": GITHUB, "subject": subject, "parent_id": parent, **more}


def machine(*ids):
    return {"name": "runner", "identity": [{"type": "UserAssigned", "identity_ids": list(ids)}]}


def new_identity(subject="repo:acme@4711/shop@8150:environment:release", role=CRYPTO_USER, tags=None):
    return plan(
        change("azurerm_user_assigned_identity", "ci", None, {"name": "id-release-ci", "tags": tags or {}}, after_unknown={"id": True, "principal_id": True, "client_id": True}),
        change(FIC, "gh", None, {"name": "gh", "audience": ["api://AzureADTokenExchange"], "issuer": GITHUB, "subject": subject}, after_unknown={"id": True, "parent_id": True}),
        change(HSM_TYPE + "_role_assignment", "ci", None, {k: v for k, v in local(role).items() if k != "principal_id"}, after_unknown={"principal_id": True}),
        **configured(declared(UAMI), declared(FIC + ".gh", parent_id=[UAMI + ".id", UAMI]),
                     declared(HSM_TYPE + "_role_assignment.ci", principal_id=[UAMI + ".principal_id", UAMI])))


OFFICER_HOLDS = estate(grants=[grant(OFFICER, CRYPTO_USER, "/keys/fw-sign")])
GROUP_HOLDS = estate(grants=[grant(OUTER, CRYPTO_USER, "/keys/fw-sign")], groups=[
    {"objectId": INNER, "name": "builders", "members": []}, {"objectId": OUTER, "name": "releases", "members": [INNER]}])
SIGN_ONLY_GROUP = estate(grants=[grant(OUTER, SIGNER, "/keys/fw-sign")], groups=[
    {"objectId": INNER, "name": "builders", "members": []}, {"objectId": OUTER, "name": "releases", "members": [INNER]}])
ARM_PARAMETERS = {"ci": {"type": "string"}}


def arm_policies(*words, mode="add", principal=BUILD):
    return template(arm("Microsoft.KeyVault/vaults/accessPolicies", f"kv-pol/{mode}", {"accessPolicies": [{"tenantId": TENANT, "objectId": principal, "permissions": {"keys": list(words)}}]}))


RG_APP = ("--resource-group", f"{SUBSCRIPTION}/resourceGroups/rg-app")
RG_SIGN = ("--resource-group", GROUP)
SUB = ("--resource-group", SUBSCRIPTION)

CASES = [
    # 1.1
    block("1.1 crypto user", tf(local()), "HM-G1-CRYPTO-USER", **{k: v for k, v in HERE.items() if k != "who"}, gained=D),
    block("1.1 service encryption user", tf(local(SERVICE_ENCRYPTION)), store="nw-hsm", key="fw-sign", gained=("unwrap",), says=("unwrap",)),
    block("1.1 service release user", tf(local(SERVICE_RELEASE)), store="nw-hsm", key="fw-sign", gained=("release",)),
    block("1.1 in a counted module", plan(assign(local(), address=f'module.ci["eu"].{HSM_TYPE}_role_assignment.this[2]', module_address='module.ci["eu"]', index=2)), store="nw-hsm", key="fw-sign",
          address=f'module.ci["eu"].{HSM_TYPE}_role_assignment.this[2]'),
    block("1.1 old vault_base_url", tf({**{k: v for k, v in local().items() if k != "managed_hsm_id"}, "vault_base_url": "https://nw-hsm.managedhsm.azure.net/"}), store="nw-hsm", key="fw-sign", gained=D),
    block("1.1 new identity known by reference", new_identity(), "HM-G1-CRYPTO-USER", who=None, store="nw-hsm", key="fw-sign", gained=D, says=("acme/shop",)),
    block("1.1 unlisted identity of a pipeline", tf(local(principal=UNLISTED_CI)), who="sp-nightly", store="nw-hsm", key="fw-sign", gained=D),
    block("1.1 classic pulumi", pulumi(step("create", "azure:keyvault/managedHardwareSecurityModuleRoleAssignment:ManagedHardwareSecurityModuleRoleAssignment", "ci", None, {
        "managedHsmId": HSM, "name": "x", "scope": "/keys/fw-sign", "roleDefinitionId": local_role_id(CRYPTO_USER), "principalId": BUILD})), store="nw-hsm", key="fw-sign", gained=D),
    fine("1.1 auditor at the root", tf(local(AUDITOR, scope="/"))),
    fine("1.1 signer on its key", plan(assign(local(SIGNER)))),
    fine("1.1 new identity that signs only", new_identity(role=SIGNER)),
    fine("1.1 crypto user to the disk set", tf(local(principal=DISK, scope="/keys/disk-wrap"))),
    # 1.2
    *[block(f"1.2 by name {name}", tf(azure(name=name)), store="kv-acme", gained=gained) for name, gained in [
        ("Key Vault Administrator", D), ("Key Vault Crypto Officer", D), ("key vault crypto user", D), ("Key Vault Crypto Service Encryption User", ("unwrap",)),
        ("Key Vault Crypto Service Release User", ("release",))]],
    block("1.2 by id", tf(azure(KV_CRYPTO_USER)), store="kv-acme", gained=D),
    block("1.2 arm expression", template(
        arm_assignment(f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", "[parameters('ci')]", "[format('Microsoft.KeyVault/vaults/{0}', 'kv-acme')]"),
        parameters=ARM_PARAMETERS), store="kv-acme", gained=D, flags=("--parameters", "p.json", *RG_SIGN), files={"p.json": {"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {"ci": {"value": BUILD}}}}),
    block("1.2 bicep loop over roles", template({"grant": {
        **arm_assignment("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', variables('roles')[copyIndex()])]", "[parameters('ci')]", "[format('Microsoft.KeyVault/vaults/{0}', 'kv-acme')]"),
        "copy": {"name": "grant", "count": "[length(variables('roles'))]"}, "name": "[guid(variables('roles')[copyIndex()])]"}},
        parameters={"ci": {"type": "string", "defaultValue": BUILD}}, languageVersion="2.0", variables={"roles": [KV_READER, KV_CRYPTO_USER.upper()]}), store="kv-acme", gained=D, flags=RG_SIGN),
    block("1.2 what-if", what_if(what(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/aaaa0000-0000-4000-8000-000000000001", "Create", None, {
        "id": f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/aaaa0000-0000-4000-8000-000000000001", "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
        "name": "aaaa0000-0000-4000-8000-000000000001", "properties": {"principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}})), store="kv-acme", gained=D),
    block("1.2 native pulumi", pulumi(step("create", "azure-native:authorization:RoleAssignment", "g", None, {"scope": VAULT, "principalId": BUILD, "principalType": "ServicePrincipal", "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)})),
          store="kv-acme", gained=D),
    block("1.2 classic pulumi by name", pulumi(step("create", "azure:authorization/assignment:Assignment", "g", None, {"scope": VAULT, "principalId": BUILD, "roleDefinitionName": "Key Vault Crypto User"})), store="kv-acme", gained=D),
    block("1.2 azapi", plan(change("azapi_resource", "g", None, {"type": "Microsoft.Authorization/roleAssignments@2022-04-01", "parent_id": VAULT, "name": "aaaa0000-0000-4000-8000-000000000001",
                                                                  "body": {"properties": {"principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER)}}})), store="kv-acme", gained=D),
    block("1.2 azapi with a body of text", plan(change("azapi_resource", "g", None, {"type": "microsoft.authorization/RoleAssignments@2022-04-01", "parent_id": VAULT, "name": "x",
                                                                  "body": f'{{"properties":{{"principalId":"{BUILD}","roleDefinitionId":"{azure_role_id(KV_CRYPTO_USER)}"}}}}'})), store="kv-acme", gained=D),
    block("1.2 embedded template", plan(change("azurerm_resource_group_template_deployment", "t", None, {
        "name": "t", "resource_group_name": "rg-sign", "deployment_mode": "Incremental", "parameters_content": f'{{"ci":{{"value":"{BUILD}"}}}}',
        "template_content": __import__("json").dumps(template(arm_assignment(azure_role_id(KV_CRYPTO_USER), "[parameters('ci')]", "Microsoft.KeyVault/vaults/kv-acme"), parameters=ARM_PARAMETERS))})), store="kv-acme", gained=D),
    block("1.2 nested inner deployment", template({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner", "resourceGroup": "rg-sign", "properties": {
        "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"who": {"value": "[parameters('ci')]"}},
        "template": template(arm_assignment(f"[resourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", "[parameters('who')]", "Microsoft.KeyVault/vaults/kv-acme"), parameters={"who": {"type": "string"}})}},
        level="subscription", parameters={"ci": {"type": "string", "defaultValue": BUILD}}), store="kv-acme", gained=D, flags=SUB),
    fine("1.2 reader", tf(azure(KV_READER))),
    fine("1.2 secrets user by name", tf(azure(name="Key Vault Secrets User"))),
    fine("1.2 arm reader", template(arm_assignment(f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{KV_READER}')]", BUILD, "Microsoft.KeyVault/vaults/kv-acme")), flags=RG_SIGN),
    fine("1.2 signer on a key of a vault", tf(azure(AZURE_SIGNER, scope=VAULT + "/keys/legacy-sign"))),
    fine("1.2 arm condition false", template({**arm_assignment(azure_role_id(KV_CRYPTO_USER), BUILD, "Microsoft.KeyVault/vaults/kv-acme"), "condition": False}), flags=RG_SIGN),
    # 1.3
    *[Case(f"1.3 sign at {scope}", tf(local(SIGNER, scope=scope)), "warn", "HM-G1-SCOPE", "build-eu", store="nw-hsm", gained=("sign",)) for scope in ("/", "/keys")],
    *[block(f"1.3 crypto user of {name}", tf(azure(KV_CRYPTO_USER, scope=scope)), gained=D, says=(scope,)) for name, scope in [
        ("a group", GROUP), ("a subscription", SUBSCRIPTION), ("a management group", MANAGEMENT_GROUP), ("everything", "/")]],
    block("1.3 arm at subscription scope", template(arm_assignment(f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", BUILD), level="subscription"), gained=D, flags=SUB),
    block("1.3 arm at management group scope", template(arm_assignment(f"[tenantResourceId('Microsoft.Authorization/roleDefinitions', '{KV_CRYPTO_USER}')]", BUILD), level="managementGroup"), gained=D,
          flags=("--resource-group", MANAGEMENT_GROUP)),
    block("1.3 local keys", tf(local(scope="/keys")), store="nw-hsm", gained=D),
    Case("1.3 sign on a whole vault", tf(azure(AZURE_SIGNER)), "warn", "HM-G1-SCOPE", "build-eu", store="kv-acme", gained=("sign",)),
    Case("1.3 sign with a key of somebody else", tf(local(SIGNER, scope="/keys/other-sign")), "warn", "HM-G1-SCOPE", "build-eu", store="nw-hsm", key="other-sign"),
    # 1.4
    *[block(f"1.4 {word}", custom([V + "keys/read", V + f"keys/{word}/action"]), store="kv-acme", gained=(word,)) for word in ("decrypt", "unwrap", "release")],
    block("1.4 local role by reference", plan(
        change(HSM_TYPE + "_role_definition", "r", None, {k: v for k, v in local_role([L + "keys/sign/action", L + "keys/unwrap/action"]).items()}, after_unknown={"id": True, "resource_manager_id": True}),
        change(HSM_TYPE + "_role_assignment", "ci", None, {k: v for k, v in local().items() if k != "role_definition_id"}, after_unknown={"role_definition_id": True}),
        **configured(declared(HSM_TYPE + "_role_definition.r"), declared(HSM_TYPE + "_role_assignment.ci", role_definition_id=[HSM_TYPE + "_role_definition.r.resource_manager_id", HSM_TYPE + "_role_definition.r"]))),
          store="nw-hsm", key="fw-sign", gained=("unwrap",)),
    block("1.4 bicep role and grant", template({
        "signer": arm("Microsoft.Authorization/roleDefinitions", "[guid('signer', subscription().id)]", {"roleName": "Key Signer 2", "type": "CustomRole", "assignableScopes": ["[subscription().id]"],
                      "permissions": [{"actions": [], "notActions": [], "dataActions": [V + "keys/*/action", V + "keys/read"], "notDataActions": [V + "keys/decrypt/action"]}]}, "2022-04-01"),
        "grant": arm_assignment("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid('signer', subscription().id))]", "[parameters('ciPrincipalId')]", dependsOn=["signer"])},
        level="subscription", languageVersion="2.0", parameters={"ciPrincipalId": {"type": "string"}}), gained=("unwrap",), says=("unwrap",),
        flags=("--parameters", "p.json", *SUB), files={"p.json": {"parameters": {"ciPrincipalId": {"value": BUILD}}}}),
    fine("1.4 sign and read", custom([V + "keys/sign/action", V + "keys/read"], scope=VAULT + "/keys/legacy-sign")),
    fine("1.4 for the disks", custom([V + "keys/unwrap/action"], principal=DISK)),
    # 1.5
    *[block(f"1.5 {pattern}", custom([pattern]), store="kv-acme", gained=gained) for pattern, gained in [
        ("*", D), ("Microsoft.KeyVault/*", D), (V + "*", D), (V + "keys/*", D), (V + "keys/*/action", D), (V + "keys/un*", ("unwrap",)), ("microsoft.keyvault/VAULTS/keys/de*/action", ("decrypt",)),
        ("*/action", D)]],
    block("1.5 azapi", plan(
        change("azapi_resource", "r", None, {"type": "Microsoft.Authorization/roleDefinitions@2022-04-01", "parent_id": SUBSCRIPTION, "name": SHARED, "body": {
            "properties": {"roleName": "Releaser", "assignableScopes": [SUBSCRIPTION], "permissions": [{"dataActions": [V + "keys/*"], "notDataActions": []}]}}}),
        assign(azure(SHARED))), store="kv-acme", gained=D),
    fine("1.5 secrets only", custom([V + "secrets/*"])),
    fine("1.5 si*", custom([V + "keys/si*", V + "keys/read"], scope=VAULT + "/keys/legacy-sign")),
    # 1.6, 1.7
    block("1.6 forgets unwrap", custom([V + "keys/*/action"], [V + "keys/decrypt/action"]), store="kv-acme", gained=("unwrap",)),
    block("1.6 forgets decrypt by case", custom([V + "keys/*/action"], [(V + "keys/UNWRAP/action").upper()]), store="kv-acme", gained=("decrypt",)),
    fine("1.6 all but key data", custom([V + "*"], [V + "keys/*", V + "keyrotationpolicies/*", V + "certificates/*", V + "certificatecas/*"]), "pass|warn"),
    block("1.7 one role does not deny another", plan(assign(azure(KV_CRYPTO_USER))), store="kv-acme", gained=D,
          inventory=held([V + "keys/*/action"], [V + "keys/decrypt/action", V + "keys/unwrap/action"])),
    # 1.8
    block("1.8 azure role held", plan(role_change(role_definition([V + "keys/sign/action"], role_definition_id=SHARED), role_definition([V + "keys/sign/action", V + "keys/decrypt/action"], role_definition_id=SHARED))),
          "HM-G1-ROLE-WIDENED", gained=("decrypt",), inventory=held([V + "keys/sign/action"], scope=VAULT), store="kv-acme"),
    block("1.8 local role held", plan(change(HSM_TYPE + "_role_definition", "r", local_role([L + "keys/sign/action"], SIGNER, "nw-signer"), local_role([L + "keys/sign/action", L + "keys/unwrap/action"], SIGNER, "nw-signer"))),
          "HM-G1-ROLE-WIDENED", store="nw-hsm", key="fw-sign", gained=("unwrap",)),
    block("1.8 not_data_actions shrink", plan(role_change(role_definition([V + "keys/*/action"], [V + "keys/decrypt/action", V + "keys/unwrap/action", V + "keys/release/action"], role_definition_id=SHARED),
                                                           role_definition([V + "keys/*/action"], [V + "keys/decrypt/action", V + "keys/release/action"], role_definition_id=SHARED))), "HM-G1-ROLE-WIDENED", gained=("unwrap",),
          inventory=held([V + "keys/*/action"], [V + "keys/decrypt/action", V + "keys/unwrap/action", V + "keys/release/action"], scope=VAULT), store="kv-acme"),
    block("1.8 held through nested groups", plan(role_change(role_definition([V + "keys/sign/action"], role_definition_id=SHARED), role_definition([V + "keys/unwrap/action"], role_definition_id=SHARED))), "HM-G1-ROLE-WIDENED",
          gained=("unwrap",), inventory=held([V + "keys/sign/action"], identity=OUTER, scope=VAULT), store="kv-acme"),
    block("1.8 what-if modify", what_if(what(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{SHARED}", "Modify", *[
        {"id": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{SHARED}", "type": "Microsoft.Authorization/roleDefinitions", "name": SHARED, "apiVersion": "2022-04-01",
         "properties": {"roleName": "Releaser", "permissions": [{"dataActions": words, "notDataActions": [], "actions": [], "notActions": []}]}} for words in ([V + "keys/sign/action"], [V + "keys/sign/action", V + "keys/decrypt/action"])],
        delta=[{"path": "properties.permissions", "propertyChangeType": "Array", "children": []}])), "HM-G1-ROLE-WIDENED", gained=("decrypt",), inventory=held([V + "keys/sign/action"], scope=VAULT), store="kv-acme"),
    fine("1.8 held by the disks", plan(role_change(role_definition([V + "keys/sign/action"], role_definition_id=SHARED), role_definition([V + "keys/unwrap/action"], role_definition_id=SHARED))),
         inventory=held([V + "keys/sign/action"], identity=DISK, scope=VAULT)),
    fine("1.8 narrowed", plan(role_change(role_definition([V + "keys/*"], role_definition_id=SHARED), role_definition([V + "keys/sign/action"], role_definition_id=SHARED))), "pass|warn", inventory=held([V + "keys/*"], scope=VAULT)),
    # 1.10, 1.11, 1.12
    *[block(f"1.10 {word}", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", word]))), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=gained)
      for word, gained in [("Decrypt", ("decrypt",)), ("UnwrapKey", ("unwrap",)), ("Release", ("release",)), ("unwrapkey", ("unwrap",))]],
    *[block(f"1.10 arm {word}", arm_policies(word), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=D, flags=RG_APP) for word in ("all", "ALL")],
    block("1.10 arm inline replace", arm_policies("get", "unwrapKey", mode="replace"), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("unwrap",), flags=RG_APP),
    block("1.10 update of a policy", plan(change("azurerm_key_vault_access_policy", "p", policy(keys=["Get", "Sign"]), policy(keys=["Get", "Sign", "Decrypt"]))), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("decrypt",)),
    block("1.10 native pulumi vault", pulumi(step("update", "azure-native:keyvault/v20230701:Vault", "v", *[{"vaultName": "kv-pol", "resourceGroupName": "rg-app", "properties": {
        "enablePurgeProtection": True, "tenantId": TENANT, "accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": words}}]}} for words in (["get", "sign"], ["get", "sign", "decrypt"])])),
        "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("decrypt",)),
    block("1.10 azapi action", plan(change("azapi_resource_action", "a", None, {"type": "Microsoft.KeyVault/vaults@2023-07-01", "resource_id": OTHER_VAULT, "action": "accessPolicies/add", "method": "PUT", "when": "apply",
        "body": {"properties": {"accessPolicies": [{"tenantId": TENANT, "objectId": BUILD, "permissions": {"keys": ["decrypt"]}}]}}})), store="kv-pol", gained=("decrypt",)),
    fine("1.10 sign only", plan(change("azurerm_key_vault_access_policy", "p", None, policy(keys=["Get", "List", "Sign", "Verify"]))), "pass|warn"),
    fine("1.10 arm remove", arm_policies("decrypt", mode="remove"), inventory=estate(grants=[policy_grant(BUILD, ["sign", "decrypt"])]), flags=RG_APP),
    fine("1.10 to the disks", plan(change("azurerm_key_vault_access_policy", "p", None, policy(DISK, ["UnwrapKey", "WrapKey"])))),
    block("1.11 reordered with one more word", plan(change("azurerm_key_vault", "v", vault_of(access_policy=[inline(BUILD, ["Get", "Sign"]), inline(DISK, ["Get", "UnwrapKey"])]),
        vault_of(access_policy=[inline(DISK, ["Get", "UnwrapKey"]), inline(BUILD, ["Get", "Sign", "UnwrapKey"])]))), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("unwrap",)),
    block("1.11 swapped words", plan(change("azurerm_key_vault", "v", vault_of(access_policy=[inline(BUILD, ["Sign"]), inline(DISK, ["UnwrapKey"])]), vault_of(access_policy=[inline(BUILD, ["UnwrapKey"]), inline(DISK, ["Sign"])]))),
          "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("unwrap",)),
    fine("1.11 only reordered", plan(change("azurerm_key_vault", "v", vault_of(access_policy=[inline(BUILD, ["Sign", "Get"]), inline(DISK, ["UnwrapKey"])]), vault_of(access_policy=[inline(DISK, ["UnwrapKey"]), inline(BUILD, ["Get", "Sign"])]))), "pass|warn"),
    block("1.12 compound identity", plan(change("azurerm_key_vault_access_policy", "p", None, policy(HUMAN, ["Decrypt"], application_id=BUILD_CLIENT))), "HM-G1-ACCESS-POLICY", store="kv-pol", gained=("decrypt",)),
    fine("1.12 compound identity of people", plan(change("azurerm_key_vault_access_policy", "p", None, policy(HUMAN, ["Decrypt"])))),
    # 1.13
    block("1.13 dormant policy wakes", plan(change("azurerm_key_vault", "v", vault_of(rbac=True), vault_of(rbac=False))), "HM-G1-RBAC-MODE", store="kv-pol", gained=("decrypt",),
          inventory={**(e := estate(grants=[policy_grant(BUILD, ["decrypt"], latent=True)])), "stores": [{**s, "rbacMode": "azureRbac"} if s["id"] == "kv-pol" else s for s in e["stores"]]}),
    block("1.13 broad rbac wakes", plan(change("azurerm_key_vault", "v", vault_of(rbac=False), vault_of(rbac=True))), "HM-G1-RBAC-MODE", store="kv-pol", gained=D,
          inventory=estate(grants=[grant(BUILD, KV_CRYPTO_USER, f"{SUBSCRIPTION}/resourceGroups/rg-app", None, "azureRbac")])),
    block("1.13 old attribute name", plan(change("azurerm_key_vault", "v", *[{**{k: v for k, v in vault_of().items() if k != "rbac_authorization_enabled"}, "enable_rbac_authorization": on} for on in (True, False)])), "HM-G1-RBAC-MODE",
          store="kv-pol", gained=("unwrap",), inventory={**(e := estate(grants=[policy_grant(BUILD, ["unwrap"], latent=True)])), "stores": [{**s, "rbacMode": "azureRbac"} if s["id"] == "kv-pol" else s for s in e["stores"]]}),
    fine("1.13 nobody waits", plan(change("azurerm_key_vault", "v", vault_of(rbac=False), vault_of(rbac=True)))),
    # 1.14
    block("1.14 joins a group", plan(change("azuread_group_member", "m", None, {"group_object_id": OUTER, "member_object_id": BUILD})), "HM-G1-GROUP", store="nw-hsm", key="fw-sign", gained=D, inventory=GROUP_HOLDS),
    block("1.14 joins a nested group", plan(change("azuread_group_member", "m", None, {"group_object_id": INNER.upper(), "member_object_id": BUILD.upper()})), "HM-G1-GROUP", store="nw-hsm", key="fw-sign", gained=D, inventory=GROUP_HOLDS),
    block("1.14 group gains the role", tf(local(principal=OUTER)), "HM-G1-CRYPTO-USER", store="nw-hsm", key="fw-sign", gained=D, says=("builders",)),
    block("1.14 list of members", plan(change("azuread_group", "g", group([HUMAN]), group([HUMAN, BUILD]))), "HM-G1-GROUP", store="nw-hsm", key="fw-sign", gained=D,
          inventory=estate(grants=[grant(OUTER, CRYPTO_USER, "/keys/fw-sign")], groups=[{"objectId": OUTER, "name": "releases", "members": [HUMAN]}])),
    block("1.14 new group in the same plan", plan(
        change("azuread_group", "g", None, {"display_name": "new", "members": [BUILD]}, after_unknown={"object_id": True, "id": True, "members": [False]}),
        change(HSM_TYPE + "_role_assignment", "ci", None, {k: v for k, v in local().items() if k != "principal_id"}, after_unknown={"principal_id": True}),
        **configured(declared("azuread_group.g"), declared(HSM_TYPE + "_role_assignment.ci", principal_id=["azuread_group.g.object_id", "azuread_group.g"]))), store="nw-hsm", key="fw-sign", gained=D),
    fine("1.14 group that signs", plan(change("azuread_group_member", "m", None, {"group_object_id": INNER, "member_object_id": BUILD})), inventory=SIGN_ONLY_GROUP),
    fine("1.14 staff gain the role", tf(local(principal=STAFF))),
    fine("1.14 alice joins", plan(change("azuread_group_member", "m", None, {"group_object_id": OUTER, "member_object_id": HUMAN})), inventory=GROUP_HOLDS),
    # 1.15
    block("1.15 eligible role", plan(change("azurerm_pim_eligible_role_assignment", "p", None, azure(KV_CRYPTO_USER))), "HM-G1-PIM", store="kv-acme", gained=D, says=("activated",)),
    block("1.15 active role", plan(change("azurerm_pim_active_role_assignment", "p", None, azure(KV_CRYPTO_USER))), "HM-G1-PIM", store="kv-acme", gained=D),
    block("1.15 eligible member", plan(change("azuread_privileged_access_group_eligibility_schedule", "p", None, {"group_id": OUTER, "principal_id": BUILD, "assignment_type": "member"})), "HM-G1-PIM|HM-G1-GROUP", store="nw-hsm", key="fw-sign",
          gained=D, inventory=GROUP_HOLDS),
    block("1.15 arm eligibility", template(arm("Microsoft.Authorization/roleEligibilityScheduleRequests", "[guid('e')]", {"principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER), "requestType": "AdminAssign"}, "2022-04-01-preview",
          scope="Microsoft.KeyVault/vaults/kv-acme")), "HM-G1-PIM", store="kv-acme", gained=D, flags=RG_SIGN),
    fine("1.15 arm eligibility removed", template(arm("Microsoft.Authorization/roleEligibilityScheduleRequests", "[guid('e')]", {"principalId": BUILD, "roleDefinitionId": azure_role_id(KV_CRYPTO_USER), "requestType": "AdminRemove"},
         "2022-04-01-preview", scope="Microsoft.KeyVault/vaults/kv-acme")), flags=RG_SIGN),
    fine("1.15 eligible human", plan(change("azurerm_pim_eligible_role_assignment", "p", None, azure(KV_CRYPTO_USER, HUMAN)))),
    # 1.16
    *[block(f"1.16 {name}", tf(azure(name=name, scope=scope)), gained=("grant",)) for name, scope in [
        ("Owner", GROUP), ("User Access Administrator", VAULT), ("Role Based Access Control Administrator", SUBSCRIPTION), ("Key Vault Data Access Administrator", VAULT),
        ("Contributor", f"{SUBSCRIPTION}/resourceGroups/rg-app"), ("Key Vault Contributor", OTHER_VAULT)]],
    *[block(f"1.16 local {name}", tf(local(role, scope="/")), store="nw-hsm", gained=("grant",)) for name, role in [("administrator", ADMINISTRATOR), ("policy administrator", POLICY_ADMINISTRATOR), ("crypto officer", CRYPTO_OFFICER)]],
    fine("1.16 key vault contributor of an rbac vault", tf(azure(name="Key Vault Contributor")), "pass|warn"),
    fine("1.16 owner of something else", tf(azure(name="Owner", scope=f"{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Storage/storageAccounts/st"))),
    # 1.17
    block("1.17 new hsm", plan(change(HSM_TYPE, "h", None, {**hsm_of(), "name": "new-hsm", "id": None, "admin_object_ids": [HUMAN, BUILD]})), "HM-G1-ADMIN-LIST", store="new-hsm", gained=("grant",)),
    block("1.17 replaced", plan(change(HSM_TYPE, "h", hsm_of(), hsm_of(admin_object_ids=[HUMAN, BUILD.upper()]), ["delete", "create"], replace_paths=[["admin_object_ids"]])), "HM-G1-ADMIN-LIST", store="nw-hsm", gained=("grant",)),
    block("1.17 arm", template(arm("Microsoft.KeyVault/managedHSMs", "new-hsm", {"tenantId": TENANT, "initialAdminObjectIds": [BUILD], "enablePurgeProtection": True}, sku={"family": "B", "name": "Standard_B1"})), "HM-G1-ADMIN-LIST", store="new-hsm",
          gained=("grant",), flags=RG_SIGN),
    fine("1.17 people only", plan(change(HSM_TYPE, "h", None, {**hsm_of(), "name": "new-hsm", "id": None})), "pass|warn"),
    # 1.18
    block("1.18 pipeline becomes the officer", plan(change(FIC, "f", None, fic("repo:northwind/engine:environment:ship"))), "HM-G1-FEDERATION", who="officer", store="nw-hsm", key="fw-sign", gained=D, inventory=OFFICER_HOLDS),
    block("1.18 subject changes", plan(change(FIC, "f", fic("system:serviceaccount:ops:vault", issuer="https://oidc.example"), fic("repo:northwind/engine:pull_request"))), "HM-G1-FEDERATION", who="officer", store="nw-hsm", key="fw-sign",
          gained=D, inventory=OFFICER_HOLDS),
    block("1.18 new attribute name", plan(change(FIC, "f", None, {**{k: v for k, v in fic("repo:a/b:ref:refs/heads/main").items() if k != "parent_id"}, "user_assigned_identity_id": OFFICER_ARM.upper()})), "HM-G1-FEDERATION", who="officer",
          store="nw-hsm", gained=D, inventory=OFFICER_HOLDS),
    block("1.18 arm", template(arm("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "id-officer/gh", {"issuer": GITHUB, "subject": "repo:a/b:pull_request", "audiences": ["api://AzureADTokenExchange"]}, "2023-01-31")),
          "HM-G1-FEDERATION", who="officer", store="nw-hsm", gained=D, inventory=OFFICER_HOLDS, flags=RG_SIGN),
    Case("1.18 signer for pull requests", plan(change(FIC, "f", fic("repo:northwind@901/engine@77:environment:ship", BUILD_ARM), fic("repo:northwind@901/engine@77:pull_request", BUILD_ARM))), "warn|block", "HM-G1-FEDERATION", "build-eu",
         store="nw-hsm", key="fw-sign", says=("pull request",)),
    fine("1.18 signer, another environment", plan(change(FIC, "f", None, fic("repo:northwind@901/engine@77:environment:ship-us", BUILD_ARM)))),
    fine("1.18 removed", plan(change(FIC, "f", fic("repo:northwind/engine:pull_request"), None)), inventory=OFFICER_HOLDS),
    # 1.19
    block("1.19 machine", plan(change(VM, "m", machine(), machine(BUILD_ARM.lower()))), "HM-G1-IDENTITY-ATTACHED", store="nw-hsm", key="fw-sign"),
    block("1.19 operator", tf(azure(MANAGED_IDENTITY_OPERATOR, scope=OFFICER_ARM)), "HM-G1-IDENTITY-ATTACHED", gained=("decrypt",), inventory=OFFICER_HOLDS, store="nw-hsm"),
    block("1.19 operator by name of a group", tf(azure(name="Managed Identity Operator", scope=GROUP)), "HM-G1-IDENTITY-ATTACHED"),
    fine("1.19 machine with another identity", plan(change(VM, "m", machine(), machine(OFFICER_ARM)))),
    fine("1.19 operator of itself", tf(azure(MANAGED_IDENTITY_OPERATOR, scope=BUILD_ARM))),
    fine("1.19 machine loses it", plan(change(VM, "m", machine(BUILD_ARM), machine()))),
    # 1.20
    *[Case(f"1.20 {word}", plan(change(HSM_TYPE + "_key", "k", hsm_key(), hsm_key(ops=("sign", "verify", word)))), "block", "HM-G1-KEY-OPS", store="nw-hsm", key="fw-sign") for word in ("decrypt", "unwrapKey", "wrapKey", "encrypt", "import", "export")],
    Case("1.20 arm", template(arm("Microsoft.KeyVault/managedHSMs/keys", "nw-hsm/fw-sign", {"kty": "RSA-HSM", "keyOps": ["sign", "decrypt"]})), "block", "HM-G1-KEY-OPS", store="nw-hsm", key="fw-sign", gained=("decrypt",), flags=RG_SIGN),
    Case("1.20 release policy", plan(change("azurerm_key_vault_key", "k", vault_key("legacy-sign"), vault_key("legacy-sign", release_policy=[{"policy": "{}"}]))), "block", "HM-G1-KEY-OPS", store="kv-acme", key="legacy-sign"),
    Case("1.20 exportable", template(arm("Microsoft.KeyVault/managedHSMs/keys", "nw-hsm/fw-sign", {"kty": "EC-HSM", "keyOps": ["sign"], "attributes": {"exportable": True}})), "block", "HM-G1-KEY-OPS", store="nw-hsm", key="fw-sign", flags=RG_SIGN),
    fine("1.20 loses verify", plan(change(HSM_TYPE + "_key", "k", hsm_key(), hsm_key(ops=("sign",))))),
    fine("1.20 encryption key", plan(change(HSM_TYPE + "_key", "k", hsm_key("disk-wrap", ("wrapKey", "unwrapKey")), hsm_key("disk-wrap", ("wrapKey", "unwrapKey", "decrypt"))))),
    # 1.21, 1.22
    block("1.21 principal replaced", plan(assign(local(), before=local(principal=HUMAN), actions=["delete", "create"], replace_paths=[["principal_id"]])), "HM-G1-CRYPTO-USER", store="nw-hsm", key="fw-sign", gained=D),
    block("1.21 create before destroy", plan(assign(local(), before=local(principal=HUMAN), actions=["create", "delete"])), "HM-G1-CRYPTO-USER", store="nw-hsm", key="fw-sign", gained=D),
    fine("1.21 the other way", plan(assign(local(principal=HUMAN), before=local(), actions=["delete", "create"])), inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    Case("1.22 unknown principal", plan(change(HSM_TYPE + "_role_assignment", "ci", None, {k: v for k, v in local().items() if k != "principal_id"}, after_unknown={"principal_id": True}, address=HSM_TYPE + '_role_assignment.ci["a"]'),
         **configured({**declared(HSM_TYPE + "_role_assignment.ci", principal_id=["each.value"]), "for_each_expression": {"references": ["local.people"]}})), "undecidable", undecided="local.people"),
    fine("1.22 only the name unknown", plan(assign({k: v for k, v in local(SIGNER).items() if k != "name"}, after_unknown={"name": True}))),
    # 1.24
    block("1.24 upper case guid, no slash", tf({**local(), "role_definition_id": local_role_id(CRYPTO_USER).upper()[1:], "principal_id": BUILD.upper(), "scope": "/keys/fw-sign/"}), store="nw-hsm", key="fw-sign", gained=D),
    block("1.24 id of another subscription", tf(azure(None, scope=VAULT.upper() + "/", role_definition_id=f"/SUBSCRIPTIONS/ffffffff-0000-4000-8000-000000000000/providers/microsoft.authorization/ROLEDEFINITIONS/{KV_CRYPTO_USER.upper()}")),
          store="kv-acme", gained=D),
    block("1.24 tenant level id", tf(azure(None, role_definition_id=f"/providers/Microsoft.Authorization/roleDefinitions/{KV_CRYPTO_USER}")), store="kv-acme", gained=D),
    block("1.24 bare guid", tf(azure(None, role_definition_id=KV_CRYPTO_USER)), store="kv-acme", gained=D),
    block("1.24 by client id", tf(azure(KV_CRYPTO_USER, BUILD_CLIENT.upper())), store="kv-acme", gained=D),
    block("1.24 by the name of the identity", tf(azure(KV_CRYPTO_USER, BUILD_ARM.upper())), store="kv-acme", gained=D),
    fine("1.24 last digit differs", tf(azure("12338af0-0e69-4776-bea7-57ae8d297425")), "undecidable|pass"),
    # 1.25, 1.26, 1.27
    Case("1.25 shadowed name", tf(azure(name="Key Vault Reader")), "block|undecidable", inventory=held([V + "keys/*"], identity=HUMAN) | {"roles": held([V + "keys/*"])["roles"][:2] + [
        {"store": None, "id": SHARED, "name": "Key Vault Reader", "custom": True, "dataActions": [V + "keys/*"], "notDataActions": [], "actions": [], "notActions": []}]}),
    Case("1.25 unknown name", tf(azure(name="Nobody Knows This")), "undecidable", undecided="Nobody Knows This"),
    block("1.26 condition", tf(azure(KV_CRYPTO_USER, condition="((!(ActionMatches{'Microsoft.KeyVault/vaults/keys/decrypt/action'})))", condition_version="2.0")), store="kv-acme", gained=D),
    *[block(f"1.27 {word}", custom([V + f"keys/{word}/action"]), store="kv-acme") for word in ("secureUnwrapKey", "secureWrapKey", "thingOfTomorrow")],
    # What must pass, and what stands.
    fine("grant deleted", plan(change(HSM_TYPE + "_role_assignment", "ci", local(), None)), inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    fine("grant narrowed", plan(assign(local(), before=local(scope="/"), actions=["delete", "create"], replace_paths=[["scope"]])), inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/")])),
    fine("standing", plan(assign(local(), before=local())), inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")]), standing="HM-G1-CRYPTO-USER", who="build-eu", store="nw-hsm", key="fw-sign"),
    fine("moved address", plan(assign(local(), before=local(), previous_address=HSM_TYPE + "_role_assignment.old")), standing="HM-G1-CRYPTO-USER", who="build-eu", inventory=estate(grants=[grant(BUILD, CRYPTO_USER, "/keys/fw-sign")])),
    block("and a grant beside a removal", plan(change(HSM_TYPE + "_role_assignment", "old", local(principal=HUMAN), None), assign(local())), store="nw-hsm", key="fw-sign", gained=D),
]
