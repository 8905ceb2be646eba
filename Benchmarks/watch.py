"""Rows per second and peak memory of `hallmark watch replay`: python3 Benchmarks/watch.py [ROWS]"""

import json
import os
import pathlib
import resource
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


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.jsonl")
        write(path, rows)
        start = time.monotonic()
        done = subprocess.run([BINARY, "watch", "replay", "--log", path, "--now", "2026-09-21T14:13:20Z"], stdout=subprocess.DEVNULL)
        took = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size = os.path.getsize(path) / 1e6
        assert done.returncode in (0, 1)
        print(json.dumps({"rows": rows, "megabytes": round(size), "seconds": round(took, 2), "rowsPerSecond": round(rows / took), "peakMiB": round(peak)}))


main()
