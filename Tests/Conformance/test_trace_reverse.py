"""`hallmark trace --key|--identity|--assignment`: what depends on it and where that runs; and traces from the estate database."""

import json

import pytest

from authority import run_hallmark

BUILD = "5f0c0000-0000-4000-8000-000000000001"
CLIENT = "7c1d0000-0000-4000-8000-000000000001"
GRANT = "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11"
ROLE = "21dbd100-6940-42c2-9190-5d6cb909625b"
SPKI = "1a" * 32
INDEX, CHILD, LONELY = ("sha256:" + c * 64 for c in "abc")
SIGNED = "2026-11-20T05:00:00Z"


def inventory(visibility="full", taken="2026-11-20T06:00:00Z"):
    return {
        "schema": "hallmark.inventory/v1", "takenAt": taken,
        "stores": [{"id": "nw-hsm", "kind": "managedHsm", "rbacMode": "local", "visibility": visibility}],
        "keys": [{"store": "nw-hsm", "name": "fw-sign", "version": v, "kid": f"https://nw-hsm.managedhsm.azure.net/keys/fw-sign/{v}", "kty": "EC-HSM", "spkiSha256": s, "deleted": False}
                 for v, s in (("v1", SPKI), ("v2", "2b" * 32))],
        "roles": [{"store": "nw-hsm", "id": ROLE, "name": "signer", "custom": True, "dataActions": ["Microsoft.KeyVault/managedHsm/keys/sign/action"], "notDataActions": [],
                   "actions": [], "notActions": []}],
        "grants": [{"id": GRANT, "store": "nw-hsm", "principal": BUILD, "via": "localRbac", "scope": "/keys/fw-sign", "role": ROLE, "capabilities": ["sign"], "latent": False}],
        "identities": [{"objectId": BUILD, "clientId": CLIENT, "kind": "userAssigned", "name": "id-build-eu", "federated": []}],
        "artifacts": [
            {"digest": INDEX, "names": ["registry.example/app"], "closure": [CHILD], "running": [],
             "signatures": [{"format": "sigstore", "spkiSha256": SPKI, "requestId": "r-1", "time": SIGNED, "verified": True}]},
            {"digest": CHILD, "names": [], "closure": [], "signatures": [], "running": [{"cluster": "prod", "namespace": "shop", "workload": "deployment/web", "since": SIGNED}]},
            {"digest": LONELY, "names": [], "closure": [], "signatures": [], "running": []}]}


def record(**change):
    return {"schema": "hallmark.audit/v1", "sequence": 1, "time": SIGNED, "node": "n1", "requestId": "r-1", "principal": {"objectId": BUILD, "clientId": CLIENT}, "operation": "sign",
            "store": "nw-hsm", "key": "fw-sign", "version": "v1", "algorithm": "ES256", "digest": "sha256:" + "d" * 64, "decision": "allow", "assignment": GRANT, "status": 200} | change


def azure(request="r-1", status=200):
    identity = json.dumps({"claim": {"appid": CLIENT, "http_schemas_microsoft_com_identity": {"claims": {"objectidentifier": BUILD}}}})
    return {"TenantId": "0a0a0a0a-0000-4000-8000-000000000001", "time": SIGNED,
            "resourceId": "/SUBSCRIPTIONS/00000000-0000-0000-0000-00000000000A/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM", "operationName": "KeySign",
            "operationVersion": "7.6", "category": "AuditEvent", "resultType": "Success", "properties": {"PoolType": "M-HSM"}, "durationMs": 21, "callerIpAddress": "20.51.7.9",
            "identity": identity, "correlationId": request, "httpStatusCode": status, "requestUri": "https://nw-hsm.managedhsm.azure.net/keys/fw-sign/v1/sign?api-version=7.6"}


class Estate:
    def __init__(self, folder):
        self.folder = folder
        self.write(inventory(), [record()])

    def write(self, snapshot, records=None, logs=None):
        (self.folder / "inventory.json").write_text(json.dumps(snapshot))
        self.sources = ["--inventory", self.folder / "inventory.json"]
        for name, rows in (("ledger", records), ("log", logs)):
            if rows is not None:
                (self.folder / name).write_text("".join(json.dumps(r) + "\n" for r in rows))
                self.sources += [f"--{name}", self.folder / name]

    def hallmark(self, *arguments):
        return run_hallmark(*arguments, env={"XDG_STATE_HOME": str(self.folder / "state")})

    def ask(self, *question, options=()):
        done = self.hallmark("trace", *question, *self.sources, "--output", "json", *options)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr

    def database(self):
        path = self.folder / "estate.db"
        done = self.hallmark("inventory", "import", "--database", path, *self.sources, "--output", "json")
        assert done.returncode == 0, done.stderr
        return path, json.loads(done.stdout)


@pytest.fixture
def estate(tmp_path):
    return Estate(tmp_path)


