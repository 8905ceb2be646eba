"""`hallmark gate` over what the real terraform writes: the saved plan file and its JSON tell the same story, in every kind of plan that its built-in provider can express."""

import json
import os
import zipfile

import pytest

import plans
import test_gate

HAND_OUT = f"az keyvault role assignment create --hsm-name nw-hsm --role 'Managed HSM Crypto User' --assignee {plans.BUILD} --scope /keys"
HSM_KEY = "https://nw-hsm.managedhsm.azure.net/keys/fw-sign"
VAULT_KEY = "https://kv-acme.vault.azure.net/keys/fw-sign"


@pytest.fixture
def gate(tmp_path):
    return test_gate.Gate(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return plans.Folder(tmp_path / "tf")


def resource(name, body="", kind="terraform_data"):
    return f'resource "{kind}" "{name}" {{\n{body}}}\n'


def applied(folder, text, **files):
    """The configuration, planned and applied with its scripts taken out by the caller."""
    folder.write("main.tf", text)
    for name, content in files.items():
        folder.write(name, content)
    folder.terraform("init", "-input=false")
    folder.terraform("apply", "-auto-approve", "-input=false")


def judged(gate, folder, *arguments, check=True):
    """The verdict on the JSON alone and on both files, after what must be alike in both was looked at."""
    binary, shown = folder.plan(*arguments, check=check)
    alone, both = gate.judge(shown), gate.judge(shown, binary)
    assert alone["coverage"]["resources"] == both["coverage"]["resources"]
    assert {f["format"] for f in both["input"]} == {"terraform-plan-json", "terraform-plan-file"}
    blocked = lambda answer: {(f["rule"], f["address"]) for f in answer["findings"] if f["verdict"] == "block"}
    assert blocked(alone) <= blocked(both), "the source only adds what the JSON cannot say"
    return alone, both, json.loads(shown.read_text())


def actions(shown):
    return {c["address"]: c["change"]["actions"] for c in shown["resource_changes"]}


# MARK: One plan, two files


def test_both_files_of_a_plan_give_one_change_set_and_the_saved_one_the_places(gate, folder):
    folder.write("main.tf", 'module "ci" {\n  source = "./modules/ci"\n}\n')
    folder.write("modules/ci/main.tf", "# a comment\n\n" + resource("x", f'  provisioner "local-exec" {{\n    command = "{HAND_OUT}"\n  }}\n'))
    alone, both, _ = judged(gate, folder)
    assert alone["verdict"] == both["verdict"] == "block"
    found = next(f for f in both["findings"] if f["rule"] == "HM-G1-SCRIPT")
    assert found["location"]["file"].endswith("modules/ci/main.tf") and found["location"]["line"] in (3, 4)
    assert found["address"].startswith("module.ci.terraform_data.x")


def test_the_folder_of_the_source_gives_the_same_as_the_saved_plan(gate, folder):
    folder.write("main.tf", resource("x", f'  provisioner "local-exec" {{\n    command = "{HAND_OUT}"\n  }}\n'))
    binary, shown = folder.plan()
    saved, source = gate.judge(shown, binary), gate.judge(shown, "--source", folder.path)
    key = lambda answer: sorted((f["rule"], f["address"], f["verdict"], (f["location"] or {}).get("line", 0)) for f in answer["findings"])
    assert key(saved) == key(source)


@pytest.mark.parametrize("command, verdict", [
    (f'"{HAND_OUT}"', "block"),
    ('"echo hello"', "pass"),
    ('local.command', "block"),
    ('"${local.tool} keyvault role assignment create --hsm-name nw-hsm --role \'Managed HSM Crypto User\' --assignee ' + plans.BUILD + ' --scope /keys"', "block"),
    ("<<-EOT\n      set -e\n      " + HAND_OUT + "\n    EOT", "block"),
])
def test_a_provisioner_is_read_through_locals_templates_and_heredocs(gate, folder, command, verdict):
    folder.write("main.tf", f'locals {{\n  tool = "az"\n  command = "{HAND_OUT}"\n}}\n' + resource("x", f'  provisioner "local-exec" {{\n    command = {command}\n  }}\n'))
    _, both, _ = judged(gate, folder)
    assert both["verdict"] == verdict


def test_a_script_that_only_the_apply_knows_is_not_passed(gate, folder):
    folder.write("main.tf", resource("a") + resource("x", '  provisioner "local-exec" {\n    command = "az ${terraform_data.a.id}"\n  }\n'))
    _, both, _ = judged(gate, folder)
    print(both)
    assert both["verdict"] == "undecidable"


# MARK: Kinds of plans


def test_nothing_to_do_passes(gate, folder):
    applied(folder, resource("x", '  input = "a"\n'))
    alone, both, shown = judged(gate, folder)
    assert set(map(tuple, actions(shown).values())) <= {("no-op",)} and alone["verdict"] == both["verdict"] == "pass"


@pytest.mark.parametrize("count", [1, 3])
def test_a_targeted_plan_is_undecidable_however_much_it_leaves_out(gate, folder, count):
    folder.write("main.tf", resource("x") + "".join(resource(f"y{i}") for i in range(count)))
    alone, both, shown = judged(gate, folder, "-target=terraform_data.x")
    assert shown["complete"] is False and alone["verdict"] == both["verdict"] == "undecidable"


def test_a_targeted_plan_that_holds_something_bad_is_blocked(gate, folder):
    folder.write("main.tf", resource("x", f'  provisioner "local-exec" {{\n    command = "{HAND_OUT}"\n  }}\n') + resource("y"))
    alone, both, _ = judged(gate, folder, "-target=terraform_data.x")
    assert alone["verdict"] == both["verdict"] == "block"


@pytest.mark.parametrize("target", [[], ["-target=terraform_data.x"]])
def test_an_errored_plan_is_invalid_even_when_it_is_targeted(gate, folder, target):
    folder.write("main.tf", 'variable "a" {\n  default = 1\n}\n' + resource("x", '  lifecycle {\n    precondition {\n      condition     = var.a == 2\n      error_message = "no"\n    }\n  }\n') + resource("y"))
    binary, shown = folder.plan(*target, check=False)
    assert json.loads(shown.read_text())["errored"] is True
    assert gate.judge(shown)["verdict"] == gate.judge(shown, binary)["verdict"] == "invalid"


def test_a_destroy_plan_is_read_as_deletes(gate, folder):
    applied(folder, resource("x", '  input = "a"\n') + resource("y"))
    alone, both, shown = judged(gate, folder, "-destroy")
    assert set(map(tuple, actions(shown).values())) == {("delete",)} and alone["verdict"] == both["verdict"]
    assert both["coverage"]["resources"] == 2


def test_a_script_that_runs_at_destruction_is_seen(gate, folder):
    applied(folder, resource("x", f'  provisioner "local-exec" {{\n    when    = destroy\n    command = "{HAND_OUT}"\n  }}\n'))
    _, both, _ = judged(gate, folder, "-destroy")
    assert both["verdict"] == "block"


@pytest.mark.parametrize("trigger", ["  triggers_replace = [var.v]\n", "  lifecycle {\n    replace_triggered_by = [terraform_data.other]\n  }\n"])
def test_a_replacement_is_delete_and_create(gate, folder, trigger):
    text = 'variable "v" {\n  default = "1"\n}\n' + resource("other", "  input = var.v\n") + resource("x", trigger)
    applied(folder, text)
    folder.write("main.tf", text.replace('"1"', '"2"'))
    alone, both, shown = judged(gate, folder)
    assert sorted(actions(shown)["terraform_data.x"]) == ["create", "delete"] and alone["verdict"] == both["verdict"] == "pass"


def test_a_move_is_no_delete(gate, folder):
    text = resource("x", f'  input = "{HSM_KEY}"\n')
    applied(folder, text)
    folder.write("main.tf", text.replace('"x"', '"z"') + "moved {\n  from = terraform_data.x\n  to   = terraform_data.z\n}\n")
    alone, both, shown = judged(gate, folder)
    change = next(c for c in shown["resource_changes"] if c["address"] == "terraform_data.z")
    assert change["previous_address"] == "terraform_data.x" and alone["verdict"] == both["verdict"] == "pass"


def test_what_is_forgotten_is_read(gate, folder):
    applied(folder, resource("x", '  input = "a"\n') + resource("y"))
    folder.write("main.tf", resource("y") + "removed {\n  from = terraform_data.x\n  lifecycle {\n    destroy = false\n  }\n}\n")
    _, both, shown = judged(gate, folder)
    assert actions(shown)["terraform_data.x"] == ["forget"] and both["coverage"]["resources"] == 2


def test_an_import_is_read(gate, folder):
    folder.write("main.tf", resource("x") + 'import {\n  to = terraform_data.x\n  id = "an-id"\n}\n')
    alone, both, shown = judged(gate, folder)
    change = next(c["change"] for c in shown["resource_changes"] if c["address"] == "terraform_data.x")
    assert change["importing"]["id"] == "an-id" and alone["verdict"] == both["verdict"] == "pass"


def test_a_check_that_fails_is_no_error_of_the_plan(gate, folder):
    folder.write("main.tf", resource("x", '  input = "a"\n') + 'check "c" {\n  assert {\n    condition     = terraform_data.x.input == "b"\n    error_message = "no"\n  }\n}\n')
    alone, both, shown = judged(gate, folder)
    assert shown["errored"] is False and shown["checks"] and alone["verdict"] == both["verdict"] == "pass"


def test_sensitive_values_never_show(gate, folder):
    folder.write("main.tf", 'variable "s" {\n  sensitive = true\n  default   = "hunter2"\n}\n' + resource("x", "  input = var.s\n" + f'  provisioner "local-exec" {{\n    command = "{HAND_OUT} # ${{var.s}}"\n  }}\n'))
    binary, shown = folder.plan()
    for output in ("json", "text", "sarif"):
        done = gate.run(shown, binary, output=output)
        assert b"hunter2" not in done.stdout + done.stderr


# MARK: Where values come from


@pytest.mark.parametrize("text, files", [
    ('locals {\n  key = "%s"\n}\n' + resource("app", "  input = local.key\n"), {}),
    (resource("app", '  input = "%s"\n'), {}),
    ('variable "key" {\n  default = "%s"\n}\n' + resource("app", "  input = var.key\n"), {}),
    ('locals {\n  keys = { a = { id = "%s" } }\n}\n' + resource("app", "  for_each = local.keys\n  input    = each.value.id\n"), {}),
    ('module "m" {\n  source = "./m"\n  key    = "%s"\n}\n', {"m/main.tf": 'variable "key" {}\n' + resource("app", "  input = { key = var.key }\n")}),
    (resource("app", '  count = 2\n  input = ["%s", count.index]\n'), {}),
])
def test_a_consumer_pointed_from_the_hsm_to_a_vault_is_blocked_however_it_is_written(gate, folder, text, files):
    applied(folder, text % HSM_KEY, **files)
    folder.write("main.tf", text % VAULT_KEY)
    alone, both, _ = judged(gate, folder)
    assert alone["verdict"] == both["verdict"] == "block"
    found = next(f for f in both["findings"] if f["gate"] == "G2" and f["verdict"] == "block")
    assert found["location"]["file"].endswith("main.tf")
    folder.write("main.tf", text % HSM_KEY)
    assert judged(gate, folder)[1]["verdict"] == "pass"


def test_remote_state_that_was_read_gives_its_values(gate, folder):
    other = plans.Folder(folder.path.parent / "other")
    applied(other, 'output "key" {\n  value = "%s"\n}\n' % HSM_KEY)
    text = 'data "terraform_remote_state" "o" {\n  backend = "local"\n  config = {\n    path = "../other/terraform.tfstate"\n  }\n}\n' + resource("app", "  input = data.terraform_remote_state.o.outputs.key\n")
    applied(folder, text)
    alone, both, _ = judged(gate, folder)
    assert alone["verdict"] == both["verdict"] == "pass"
    other.write("main.tf", 'output "key" {\n  value = "%s"\n}\n' % VAULT_KEY)
    other.terraform("apply", "-auto-approve", "-input=false")
    assert judged(gate, folder)[1]["verdict"] == "block"


# MARK: What is no plan


def test_other_output_of_terraform_is_refused_with_advice(gate, folder):
    applied(folder, resource("x"))
    binary, shown = folder.plan()
    stream = folder.write("stream.json", folder.terraform("plan", "-json", "-input=false").stdout)
    state = folder.write("state.json", folder.terraform("show", "-json").stdout)
    for path in (stream, state, folder.path / "terraform.tfstate", folder.path / ".terraform.lock.hcl" if (folder.path / ".terraform.lock.hcl").exists() else folder.path / "main.tf"):
        done = gate.run(path)
        assert done.returncode == 2 and json.loads(done.stdout)["verdict"] == "invalid" and done.stderr
    assert gate.run(binary).returncode == 2


@pytest.mark.parametrize("cut", [10, 500, -1, -30])
def test_a_saved_plan_that_was_cut_is_refused(gate, folder, cut):
    folder.write("main.tf", resource("x"))
    binary, shown = folder.plan()
    binary.write_bytes(binary.read_bytes()[:cut])
    assert gate.run(shown, binary).returncode == 2


@pytest.mark.parametrize("name", ["../evil.tf", "/evil.tf", "tfconfig/m-/../../evil.tf", "tfconfig\\m-\\evil.tf"])
def test_a_saved_plan_with_names_that_leave_it_is_refused_and_writes_nothing(gate, folder, name):
    folder.write("main.tf", resource("x"))
    binary, shown = folder.plan()
    before = sorted(os.listdir(folder.path.parent)), sorted(os.listdir(folder.path))
    with zipfile.ZipFile(binary, "a") as archive:
        archive.writestr(name, "x")
    done = gate.run(shown, binary)
    assert done.returncode == 2 and b"evil" in done.stderr
    assert before == (sorted(os.listdir(folder.path.parent)), sorted(os.listdir(folder.path)))


def test_a_saved_plan_whose_source_expands_beyond_reason_is_refused(gate, folder):
    folder.write("main.tf", resource("x"))
    binary, shown = folder.plan()
    with zipfile.ZipFile(binary, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tfconfig/m-/bomb.tf", b"#" * (7 << 20))
    assert gate.run(shown, binary).returncode == 2


def test_a_plan_beyond_the_limit_is_refused_before_it_is_read(gate, folder):
    path = gate.folder / "huge.json"
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    done = gate.run(path)
    assert done.returncode == 2 and json.loads(done.stdout)["verdict"] == "invalid" and b"limit" in done.stderr
