"""hallmark inventory list, show, export, diff, ask, permissions over snapshots and the history; no network."""

import copy
import json
import os
import subprocess

import pytest

from authority import BINARY
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
BUILD = "5f0c0000-0000-4000-8000-000000000001"
SPKI = "ab" * 32

ESTATE = {
    "schema": "hallmark.inventory/v1",
    "takenAt": "2026-11-20T06:00:00Z",
    "stores": [
        {"id": "nw-hsm", "kind": "managedHsm", "rbacMode": "local", "purgeProtection": True, "tenantId": "t1", "visibility": "full"},
    ],
    "keys": [
        {"store": "nw-hsm", "name": "fw-sign", "version": "1", "kty": "EC-HSM", "keyOps": ["sign"], "enabled": True,
         "created": "2025-01-01T00:00:00Z", "rotationPolicy": {"every": "P1Y"}, "spkiSha256": SPKI},
        {"store": "nw-hsm", "name": "disk", "version": "1", "kty": "RSA-HSM", "keyOps": ["wrapKey", "unwrapKey"], "enabled": True,
         "created": "2026-10-01T00:00:00Z"},
    ],
    "grants": [
        {"id": "a1", "store": "nw-hsm", "principal": "9a", "via": "localRbac", "scope": "/keys", "role": CRYPTO_USER, "latent": False},
    ],
    "identities": [
        {"objectId": BUILD, "kind": "userAssigned", "name": "id-build-eu",
         "federated": [{"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:northwind/engine:pull_request"}]},
    ],
    "groups": [{"objectId": "9a", "name": "builders", "members": [BUILD]}],
    "artifacts": [
        {"digest": "sha256:" + "01" * 32, "names": ["registry.example/app"],
         "signatures": [{"format": "sigstore", "spkiSha256": SPKI, "verified": True}],
         "running": [{"cluster": "prod", "namespace": "shop", "workload": "deployment/web"}]},
    ],
}

INTENT = """schema: hallmark.intent/v1
identities:
  - name: build
    match: {subject: "repo:northwind/*", issuer: https://token.actions.githubusercontent.com}
    purpose: sign-only
    keys: [fw-sign]
signingKeys: {names: ["fw-*"]}
"""


