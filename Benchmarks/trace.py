"""Traces over a large estate database: time of forward and reverse questions, import rate, memory and size.

    python Benchmarks/trace.py [--signatures 1000000] [--rounds 200] [--write docs/benchmarks-trace.md]

The estate is made here: snapshots with signatures by 200 key versions, one of which made a tenth of them, the audit record of each, and places where one artifact of a hundred runs.
Every question is a process of its own, so its time is what a person waits; that of a database with one signature is shown beside it. Answers are looked at, not only their time.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("HALLMARK_BINARY", str(ROOT / ".build/release/hallmark"))
ROLE = "21dbd100-6940-42c2-9190-5d6cb909625b"
START = 1_790_000_000
VERSIONS, IDENTITIES, CHUNK = 200, 50, 20_000


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def digest(i):
    return f"sha256:{random.Random(str(i)).getrandbits(256):064x}"


def version(i):
    """The first key version made a tenth of the signatures."""
    return 0 if i % 10 == 0 else 1 + i % (VERSIONS - 1)


def spki(v):
    return f"{v + 1:064x}"


def names(v):
    return f"k{v // 2}", f"v{v}"


def identity(v):
    return f"5f0c0000-0000-4000-8000-{v % IDENTITIES:012}"


def grant(v):
    return f"6a3c4a0e-8a67-4b9c-9d4d-{v:012}"


def snapshot(chunk, count):
    artifacts = []
    for i in range(chunk * CHUNK, min(count, (chunk + 1) * CHUNK)):
        artifacts.append({"digest": digest(i), "names": [f"registry.example/app{i % 997}"], "closure": [digest(-i - 1)],
                          "signatures": [{"format": "sigstore", "spkiSha256": spki(version(i)), "requestId": f"6d1c9b5e-8f3d-11f0-9a5c-{i:012x}", "time": stamp(START + i // 20), "verified": True}],
                          "running": [{"cluster": f"c{chunk}", "namespace": "shop", "workload": f"deployment/w{i}", "since": stamp(START + i // 20)}] if i % 100 == 0 else []})
    return {"schema": "hallmark.inventory/v1", "takenAt": stamp(START + count // 20 + chunk * 60),
            "stores": [{"id": "nw-hsm", "kind": "managedHsm", "rbacMode": "local", "visibility": "full"}],
            "keys": [{"store": "nw-hsm", "name": names(v)[0], "version": names(v)[1], "kid": f"https://nw-hsm.managedhsm.azure.net/keys/{names(v)[0]}/{names(v)[1]}", "kty": "EC-HSM",
                      "spkiSha256": spki(v), "deleted": False} for v in range(VERSIONS)],
            "roles": [{"store": "nw-hsm", "id": ROLE, "name": "signer", "custom": True, "dataActions": ["Microsoft.KeyVault/managedHsm/keys/sign/action"], "notDataActions": [], "actions": [], "notActions": []}],
            "grants": [{"id": grant(v), "store": "nw-hsm", "principal": identity(v), "via": "localRbac", "scope": f"/keys/{names(v)[0]}", "role": ROLE, "capabilities": ["sign"], "latent": False} for v in range(VERSIONS)],
            "identities": [{"objectId": identity(v), "kind": "userAssigned", "name": f"id-{v}", "federated": []} for v in range(IDENTITIES)], "artifacts": artifacts}


def ledger(path, count):
    with open(path, "w") as file:
        for i in range(count):
            v = version(i)
            file.write(json.dumps({
                "schema": "hallmark.audit/v1", "sequence": i + 1, "time": stamp(START + i // 20), "node": "n1", "requestId": f"6d1c9b5e-8f3d-11f0-9a5c-{i:012x}",
                "principal": {"objectId": identity(v), "claims": {"repository": "northwind/engine", "run_id": str(i)}}, "operation": "sign", "store": "nw-hsm", "key": names(v)[0],
                "version": names(v)[1], "algorithm": "ES256", "digest": f"sha256:{i:064x}", "decision": "allow", "assignment": grant(v), "status": 200, "callerAddress": "198.51.100.7"}) + "\n")


def measured(*arguments):
    """Seconds, peak MiB, exit code and standard output of one process."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return took, usage.ru_maxrss / 1024, process.returncode, out.read()