QUESTIONS = [("--key", "nw-hsm/fw-sign"), ("--key", "nw-hsm/fw-sign/v1"), ("--key", "https://nw-hsm.managedhsm.azure.net/keys/fw-sign/v1"), ("--identity", BUILD),
             ("--identity", "id-build-eu"), ("--identity", CLIENT), ("--assignment", GRANT)]


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_artifacts_and_deployments_are_found_in_documents_and_in_the_database(estate, question):
    code, answer, error = estate.ask(*question)
    assert code == 0, error
    assert [a["digest"] for a in answer["artifacts"]] == [INDEX] and answer["artifacts"][0]["running"] is True
    assert [(d["cluster"], d["workload"], d["digest"]) for d in answer["deployments"]] == [("prod", "deployment/web", CHILD)]
    assert answer["counts"] == {"signatures": 1, "artifacts": 1, "runningArtifacts": 1, "deployments": 1, "signings": 1, "unmatchedSignings": 0}
    assert answer["gaps"] == [] and not any(answer["truncated"].values())
    path, _ = estate.database()
    done = estate.hallmark("trace", *question, "--database", path, "--output", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, answer)
    text = estate.hallmark("trace", *question, "--database", path)
    assert text.returncode == 0 and INDEX in text.stdout and "deployment/web" in text.stdout


def test_another_version_reaches_nothing_and_that_is_an_answer(estate):
    code, answer, _ = estate.ask("--key", "nw-hsm/fw-sign/v2")
    assert (code, answer["known"], answer["artifacts"]) == (0, True, [])


@pytest.mark.parametrize("question", [("--key", "nw-hsm/other"), ("--key", "nw-hsm/fw-sign/v9"), ("--identity", "nobody"), ("--assignment", ROLE)], ids=" ".join)
def test_what_nobody_saw_is_no_and_in_an_estate_that_was_not_seen_whole_undecided(estate, question):
    code, answer, _ = estate.ask(*question)
    assert (code, answer["known"]) == (1, False)
    estate.write(inventory("denied"), [record()])
    code, answer, _ = estate.ask(*question, options=["--accept-gaps"])
    assert code == 3 and any("denied" in g for g in answer["gaps"])


def test_a_denied_store_is_said_and_is_no_complete_answer(estate):
    snapshot = inventory("denied")
    estate.write(snapshot, [record()])
    code, answer, error = estate.ask("--key", "nw-hsm/fw-sign")
    assert code == 3 and any("denied" in g for g in answer["gaps"]) and len(answer["artifacts"]) == 1 and error
    assert estate.ask("--key", "nw-hsm/fw-sign", options=["--accept-gaps"])[0] == 0
    del snapshot["keys"], snapshot["roles"], snapshot["grants"]
    estate.write(snapshot, [record()])
    assert estate.ask("--key", "nw-hsm/fw-sign")[0] == 3


def test_a_signing_whose_signature_nobody_saw_is_listed_and_is_a_gap(estate):
    estate.write(inventory(), [record(), record(sequence=2, requestId="r-2", digest="sha256:" + "e" * 64)])
    code, answer, _ = estate.ask("--identity", BUILD)
    assert code == 3 and [s["requestId"] for s in answer["unmatchedSignings"]] == ["r-2"] and any("1 signings" in g for g in answer["gaps"])


def test_refused_signings_and_other_operations_sign_nothing(estate):
    estate.write(inventory(), [record(decision="deny", status=403), record(sequence=2, requestId="r-2", operation="decrypt")])
    code, answer, _ = estate.ask("--key", "nw-hsm/fw-sign")
    assert code == 0 and answer["counts"]["signings"] == 0
    assert estate.ask("--identity", BUILD)[0] == 3  # who asked for the signature is not on record


def test_azure_logs_tie_by_request_id_and_the_assignment_is_reconstructed(estate):
    estate.write(inventory(), logs=[azure(), azure("r-9", status=403)])
    code, answer, error = estate.ask("--identity", BUILD)
    assert code == 0 and answer["counts"]["artifacts"] == 1, (answer, error)
    code, answer, _ = estate.ask("--assignment", GRANT)
    assert code == 3 and answer["counts"]["artifacts"] == 1 and any("reconstructed" in g for g in answer["gaps"])


def test_no_cluster_asked_and_signatures_not_looked_for_are_gaps(estate):
    snapshot = inventory()
    for artifact in snapshot["artifacts"]:
        artifact["running"] = None
    snapshot["artifacts"][2]["signatures"] = None
    estate.write(snapshot, [record()])
    code, answer, _ = estate.ask("--key", "nw-hsm/fw-sign")
    assert code == 3 and answer["deployments"] == [] and {"deployments", "the"} <= {g.split()[0].rstrip(":") for g in answer["gaps"]}


def test_a_long_answer_is_cut_and_says_so(estate):
    snapshot = inventory()
    for i in range(30):
        snapshot["artifacts"].append({"digest": f"sha256:{i:064x}", "names": [], "closure": [], "running": [{"cluster": "edge", "namespace": None, "workload": f"job/{i}"}],
                                      "signatures": [{"format": "notary", "spkiSha256": SPKI, "time": SIGNED, "verified": True}]})
    estate.write(snapshot, [record()])
    code, answer, _ = estate.ask("--key", "nw-hsm/fw-sign", options=["--limit", "5"])
    assert code == 0 and len(answer["artifacts"]) == len(answer["deployments"]) == 5
    assert answer["counts"]["artifacts"] == answer["counts"]["deployments"] == 31 and answer["truncated"]["artifacts"] and answer["truncated"]["deployments"]
    assert "26 more" in estate.hallmark("trace", "--key", "nw-hsm/fw-sign", *estate.sources, "--limit", "5").stdout


