"""The audit trail as a user gets it: `hallmark audit export` and `hallmark audit verify`."""

import json

MEMBERS = {
    "schema", "sequence", "time", "node", "requestId", "clientRequestId", "principal", "operation", "store", "key", "version", "kid", "algorithm",
    "digest", "decision", "reason", "assignment", "engine", "status", "durationMs", "callerAddress", "purpose"}


def records(hsm, *filters):
    """What `hallmark audit export` writes, parsed."""
    done = hsm.run("audit", "export", *filters, who="admin", check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def verify(hsm):
    return hsm.run("audit", "verify", who="admin", timeout=120)
