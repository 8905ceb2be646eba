"""Rows per second and peak memory of `hallmark watch replay` over signings that no rule speaks to.

    python Benchmarks/watch.py [--rows 1000000] [--rounds 3] [--write docs/benchmarks-watch.md]
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("HALLMARK_BINARY", str(ROOT / ".build/release/hallmark"))


def write(path, rows):
    start = 1_790_000_000 - rows // 20
    with open(path, "w") as file:
        for i in range(rows):
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start + i // 20))
            oid = f"5f0c0000-0000-4000-8000-{i % 200:012}"
            identity = json.dumps({"claim": {"appid": oid, "http_schemas_microsoft_com_identity": {"claims": {"objectidentifier": oid}}}})
            file.write(json.dumps({
                "TenantId": "0a0a0a0a-0000-4000-8000-000000000001", "time": f"{at}.{i % 20 * 50:03}Z",
                "resourceId": "/SUBSCRIPTIONS/00000000-0000-0000-0000-00000000000A/RESOURCEGROUPS/RG-SIGN/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM",
                "operationName": "KeySign", "operationVersion": "7.6", "category": "AuditEvent", "resultType": "Success",
                "properties": {"PoolType": "M-HSM", "sku_Family": "B", "sku_Name": "Standard_B1"}, "durationMs": 21, "callerIpAddress": "20.51.7.9",
                "identity": identity, "clientInfo": f"hallmark/1.4 (d={i:016x})", "correlationId": f"6d1c9b5e-8f3d-11f0-9a5c-{i:012x}", "subnetId": "(unknown)",
                "httpStatusCode": 200, "PoolName": "nw-hsm", "requestUri": f"https://nw-hsm.managedhsm.azure.net/keys/k{i % 50}/0f3e9f1c5d6a47a5b6a0c1d2e3f40516/sign?api-version=7.6",
                "resourceGroup": "rg-sign", "resourceProvider": "MICROSOFT.KEYVAULT", "resource": "nw-hsm", "resourceType": "managedHSMs"}) + "\n")


def replay(path):
    """Seconds, and the peak of the process in MiB."""
    start = time.monotonic()
    child = subprocess.Popen([BINARY, "watch", "replay", "--log", path, "--now", "2026-09-21T14:13:20Z"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1)
    return time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", type=pathlib.Path)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.jsonl")
        write(path, options.rows)
        rounds = [replay(path) for _ in range(options.rounds)]
        size = os.path.getsize(path) / 1e6
    took, peak = statistics.median(r[0] for r in rounds), max(r[1] for r in rounds)
    text = (f"`hallmark watch replay` over {options.rows:,} rows of a Managed HSM's log ({size:,.0f} MB), all rules on, median of {options.rounds} rounds, {os.cpu_count()} cores.\n\n"
            "| rows/s | MB/s | seconds | peak memory |\n|---|---|---|---|\n"
            f"| {options.rows / took:,.0f} | {size / took:,.0f} | {took:.1f} | {peak:.0f} MiB |")
    print(text)
    if options.write:
        options.write.write_text("# Reading logs\n\n" + text + "\n")


if __name__ == "__main__":
    main()
