"""`hallmark trace SUBJECT --inventory … --intent … --ledger … --log …`: the answer from documents alone, with every gap said."""

import json

import pytest

from test_trace_reverse import BUILD, CHILD, GRANT, INDEX, LONELY, Estate, azure, inventory, record

REGISTER = "schema: hallmark.intent/v1\nrevocations:\n  - {{store: nw-hsm, key: fw-sign, version: {version}, at: {at}, reason: {reason}}}\n"


@pytest.fixture
def estate(tmp_path):
    return Estate(tmp_path)


def verdict(answer):
    code, document, error = answer
    assert document is not None, error
    return code, document["verdict"]


@pytest.mark.parametrize("digest", [INDEX, CHILD, INDEX.upper().replace("SHA256", "sha256")])
def test_a_digest_is_ours_by_inventory_and_ledger_alone(estate, digest):
    code, answer, error = estate.ask(digest)
    assert (code, answer["schema"], answer["verdict"]) == (0, "hallmark.trace/v1", "ours"), error
    (chain,) = answer["chains"]
    assert chain["event"]["join"] == "exact" and chain["event"]["correlationId"] == "r-1" and chain["grant"]["assignmentId"] == GRANT
    assert chain["grant"]["reconstructed"] is False and chain["identity"]["objectId"] == BUILD and chain["key"]["version"] == "v1"
    assert chain["deployments"][0]["workload"] == "deployment/web" and chain["gaps"] == []


def test_azure_logs_tie_by_request_id_and_the_assignment_is_said_to_be_reconstructed(estate):
    estate.write(inventory(), logs=[azure(), azure("r-9", status=403)])
    code, answer, _ = estate.ask(INDEX)
    (chain,) = answer["chains"]
    assert (code, answer["verdict"]) == (3, "ours-probable") and chain["event"]["join"] == "exact"
    assert chain["grant"]["reconstructed"] is True and chain["grant"]["assignmentId"] == GRANT and any("reconstructed" in g for g in chain["gaps"])
    assert estate.ask(INDEX, options=["--accept-gaps"])[0] == 0


def test_a_group_that_held_the_grant_is_found(estate):
    snapshot = inventory()
    snapshot["grants"][0]["principal"] = "9a9a0000-0000-4000-8000-000000000001"
    snapshot["groups"] = [{"objectId": "9a9a0000-0000-4000-8000-000000000001", "name": "signers", "members": [BUILD]}]
    estate.write(snapshot, logs=[azure()])
    code, answer, _ = estate.ask(INDEX)
    assert (code, answer["verdict"]) == (3, "ours-probable") and answer["chains"][0]["grant"]["assignmentId"] == GRANT


def test_without_a_request_id_signings_near_that_time_are_candidates_and_no_more(estate):
    snapshot = inventory()
    snapshot["artifacts"][0]["signatures"][0]["requestId"] = None
    estate.write(snapshot, logs=[azure("r-1"), azure("r-2")])
    code, answer, _ = estate.ask(INDEX)
    event = answer["chains"][0]["event"]
    assert (code, answer["verdict"], event["join"]) == (3, "ours-probable", "probable")
    assert sorted(c["correlationId"] for c in event["candidates"]) == ["r-1", "r-2"]


@pytest.mark.parametrize("snapshot, verdict_wanted, code", [
    (lambda s: None, "ours-key-unlogged", 3),
    (lambda s: s["artifacts"][0]["signatures"][0].update(spkiSha256="ff" * 32), "foreign", 1),
    (lambda s: s["artifacts"][0]["signatures"][0].update(verified=False), "invalid", 1),
    (lambda s: s["artifacts"][0]["signatures"][0].update(verified=None), "unknown", 3),
    (lambda s: s["artifacts"][0].update(signatures=[]), "unsigned", 1),
    (lambda s: [a.update(signatures=None) for a in s["artifacts"]], "unknown", 3),
    (lambda s: s["artifacts"].clear(), "unknown", 3),
], ids=["no log", "a stranger's key", "a signature that does not verify", "nobody verified", "no signature", "nobody looked", "nobody saw it"])
def test_what_is_missing_changes_the_verdict(estate, snapshot, verdict_wanted, code):
    document = inventory()
    snapshot(document)
    estate.write(document)
    assert verdict(estate.ask(INDEX)) == (code, verdict_wanted)


