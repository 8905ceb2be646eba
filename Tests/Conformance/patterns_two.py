"""Gate 2, row by row (estate-and-gates §3.9): a signing key moves from a Managed HSM into a standard vault."""

from patterns import *  # noqa: F403
from patterns import Case, change, estate, hsm_key, plan, vault_key

HSM_KEY, VAULT_KEY = HSM_TYPE + "_key", "azurerm_key_vault_key"
SIGN = dict(store="nw-hsm", key="fw-sign")
NO_INVENTORY_KEY = {**estate(), "keys": []}


def gone(key=None, **more):
    return change(HSM_KEY, "sign", key or hsm_key(), None, **more)


def new(key=None, **more):
    return change(VAULT_KEY, "sign", None, key or vault_key(), **more)


def moved(name, *changes, **more):
    return Case(name, plan(*changes), "block", "HM-G2-MOVED", **{**SIGN, "says": ("kv-acme",), **more})


def app(before, after, kind="azurerm_linux_web_app", **more):
    return change(kind, "app", {"name": "app", "app_settings": {"SIGN_KEY": before}}, {"name": "app", "app_settings": {"SIGN_KEY": after}}, **more)


def url(host, key="fw-sign", store="nw-hsm", scheme="https", path="/keys/"):
    return f"{scheme}://{store}.{host}.azure.net{path}{key}"


def certificate(subject="CN=Northwind Release", name="cert", exportable=False, kty="RSA-HSM", tags=None):
    return {"name": name, "key_vault_id": VAULT, "tags": tags or {}, "certificate_policy": [{
        "key_properties": [{"exportable": exportable, "key_type": kty, "key_size": 3072, "reuse_key": True}], "x509_certificate_properties": [{"subject": subject}]}]}


RG_SIGN = ("--resource-group", GROUP)
KEY_ID = VAULT + "/keys/fw-sign"
SIGN_BOTH = estate()

