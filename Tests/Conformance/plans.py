"""Plans for the tests of the gate: plan JSON of azurerm resources, and real plans of the terraform binary with its built-in provider."""

import json
import os
import shutil
import subprocess
from pathlib import Path

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-00000000000a"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-sign"
HSM = f"{GROUP}/providers/Microsoft.KeyVault/managedHSMs/nw-hsm"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-acme"
BUILD = "5f0c0000-0000-4000-8000-00000000000b"
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
HSM_TYPE = "azurerm_key_vault_managed_hardware_security_module"
# Where the set-up script puts it when the machine has none.
TERRAFORM = shutil.which("terraform") or shutil.which("terraform", path=Path(__file__).resolve().parents[2] / ".tools/bin")


def change(kind, name, before, after, actions=None, **extra):
    """One entry of `resource_changes`."""
    if actions is None:
        actions = ["create"] if before is None else ["delete"] if after is None else ["no-op"] if before == after else ["update"]
    inner = {"actions": actions, "before": before, "after": after, "after_unknown": extra.pop("after_unknown", {}),
             "before_sensitive": extra.pop("before_sensitive", {}), "after_sensitive": extra.pop("after_sensitive", {})}
    for member in ("replace_paths", "importing"):
        if member in extra:
            inner[member] = extra.pop(member)
    return {"address": extra.pop("address", f"{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
            "provider_name": "registry.terraform.io/hashicorp/azurerm", "change": inner, **extra}


def plan(*changes, **top):
    return {"format_version": "1.2", "terraform_version": "1.11.4", "applyable": True, "complete": True, "errored": False, "resource_changes": list(changes),
            "configuration": {"root_module": {"resources": []}}, **top}


def assignment(role=CRYPTO_USER, principal=BUILD, scope="/keys/fw-sign"):
    return {"managed_hsm_id": HSM, "name": "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11", "scope": scope,
            "role_definition_id": f"/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role}", "principal_id": principal}


def hsm_key(name="fw-sign", ops=("sign", "verify"), **more):
    return {"name": name, "managed_hsm_id": HSM, "key_type": "EC-HSM", "curve": "P-256", "key_opts": list(ops), "tags": {}, **more}


def vault_key(name="fw-sign", kind="EC", ops=("sign", "verify"), **more):
    return {"name": name, "key_vault_id": VAULT, "key_type": kind, "curve": "P-256", "key_opts": list(ops), "tags": {}, **more}


def vault(purge=True, name="kv-acme", **more):
    return {"name": name, "id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}", "sku_name": "premium", "purge_protection_enabled": purge, "soft_delete_retention_days": 90,
            "rbac_authorization_enabled": True, **more}


INTENT = {"schema": "hallmark.intent/v1", "identities": [{"name": "build-eu", "match": {"objectId": BUILD}, "purpose": "sign-only", "keys": ["fw-sign"]}],
          "signingKeys": {"names": ["fw-sign"]}}


def inventory(**changes):
    return {"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z",
            "stores": [
                {"id": "nw-hsm", "kind": "managedHsm", "uri": "https://nw-hsm.managedhsm.azure.net", "armId": HSM, "rbacMode": "local", "purgeProtection": True,
                 "softDeleteDays": 90, "visibility": "full"},
                {"id": "kv-acme", "kind": "vault", "uri": "https://kv-acme.vault.azure.net", "armId": VAULT, "rbacMode": "azureRbac", "purgeProtection": True,
                 "softDeleteDays": 90, "visibility": "full"}],
            "keys": [{"store": "nw-hsm", "name": "fw-sign", "version": "1", "kty": "EC-HSM", "curve": "P-256", "keyOps": ["sign", "verify"], "deleted": False}],
            "identities": [{"objectId": BUILD, "kind": "userAssigned", "name": "id-build-eu", "federated": []}], **changes}


class Folder:
    """A folder with a Terraform configuration that needs no provider but the built-in one."""

    def __init__(self, path):
        # Without it nothing is proven, so its absence is a failure and not a skip.
        assert TERRAFORM, "terraform is not installed: put Terraform 1.11 or newer on the PATH (its built-in provider is enough, no registry is asked)"
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def terraform(self, *arguments, check=True):
        done = subprocess.run([TERRAFORM, *arguments], cwd=self.path, capture_output=True, text=True, timeout=180,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.path), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"})
        if check and done.returncode:
            raise AssertionError(f"terraform {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def plan(self, *arguments, check=True):
        """The saved plan and its JSON."""
        if not (self.path / ".terraform").exists():
            self.terraform("init", "-input=false", "-no-color")
        self.terraform("plan", "-input=false", "-no-color", "-out=plan.bin", *arguments, check=check)
        shown = self.terraform("show", "-json", "plan.bin")
        return self.path / "plan.bin", self.write("plan.json", shown.stdout)


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path
