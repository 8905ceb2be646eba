"""`hallmark watch`: replay over recorded data with its exit codes, and a live run that is killed and started again."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from authority import BINARY, run_hallmark

NOW = "2026-11-20T12:00:00Z"
BUILD = "5f0c0000-0000-4000-8000-000000000001"
INTENT = f"""
schema: hallmark.intent/v1
identities:
  - name: build-eu
    match: {{objectId: {BUILD}}}
    purpose: sign-only
    keys: [fw-sign]
    hours: {{timezone: Europe/Berlin, days: mon-fri, from: "08:00", to: "18:00"}}
    addresses: [198.51.100.0/24]
signingKeys:
  names: ["fw-sign"]
"""


def row(time="2026-11-20T09:00:00Z", operation="KeySign", path="/keys/fw-sign/0f3e/sign", status=200, oid=BUILD, address="198.51.100.7", request="r-1", **more):
    return {
        "time": time,
        "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM",
        "operationName": operation,
        "category": "AuditEvent",
        "resultType": "Success" if status < 400 else "Failed",
        "properties": {"PoolType": "M-HSM"},
        "durationMs": 12,
        "callerIpAddress": address,
        "identity": json.dumps({"claim": {"appid": "a", "http_schemas_microsoft_com_identity": {"claims": {"objectidentifier": oid}}}}),
        "clientInfo": "hallmark/1.4 (d=00ff)",
        "correlationId": request,
        "httpStatusCode": status,
        "requestUri": f"https://nw-hsm.managedhsm.azure.net{path}?api-version=7.6",
        **more,
    }


def ledger(request, time="2026-11-20T09:00:00Z", operation="sign", sequence=1, purpose=None):
    return {
        "schema": "hallmark.audit/v1", "sequence": sequence, "time": time, "node": "ci", "requestId": request, "clientRequestId": None,
        "principal": {"objectId": BUILD, "clientId": None, "issuer": "i", "subject": "s", "claims": {}}, "operation": operation, "store": "nw-hsm", "key": "fw-sign",
        "version": "0f3e", "kid": None, "algorithm": "ES384", "digest": None, "decision": "allow", "reason": None, "assignment": None, "engine": "azure-managed-hsm",
        "status": 200, "durationMs": 4, "callerAddress": None, "purpose": purpose,
    }


def lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def intent(tmp_path):
    path = tmp_path / "hallmark-intent.yaml"
    path.write_text(INTENT)
    return path


def replay(*arguments, now=NOW):
    done = run_hallmark("watch", "replay", "--now", now, *arguments)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_quiet_log_is_zero(tmp_path, intent):
    done, alerts = replay("--log", lines(tmp_path / "a.json", [row()]), "--intent", intent)
    assert done.returncode == 0 and alerts == [], done.stdout + done.stderr


@pytest.mark.parametrize(
    "rule, severity, records",
    [
        ("HM-D01", "critical", [row(operation="?", path="/securitydomain/download", status=202)]),
        ("HM-D08", "critical", [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey")]),
        ("HM-D08", "high", [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey", status=403)]),
        ("HM-D09", "medium", [row(time="2026-11-20T17:30:00Z")]),
        ("HM-D10", "high", [row(address="203.0.113.9:4444")]),
        ("HM-D19", "low", [row(path="/keys/fw-sign/sign")]),
        ("HM-D20", "critical", [row(operation="?", path="/deletedkeys/fw-sign", status=204)]),
        ("HM-D22", "high", [row(operation="BackupCreate", path="/backup", status=202)]),
        ("HM-D28", "medium", [row(status=403, request=f"r-{i}", time=f"2026-11-20T09:00:{i:02}Z") for i in range(12)]),
        ("HM-D29", "info", [row(status=403, resultType="Success")]),
    ],
)
def test_a_rule_fires_with_its_evidence(rule, severity, records, tmp_path, intent):
    now = "2026-11-20T20:00:00Z"
    path = lines(tmp_path / "a.json", records)
    done, alerts = replay("--log", path, "--intent", intent, now=now)
    found = [alert for alert in alerts if alert["rule"] == rule]
    assert done.returncode == 1 and len(found) == 1, done.stdout + done.stderr
    alert = found[0]
    assert set(alert) == {"schema", "rule", "severity", "time", "store", "subject", "summary", "evidence", "firstSeen", "count"}
    assert alert["severity"] == severity and alert["store"] == "nw-hsm" and alert["count"] == len(records)
    assert alert["evidence"][0]["source"] == str(path) and alert["evidence"][0]["requestId"].startswith("r-")


def test_hours_follow_the_zone_through_the_change_of_clocks(tmp_path, intent):
    summer = [row(time="2026-07-15T06:30:00Z", request="a")]
    winter = [row(time="2026-11-18T06:30:00Z", request="b")]
    assert replay("--log", lines(tmp_path / "s.json", summer), "--intent", intent)[0].returncode == 0
    assert [a["rule"] for a in replay("--log", lines(tmp_path / "w.json", winter), "--intent", intent)[1]] == ["HM-D09"]


def test_ledger_and_log_are_reconciled_both_ways(tmp_path, intent):
    log = [row(request="ours", time="2026-11-18T09:00:00Z"), row(request="foreign", time="2026-11-18T10:00:00Z"), row(request="now", time="2026-11-20T11:50:00Z", operation="KeyGet", path="/keys/fw-sign")]
    book = [ledger("ours", "2026-11-18T09:00:01Z"), ledger("lost", "2026-11-18T11:00:00Z", sequence=2), ledger("beat", "2026-11-20T11:00:00Z", "key.list", 3, "canary")]
    done, alerts = replay("--log", lines(tmp_path / "a.json", log), "--ledger", lines(tmp_path / "l.jsonl", book), "--intent", intent)
    assert {(a["rule"], a["evidence"][0]["requestId"]) for a in alerts} == {("HM-D15", "foreign"), ("HM-D16", "lost"), ("HM-D26", "beat")}
    assert done.returncode == 1


def test_the_same_blob_polled_twice_counts_once_and_a_shorter_one_is_a_break(tmp_path, intent):
    name = "resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM/y=2026/m=11/d=20/h=09/m=00/PT1H.json"
    one = row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey", request="a")
    two = row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey", request="b")
    first = tmp_path / "first" / name
    first.parent.mkdir(parents=True)
    first.write_text(json.dumps(one) + "\n" + json.dumps(two)[:70])
    second = lines(tmp_path / "second" / name, [one, two])
    done, alerts = replay("--log", first, "--log", second, "--intent", intent)
    assert [(a["rule"], a["count"]) for a in alerts] == [("HM-D08", 2)], done.stdout + done.stderr
    done, alerts = replay("--log", second, "--log", first, "--intent", intent)
    assert "HM-D27" in {a["rule"] for a in alerts}
    changed = lines(tmp_path / "third" / name, [row(request="z"), two, one])
    assert "HM-D27" in {a["rule"] for a in replay("--log", second, "--log", changed, "--intent", intent)[1]}


def test_layouts_marks_and_duplicates(tmp_path, intent):
    records = [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey", request=f"r{i}") for i in range(3)]
    texts = {
        "lines": "\ufeff" + "\n\n".join(json.dumps(r) for r in records) + "\n",
        "records": json.dumps({"records": records}),
        "array": json.dumps(records, indent=1),
        "twice": "\n".join(json.dumps(r) for r in records + records),
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text)
        done, alerts = replay("--log", path, "--intent", intent)
        assert [(a["rule"], a["count"]) for a in alerts] == [("HM-D08", 3)], (name, done.stdout, done.stderr)


def test_exit_codes_of_bad_sources(tmp_path, intent):
    garbage = tmp_path / "garbage"
    garbage.write_text("this is no log\n")
    assert replay("--log", garbage)[0].returncode == 2
    assert replay("--log", tmp_path / "absent")[0].returncode == 3
    assert replay("--now", "yesterday", now=NOW)[0].returncode == 2
    half = tmp_path / "half"
    half.write_text(json.dumps(row()) + "\n{\"broken\":\n" + json.dumps(row(request="x")) + "\n")
    assert replay("--log", half, "--intent", intent)[0].returncode == 3
    bad = tmp_path / "intent.yaml"
    bad.write_text("schema: hallmark.intent/v1\nunknown: true\n")
    assert replay("--log", lines(tmp_path / "a", [row()]), "--intent", bad)[0].returncode == 2
    assert run_hallmark("watch", "replay").returncode == 2


def test_snapshots_are_compared(tmp_path, intent):
    store = {"id": "nw-hsm", "kind": "managedHsm", "rbacMode": "local", "purgeProtection": True, "activation": "Active", "publicNetwork": "Disabled", "visibility": "full"}
    key = {"store": "nw-hsm", "name": "fw-sign", "version": "0f3e", "kty": "EC-HSM", "keyOps": ["sign"], "enabled": True, "created": "2026-10-01T00:00:00Z", "deleted": False}
    before = {"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z", "stores": [store], "keys": [key]}
    after = {"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T11:00:00Z", "stores": [store | {"publicNetwork": "Enabled"}], "keys": [key | {"keyOps": ["sign", "verify", "import"]}]}
    (tmp_path / "b.json").write_text(json.dumps(before))
    (tmp_path / "a.json").write_text(json.dumps(after))
    done, alerts = replay("--before", tmp_path / "b.json", "--after", tmp_path / "a.json", "--intent", intent)
    assert {a["rule"] for a in alerts} == {"HM-D23", "HM-D30"} and done.returncode == 1
    assert replay("--before", tmp_path / "b.json", "--after", tmp_path / "b.json", "--intent", intent)[0].returncode == 0
    denied = {"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T11:00:00Z", "stores": [{"id": "nw-hsm", "kind": "managedHsm", "visibility": "denied"}]}
    (tmp_path / "d.json").write_text(json.dumps(denied))
    assert [a["rule"] for a in replay("--before", tmp_path / "b.json", "--after", tmp_path / "d.json")[1]] == ["HM-D44"]


def test_rehearse_and_rules(tmp_path, intent):
    path = lines(tmp_path / "a.json", [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey"), row(address="203.0.113.9", request="r-2")])
    done = run_hallmark("watch", "rehearse", "HM-D10", "--log", path, "--intent", intent, "--now", NOW)
    assert done.returncode == 1 and [json.loads(line)["rule"] for line in done.stdout.splitlines()] == ["HM-D10"]
    assert run_hallmark("watch", "rehearse", "HM-D99", "--log", path).returncode == 2
    rules = json.loads(run_hallmark("watch", "rules", "--output", "json", check=True).stdout)["rules"]
    assert [rule["id"] for rule in rules] == [f"HM-D{i:02}" for i in range(1, 46)]


def test_a_live_watch_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(tmp_path, intent):
    log, sink, state = tmp_path / "log.jsonl", tmp_path / "alerts.jsonl", tmp_path / "state.json"
    log.write_text("")
    command = [str(BINARY), "watch", "live", "--log", log, "--intent", intent, "--state", state, "--sink", sink, "--interval", "1"]
    total = 40
    written = 0
    for attempt in range(8):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with log.open("a") as file:
                for _ in range(total // 8):
                    record = row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey", request=f"k-{written}")
                    record["resourceId"] = record["resourceId"] + f"-{written}"
                    text = json.dumps(record) + "\n"
                    # In two pieces, so that a poll may see half a line.
                    file.write(text[:90])
                    file.flush()
                    time.sleep(0.01)
                    file.write(text[90:])
                    file.flush()
                    written += 1
            time.sleep(0.3 + 0.23 * attempt)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    done = run_hallmark(*command[1:-2], "--interval", "1", "--rounds", "2", timeout=60)
    assert done.returncode == 0, done.stderr
    alerts = [json.loads(line) for line in sink.read_text().splitlines()]
    assert sorted(a["store"] for a in alerts if a["rule"] == "HM-D08") == sorted(f"nw-hsm-{i}" for i in range(total))
    assert len({(a["rule"], a["store"], a["subject"], a["severity"]) for a in alerts}) == len(alerts)


def test_an_alert_that_was_not_handed_over_before_the_crash_is_handed_over_after_it(tmp_path, intent):
    log, sink, state = tmp_path / "log.jsonl", tmp_path / "alerts.jsonl", tmp_path / "state.json"
    lines(log, [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey")])
    command = ["watch", "live", "--log", log, "--intent", intent, "--state", state, "--sink", sink, "--rounds", "1"]
    run_hallmark(*command, check=True)
    line = sink.read_text()
    memory = json.loads(state.read_text())
    assert line.count("\n") == 1 and memory["outbox"] == []
    memory["outbox"] = [line.rstrip("\n")]
    for content in ("", line[:40], line):
        state.write_text(json.dumps(memory))
        sink.write_text(content)
        run_hallmark(*command, check=True)
        assert sink.read_text() == line


def test_alerts_reach_a_webhook_signed_and_stay_queued_while_it_is_down(tmp_path, intent):
    import hashlib
    import hmac
    import http.server
    import threading

    got, status = [], [503]

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if status[0] == 200:
                got.append((dict(self.headers), body))
            self.send_response(status[0])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        secret = tmp_path / "secret"
        secret.write_text("a shared secret of 24 b.\n")
        log, state, sink, findings = lines(tmp_path / "log.jsonl", [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey")]), tmp_path / "state", tmp_path / "sink", tmp_path / "ocsf"
        command = [
            "watch", "live", "--log", log, "--intent", intent, "--state", state, "--sink", sink, "--rounds", "1", "--webhook", f"http://127.0.0.1:{server.server_port}/hook",
            "--webhook-secret-file", secret, "--private-host", "127.0.0.1", "--ocsf", findings,
        ]
        run_hallmark(*command, check=True, timeout=120)
        assert not got and len(json.loads(state.read_text())["outbox"]) == 1
        status[0] = 200
        run_hallmark(*command, check=True)
        run_hallmark(*command, check=True)
    finally:
        server.shutdown()
    assert len(got) == 1 and sink.read_text().count("\n") == 1 and json.loads(findings.read_text())["class_uid"] == 2004
    headers, body = got[0]
    headers = {name.lower(): value for name, value in headers.items()}
    event = json.loads(body)
    assert event["specversion"] == "1.0" and event["data"]["rule"] == "HM-D08" and headers["idempotency-key"] == event["id"]
    wanted = hmac.new(b"a shared secret of 24 b.", headers["hallmark-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["hallmark-signature"] == f"v1={wanted}"