CASES = [
    moved("2.1 delete and create", gone(), new()),
    moved("2.1 in modules", gone(address='module.hsm[0].' + HSM_KEY + ".sign"), new(address='module.kv["a"].' + VAULT_KEY + ".sign")),
    moved("2.1 letter case", gone(), new(vault_key("FW-Sign"))),
    moved("2.1 look-alike", gone(), new(vault_key("fw\u2010sign"))),
    moved("2.1 not in the register", gone(hsm_key("tool-key")), new(vault_key("tool-key")), key="tool-key"),
    moved("2.1 vault known by reference", gone(), new({k: v for k, v in vault_key().items() if k != "key_vault_id"}, after_unknown={"key_vault_id": True}), says=("fw-sign",)),
    Case("2.1 native pulumi", pulumi(
        step("delete", "azure-native:keyvault:ManagedHsmKey", "k", {"managedHsmName": "nw-hsm", "resourceGroupName": "rg-sign", "keyName": "fw-sign", "properties": {"kty": "EC-HSM", "keyOps": ["sign", "verify"]}}),
        step("create", "azure-native:keyvault:Key", "v", None, {"vaultName": "kv-acme", "resourceGroupName": "rg-sign", "keyName": "fw-sign", "properties": {"kty": "EC", "keyOps": ["sign", "verify"]}})), "block", "HM-G2-MOVED", **SIGN),
    Case("2.1 what-if", what_if(
        what(HSM + "/keys/fw-sign", "Delete", {"id": HSM + "/keys/fw-sign", "name": "nw-hsm/fw-sign", "type": "Microsoft.KeyVault/managedHSMs/keys", "properties": {"kty": "EC-HSM", "keyOps": ["sign", "verify"]}}),
        what(KEY_ID, "Create", None, {"id": KEY_ID, "name": "kv-acme/fw-sign", "type": "Microsoft.KeyVault/vaults/keys", "properties": {"kty": "EC", "keyOps": ["sign", "verify"]}})), "block", "HM-G2-MOVED", **SIGN),
    Case("2.1 new key for encryption", plan(new(vault_key("app-data", "RSA", ("encrypt", "decrypt")))), "pass"),
    Case("2.1 an encryption key moves", plan(gone(hsm_key("disk-wrap", ("wrapKey", "unwrapKey"))), new(vault_key("disk-wrap", "RSA", ("wrapKey", "unwrapKey")))), "pass"),
    Case("2.1 disappears alone", plan(gone()), "warn|block", "HM-G2-KEY-REMOVED", **SIGN),
    # 2.2
    moved("2.2 tagged", gone(hsm_key(tags={"purpose": "release"})), new(vault_key("prod-a", tags={"purpose": "release"}))),
    moved("2.2 hallmark tag", gone(hsm_key("a", tags={"hallmark.purpose": "signing"})), new(vault_key("b", ops=(), tags={"hallmark.purpose": "signing"})), key="a"),
    moved("2.2 register links names", gone(), new(vault_key("codesign-2027"))),
    Case("2.2 only the algorithm", plan(gone(hsm_key("tool-key")), new(vault_key("other", ops=("sign", "verify", "encrypt")))), "warn", "HM-G2-MAYBE-MOVED", store="nw-hsm", key="tool-key"),
    Case("2.2 another algorithm, another purpose", plan(gone(hsm_key("disk-wrap", ("wrapKey",))), new(vault_key("app-data", "RSA", ("encrypt",)))), "pass"),
    # 2.3
    moved("2.3 forgotten", gone(actions=["forget"], action_reason="delete_because_no_resource_config"), new(), says=("unmanaged",)),
    Case("2.3 forgotten alone", plan(gone(actions=["forget"])), "warn", "HM-G2-KEY-REMOVED", **SIGN),
    # 2.4
    Case("2.4 made, and consumers follow", plan(new(), app(url("managedhsm"), url("vault", store="kv-acme"))), "block", "HM-G2-COPIED", **SIGN),
    Case("2.4 made only", plan(new()), "warn", "HM-G2-COPIED", **SIGN),
    Case("2.4 key for something else", plan(new(vault_key("tls", "RSA", ("encrypt", "decrypt"))), app("a", "b")), "pass"),
    # 2.5
    *[Case(f"2.5 {name}", plan(app(old, new_)), "block", "HM-G2-REPOINTED", **SIGN, says=("kv-acme",)) for name, old, new_ in [
        ("app setting", url("managedhsm") + "/0f3e", url("vault", store="kv-acme")),
        ("cosign", url("managedhsm", scheme="azurekms", path="/"), url("vault", store="kv-acme", scheme="azurekms", path="/")),
        ("upper case", url("managedhsm").upper().replace("FW-SIGN", "fw-sign").replace("NW-HSM", "nw-hsm"), url("VAULT", store="kv-acme")),
        ("inside a command", f"sign --key {url('managedhsm')} file", f"sign --key {url('vault', store='kv-acme')} file")]],
    Case("2.5 variable of a pipeline", plan(change("github_actions_variable", "v", {"variable_name": "KEY", "value": url("managedhsm")}, {"variable_name": "KEY", "value": url("vault", store="kv-acme")})), "block", "HM-G2-REPOINTED", **SIGN),
    Case("2.5 replaced terraform_data", plan(change("terraform_data", "v", {"input": url("managedhsm")}, {"input": url("vault", store="kv-acme")}, ["delete", "create"])), "block", "HM-G2-REPOINTED", **SIGN),
    Case("2.5 one of a list", plan(change("x_list", "v", {"env": [{"name": "A", "value": "1"}, {"name": "K", "value": url("managedhsm")}]}, {"env": [{"name": "K", "value": url("vault", store="kv-acme")}, {"name": "A", "value": "1"}]})),
         "block", "HM-G2-REPOINTED", **SIGN),
    Case("2.5 pulumi", pulumi(step("update", "kubernetes:core/v1:ConfigMap", "c", {"data": {"k": url("managedhsm")}}, {"data": {"k": url("vault", store="kv-acme")}})), "block", "HM-G2-REPOINTED", **SIGN),
    Case("2.5 what-if", what_if(what(f"{GROUP}/providers/Microsoft.Web/sites/a", "Modify", *[{"id": "x", "type": "Microsoft.Web/sites", "properties": {"siteConfig": {"keyUri": u}}} for u in (url("managedhsm"), url("vault", store="kv-acme"))])),
         "block", "HM-G2-REPOINTED", **SIGN),
    Case("2.5 to another hsm", plan(app(url("managedhsm"), url("managedhsm", store="nw-hsm-2"))), "pass"),
    Case("2.5 an encryption key", plan(app(url("managedhsm", "disk-wrap"), url("vault", "disk-wrap", "kv-acme"))), "pass"),
    Case("2.5 secrets", plan(app("https://kv-a.vault.azure.net/secrets/x", "https://kv-acme.vault.azure.net/secrets/x")), "pass"),
    Case("2.5 into the hsm", plan(app(url("vault", store="kv-acme"), url("managedhsm"))), "pass"),
    # 2.6
    Case("2.6 import", plan(change(VAULT_KEY, "k", vault_key(), vault_key(), importing={"id": url("vault", store="kv-acme")})), "warn|block", "HM-G2-IMPORTED|HM-G2-COPIED", key="fw-sign", says=("fw-sign",)),
    Case("2.6 import of another", plan(change(VAULT_KEY, "k", vault_key("tls", ops=("encrypt",)), vault_key("tls", ops=("encrypt",)), importing={"id": "x"})), "pass"),
    # 2.7
    Case("2.7 certificate", plan(change("azurerm_key_vault_certificate", "c", None, certificate())), "block", "HM-G2-CERTIFICATE", store="kv-acme", key="cert"),
    Case("2.7 exportable, named", plan(change("azurerm_key_vault_certificate", "c", None, certificate("CN=x", "codesign-1", True))), "block", "HM-G2-CERTIFICATE", store="kv-acme", key="codesign-1", says=("taken out",)),
    Case("2.7 subject with more parts", plan(change("azurerm_key_vault_certificate", "c", None, certificate("CN=Northwind Release, O=Northwind, C=DE"))), "block", "HM-G2-CERTIFICATE", store="kv-acme"),
    Case("2.7 tls", plan(change("azurerm_key_vault_certificate", "c", None, certificate("CN=www.northwind.example", "www"))), "pass"),
    # 2.8, 2.9
    *[moved(f"2.8 {kind} in a premium vault", gone(), new(vault_key(kind=kind))) for kind in ("EC-HSM", "RSA-HSM")],
    Case("2.9 software", plan(change(VAULT_KEY, "k", vault_key("legacy-sign", "RSA-HSM"), vault_key("legacy-sign", "RSA"), ["delete", "create"], replace_paths=[["key_type"]])), "block", "HM-G2-DOWNGRADE", store="kv-acme", key="legacy-sign"),
    Case("2.9 standard", plan(change("azurerm_key_vault", "v", vault_of("kv-acme", "rg-sign", rbac=True), vault_of("kv-acme", "rg-sign", rbac=True, sku_name="standard"))), "block", "HM-G2-DOWNGRADE", store="kv-acme"),
    Case("2.9 standard by what-if", what_if(what(VAULT, "Modify", *[{"id": VAULT, "name": "kv-acme", "type": "Microsoft.KeyVault/vaults", "location": "westeurope", "properties": {
        "sku": {"family": "A", "name": sku}, "enablePurgeProtection": True, "enableRbacAuthorization": True, "tenantId": TENANT}} for sku in ("Premium", "standard")])), "block", "HM-G2-DOWNGRADE", store="kv-acme"),
    Case("2.9 standard by arm", template(arm("Microsoft.KeyVault/vaults", "kv-acme", {"sku": {"family": "A", "name": "standard"}, "enablePurgeProtection": True, "enableRbacAuthorization": True, "tenantId": TENANT})), "block", "HM-G2-DOWNGRADE",
         store="kv-acme", flags=RG_SIGN),
    Case("2.9 software by arm", template(arm("Microsoft.KeyVault/vaults/keys", "kv-acme/legacy-sign", {"kty": "RSA", "keyOps": ["sign", "verify"]})), "block", "HM-G2-DOWNGRADE", store="kv-acme", key="legacy-sign", flags=RG_SIGN),
    Case("2.9 standard without signing keys", plan(change("azurerm_key_vault", "v", vault_of(), vault_of(sku_name="standard"))), "pass"),
    Case("2.9 into hardware", plan(change(VAULT_KEY, "k", vault_key("legacy-sign", "RSA"), vault_key("legacy-sign", "RSA-HSM"), ["delete", "create"])), "pass|warn"),
    # 2.10
    Case("2.10 another hsm", plan(change(HSM_KEY, "k", hsm_key(), {**hsm_key(), "managed_hsm_id": HSM + "-2"}, ["delete", "create"], replace_paths=[["managed_hsm_id"]])), "warn", "HM-G2-OTHER-HSM", **SIGN),
    Case("2.10 rotation", plan(change(HSM_KEY, "k", {**hsm_key(), "expiration_date": "2027-01-01T00:00:00Z"}, {**hsm_key(), "expiration_date": "2028-01-01T00:00:00Z"})), "pass"),
    Case("2.10 moved address", plan(change(HSM_KEY, "k", hsm_key(), hsm_key(), previous_address=HSM_KEY + ".old")), "pass"),
    # 2.11
    Case("2.11 hsm deleted", plan(change(HSM_TYPE, "h", hsm_of(), None)), "block", "HM-G2-HSM-REMOVED", **SIGN),
    Case("2.11 hsm replaced", plan(change(HSM_TYPE, "h", hsm_of(), hsm_of(location="northeurope"), ["delete", "create"], replace_paths=[["location"]])), "block", "HM-G2-HSM-REMOVED", **SIGN),
    Case("2.11 hsm retagged", plan(change(HSM_TYPE, "h", hsm_of(tags={}), hsm_of(tags={"a": "b"}))), "pass"),
    # 2.12, 2.13
    Case("2.12 complete", template(arm("Microsoft.KeyVault/managedHSMs", "nw-hsm", {"enablePurgeProtection": True, "tenantId": TENANT}), arm("Microsoft.KeyVault/vaults", "kv-acme", {"enablePurgeProtection": True, "enableRbacAuthorization": True, "tenantId": TENANT, "sku": {"name": "premium"}}),
         arm("Microsoft.KeyVault/vaults/keys", "kv-acme/fw-sign", {"kty": "EC", "keyOps": ["sign"]})), "block", "HM-G2-MOVED", **SIGN, flags=("--deployment-mode", "Complete", *RG_SIGN)),
    Case("2.12 incremental", template(arm("Microsoft.KeyVault/vaults/keys", "kv-acme/fw-sign", {"kty": "EC", "keyOps": ["sign"]})), "warn", "HM-G2-COPIED", **SIGN, flags=RG_SIGN),
    Case("2.12 key for data", template(arm("Microsoft.KeyVault/vaults/keys", "kv-acme/data", {"kty": "RSA", "keyOps": ["encrypt", "decrypt"]})), "pass", flags=RG_SIGN),
    Case("2.12 child resource in bicep", template({"kv": {**arm("Microsoft.KeyVault/vaults", "kv-acme", {"enablePurgeProtection": True, "enableRbacAuthorization": True, "tenantId": TENANT, "sku": {"name": "premium"}}),
         "resources": [arm("keys", "fw-sign", {"kty": "EC-HSM", "keyOps": ["sign", "verify"]})]}}, languageVersion="2.0"), "warn", "HM-G2-COPIED", **SIGN, flags=RG_SIGN),
    *[Case(f"2.13 {kind}", plan(gone(), change(kind, "k", None, {"type": "Microsoft.KeyVault/vaults/keys@2023-07-01", "parent_id": VAULT, "name": "fw-sign", "body": {"properties": {"kty": "EC", "keyOps": ["sign", "verify"]}}})),
           "block", "HM-G2-MOVED", **SIGN) for kind in ("azapi_resource", "azapi_data_plane_resource")],
    Case("2.13 data plane url", plan(gone(), change("azapi_data_plane_resource", "k", None, {"type": "Microsoft.KeyVault/vaults/keys@7.4", "parent_id": "kv-acme.vault.azure.net", "name": "fw-sign", "body": {"kty": "EC", "key_ops": ["sign"]}})), "block", "HM-G2-MOVED", **SIGN),
    Case("2.13 azapi secret", plan(change("azapi_data_plane_resource", "k", None, {"type": "Microsoft.KeyVault/vaults/secrets@7.4", "parent_id": "kv-acme.vault.azure.net", "name": "s", "body": {}})), "pass"),
    # 2.14
    Case("2.14 right moves", plan(change(HSM_TYPE + "_role_assignment", "a", local(SIGNER), None), assign(azure(AZURE_SIGNER, scope=VAULT + "/keys/legacy-sign"))), "warn", "HM-G2-GRANT-MOVED", who="build-eu", store="kv-acme"),
    Case("2.14 right and key move", plan(change(HSM_TYPE + "_role_assignment", "a", local(SIGNER), None), assign(azure(AZURE_SIGNER, scope=KEY_ID)), gone(), new()), "block", "HM-G2-GRANT-MOVED", who="build-eu", store="kv-acme"),
    Case("2.14 right in both", plan(assign(azure(AZURE_SIGNER, scope=VAULT + "/keys/legacy-sign"))), "pass"),
    # 2.15, 2.16
    Case("2.15 external", plan(change(HSM_KEY, "k", None, {**hsm_key("codesign-x"), "external_key": [{"id": "x"}]})), "warn", "HM-G2-EXTERNAL", store="nw-hsm", key="codesign-x"),
    Case("2.16 moved between types", plan(errored=True, applyable=False), "invalid"),
    # 2.17
    Case("2.17 first step", plan(gone()), "warn|block", "HM-G2-KEY-REMOVED", **SIGN, flags=("--memory", "memory.json"), files={"memory.json": None}),
    Case("2.17 second step", plan(new(vault_key("fw-sign"))), "block", "HM-G2-SEQUENCE", key="fw-sign", says=("earlier",), flags=("--memory", "memory.json"), inventory=NO_INVENTORY_KEY,
         files={"memory.json": {"schema": "hallmark.gate-memory/v1", "pending": [{"kind": "hsm-key-left", "address": "x", "store": "nw-hsm", "key": "fw-sign", "seen": "2026-11-01T00:00:00Z"}]}}),
]
