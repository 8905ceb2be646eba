"""The guard's documents, broken in every way: each command that reads one refuses it with the code the format gives, says where and why, and keeps
what it had. Formats: docs/formats/{intent,inventory,audit-record,gate,alert}.md."""

import copy
import json
import os
import socket
import subprocess
import time

import pytest
import yaml

import plans
from authority import BINARY, free_port

BUILD = "5f0c0000-0000-4000-8000-000000000001"
GOOD_INTENT = {
    "schema": "hallmark.intent/v1",
    "identities": [
        {"name": "build-eu", "match": {"objectId": BUILD, "subject": "repo:northwind@901/engine@77:environment:ship", "issuer": "https://token.actions.githubusercontent.com"},
         "purpose": "sign-only", "keys": ["fw-sign"], "hours": {"timezone": "Europe/Berlin", "days": "mon-fri", "from": "08:00", "to": "18:00"},
         "addresses": ["198.51.100.0/24", "2001:db8::/32"]}],
    "signingKeys": {"names": ["fw-sign", "codesign-*"], "tags": {"purpose": ["release", "signing"]}, "subjects": ["CN=Northwind Release"]},
    "defaults": {"ciFederated": "sign-only", "unlisted": "unclassified"},
    "revocations": [{"store": "nw-hsm", "key": "fw-sign", "version": "0f3e", "at": "2026-11-01T12:00:00Z", "reason": "compromised"}],
    "waivers": [{"rule": "HM-G3-PURGE-OFF", "address": "azurerm_key_vault.dev", "reason": "throw-away vault", "expires": "2026-12-31",
                 "approvedBy": "security@northwind.example", "proposedBy": "dev@northwind.example"}]}
