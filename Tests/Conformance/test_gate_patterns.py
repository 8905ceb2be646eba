"""Every row of the pattern tables, in the words of every tool: what blocks, what nearly looks like it and passes, and whom and what the answer names."""

import json
import subprocess

import pytest

from authority import BINARY
from patterns import INTENT, estate
from patterns_one import CASES as ONE
from patterns_two import CASES as TWO
from patterns_three import CASES as THREE
from patterns_evasions import CASES as EVASIONS
from patterns_unseen import CASES as UNSEEN

EXIT = {"pass": 0, "warn": 0, "block": 1, "undecidable": 3, "invalid": 2}


def judge(case, folder):
    documents = case.document if isinstance(case.document, list) else [case.document]
    paths = []
    for number, document in enumerate(documents):
        path = folder / f"input-{number}.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        paths.append(str(path))
    flags = []
    for name, value in (case.files or {}).items():
        if value is None:  # the gate is to make it
            continue
        (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    for flag in case.flags:
        flags.append(str(folder / flag) if flag in (case.files or {}) else flag)
    (folder / "intent.yaml").write_text(json.dumps(case.intent or INTENT))
    (folder / "inventory.json").write_text(json.dumps(case.inventory or estate()))
    if not case.no_inventory:
        flags += ["--inventory", str(folder / "inventory.json")]
    done = subprocess.run([str(BINARY), "gate", *paths, "--intent", str(folder / "intent.yaml"), "--output", "json", *flags], capture_output=True, text=True, timeout=60)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"exit {done.returncode}, no JSON\n{done.stdout[:2000]}\n{done.stderr[:2000]}") from None


def complaints(case, code, answer):
    """Everything that is wrong with the answer."""
    wrong = []
    allowed = case.verdict.split("|")
    if answer["verdict"] not in allowed:
        wrong.append(f"verdict {answer['verdict']}, not {case.verdict}")
    if code != EXIT.get(answer["verdict"]):
        wrong.append(f"exit code {code} with verdict {answer['verdict']}")
    findings = answer.get("standing" if case.standing else "findings", [])
    rule = case.standing or case.rule
    if rule:
        findings = [f for f in findings if any(f["rule"] == r or (r.endswith("*") and f["rule"].startswith(r[:-1])) for r in rule.split("|"))]
        if not findings:
            return wrong + [f"no finding of {rule}"]
        checks = {
            "who": lambda f: case.who is None or (f.get("principal") or {}).get("name") == case.who,
            "store": lambda f: case.store is None or f["store"] == case.store, "key": lambda f: case.key is None or f["key"] == case.key,
            "gained": lambda f: set(case.gained) <= set(f["gained"]), "address": lambda f: case.address is None or f["address"] == case.address,
            "says": lambda f: all(word.lower() in f["reason"].lower() for word in case.says)}
        best = min(([name for name, good in checks.items() if not good(f)] for f in findings), key=len)
        wrong += [f"{name} is not as expected" for name in best]
    if case.undecided and not any(case.undecided.lower() in (u["address"] + " " + u["missing"]).lower() for u in answer.get("undecided", [])):
        wrong.append(f"nothing undecided about {case.undecided}")
    return wrong


@pytest.mark.parametrize("case", ONE + TWO + THREE + EVASIONS + UNSEEN, ids=lambda case: case.name.replace(" ", "-"))
def test_the_gate_says_of_each_pattern_what_the_reference_says(case, tmp_path):
    code, answer = judge(case, tmp_path)
    wrong = complaints(case, code, answer)
    assert not wrong, "\n".join(wrong) + "\n" + json.dumps({k: answer.get(k) for k in ("verdict", "reason", "findings", "standing", "undecided")}, indent=1)