@pytest.fixture
def run(tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}

    def call(*arguments):
        done = subprocess.run([BINARY, "inventory", *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture
def write(tmp_path):
    def put(name, value):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return put


def denied():
    estate = copy.deepcopy(ESTATE)
    estate["takenAt"] = "2026-11-21T06:00:00Z"
    estate["stores"][0]["visibility"] = "denied"
    estate["keys"], estate["grants"] = [], []
    return estate


def test_export_is_canonical_and_read_again_alike(run, write):
    code, first, _ = run("export", "--inventory", write("a.json", ESTATE))
    assert code == 0
    code, second, _ = run("export", "--inventory", write("b.json", first))
    assert (code, second) == (0, first)
    assert json.loads(first)["keys"][0]["name"] == "disk"


@pytest.mark.parametrize("section", ["stores", "keys", "roles", "grants", "identities", "groups", "artifacts"])
def test_every_section_is_listed(run, write, section):
    path = write("a.json", ESTATE)
    code, out, _ = run("list", section, "--inventory", path, "--output", "json")
    assert code == 0
    assert len(json.loads(out)[section]) == len(ESTATE.get(section, []))
    assert run("list", section, "--inventory", path)[0] == 0


def test_a_denied_store_is_named_and_not_empty(run, write):
    code, out, err = run("list", "keys", "--inventory", write("a.json", denied()))
    assert code == 0
    assert "nothing seen" in out
    assert "nw-hsm" in err and "denied" in err


def test_show_names_the_holders_of_a_key_with_their_path(run, write):
    code, out, _ = run("show", "nw-hsm/fw-sign", "--inventory", write("a.json", ESTATE), "--output", "json")
    assert code == 0
    holders = json.loads(out)["found"][0]["holders"]
    assert ["id-build-eu", "group builders", "Managed HSM Crypto User", "/keys"] in [h["path"] for h in holders]


def test_show_names_the_purpose_of_an_identity(run, write):
    code, out, _ = run("show", BUILD.upper(), "--inventory", write("a.json", ESTATE), "--intent", write("i.yaml", INTENT), "--output", "json")
    assert code == 0
    found = json.loads(out)["found"][0]
    assert found["purpose"] == "sign-only"
    assert found["federation"][0]["risks"] == ["pullRequest"]
    assert "unwrap" in found["rights"][0]["capabilities"]


def test_show_of_nothing_is_no_and_of_the_unseen_undecided(run, write):
    assert run("show", "ghost", "--inventory", write("a.json", ESTATE))[0] == 1
    assert run("show", "ghost", "--inventory", write("b.json", denied()))[0] == 3


def test_diff_names_what_changed(run, write):
    after = copy.deepcopy(ESTATE)
    after["stores"][0]["purgeProtection"] = False
    after["grants"][0]["scope"] = "/"
    code, out, _ = run("diff", write("a.json", ESTATE), write("b.json", after), "--output", "json")
    assert code == 1
    changes = {(c["section"], c["kind"]) for c in json.loads(out)["changes"]}
    assert changes == {("stores", "changed"), ("grants", "added"), ("grants", "removed")}
    assert run("diff", write("a.json", ESTATE), write("c.json", ESTATE))[0] == 0


def test_diff_of_a_denied_store_loses_rows_and_removes_none(run, write):
    code, out, _ = run("diff", write("a.json", ESTATE), write("b.json", denied()), "--output", "json")
    assert code == 1, "the visibility changed"
    changes = json.loads(out)["changes"]
    assert not [c for c in changes if c["kind"] == "removed"]
    assert [c["section"] for c in changes if c["kind"] == "lost"].count("keys") == 2


def test_the_history_answers_for_a_time(run, write, tmp_path):
    history = tmp_path / "history"
    history.mkdir()
    later = copy.deepcopy(ESTATE)
    later["takenAt"] = "2026-11-21T06:00:00Z"
    later["keys"] = later["keys"][:1]
    (history / "inventory-1795154400000000000.json").write_text(json.dumps(ESTATE))
    (history / "inventory-1795240800000000000.json").write_text(json.dumps(later))
    count = lambda at: len(json.loads(run("list", "keys", "--history", history, "--at", at, "--output", "json")[1])["keys"])
    assert count("2026-11-20T12:00:00Z") == 2
    assert count("2026-11-21T06:00:00Z") == 1
    assert run("list", "keys", "--history", history, "--at", "2026-11-19T00:00:00Z")[0] == 2
    assert run("diff", "--history", history, "--at", "2026-11-20T12:00:00Z", "--at", "2026-11-22T00:00:00Z")[0] == 1


def ask(run, question, *arguments):
    code, out, _ = run("ask", question, *arguments, "--output", "json")
    return code, json.loads(out)


def test_bindings_say_how(run, write):
    code, found = ask(run, "bindings", "--inventory", write("a.json", ESTATE), "--intent", write("i.yaml", INTENT))
    assert code == 0 and found["complete"]
    [row] = found["rows"]
    assert (row["key"], row["name"], row["how"]) == ("fw-sign", "id-build-eu", ["group", "broadScope", "federation"])


def test_rotation_artifacts_and_what_a_denied_store_leaves_open(run, write):
    path = write("a.json", ESTATE)
    code, found = ask(run, "rotation", "--inventory", path)
    assert code == 0
    assert {r["key"]: r["lastRotated"] for r in found["rows"]}["fw-sign"] == "2025-01-01T00:00:00Z"
    code, found = ask(run, "artifacts", "--inventory", path)
    assert code == 0 and found["rows"][0]["state"] == "signed" and found["rows"][0]["signers"][0]["key"] == "fw-sign"
    for question in ["bindings", "rotation", "artifacts"]:
        code, found = ask(run, question, "--inventory", write("d.json", denied()))
        assert code == 3 and not found["complete"]


def ledger(*sequences):
    times = ["2026-08-01T00:00:00Z", "2026-11-20T06:00:00Z"]
    return "\n".join(
        json.dumps({
            "schema": "hallmark.audit/v1", "sequence": sequence, "time": time, "operation": "sign", "store": "nw-hsm", "key": "fw-sign",
            "decision": "allow", "principal": {"objectId": BUILD}})
        for sequence, time in zip(sequences, times)) + "\n"


def test_unused_is_only_said_where_the_ledger_is_whole(run, write):
    path = write("a.json", ESTATE)
    code, found = ask(run, "unused-keys", "--inventory", path, "--ledger", write("l.jsonl", ledger(1, 2)))
    assert code == 0
    assert [(r["key"], r["use"]) for r in found["rows"]] == [("disk", "unused")]
    for arguments in [[], ["--ledger", write("m.jsonl", ledger(1, 3))]]:
        code, found = ask(run, "unused-keys", "--inventory", path, *arguments)
        assert code == 3
        assert {r["use"] for r in found["rows"]} == {"not known"}
    code, found = ask(run, "unused-rights", "--inventory", path, "--ledger", write("l.jsonl", ledger(1, 2)))
    assert code == 0
    unused = {r["capability"] for r in found["rows"] if r["name"] == "id-build-eu"}
    assert "decrypt" in unused and "sign" not in unused


def test_permissions_are_readers_per_tenant(run, write):
    code, out, _ = run("permissions", "--tenant", "t1", "--tenant", "t2", "--inventory", write("a.json", ESTATE), "--output", "json")
    assert code == 0
    tenants = json.loads(out)["tenants"]
    assert [t["tenant"] for t in tenants] == ["t1", "t2"]
    names = {need["name"] for need in tenants[0]["needs"]}
    assert {"Reader", "Key Vault Reader", "Managed HSM Crypto Auditor", "Application.Read.All"} <= names
    assert any(need["scope"] == "nw-hsm /" for need in tenants[0]["needs"])
    assert run("permissions")[0] == 0


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"schema":"hallmark.inventory/v2","takenAt":"2026-11-20T06:00:00Z"}', '{"schema":"hallmark.inventory/v1"}',
    '{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z","extra":1}',
    '{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z","takenAt":"2026-11-20T06:00:00Z"}',
    '{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z","stores":[{"id":"v","kind":"vault"}]}',
    '{"schema":"hallmark.inventory/v1","takenAt":NaN}', "[" * 100000,
])
def test_a_bad_snapshot_is_a_usage_error_that_says_where(run, write, text):
    code, out, err = run("list", "stores", "--inventory", write("bad.json", text))
    assert (code, out) == (2, "")
    assert "inventory" in err


@pytest.mark.parametrize("text", ["", "a: [", "schema: hallmark.intent/v2", INTENT + "extra: 1\n", INTENT.replace("sign-only", "signing"), INTENT.replace("subject", "subjects")])
def test_a_bad_register_is_a_usage_error(run, write, text):
    code, _, err = run("ask", "bindings", "--inventory", write("a.json", ESTATE), "--intent", write("i.yaml", text))
    assert code == 2
    assert "i.yaml" in err or "intent" in err


def test_without_a_snapshot_the_next_step_is_named(run):
    code, _, err = run("list", "stores")
    assert code == 2
    assert "inventory sync" in err