GOOD_INVENTORY = {
    "schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z",
    "stores": [{"id": "nw-hsm", "kind": "managedHsm", "uri": "https://nw-hsm.managedhsm.azure.net", "armId": None, "tenantId": "t", "location": "westeurope", "sku": "Standard_B1",
                "rbacMode": "local", "purgeProtection": True, "softDeleteDays": 90, "activation": "Active", "publicNetwork": "Disabled", "networkDefault": "Deny",
                "locks": ["CanNotDelete"], "diagnosticSinks": ["/subscriptions/s/logs"], "visibility": "full", "observedAt": "2026-11-20T06:00:00Z"}],
    "keys": [{"store": "nw-hsm", "name": "fw-sign", "version": "0f3e", "kid": "https://nw-hsm.managedhsm.azure.net/keys/fw-sign/0f3e", "kty": "EC-HSM", "curve": "P-384", "bits": None,
              "keyOps": ["sign", "verify"], "enabled": True, "created": "2026-01-01T00:00:00Z", "expires": None, "recoveryLevel": "Recoverable",
              "rotationPolicy": {"every": "P1Y"}, "tags": {"purpose": "release"}, "spkiSha256": "ab" * 32, "deleted": False}],
    "roles": [{"store": "nw-hsm", "id": "r", "name": "nw-signer", "custom": True, "dataActions": ["Microsoft.KeyVault/managedHsm/keys/sign/action"], "notDataActions": [],
               "actions": [], "notActions": []}],
    "grants": [{"id": "g", "store": "nw-hsm", "principal": BUILD, "via": "localRbac", "scope": "/keys/fw-sign", "role": "r", "capabilities": ["sign", "read"], "latent": False,
                "since": "2026-01-01T00:00:00Z", "until": None}],
    "identities": [{"objectId": BUILD, "clientId": "c", "kind": "userAssigned", "name": "id-build-eu", "armId": "/subscriptions/s", "federated": [
        {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b:ref:refs/heads/main", "audiences": ["api://AzureADTokenExchange"]}], "secrets": 0, "certificates": 0}],
    "groups": [{"objectId": "9a", "name": "G", "members": [BUILD]}],
    "artifacts": [{"digest": "sha256:" + "01" * 32, "names": ["registry.example/app"], "closure": ["sha256:" + "02" * 32], "signatures": [
        {"format": "sigstore", "spkiSha256": "ab" * 32, "kid": None, "requestId": None, "time": "2026-11-01T00:00:00Z", "verified": True}],
        "running": [{"cluster": "prod", "namespace": "shop", "workload": "deployment/web", "since": "2026-11-01T00:00:00Z"}]}]}
GOOD_RECORD = {
    "schema": "hallmark.audit/v1", "sequence": 1, "time": "2026-08-01T00:00:00Z", "node": "n", "requestId": "r-1", "clientRequestId": None,
    "principal": {"objectId": BUILD, "clientId": None, "issuer": "https://i", "subject": "s", "claims": {"repository": "northwind/engine"}}, "operation": "sign", "store": "nw-hsm",
    "key": "fw-sign", "version": "0f3e", "kid": None, "algorithm": "ES384", "digest": "sha384:" + "00" * 48, "decision": "allow", "reason": None, "assignment": None,
    "engine": "azure-managed-hsm", "status": 200, "durationMs": 4, "callerAddress": "198.51.100.7", "purpose": None}


def changed(document, path, value):
    """A copy with one member set; `path` is dotted, numbers index arrays. `...` removes it."""
    result = copy.deepcopy(document)
    place = result
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return result


def malformed(document):
    """Texts that are not one JSON document, or that two readers would read differently."""
    text = json.dumps(document)
    first, rest = text[:1], text[1:]
    return {
        "empty": "", "space": " \n", "cut": text[:-30], "cut in a string": text[:text.index("hallmark.") + 4], "two documents": text + text, "rest": text + "x", "array": f"[{text}]", "text": '"x"',
        "repeated member": first + '"schema":"hallmark.other/v1",' + rest, "repeated member in escapes": first + '"sch\\u0065ma":"hallmark.other/v1",' + rest,
        "NaN": first + '"x":NaN,' + rest, "Infinity": first + '"x":-Infinity,' + rest, "leading zero": first + '"x":01,' + rest, "comment": "/* a */" + text,
        "trailing comma": text[:-1] + ",}", "deep": "[" * 200_000, "deep objects": '{"a":' * 100_000, "single quotes": text.replace('"', "'"), "control character": first + '"x":"\x01",' + rest,
        "lone surrogate": first + '"x":"\\ud800",' + rest, "UTF-16": text.encode("utf-16"), "not UTF-8": b'{"schema":"\xff\xfe"}', "NUL": text + "\0"}


class Guard:
    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}

    def write(self, name, value):
        path = self.folder / name
        path.write_bytes(value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode())
        return path

    def run(self, *arguments):
        return subprocess.run([BINARY, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=120, env=self.environment)


@pytest.fixture
def guard(tmp_path):
    guard = Guard(tmp_path)
    guard.write("intent.json", GOOD_INTENT)
    guard.write("inventory.json", GOOD_INVENTORY)
    guard.write("plan.json", plans.plan())
    guard.write("ledger.jsonl", json.dumps(GOOD_RECORD) + "\n" + json.dumps(GOOD_RECORD | {"sequence": 2, "time": "2026-11-20T06:00:00Z"}) + "\n")
    guard.write("log.json", "")
    return guard


# How each command reads a document: the file stands last.
INVENTORY_READERS = {
    "inventory": ["inventory", "list", "stores", "--inventory"], "gate": ["gate", "plan.json", "--output", "json", "--intent", "intent.json", "--inventory"],
    "trace": ["trace", "sha256:" + "01" * 32, "--inventory"], "watch": ["watch", "replay", "--now", "2026-11-20T12:00:00Z", "--after"], "diff": ["inventory", "diff", "inventory.json"]}
INTENT_READERS = {
    "inventory": ["inventory", "ask", "bindings", "--inventory", "inventory.json", "--intent"], "gate": ["gate", "plan.json", "--output", "json", "--inventory", "inventory.json", "--intent"],
    "watch": ["watch", "replay", "--now", "2026-11-20T12:00:00Z", "--after", "inventory.json", "--intent"]}


def refused(done, *words):
    """Exit code 2, one sentence on standard error that has all the words, nothing that could be taken for an answer, no trace of a crash."""
    assert done.returncode == 2, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Fatal error" not in done.stderr and "Stack dump" not in done.stderr
    assert done.stdout == "" or json.loads(done.stdout).get("verdict") == "invalid", done.stdout
    assert len(done.stderr) < 4000 and "\x01" not in done.stderr and "\x1b" not in done.stderr


def test_the_documents_of_this_file_are_good(guard):
    for arguments in [*INVENTORY_READERS.values()]:
        if arguments[0] != "trace":
            done = guard.run(*arguments, "inventory.json")
            assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    for arguments in INTENT_READERS.values():
        done = guard.run(*arguments, "intent.json")
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    guard.write("intent.yaml", yaml.safe_dump(GOOD_INTENT))
    assert guard.run(*INTENT_READERS["gate"], "intent.yaml").returncode == 0


@pytest.mark.parametrize("reader", INVENTORY_READERS)
@pytest.mark.parametrize("name", malformed(GOOD_INVENTORY))
def test_a_snapshot_that_is_no_document_is_refused(guard, reader, name):
    path = guard.write("broken.json", malformed(GOOD_INVENTORY)[name])
    refused(guard.run(*INVENTORY_READERS[reader], path), "inventory")


@pytest.mark.parametrize("reader", INTENT_READERS)
@pytest.mark.parametrize("name", [n for n in malformed(GOOD_INTENT)])
def test_a_register_that_is_no_document_is_refused(guard, reader, name):
    text = malformed(GOOD_INTENT)[name]
    path = guard.write("broken.json", text)
    refused(guard.run(*INTENT_READERS[reader], path), "broken.json")


INVENTORY_CHANGES = [
    ("schema", "hallmark.inventory/v2"), ("schema", "hallmark.intent/v1"), ("schema", 1), ("schema", ...), ("takenAt", ...), ("takenAt", "yesterday"), ("takenAt", "2026-02-30T00:00:00Z"),
    ("takenAt", 1795154400), ("takenAt", None), ("unheard", 1), ("stores", {}), ("stores", "none"), ("stores.0", "nw-hsm"), ("stores.0.unheard", 1), ("stores.0.id", ...), ("stores.0.id", ""),
    ("stores.0.id", 7), ("stores.0.kind", "hsm"), ("stores.0.kind", ...), ("stores.0.visibility", ...), ("stores.0.visibility", "unknown"), ("stores.0.visibility", None),
    ("stores.0.visibility", True), ("stores.0.rbacMode", "azureRbac"), ("stores.0.rbacMode", "LOCAL"), ("stores.0.purgeProtection", "true"), ("stores.0.purgeProtection", 1),
    ("stores.0.softDeleteDays", "90"), ("stores.0.softDeleteDays", -1), ("stores.0.softDeleteDays", 1.5), ("stores.0.softDeleteDays", 1e300), ("stores.0.observedAt", "x"),
    ("stores.0.locks", "CanNotDelete"), ("stores.0.locks", [{}]), ("keys.0.store", ...), ("keys.0.name", None), ("keys.0.enabled", "yes"), ("keys.0.keyOps", "sign"), ("keys.0.bits", "4096"),
    ("keys.0.created", "2026-13-01T00:00:00Z"), ("keys.0.spkiSha256", "ab"), ("keys.0.spkiSha256", "zz" * 32), ("keys.0.rotationPolicy", "P1Y"), ("keys.0.rotationPolicy", {"every": "yearly"}),
    ("keys.0.rotationPolicy", {"each": "P1Y"}), ("keys.0.tags", ["release"]), ("keys.0.tags", {"purpose": 1}), ("keys.0.deleted", 0), ("keys.0.unheard", 1), ("roles.0.id", ...),
    ("roles.0.dataActions", "*"), ("roles.0.custom", "yes"), ("roles.0.unheard", 1), ("grants.0.id", ...), ("grants.0.principal", ...), ("grants.0.via", "magic"), ("grants.0.via", ...),
    ("grants.0.scope", ...), ("grants.0.capabilities", ["Sign"]), ("grants.0.capabilities", "sign"), ("grants.0.latent", "false"), ("grants.0.unheard", 1), ("identities.0.objectId", ...),
    ("identities.0.kind", "robot"), ("identities.0.secrets", -1), ("identities.0.secrets", "0"), ("identities.0.federated", {}), ("identities.0.federated.0.unheard", 1),
    ("identities.0.federated.0.audiences", "x"), ("identities.0.unheard", 1), ("groups.0.objectId", ...), ("groups.0.members", BUILD), ("groups.0.unheard", 1), ("artifacts.0.digest", ...),
    ("artifacts.0.digest", "latest"), ("artifacts.0.digest", "sha256:XY"), ("artifacts.0.signatures", {}), ("artifacts.0.signatures.0.format", "pgp"), ("artifacts.0.signatures.0.unheard", 1),
    ("artifacts.0.running.0.unheard", 1), ("artifacts.0.running.0.cluster", ...), ("artifacts.0.unheard", 1)]


@pytest.mark.parametrize("path, value", INVENTORY_CHANGES, ids=lambda v: str(v)[:40])
def test_a_snapshot_with_one_wrong_member_is_refused_and_the_place_is_named(guard, path, value):
    done = guard.run("inventory", "export", "--inventory", guard.write("broken.json", changed(GOOD_INVENTORY, path, value)))
    refused(done, "broken.json", path.split(".")[0] if value is not ... or "." in path else "inventory")


@pytest.mark.parametrize("array", ["stores", "keys", "identities", "groups", "artifacts"])
def test_a_row_that_stands_twice_is_refused(guard, array):
    twice = copy.deepcopy(GOOD_INVENTORY)
    twice[array].append(copy.deepcopy(twice[array][0]))
    refused(guard.run("inventory", "export", "--inventory", guard.write("broken.json", twice)), array, "twice")


INTENT_CHANGES = [
    ("schema", "hallmark.intent/v2"), ("schema", "hallmark.inventory/v1"), ("schema", ...), ("unheard", 1), ("identities", {}), ("identities.0.unheard", 1), ("identities.0.name", ...),
    ("identities.0.match", ...), ("identities.0.match", {}), ("identities.0.match", {"issuer": "https://token.actions.githubusercontent.com"}), ("identities.0.match.unheard", "x"),
    ("identities.0.match", {"objectId": BUILD, "issuer": "https://i"}), ("identities.0.match.subject", "*"), ("identities.0.match.subject", "**"), ("identities.0.match.subject", ""),
    ("identities.0.purpose", ...), ("identities.0.purpose", "signing"), ("identities.0.purpose", "Sign-Only"), ("identities.0.purpose", "unclassified"), ("identities.0.keys", []),
    ("identities.0.keys", "fw-sign"), ("identities.0.hours", "always"), ("identities.0.hours.timezone", ...), ("identities.0.hours.timezone", "../../etc/passwd"), ("identities.0.hours.days", "mon-xyz"),
    ("identities.0.hours.days", []), ("identities.0.hours.from", "8"), ("identities.0.hours.from", "25:00"), ("identities.0.hours.from", "18:00"), ("identities.0.hours.unheard", 1),
    ("identities.0.addresses", "198.51.100.0/24"), ("identities.0.addresses", ["198.51.100.0/33"]), ("identities.0.addresses", ["198.51.100"]), ("identities.0.addresses", ["2001:db8::/129"]),
    ("signingKeys", ["fw-sign"]), ("signingKeys.unheard", 1), ("signingKeys.tags", ["release"]), ("signingKeys.tags.purpose", []), ("defaults.unlisted", "nobody"), ("defaults.unheard", 1),
    ("defaults.ciFederated", True), ("revocations.0.at", ...), ("revocations.0.at", "soon"), ("revocations.0.key", ...), ("revocations.0.store", ...), ("revocations.0.unheard", 1),
    ("waivers.0.rule", ...), ("waivers.0.address", ...), ("waivers.0.expires", "2026-02-30"), ("waivers.0.expires", "never"), ("waivers.0.unheard", 1)]


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("path, value", INTENT_CHANGES, ids=lambda v: str(v)[:40])
def test_a_register_with_one_wrong_member_is_refused_and_the_place_is_named(guard, path, value, form):
    document = changed(GOOD_INTENT, path, value)
    broken = guard.write(f"broken.{form}", document if form == "json" else yaml.safe_dump(document))
    refused(guard.run(*INTENT_READERS["inventory"], broken), f"broken.{form}", path.split(".")[0] if value is not ... or "." in path else "intent")


def test_two_identities_of_one_name_are_refused(guard):
    document = copy.deepcopy(GOOD_INTENT)
    document["identities"].append(document["identities"][0] | {"match": {"objectId": "other"}})
    refused(guard.run(*INTENT_READERS["gate"], guard.write("broken.json", document)), "build-eu", "twice")


@pytest.mark.parametrize("text", [
    "schema: hallmark.intent/v1\nschema: hallmark.intent/v1\n", "schema: hallmark.intent/v1\nidentities: &a [*a]\n", "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30)),
    "schema: hallmark.intent/v1\n---\nschema: hallmark.intent/v1\n", "schema: !!python/object:os.system hallmark.intent/v1\n", "\tschema: x", "schema: [", "- schema", "{" * 3000, "? x\n" * 10,
    "schema: hallmark.intent/v1\n" + "".join("  " * n + f"a{n}:\n" for n in range(2000)), "schema: " + "[" * 100_000 + "]" * 100_000, "- " * 50_000 + "x", "? " * 50_000 + "x",
    "schema: hallmark.intent/v1\n<<: {unheard: 1}\n", "schema: !!binary aGFsbG1hcms=\n",
], ids=["duplicate", "alias", "aliases", "documents", "tag", "tab", "open", "list", "deep flow", "complex keys", "deep block", "closed flow", "sequences", "keys", "merge", "binary"])
def test_yaml_that_means_two_things_or_none_is_refused(guard, text):
    refused(guard.run(*INTENT_READERS["gate"], guard.write("broken.yaml", text)))


def test_documents_larger_than_their_limits_are_refused_before_they_are_read(guard):
    for name, arguments, size in [("snapshot", INVENTORY_READERS["inventory"], 300 << 20), ("register", INTENT_READERS["gate"], 64 << 20), ("ledger", ["inventory", "ask", "unused-keys", "--inventory", "inventory.json", "--ledger"], 3 << 30)]:
        path = guard.folder / name
        with path.open("wb") as file:
            file.write(b"{")
            file.truncate(size)
        refused(guard.run(*arguments, path), name)


@pytest.mark.parametrize("kind", ["absent", "folder", "device"])
@pytest.mark.parametrize("arguments", [*INVENTORY_READERS.values(), *INTENT_READERS.values()], ids=lambda a: f"{a[0]} {a[-1]}")
def test_what_is_no_file_is_refused(guard, arguments, kind):
    path = {"absent": "nowhere.json", "folder": ".", "device": "/dev/zero"}[kind]
    done = guard.run(*arguments, path)
    assert done.returncode in (2, 3) and done.stderr and "Fatal" not in done.stderr, f"{done.returncode}\n{done.stderr}"


# MARK: Audit records (guard-formats §6)

UNUSED = ["inventory", "ask", "unused-keys", "--inventory", "inventory.json", "--output", "json", "--ledger"]
RECORD_CHANGES = [
    ("schema", ...), ("schema", "hallmark.audit/v2"), ("schema", None), ("time", ...), ("time", "yesterday"), ("operation", ...), ("operation", 7), ("decision", ...), ("decision", "maybe"),
    ("decision", None), ("sequence", 0), ("sequence", -4), ("sequence", "1"), ("sequence", 1.5), ("unheard", 1), ("store", 7), ("key", ["fw-sign"]), ("status", "200"), ("status", -1),
    ("principal", "somebody"), ("requestId", 12)]


@pytest.mark.parametrize("path, value", RECORD_CHANGES, ids=lambda v: str(v)[:40])
def test_a_ledger_line_with_one_wrong_member_is_refused_with_its_number(guard, path, value):
    text = json.dumps(GOOD_RECORD) + "\n" + json.dumps(changed(GOOD_RECORD, path, value)) + "\n"
    refused(guard.run(*UNUSED, guard.write("broken.jsonl", text)), "line 2")


@pytest.mark.parametrize("name", [n for n in malformed(GOOD_RECORD) if n not in ("empty", "space")])
def test_a_ledger_line_that_is_no_record_is_refused_with_its_number(guard, name):
    line = malformed(GOOD_RECORD)[name]
    line = line if isinstance(line, bytes) else line.encode()
    good = json.dumps(GOOD_RECORD).encode() + b"\n"
    refused(guard.run(*UNUSED, guard.write("broken.jsonl", good + line.replace(b"\n", b" ") + b"\n" + good)), "line 2")


def test_a_cut_last_line_of_a_ledger_is_told_and_nothing_is_called_unused(guard):
    whole = (guard.folder / "ledger.jsonl").read_text()
    done = guard.run(*UNUSED, "ledger.jsonl")
    assert done.returncode == 0 and json.loads(done.stdout)["rows"] == [], done.stderr
    unused = copy.deepcopy(GOOD_INVENTORY)
    unused["keys"].append(unused["keys"][0] | {"name": "disk"})
    guard.write("inventory.json", unused)
    assert json.loads(guard.run(*UNUSED, "ledger.jsonl").stdout)["rows"][0]["use"] == "unused"
    done = guard.run(*UNUSED, guard.write("cut.jsonl", whole + whole[:80]))
    assert done.returncode == 3 and "cut" in done.stderr and json.loads(done.stdout)["rows"][0]["use"] == "not known"


def azure_row(time="2026-08-01T00:00:00Z", key="fw-sign", oid=BUILD, status=200, **more):
    return {"time": time, "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM", "operationName": "KeySign", "category": "AuditEvent",
            "resultType": "Success", "properties": {"PoolType": "M-HSM"}, "durationMs": 12, "callerIpAddress": "198.51.100.7", "correlationId": f"{time}{key}",
            "identity": json.dumps({"claim": {"appid": "c", **({"http_schemas_microsoft_com_identity": {"claims": {"objectidentifier": oid}}} if oid else {})}}),
            "httpStatusCode": status, "requestUri": f"https://nw-hsm.managedhsm.azure.net/keys/{key}/0f3e/sign?api-version=7.6"} | more


@pytest.mark.parametrize("layout", ["lines", "records", "array", "folder"])
def test_unused_is_asked_of_azures_logs_in_each_layout(guard, layout):
    rows = [azure_row(), azure_row("2026-11-20T06:00:01Z"), azure_row("2026-11-01T00:00:00Z", key="disk", status=403)]
    unused = copy.deepcopy(GOOD_INVENTORY)
    unused["keys"].append(unused["keys"][0] | {"name": "disk"})
    unused["grants"][0]["scope"], unused["roles"][0]["dataActions"] = "/keys", ["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/decrypt/action"]
    guard.write("inventory.json", unused)
    text = {"records": json.dumps({"records": rows}), "array": json.dumps(rows)}.get(layout, "\n".join(map(json.dumps, rows)) + "\n")
    path = guard.folder / "logs"
    if layout == "folder":
        (path / "acct/insights-logs-auditevent/resourceId=/y=2026/m=11").mkdir(parents=True)
        (path / "acct/insights-logs-auditevent/resourceId=/y=2026/m=11/PT1H.json").write_text(text)
    else:
        path.write_text(text)
    ask = lambda question, *more: guard.run("inventory", "ask", question, "--inventory", "inventory.json", "--output", "json", "--log", path, *more)
    done = ask("unused-keys")
    assert done.returncode == 0, done.stderr
    assert [(r["key"], r["use"]) for r in json.loads(done.stdout)["rows"]] == [("disk", "unused")], "a refused request is no use"
    done = ask("unused-rights")
    assert [(r["capability"], r["use"]) for r in json.loads(done.stdout)["rows"]] == [("decrypt", "unused")]
    done = ask("unused-keys", "--since", "2026-01-01T00:00:00Z")
    assert done.returncode == 3 and json.loads(done.stdout)["rows"][0]["use"] == "not known", "the log begins later"


def test_logs_that_are_broken_or_name_nobody_leave_the_question_open(guard):
    unused = copy.deepcopy(GOOD_INVENTORY)
    unused["keys"].append(unused["keys"][0] | {"name": "disk"})
    guard.write("inventory.json", unused)
    ask = lambda question, text: guard.run("inventory", "ask", question, "--inventory", "inventory.json", "--output", "json", "--log", guard.write("log.json", text))
    rows = [azure_row(), azure_row("2026-11-20T06:00:01Z")]
    lines = "\n".join(map(json.dumps, rows)) + "\n"
    done = ask("unused-keys", lines + "{broken}\n" + lines)
    assert done.returncode == 3 and json.loads(done.stdout)["rows"][0]["use"] == "not known"
    refused(ask("unused-keys", "no log at all\n"))
    nobody = "\n".join(json.dumps(azure_row(r["time"], identity=None)) for r in rows) + "\n"
    done = ask("unused-rights", nobody)
    assert done.returncode == 3 and "name nobody" in json.loads(done.stdout)["rows"][0]["why"], done.stdout
    done = ask("unused-rights", "\n".join(json.dumps(azure_row(r["time"], oid=None)) for r in rows) + "\n")
    assert json.loads(done.stdout)["rows"] == [] and done.returncode == 0, "the application id of a known identity is enough"


# MARK: What was there stays


def test_a_refused_register_leaves_the_gates_memory_as_it_was(guard):
    assert guard.run("gate", "plan.json", "--output", "json", "--intent", "intent.json", "--inventory", "inventory.json", "--memory", "memory.json").returncode == 0
    memory = (guard.folder / "memory.json").read_bytes()
    guard.write("broken.json", json.dumps(GOOD_INTENT)[:-9])
    refused(guard.run("gate", "plan.json", "--output", "json", "--intent", "broken.json", "--inventory", "inventory.json", "--memory", "memory.json"))
    assert (guard.folder / "memory.json").read_bytes() == memory


def test_a_refused_snapshot_leaves_the_exported_file_as_it_was(guard):
    guard.write("kept.json", "kept")
    refused(guard.run("inventory", "export", "--inventory", guard.write("broken.json", "{"), "--out", "kept.json"))
    assert (guard.folder / "kept.json").read_text() == "kept"
    assert not [p for p in guard.folder.iterdir() if p.name.startswith((".kept", "kept.json."))]


# MARK: Admission (guard-formats §7)


@pytest.fixture(scope="module")
def admission(tmp_path_factory):
    """A folder with everything that an admission listener needs, all of it good."""
    folder = tmp_path_factory.mktemp("admission")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "tls.key", "-out", "tls.crt"],
                   cwd=folder, check=True, capture_output=True)
    subprocess.run(["openssl", "ec", "-in", "tls.key", "-pubout", "-out", "release.pem"], cwd=folder, check=True, capture_output=True)
    (folder / "trust.yaml").write_text(yaml.safe_dump({
        "schema": "hallmark.trust/v1", "keys": [{"name": "release", "pem": (folder / "release.pem").read_text()}],
        "rules": [{"name": "all", "scope": {"repositories": ["*"]}, "require": {"key": "release"}}]}))
    (folder / "inventory.json").write_text(json.dumps(GOOD_INVENTORY))
    (folder / "intent.yaml").write_text(yaml.safe_dump(GOOD_INTENT))
    (folder / "broken.json").write_text(json.dumps(GOOD_INVENTORY)[:-4])
    (folder / "broken.yaml").write_text("schema: hallmark.intent/v1\nunheard: 1\n")
    return folder


def serve(folder, **changes):
    """Starts the server with one thing changed; what it says when it does not start."""
    settings = {"trust": str(folder / "trust.yaml"), "inventory": str(folder / "inventory.json"), "intent": str(folder / "intent.yaml"), "certificateFile": str(folder / "tls.crt"),
                "keyFile": str(folder / "tls.key"), "addresses": ["127.0.0.1"], "port": free_port(), "exemptNamespaces": ["kube-system"], "onUnknown": "deny", "timeoutSeconds": 5, **changes}
    (folder / "h.yaml").write_text(yaml.safe_dump({"admission": {k: v for k, v in settings.items() if v is not ...}}))
    process = subprocess.Popen([BINARY, "serve", "--config", folder / "h.yaml"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={"PATH": os.environ["PATH"], "HOME": str(folder)})
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", settings["port"] % 65536)) == 0:
                    return 0, ""
            time.sleep(0.02)
        return process.wait(5), process.stdout.read()
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def test_admission_starts_with_good_documents(admission):
    assert serve(admission) == (0, "")


@pytest.mark.parametrize("change, word", [
    ({"inventory": "broken.json"}, "broken.json"), ({"inventory": "intent.yaml"}, "intent.yaml"), ({"inventory": "nowhere.json"}, "nowhere.json"), ({"intent": "broken.yaml"}, "unheard"),
    ({"intent": "inventory.json"}, "intent register"), ({"trust": "nowhere.yaml"}, "nowhere.yaml"), ({"trust": "intent.yaml"}, "schema"), ({"onUnknown": "allow"}, "onUnknown"),
    ({"timeoutSeconds": 0}, "timeoutSeconds"), ({"timeoutSeconds": 30}, "timeoutSeconds"), ({"unheard": 1}, "unheard"), ({"certificateFile": ...}, "certificateFile"), ({"trust": ...}, "admission.trust"),
    ({"port": 0}, "port"), ({"port": 70000}, "port"),
], ids=str)
def test_admission_does_not_start_with_a_wrong_document_and_says_which(admission, change, word):
    change = {k: str(admission / v) if k in ("inventory", "intent", "trust") and v is not ... else v for k, v in change.items()}
    code, said = serve(admission, **change)
    assert code not in (0, None) and code > 0 and word in said and "Fatal" not in said and "CommandFailure" not in said, f"{code}\n{said}"