@pytest.mark.parametrize("digest", [INDEX, CHILD, f"registry.example/app@{INDEX}"])
def test_the_database_traces_a_digest_with_every_hop(estate, digest):
    path, report = estate.database()
    assert (report["artifacts"], report["signatures"], report["records"]) == (3, 1, 1)
    done = estate.hallmark("trace", digest, "--database", path, "--output", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["schema"], answer["verdict"]) == (0, "hallmark.trace/v1", "ours"), done.stdout
    (chain,) = answer["chains"]
    assert chain["event"]["join"] == "exact" and chain["grant"]["assignmentId"] == GRANT and chain["identity"]["name"] == "id-build-eu" and chain["gaps"] == []
    assert chain["deployments"][0]["workload"] == "deployment/web" and chain["key"]["version"] == "v1"
    assert "verdict" in estate.hallmark("trace", digest, "--database", path).stdout


def test_the_database_says_unsigned_unknown_and_unlogged(estate):
    estate.write(inventory())
    path, _ = estate.database()
    for digest, code, verdict in ((LONELY, 1, "unsigned"), ("sha256:" + "f" * 64, 3, "unknown"), (INDEX, 3, "ours-key-unlogged")):
        done = estate.hallmark("trace", digest, "--database", path, "--output", "json")
        assert (done.returncode, json.loads(done.stdout)["verdict"]) == (code, verdict)
    assert estate.hallmark("trace", INDEX, "--database", path, "--accept-gaps").returncode == 0


def test_importing_again_changes_nothing_and_history_answers_as_of_a_time(estate):
    path, _ = estate.database()
    _, again = estate.database()
    assert again["changed"] is False
    later = inventory(taken="2026-11-22T06:00:00Z")
    later["artifacts"][1]["running"] = [{"cluster": "prod", "namespace": "shop", "workload": "deployment/new"}]
    estate.write(later)
    assert estate.database()[1]["changed"] is True

    def runs(*at):
        done = estate.hallmark("trace", "--key", "nw-hsm/fw-sign", "--database", path, "--output", "json", *at)
        return [d["workload"] for d in json.loads(done.stdout)["deployments"]]
    assert runs() == ["deployment/new"] and runs("--at", "2026-11-21T00:00:00Z") == ["deployment/web"]
    estate.write(inventory(taken="2026-11-19T06:00:00Z"))
    done = estate.hallmark("inventory", "import", "--database", path, *estate.sources)
    assert done.returncode == 2 and "older" in done.stderr


def test_the_state_folders_database_is_used_when_nothing_is_named(estate):
    assert estate.hallmark("inventory", "import", *estate.sources).returncode == 0
    done = estate.hallmark("trace", "--key", "nw-hsm/fw-sign", "--output", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["counts"]["artifacts"] == 1


@pytest.mark.parametrize("arguments", [
    [], ["--key", "fw-sign"], ["--key", "a/b/c/d"], ["--key", "nw-hsm//v1"], ["--key", ""], ["--identity", ""], ["--key", "a/b", "--identity", "x"], [INDEX, "--identity", "x"],
    ["--key", "a/b", "--at", "yesterday"], ["--key", "a/b", "--limit", "0"], ["--key", "a/b", "--database", "/nonexistent/estate.db"], ["--key", "a/b", "--ledger", "/nonexistent"]], ids=" ".join)
def test_questions_that_are_none_are_usage_errors(estate, arguments):
    done = estate.hallmark("trace", *arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout.strip()


@pytest.mark.parametrize("line", ["{", '{"schema":"hallmark.audit/v1"}', '{"schema":"other"}', "[]", '{"a":1,"a":2}', "x" * 300_000])
def test_a_ledger_with_a_line_that_is_no_record_is_refused_and_a_cut_last_line_is_said(estate, line):
    good = json.dumps(record())
    (estate.folder / "ledger").write_text(f"{line}\n{good}\n")
    done = estate.hallmark("trace", "--key", "nw-hsm/fw-sign", *estate.sources)
    assert done.returncode == 2 and "line 1" in done.stderr
    (estate.folder / "ledger").write_text(f"{good}\n{good[:60]}")
    code, answer, _ = estate.ask("--key", "nw-hsm/fw-sign")
    assert code == 3 and any("is cut" in g for g in answer["gaps"])


def test_files_that_are_no_estate_database_are_refused_and_left_alone(estate):
    path = estate.folder / "notes.txt"
    path.write_text("these are notes, and nothing else, and long enough to be looked at as a database header would be " * 2)
    before = path.read_bytes()
    for arguments in (["trace", INDEX], ["inventory", "import"]):
        done = estate.hallmark(*arguments, "--database", path)
        assert done.returncode == 2 and path.read_bytes() == before
