"""Time and peak memory of `hallmark gate` over a large Terraform plan, beside checkov over the same plan.

    python Benchmarks/gates.py [--resources 10000] [--rounds 3] [--write docs/benchmarks-gates.md]

The plan is made here: ordinary resources, vaults, keys, role assignments, and changes of which five must be stopped. Each tool's answer is looked at, not only its time.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("HALLMARK_BINARY", str(ROOT / ".build/release/hallmark"))
CHECKOV = ROOT / ".tools/venv-checkov/bin/checkov"
GROUP = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg-sign"
HSM = f"{GROUP}/providers/Microsoft.KeyVault/managedHSMs/nw-hsm"
BUILD = "5f0c0000-0000-4000-8000-000000000001"
PROVIDER = "registry.terraform.io/hashicorp/azurerm"


def change(kind, name, actions, before, after):
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_name": PROVIDER,
            "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}, "before_sensitive": {}, "after_sensitive": {}}}


def vault(name, purge=True, days=90):
    return {"name": name, "location": "westeurope", "resource_group_name": "rg-sign", "sku_name": "premium", "tenant_id": "0a0a0a0a-0000-4000-8000-000000000001",
            "rbac_authorization_enabled": True, "purge_protection_enabled": purge, "soft_delete_retention_days": days, "id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"}


def key(name, kind="EC-HSM", ops=("sign", "verify"), **store):
    return {"name": name, "key_type": kind, "curve": "P-256", "key_opts": list(ops), "tags": {}, **store}


def bad():
    """Five things that must be stopped; one of them, the move of a key, is two changes."""
    hsm = "azurerm_key_vault_managed_hardware_security_module"
    kv = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-sign"
    return [
        change(f"{hsm}_role_assignment", "ci", ["create"], None, {
            "managed_hsm_id": HSM, "name": "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11", "scope": "/keys",
            "role_definition_id": "/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b", "principal_id": BUILD}),
        change("azurerm_key_vault_access_policy", "ci", ["create"], None, {
            "key_vault_id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-old", "tenant_id": "t", "object_id": BUILD, "key_permissions": ["Get", "Decrypt", "UnwrapKey"]}),
        change(f"{hsm}_key", "sign", ["delete"], key("fw-sign", managed_hsm_id=HSM), None),
        change("azurerm_key_vault_key", "sign", ["create"], None, key("fw-sign", "EC", key_vault_id=kv)),
        change("azurerm_key_vault", "sign", ["update"], vault("kv-sign"), vault("kv-sign", purge=False)),
        change("azurerm_key_vault", "short", ["update"], vault("kv-short"), vault("kv-short", days=7)),
    ]


def plan(count):
    changes = []
    for i in range(count - len(bad())):
        name = f"r{i}"
        if i % 10 == 0:
            changes.append(change("azurerm_key_vault", name, ["create"], None, vault(f"kv-{i}")))
        elif i % 10 == 1:
            changes.append(change("azurerm_key_vault_key", name, ["create"], None, key(f"wrap-{i}", "RSA-HSM", ("wrapKey", "unwrapKey"), key_vault_id=f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-{i - 1}")))
        elif i % 10 == 2:
            changes.append(change("azurerm_role_assignment", name, ["create"], None, {
                "scope": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-{i - 2}", "role_definition_name": "Key Vault Crypto Service Encryption User", "principal_id": f"5f0c0000-0000-4000-8000-1{i:011}"}))
        else:
            value = {"name": f"st{i}", "location": "westeurope", "resource_group_name": "rg-app", "account_tier": "Standard", "account_replication_type": "LRS", "tags": {"team": f"t{i % 40}"}}
            changes.append(change("azurerm_storage_account", name, ["update"] if i % 2 else ["no-op"], value, value))
    changes += bad()
    resources = [{k: c[k] for k in ("address", "mode", "type", "name", "provider_name")} | {"schema_version": 0, "values": c["change"]["after"], "sensitive_values": {}}
                 for c in changes if c["change"]["after"]]
    return {"format_version": "1.2", "terraform_version": "1.11.4", "applyable": True, "complete": True, "errored": False, "planned_values": {"root_module": {"resources": resources}},
            "resource_changes": changes,
            "configuration": {"provider_config": {"azurerm": {"name": "azurerm", "full_name": PROVIDER}}, "root_module": {"resources": [
                {"address": c["address"], "mode": "managed", "type": c["type"], "name": c["name"], "provider_config_key": "azurerm", "expressions": {}, "schema_version": 0} for c in changes]}}}


def inventory(count):
    people = [{"objectId": f"5f0c0000-0000-4000-8000-1{i:011}", "kind": "servicePrincipal", "name": f"app-{i}", "federated": []} for i in range(2, count, 10)]
    return {"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z",
            "stores": [{"id": "nw-hsm", "kind": "managedHsm", "uri": "https://nw-hsm.managedhsm.azure.net", "armId": HSM, "rbacMode": "local", "purgeProtection": True, "visibility": "full"}]
            + [{"id": n, "kind": "vault", "armId": f"{GROUP}/providers/Microsoft.KeyVault/vaults/{n}", "rbacMode": m, "purgeProtection": True, "visibility": "full"}
               for n, m in (("kv-sign", "azureRbac"), ("kv-short", "azureRbac"), ("kv-old", "accessPolicy"))],
            "keys": [{"store": s, "name": "fw-sign", "version": "1", "kty": "EC-HSM", "keyOps": ["sign", "verify"], "deleted": False} for s in ("nw-hsm", "kv-short")],
            "identities": [{"objectId": BUILD, "kind": "userAssigned", "name": "id-build-eu", "federated": []}] + people}


INTENT = {"schema": "hallmark.intent/v1", "identities": [{"name": "build-eu", "match": {"objectId": BUILD}, "purpose": "sign-only"}], "signingKeys": {"names": ["fw-sign"]}}


def measured(arguments, folder):
    """Seconds, peak MiB, exit code and standard output of one process."""
    out = folder / "out"
    with open(out, "wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=file, stderr=subprocess.DEVNULL, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return took, usage.ru_maxrss / 1024, process.returncode, out.read_text()


def hallmark(folder):
    took, peak, code, text = measured([BINARY, "gate", "plan.json", "--intent", "intent.yaml", "--inventory", "inventory.json", "--output", "json"], folder)
    answer = json.loads(text)
    blocked = {f["address"] for f in answer["findings"] if f["verdict"] == "block"}
    if code != 1:
        raise SystemExit(f"hallmark gate: {code}, {answer['verdict']}: {answer.get('reason')}, {answer['undecided'][:3]}")
    return took, peak, blocked


# What checkov says of vaults and keys in every plan, whether it changes or not, is no answer to a change; these are.
CHECKOV_ANSWERS = {"CKV_AZURE_110", "CKV_AZURE_42"}


def checkov(folder):
    took, peak, code, text = measured([str(CHECKOV), "-f", "plan.json", "-o", "json", "--quiet", "--compact", "--framework", "terraform_plan"], folder)
    if code not in (0, 1):
        raise SystemExit(f"checkov: {code}")
    answer = json.loads(text)
    answer = answer[0] if isinstance(answer, list) else answer
    return took, peak, {r["resource"] for r in answer["results"]["failed_checks"] if r["check_id"] in CHECKOV_ANSWERS}


def table(count=10_000, rounds=3):
    """Markdown."""
    wanted = {c["address"] for c in bad() if not c["address"].endswith("_key.sign")} | {"azurerm_key_vault_key.sign"}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "plan.json").write_text(json.dumps(plan(count)))
        (folder / "inventory.json").write_text(json.dumps(inventory(count)))
        (folder / "intent.yaml").write_text(json.dumps(INTENT))
        size = (folder / "plan.json").stat().st_size / 1e6
        tools = [("hallmark gate", hallmark)] + ([("checkov 3.3.30", checkov)] if CHECKOV.exists() else [])  # minutes a run, so one is enough
        lines = [f"A plan of {count:,} resources ({size:.1f} MB), {len(wanted)} of whose changes must be stopped; the median of {rounds} runs, of one run for checkov.", "",
                 "| | Seconds | Peak memory | Stopped |", "|---|---|---|---|"]
        for title, tool in tools:
            runs = [tool(folder) for _ in range(rounds if tool is hallmark else 1)]
            lines.append(f"| {title} | {statistics.median(r[0] for r in runs):.2f} | {max(r[1] for r in runs):,.0f} MiB | {len(runs[0][2] & wanted)} of {len(wanted)} |")
        if len(tools) == 1:
            lines += ["", "checkov was not installed."]
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--resources", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", type=pathlib.Path)
    options = options.parse_args()
    text = table(options.resources, options.rounds)
    print(text)
    if options.write:
        options.write.write_text("# Gates over a large plan\n\n" + text + "\n")


if __name__ == "__main__":
    sys.exit(main())