def test_a_store_that_was_denied_makes_a_strangers_key_unknown_and_never_foreign(estate):
    snapshot = inventory("denied")
    snapshot["artifacts"][0]["signatures"][0]["spkiSha256"] = "ff" * 32
    estate.write(snapshot, [record()])
    code, answer, _ = estate.ask(INDEX)
    assert (code, answer["verdict"]) == (3, "unknown") and any("denied" in r for r in answer["reasons"])


@pytest.mark.parametrize("deleted, enabled, state", [(True, None, "deleted"), (False, False, "active")])
def test_a_key_that_is_gone_or_disabled_is_still_named(estate, deleted, enabled, state):
    snapshot = inventory()
    snapshot["keys"][0].update(deleted=deleted, enabled=enabled)
    estate.write(snapshot, [record()])
    code, answer, _ = estate.ask(INDEX)
    key = answer["chains"][0]["key"]
    assert (code, key["version"], key["state"], key["enabled"]) == (0, "v1", state, enabled)


@pytest.mark.parametrize("change, code, wanted", [
    ({"at": "2026-11-01T12:00:00Z"}, 1, "untrusted"), ({"at": "2026-11-21T12:00:00Z"}, 0, "ours"), ({"version": "v2", "at": "2026-11-01T12:00:00Z"}, 0, "ours")],
    ids=["revoked before", "revoked afterwards", "another version"])
def test_a_revocation_counts_from_its_time_on(estate, change, code, wanted):
    (estate.folder / "intent.yaml").write_text(REGISTER.format(**({"version": "v1", "reason": "compromised"} | change)))
    assert verdict(estate.ask(INDEX, options=["--intent", estate.folder / "intent.yaml"])) == (code, wanted)


def test_a_revoked_key_without_a_record_proves_no_earlier_time(estate):
    (estate.folder / "intent.yaml").write_text(REGISTER.format(version="v1", at="2026-11-21T12:00:00Z", reason="compromised"))
    estate.write(inventory())
    assert verdict(estate.ask(INDEX, options=["--intent", estate.folder / "intent.yaml"])) == (1, "untrusted")


@pytest.mark.parametrize("pod", ["pod:shop/web", "pod:prod/shop/web"])
def test_a_pod_is_traced_by_what_runs_in_it(estate, pod):
    assert verdict(estate.ask(pod)) == (0, "ours")


@pytest.mark.parametrize("pod", ["pod:shop/we", "pod:other/web", "pod:stage/shop/web"])
def test_a_pod_that_nobody_saw_is_unknown(estate, pod):
    assert verdict(estate.ask(pod)) == (3, "unknown")


@pytest.mark.parametrize("subject", ["pod:", "pod:shop", "pod:/web", "pod:a/b/c/d", "nothing", "sha256:12"])
def test_subjects_that_mean_nothing_are_usage_errors(estate, subject):
    code, answer, error = estate.ask(subject)
    assert (code, answer) == (2, None) and error


def test_a_registry_that_does_not_answer_leaves_what_the_inventory_says(estate):
    code, answer, _ = estate.ask(f"localhost:1/app@{INDEX}", options=["--plain-http"])
    assert (code, answer["verdict"]) == (0, "ours") and any(r.startswith("registry: ") for r in answer["reasons"])
    code, answer, _ = estate.ask(f"localhost:1/app@{LONELY}", options=["--plain-http"])
    assert (code, answer["verdict"]) == (1, "unsigned")
    code, answer, _ = estate.ask("localhost:1/app:1.0", options=["--plain-http"])
    assert (code, answer["verdict"]) == (4, "unknown")


@pytest.mark.parametrize("name", ["inventory", "intent", "ledger", "log"])
def test_a_document_that_is_none_is_a_usage_error_and_no_verdict(estate, name):
    (estate.folder / "bad").write_text("{")
    code, answer, error = estate.ask(INDEX, options=[f"--{name}", estate.folder / "bad"])
    if name == "ledger":  # a cut last line is told, and the rest counts
        assert code == 0 and any("is cut" in r for r in answer["reasons"])
    else:
        assert (code, answer) == (2, None) and "bad" in error
