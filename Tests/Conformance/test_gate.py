"""`hallmark gate` from end to end: verdicts, exit codes, reports, waivers, memory, bad input, and plans made by the real terraform."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest
import yaml

import plans
from authority import BINARY

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Gate:
    def __init__(self, folder):
        self.folder = folder
        plans.write(folder / "intent.yaml", yaml.safe_dump(plans.INTENT))
        plans.write(folder / "inventory.json", plans.inventory())

    def raw(self, *arguments, stdin=None, env=None):
        return subprocess.run([BINARY, "gate", *map(str, arguments)], cwd=self.folder, capture_output=True, input=stdin, timeout=120, env={**os.environ, **(env or {})})

    def run(self, plan, *arguments, inventory=True, output="json"):
        path = plan if isinstance(plan, pathlib.Path) else plans.write(self.folder / "plan.json", plan)
        known = ["--inventory", "inventory.json"] if inventory else []
        return self.raw(path, "--intent", "intent.yaml", *known, "--output", output, *arguments)

    def judge(self, plan, *arguments, **options):
        done = self.run(plan, *arguments, **options)
        assert done.stdout, done.stderr
        answer = json.loads(done.stdout)
        codes = {"pass": 0, "warn": 0, "block": 1, "undecidable": 3, "invalid": 2}
        assert done.returncode == codes[answer["verdict"]], (done.returncode, answer)
        return answer


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path)


BAD_GRANT = plans.change(f"{plans.HSM_TYPE}_role_assignment", "ci", None, plans.assignment())
MOVE = [plans.change(f"{plans.HSM_TYPE}_key", "sign", plans.hsm_key(), None), plans.change("azurerm_key_vault_key", "sign", None, plans.vault_key())]
SIGNING_VAULT = {"hallmark.purpose": "signing"}
PURGE = plans.change("azurerm_key_vault", "kv", plans.vault(tags=SIGNING_VAULT), plans.vault(purge=False, tags=SIGNING_VAULT))


# MARK: The three gates


def test_a_grant_of_decrypt_to_a_signing_identity_is_blocked_and_says_who_and_what(gate):
    answer = gate.judge(plans.plan(BAD_GRANT))
    assert answer["schema"] == "hallmark.gate/v1" and answer["verdict"] == "block"
    finding = next(f for f in answer["findings"] if f["verdict"] == "block")
    assert finding["gate"] == "G1" and finding["rule"] == "HM-G1-CRYPTO-USER"
    assert finding["principal"]["objectId"] == plans.BUILD and finding["principal"]["name"] == "build-eu"
    assert finding["store"] == "nw-hsm" and finding["key"] == "fw-sign"
    assert {"decrypt", "unwrap"} <= set(finding["gained"])
    assert finding["address"] == BAD_GRANT["address"] and finding["reason"] and finding["fix"]


def test_the_same_grant_to_somebody_who_may_decrypt_passes(gate):
    intent = {**plans.INTENT, "identities": [{"name": "disks", "match": {"objectId": plans.BUILD}, "purpose": "encrypt-service"}]}
    plans.write(gate.folder / "intent.yaml", yaml.safe_dump(intent))
    assert gate.judge(plans.plan(BAD_GRANT))["verdict"] == "pass"


def test_a_signing_key_that_leaves_the_hsm_for_a_vault_is_blocked(gate):
    answer = gate.judge(plans.plan(*MOVE))
    assert answer["verdict"] == "block" and any(f["gate"] == "G2" and f["verdict"] == "block" for f in answer["findings"])


def test_an_encryption_key_in_a_vault_passes(gate):
    assert gate.judge(plans.plan(plans.change("azurerm_key_vault_key", "app", None, plans.vault_key("app-data", ops=("wrapKey", "unwrapKey")))))["verdict"] == "pass"


def test_purge_protection_turned_off_is_blocked_and_turned_on_passes(gate):
    answer = gate.judge(plans.plan(PURGE))
    assert answer["verdict"] == "block" and answer["findings"][0]["rule"] == "HM-G3-PURGE-OFF" and answer["findings"][0]["store"] == "kv-acme"
    back = plans.change("azurerm_key_vault", "kv", plans.vault(purge=False, tags=SIGNING_VAULT), plans.vault(tags=SIGNING_VAULT))
    assert gate.judge(plans.plan(back))["verdict"] == "pass"


def test_a_move_in_two_harmless_looking_runs_is_seen_through_the_memory(gate):
    first = gate.judge(plans.plan(MOVE[1]), "--memory", "memory.json")
    assert first["verdict"] == "warn"
    assert json.loads((gate.folder / "memory.json").read_text())["schema"].startswith("hallmark.")
    assert gate.judge(plans.plan(MOVE[0]), "--memory", "memory.json")["verdict"] == "block"
    assert gate.judge(plans.plan(MOVE[0]))["verdict"] == "warn"


def test_a_memory_file_that_is_none_is_refused(gate):
    plans.write(gate.folder / "memory.json", {"schema": "else"})
    done = gate.run(plans.plan(), "--memory", "memory.json")
    assert done.returncode == 2 and b"memory" in done.stderr


# MARK: The third answer and bad input


def test_an_empty_complete_plan_passes_and_an_incomplete_one_is_undecidable(gate):
    assert gate.judge(plans.plan())["verdict"] == "pass"
    answer = gate.judge(plans.plan(complete=False))
    assert answer["verdict"] == "undecidable" and answer["undecided"]


def test_an_incomplete_plan_with_a_block_in_it_blocks(gate):
    assert gate.judge(plans.plan(BAD_GRANT, complete=False))["verdict"] == "block"


def test_an_errored_plan_is_invalid_even_when_it_is_incomplete_too(gate):
    answer = gate.judge(plans.plan(BAD_GRANT, errored=True, complete=False, applyable=False))
    assert answer["verdict"] == "invalid" and answer["reason"]


def test_a_key_vault_type_nobody_knows_is_undecidable(gate):
    answer = gate.judge(plans.plan(plans.change("azurerm_key_vault_new_thing", "x", None, {"name": "x"})))
    assert answer["verdict"] == "undecidable" and answer["coverage"]["unknownTypes"] == ["azurerm_key_vault_new_thing"]


@pytest.mark.parametrize("name, text", [
    ("empty", b""),
    ("not JSON", b"resource \"x\" \"y\" {}"),
    ("cut", json.dumps(plans.plan(BAD_GRANT)).encode()[:-40]),
    ("duplicate member", b'{"format_version":"1.2","complete":true,"complete":false,"resource_changes":[]}'),
    ("NaN", b'{"format_version":"1.2","complete":true,"resource_changes":[],"x":NaN}'),
    ("deep", b'{"format_version":"1.2","resource_changes":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("another major version", json.dumps(plans.plan() | {"format_version": "2.0"}).encode()),
    ("a state", json.dumps({"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {}}}).encode()),
    ("the log of plan -json", b'{"@level":"info","@message":"Terraform 1.11.4","type":"version"}\n{"@level":"info","@message":"x","type":"plan"}\n'),
    ("wrong kinds", json.dumps(plans.plan() | {"resource_changes": {"a": 1}}).encode()),
    ("two documents", json.dumps(plans.plan()).encode() * 2),
    ("not UTF-8", b'{"format_version":"1.2","resource_changes":[],"x":"\xff"}'),
])
def test_bad_input_is_invalid_and_says_why(gate, name, text):
    path = gate.folder / "bad.json"
    path.write_bytes(text)
    done = gate.run(path)
    assert done.returncode == 2, (name, done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    assert answer["verdict"] == "invalid" and answer["reason"]
    assert done.stderr.strip()


def test_a_plan_larger_than_the_limit_is_refused_before_it_is_read(gate):
    path = gate.folder / "huge.json"
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    done = gate.run(path)
    assert done.returncode == 2 and json.loads(done.stdout)["verdict"] == "invalid"


def test_a_link_is_not_followed(gate):
    plans.write(gate.folder / "real.json", plans.plan())
    (gate.folder / "link.json").symlink_to("real.json")
    assert gate.run(gate.folder / "link.json").returncode == 2


def test_no_input_and_unknown_files_are_usage_errors(gate):
    assert gate.raw().returncode not in (0, 1, 3)
    assert gate.raw("none.json").returncode == 2


def test_the_plan_may_come_from_standard_input(gate):
    done = gate.raw("-", "--intent", "intent.yaml", "--inventory", "inventory.json", "--output", "json", stdin=json.dumps(plans.plan(BAD_GRANT)).encode())
    assert done.returncode == 1


def test_the_verdict_names_the_hash_of_what_was_judged(gate):
    answer = gate.judge(plans.plan(BAD_GRANT))
    assert answer["input"] == [{"path": answer["input"][0]["path"], "sha256": hashlib.sha256((gate.folder / "plan.json").read_bytes()).hexdigest(), "format": "terraform-plan-json"}]


# MARK: Waivers


def waived(gate, *arguments, **waiver):
    full = {"rule": "HM-G3-PURGE-OFF", "address": "azurerm_key_vault.kv", "reason": "throw-away vault", "expires": "2099-12-31", "approvedBy": "security@northwind.example",
            "proposedBy": "dev@northwind.example", **waiver}
    plans.write(gate.folder / "intent.yaml", yaml.safe_dump({**plans.INTENT, "waivers": [{k: v for k, v in full.items() if v is not None}]}))
    answer = gate.judge(plans.plan(PURGE), *arguments)
    return answer["verdict"], answer["findings"][0]["waived"]


def test_a_waiver_of_two_people_is_accepted(gate):
    verdict, decision = waived(gate)
    assert verdict == "pass" and decision["accepted"] and decision["waiver"]["reason"] == "throw-away vault"


@pytest.mark.parametrize("waiver, arguments", [
    ({"expires": "2020-01-01"}, []), ({"approvedBy": "dev@northwind.example"}, []), ({}, ["--changed-by", "security@northwind.example"]), ({"reason": None}, []),
    ({"reason": ""}, []), ({"reason": "  "}, []), ({"approvedBy": ""}, []), ({"proposedBy": ""}, []), ({"expires": None}, []),
    ({"address": "azurerm_key_vault.other"}, []), ({"rule": "HM-G3-RETENTION"}, []),
])
def test_a_bad_waiver_is_refused_with_the_reason(gate, waiver, arguments):
    verdict, decision = waived(gate, *arguments, **waiver)
    assert verdict == "block" and decision["accepted"] is False and decision["reasons"]


def test_every_reason_against_a_waiver_is_named(gate):
    _, decision = waived(gate, expires="2020-01-01", approvedBy="dev@northwind.example", reason=None)
    assert len(decision["reasons"]) >= 3


# MARK: Reports


def test_sarif_has_what_code_scanning_needs(gate):
    done = gate.run(plans.plan(BAD_GRANT, *MOVE), output="sarif")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["version"] == "2.1.0" and "sarif" in report["$schema"]
    run, = report["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] and run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error") and result["message"]["text"]
        place = result["locations"][0]
        assert place["physicalLocation"]["artifactLocation"]["uri"] and place["physicalLocation"]["region"]["startLine"] >= 1
        assert place["logicalLocations"][0]["fullyQualifiedName"]
        assert result["partialFingerprints"]
    for rule in rules:
        assert rule["shortDescription"]["text"] and rule["help"]["text"] and float(rule["properties"]["security-severity"]) > 0
    assert run["invocations"][0]["executionSuccessful"] is True


def test_fingerprints_do_not_depend_on_order_or_neighbours(gate):
    def prints(*changes):
        report = json.loads(gate.run(plans.plan(*changes), output="sarif").stdout)
        return {r["ruleId"]: r["partialFingerprints"] for r in report["runs"][0]["results"]}
    alone, together = prints(BAD_GRANT), prints(*MOVE, BAD_GRANT)
    assert alone["HM-G1-CRYPTO-USER"] == together["HM-G1-CRYPTO-USER"]


def test_github_commands_escape_and_the_summary_is_written(gate):
    summary = plans.write(gate.folder / "summary.md", "")
    odd = plans.change(f"{plans.HSM_TYPE}_role_assignment", "ci", None, plans.assignment(), address='module.a["x,y:z%"].t.ci')
    done = subprocess.run([BINARY, "gate", plans.write(gate.folder / "plan.json", plans.plan(odd)), "--intent", "intent.yaml", "--inventory", "inventory.json", "--output", "github"],
                          cwd=gate.folder, capture_output=True, text=True, env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}, timeout=60)
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("::error"))
    assert re.fullmatch(r"::error file=[^:,]+,line=\d+,title=HM-G1-CRYPTO-USER::.*z%25.*", line)
    assert "HM-G1-CRYPTO-USER" in summary.read_text()


def test_gitlab_and_junit_reports_have_their_members(gate):
    entries = json.loads(gate.run(plans.plan(BAD_GRANT), output="gitlab").stdout)
    assert entries and all(set(e) >= {"description", "check_name", "fingerprint", "severity", "location"} for e in entries)
    assert entries[0]["severity"] in ("info", "minor", "major", "critical", "blocker") and entries[0]["location"]["lines"]["begin"] >= 1
    root = xml.etree.ElementTree.fromstring(gate.run(plans.plan(BAD_GRANT), output="junit").stdout)
    assert root.tag == "testsuites" and root.find(".//failure") is not None


@pytest.mark.parametrize("marks", [({"tags": True}, {"tags": True}), ({"tags": {"note": True}}, {}), ({}, {"tags": True})], ids=["both", "before", "after"])
def test_sensitive_values_are_in_no_report(gate, marks):
    secret = "hunter2-not-for-logs"
    before = plans.vault(tags={**SIGNING_VAULT, "note": secret})
    after = plans.vault(purge=False, tags={**SIGNING_VAULT, "note": secret})
    plan = plans.plan(plans.change("azurerm_key_vault", "kv", before, after, before_sensitive=marks[0], after_sensitive=marks[1]))
    for form in ("text", "json", "sarif", "github", "gitlab", "junit"):
        done = gate.run(plan, output=form)
        assert secret.encode() not in done.stdout + done.stderr


def test_a_report_goes_to_a_file(gate):
    done = gate.run(plans.plan(BAD_GRANT), "--out", "report.json")
    assert done.returncode == 1 and not done.stdout
    assert json.loads((gate.folder / "report.json").read_text())["verdict"] == "block"


# MARK: Templates


def test_a_template_that_turns_purge_protection_off_is_blocked(gate):
    template = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": [
        {"type": "Microsoft.KeyVault/managedHSMs", "apiVersion": "2024-11-01", "name": "nw-hsm", "location": "westeurope", "sku": {"name": "Standard_B1"},
         "properties": {"tenantId": "t", "enablePurgeProtection": False}}]}
    answer = gate.judge(template, "--resource-group", plans.GROUP)
    assert answer["verdict"] == "block" and answer["input"][0]["format"] == "arm-template"


def test_complete_mode_without_the_hsm_is_blocked(gate):
    template = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []}
    assert gate.judge(template, "--resource-group", plans.GROUP)["verdict"] == "pass"
    assert gate.judge(template, "--resource-group", plans.GROUP, "--deployment-mode", "Complete")["verdict"] == "block"


# MARK: Real plans


class TestTerraform:
    @pytest.fixture
    def folder(self, tmp_path):
        return plans.Folder(tmp_path / "tf")

    def test_a_provisioner_that_hands_out_rights_is_blocked_with_its_line(self, gate, folder):
        folder.write("main.tf", 'resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "az keyvault role assignment create --hsm-name nw-hsm '
                     f"--role 'Managed HSM Crypto User' --assignee {plans.BUILD} --scope /keys\"\n  }}\n}}\n")
        binary, shown = folder.plan()
        answer = gate.judge(shown, binary)
        found = next(f for f in answer["findings"] if f["rule"] == "HM-G1-SCRIPT")
        assert answer["verdict"] == "block" and found["location"]["file"].endswith("main.tf") and found["location"]["line"] >= 1
        assert {i["format"] for i in answer["input"]} == {"terraform-plan-json", "terraform-plan-file"}

    def test_a_harmless_plan_passes(self, gate, folder):
        folder.write("main.tf", 'resource "terraform_data" "x" {\n  input = "a"\n}\n')
        binary, shown = folder.plan()
        assert gate.judge(shown, binary)["verdict"] == "pass"

    def test_a_targeted_plan_is_undecidable(self, gate, folder):
        folder.write("main.tf", 'resource "terraform_data" "x" {}\nresource "terraform_data" "y" {}\n')
        _, shown = folder.plan("-target=terraform_data.x")
        assert gate.judge(shown)["verdict"] == "undecidable"

    def test_a_plan_that_failed_is_invalid(self, gate, folder):
        folder.write("main.tf", 'variable "a" {\n  default = 1\n}\nresource "terraform_data" "x" {\n  lifecycle {\n    precondition {\n      condition     = var.a == 2\n      error_message = "no"\n    }\n  }\n}\n')
        _, shown = folder.plan(check=False)
        assert gate.judge(shown)["verdict"] == "invalid"

    def test_a_consumer_pointed_from_the_hsm_to_a_vault_through_a_local_is_blocked(self, gate, folder):
        text = 'locals {{\n  key = "{}"\n}}\nresource "terraform_data" "app" {{\n  input = local.key\n}}\n'
        folder.write("main.tf", text.format("https://nw-hsm.managedhsm.azure.net/keys/fw-sign"))
        folder.terraform("init", "-input=false")
        folder.terraform("apply", "-auto-approve", "-input=false")
        folder.write("main.tf", text.format("https://kv-acme.vault.azure.net/keys/fw-sign"))
        binary, shown = folder.plan()
        answer = gate.judge(shown, binary)
        assert answer["verdict"] == "block" and any(f["gate"] == "G2" for f in answer["findings"])
        folder.write("main.tf", text.format("https://nw-hsm-2.managedhsm.azure.net/keys/fw-sign"))
        assert gate.judge(folder.plan()[1])["verdict"] in ("pass", "warn")

    def test_the_saved_plan_alone_is_not_enough(self, gate, folder):
        folder.write("main.tf", 'resource "terraform_data" "x" {}\n')
        binary, _ = folder.plan()
        done = gate.run(binary)
        assert done.returncode == 2 and json.loads(done.stdout)["verdict"] == "invalid"

    def test_two_files_of_different_plans_are_refused(self, gate, folder):
        folder.write("main.tf", 'resource "terraform_data" "x" {}\n')
        binary, _ = folder.plan()
        other = plans.Folder(folder.path.parent / "other")
        other.write("main.tf", 'resource "terraform_data" "quite_another" {\n  input = "b"\n}\n')
        _, shown = other.plan()
        assert gate.run(shown, binary).returncode in (2, 3)


# MARK: Pipelines


def pipeline_files():
    return sorted(ROOT.glob("ci/*/*.yml"))


@pytest.mark.parametrize("path", pipeline_files(), ids=lambda p: p.parent.name)
def test_pipeline_files_parse_and_name_only_flags_that_exist(path):
    text = path.read_text()
    assert yaml.safe_load(text)
    known = set(re.findall(r"--[a-z-]+", subprocess.run([BINARY, "gate", "--help"], capture_output=True, text=True).stdout))
    used = set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", text))
    assert used and used <= known, used - known
    forms = set(re.findall(r"--output ([a-z]+)", text))
    assert forms <= {"text", "json", "sarif", "github", "gitlab", "junit"}


def test_scripts_of_the_gitlab_include_are_strings():
    document = yaml.safe_load((ROOT / "ci/gitlab/hallmark-gate.yml").read_text())
    for lines in (document["hallmark-gate"]["script"], document[".hallmark-gate-check"]["before_script"]):
        assert lines and all(isinstance(line, str) for line in lines)


def test_the_check_before_the_apply_knows_the_plan_that_passed(gate):
    document = yaml.safe_load((ROOT / "ci/gitlab/hallmark-gate.yml").read_text())
    check = "\n".join(document[".hallmark-gate-check"]["before_script"])

    def verdict(changes):
        gate.run(plans.plan(*changes), "--out", "hallmark-gate.json")
        return subprocess.run(["bash", "-euc", check], cwd=gate.folder, env={"PATH": os.environ["PATH"], "HALLMARK_FOLDER": ".", "HALLMARK_PLAN": "plan.json"}).returncode
    assert verdict([]) == 0
    plans.write(gate.folder / "plan.json", plans.plan(BAD_GRANT))
    assert subprocess.run(["bash", "-euc", check], cwd=gate.folder, env={"PATH": os.environ["PATH"], "HALLMARK_FOLDER": ".", "HALLMARK_PLAN": "plan.json"}).returncode != 0
    assert verdict([BAD_GRANT]) != 0