def fill(folder, count):
    """Database, seconds of snapshots and of records, peak MiB."""
    database, seconds, peak = folder / f"estate-{count}.db", [0.0, 0.0], 0
    file = folder / "snapshot.json"
    for chunk in range((count + CHUNK - 1) // CHUNK):
        file.write_text(json.dumps(snapshot(chunk, count)))
        took, memory, code, _ = measured("inventory", "import", "--database", database, "--inventory", file)
        if code != 0:
            raise SystemExit(f"inventory import: {code}")
        seconds[0], peak = seconds[0] + took, max(peak, memory)
    file.unlink()
    ledger(folder / "ledger", count)
    took, memory, code, _ = measured("inventory", "import", "--database", database, "--ledger", folder / "ledger")
    if code != 0:
        raise SystemExit(f"inventory import: {code}")
    (folder / "ledger").unlink()
    return database, seconds[0], took, max(peak, memory)


def ask(database, questions):
    """p50, p99 in ms, peak MiB and the last answer."""
    times, peak, answer = [], 0, {}
    for question in questions:
        took, memory, code, out = measured("trace", *question, "--database", database, "--output", "json")
        answer = json.loads(out)
        if code != 0:
            raise SystemExit(f"trace {question}: {code}, {answer.get('verdict')} {answer.get('gaps') or answer.get('reasons')}")
        times.append(took * 1000)
        peak = max(peak, memory)
    times.sort()
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))], peak, answer


def table(count=1_000_000, rounds=200):
    """Markdown."""
    pick = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        small = fill(folder, 1)[0]
        database, snapshots, records, peak = fill(folder, count)
        size = database.stat().st_size / (1 << 20)
        rare = [1 + pick.randrange(VERSIONS - 1) for _ in range(rounds)]
        rows = [("one digest, in a database of one signature", small, [(digest(0),)] * rounds),
                ("one digest, forward, every hop exact", database, [(digest(pick.randrange(count)),) for _ in range(rounds)]),
                ("a key version", database, [("--key", "nw-hsm/" + "/".join(names(v))) for v in rare]),
                ("an assignment", database, [("--assignment", grant(v)) for v in rare]),
                ("an identity", database, [("--identity", identity(1 + v % (IDENTITIES - 1))) for v in rare]),
                ("the key version that made a tenth of all", database, [("--key", "nw-hsm/" + "/".join(names(0)))] * min(rounds, 20)),
                ("the assignment that permitted a tenth of all", database, [("--assignment", grant(0))] * min(rounds, 20))]
        lines = [f"{count:,} signatures by {VERSIONS} key versions, a record of each, on SQLite ({size:,.0f} MiB); each question is one process, {rounds} of each (20 of the last two).", "",
                 "| Question | Signatures behind the answer | p50, ms | p99, ms | Peak memory |", "|---|---|---|---|---|"]
        for title, where, questions in rows:
            median, worst, memory, answer = ask(where, questions)
            behind = answer.get("counts", {}).get("signatures", len(answer.get("chains", [])))
            lines.append(f"| {title} | {behind:,} | {median:.1f} | {worst:.1f} | {memory:,.0f} MiB |")
        lines += ["", f"Import: {count / snapshots:,.0f} signatures a second from snapshots of {CHUNK:,} artifacts, {count / records:,.0f} audit records a second, peak memory {peak:,.0f} MiB."]
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--signatures", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--write", type=pathlib.Path)
    options = options.parse_args()
    text = table(options.signatures, options.rounds)
    print(text)
    if options.write:
        options.write.write_text("# Traces over a large estate\n\n" + text + "\n")


if __name__ == "__main__":
    sys.exit(main())
