"""`make bench`, second part: what signing and verifying real files costs, in time and in HSM operations.

    python Benchmarks/artifacts.py [--files 500] [--rounds 3] [--write docs/benchmarks-artifacts.md]

Small files are signed end to end by `hallmark sign batch` (first time; again with the cache; as one Merkle batch), and by cosign through
the plugin with the same key of the same HSM in the same run, interleaved. HSM operations are counted from the audit trail, not from what the client says.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from servers import ROOT, Hallmark

BINARIES = ROOT / ".build/release"
COSIGN = ROOT / ".tools/bin/cosign"
KEY = "P-256"


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hallmark-bench-"))
        self.out = []
        self.server = Hallmark(self.folder)
        self.env = {
            "PATH": f"{BINARIES}:/usr/bin:/bin", "HOME": str(self.folder), "HALLMARK_URL": self.server.env["HALLMARK_URL"],
            "HALLMARK_CA": self.server.env["HALLMARK_CA"], "HALLMARK_TOKEN": self.server.env["USER_TOKEN"], "SSL_CERT_FILE": self.server.env["HALLMARK_CA"]}
        self.public = self.folder / "key.pem"
        self.run("hallmark", "keys", "download", KEY, "--file", self.public)
        (self.folder / "services.json").write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}))
        (self.folder / "root.json").write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": [], "certificateAuthorities": [], "ctlogs": [], "timestampAuthorities": []}))

    def run(self, name, *arguments, env=None):
        """Seconds of one process that must succeed."""
        program = COSIGN if name == "cosign" else BINARIES / name
        start = time.perf_counter()
        done = subprocess.run([program, *map(str, arguments)], cwd=self.folder, env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=600)
        took = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(f"{name} {arguments[0]} {arguments[1]}: {done.returncode}\n{done.stderr[-1500:]}")
        return took

    def operations(self):
        """Sign operations in the audit trail so far."""
        done = subprocess.run([BINARIES / "hallmark", "audit", "export"], env={**self.env, "HALLMARK_TOKEN": self.server.env["ADMIN_TOKEN"]}, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise SystemExit(done.stderr)
        return sum(1 for line in done.stdout.splitlines() if line.strip() and (record := json.loads(line))["operation"].lower().endswith("sign") and record["status"] == 200)

    def files(self, name, count):
        folder = self.folder / name
        folder.mkdir()
        paths = []
        for i in range(count):
            path = folder / f"artifact-{i:04}"
            path.write_bytes(os.urandom(4096))
            paths.append(path)
        manifest = self.folder / f"{name}.jsonl"
        manifest.write_text("".join(json.dumps({"kind": "blob", "artifact": str(p)}) + "\n" for p in paths))
        return paths, manifest

    def batch(self, manifest, *flags):
        before = self.operations()
        took = self.run("hallmark", "sign", "batch", manifest, "--key", KEY, "--no-journal", *flags)
        return took, self.operations() - before

    def cosign(self, paths):
        before, start = self.operations(), time.perf_counter()
        host = self.server.env["HALLMARK_URL"].split("//")[1].rstrip("/")
        for path in paths:
            self.run("cosign", "sign-blob", "--key", f"hallmark://{host}/keys/{KEY}", "--signing-config", "services.json", "--trusted-root", "root.json", "--bundle", f"{path}.cosign.json", "-y", path)
        return time.perf_counter() - start, self.operations() - before

    def all(self):
        count, few = self.options.files, min(self.options.files, 25)
        rows = {name: [] for name in ("first", "again", "merkle", "cosign")}
        for i in range(self.options.rounds):
            paths, manifest = self.files(f"round-{i}", count)
            rows["first"].append(self.batch(manifest))
            for path in paths:
                pathlib.Path(f"{path}.sigstore.json").unlink()
            rows["again"].append(self.batch(manifest))
            foreign, _ = self.files(f"cosign-{i}", few)
            rows["cosign"].append(self.cosign(foreign))
            leaves, manifest = self.files(f"merkle-{i}", count)
            rows["merkle"].append(self.batch(manifest, "--as", "merkle"))
            print(f"round {i + 1} of {self.options.rounds}: {[(k, round(v[-1][0], 2), v[-1][1]) for k, v in rows.items()]}", file=sys.stderr)
        single = [self.run("hallmark", "verify", "blob", p, "--key", self.public, "--offline") for p in paths[:50]]
        many = [self.run("hallmark", "verify", "blob", *paths, "--key", self.public, "--offline") for _ in range(self.options.rounds)]
        proofs = [self.run("hallmark", "verify", "blob", *leaves, "--key", self.public, "--offline") for _ in range(self.options.rounds)]
        other = [self.run("cosign", "verify-blob", "--key", self.public, "--bundle", f"{p}.sigstore.json", "--insecure-ignore-tlog", p) for p in paths[:few]]
        self.report(rows, count, few, single, many, proofs, other)

    def report(self, rows, count, few, single, many, proofs, other):
        cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
        say = self.out.append
        say("# Benchmarks: artifacts")
        say("")
        say(f"Written by `make bench` on {datetime.date.today()}: {cpu}, {os.cpu_count()} cores, server and clients on the same machine, TLS, durable audit on, P-256. Medians over {self.options.rounds} interleaved rounds, minimum and")
        say("maximum in brackets. HSM operations are those in the audit trail.")
        say("")
        say("| signing | files | seconds | ms a file | HSM operations |")
        say("|---|---|---|---|---|")
        labels = {"first": "`hallmark sign batch`, first time", "again": "the same again, from the cache", "merkle": "`--as merkle`, other files", "cosign": "`cosign sign-blob` through `sigstore-kms-hallmark`"}
        for name, label in labels.items():
            times, files = [t for t, _ in rows[name]], few if name == "cosign" else count
            mid = statistics.median(times)
            say(f"| {label} | {files} | {mid:.2f} ({min(times):.2f}–{max(times):.2f}) | {mid / files * 1e3:.2f} | {'/'.join(sorted({str(n) for _, n in rows[name]}))} |")
        say("")
        first = [t / count for t, _ in rows["first"]]
        cosign = [t / few for t, _ in rows["cosign"]]
        ratios = sorted(c / f for c, f in zip(cosign, first, strict=True))
        say(f"cosign ÷ hallmark, time a file in the same round: {statistics.median(ratios):.0f} ({ratios[0]:.0f}–{ratios[-1]:.0f}). cosign starts a process for each file, and that one {5 - 1} of the plugin's.")
        say("")
        say("| verifying | ms |")
        say("|---|---|")
        say(f"| one bundle, process start included (cold), median of {len(single)} | {statistics.median(single) * 1e3:.1f} ({min(single) * 1e3:.1f}–{max(single) * 1e3:.1f}) |")
        say(f"| a bundle among {count} in one process (warm) | {statistics.median(many) / count * 1e3:.2f} |")
        say(f"| a Merkle proof among {count} in one process (warm) | {statistics.median(proofs) / count * 1e3:.2f} |")
        say(f"| `cosign verify-blob`, the same bundles, process start included, median of {len(other)} | {statistics.median(other) * 1e3:.1f} |")
        text = "\n".join(self.out) + "\n"
        print(text)
        if self.options.write:
            (ROOT / self.options.write).write_text(text)

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", help="also write the report to this file of the repository")
    bench = Bench(parser.parse_args())
    try:
        bench.all()
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
