"""Where alerts go: syslog over TLS, Alertmanager, a webhook that is busy or redirects, OCSF and Prometheus, each through the command."""

import datetime
import http.server
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authority import BINARY, run_hallmark
from test_watch import INTENT, lines, row


@pytest.fixture
def place(tmp_path):
    """A log with one decryption by a build, and the options of a single round over it."""
    (tmp_path / "intent.yaml").write_text(INTENT)
    log = lines(tmp_path / "log.jsonl", [row(operation="KeyUnwrap", path="/keys/fw-sign/0f3e/unwrapkey")])
    return ["watch", "live", "--log", log, "--intent", tmp_path / "intent.yaml", "--state", tmp_path / "state", "--sink", tmp_path / "sink"]


def queued(place):
    return json.loads(place[place.index("--state") + 1].read_text())["outbox"]


class Receiver:
    """An HTTP server that keeps what it gets and answers with the statuses it was given, the last one again and again."""

    def __init__(self, statuses, location=None):
        self.got = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(statuses[min(len(outer.got), len(statuses)) - 1])
                if location:
                    self.send_header("location", location)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def certificate(folder, name, address="127.0.0.1"):
    """A self-signed certificate for an address; its paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return folder / f"{name}.pem", folder / f"{name}.key"


class SyslogServer:
    """Takes TLS connections and keeps the bytes of each."""

    def __init__(self, chain, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = []
        self.refused = 0

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as stream:
                    data = b""
                    while piece := stream.recv(65536):
                        data += piece
                    self.got.append(data)
            except (ssl.SSLError, OSError):
                self.refused += 1

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def wait(self):
        deadline = time.monotonic() + 10
        while not self.got and not self.refused and time.monotonic() < deadline:
            time.sleep(0.02)


def test_syslog_goes_over_tls_in_counted_frames(place, tmp_path):
    chain, key = certificate(tmp_path, "syslog")
    with SyslogServer(chain, key) as server:
        run_hallmark(*place, "--rounds", "1", "--syslog", f"127.0.0.1:{server.port}", "--private-host", "127.0.0.1", "--alert-ca", chain, check=True, timeout=60)
        server.wait()
    assert len(server.got) == 1
    count, message = server.got[0].split(b" ", 1)
    assert int(count) == len(message)
    text = message.decode()
    wanted = r"<(\d+)>1 (\d{4}-\d\d-\d\dT\S+Z) \S+ hallmark-guard - HM-D08 \[hallmark@32473 .+\] .+"
    assert (found := re.fullmatch(wanted, text)) and divmod(int(found[1]), 8)[0] in (10, 13) and queued(place) == []


def test_syslog_to_a_server_nobody_vouches_for_stays_queued(place, tmp_path):
    chain, key = certificate(tmp_path, "syslog")
    other, _ = certificate(tmp_path, "other")
    with SyslogServer(chain, key) as server:
        done = run_hallmark(*place, "--rounds", "1", "--syslog", f"127.0.0.1:{server.port}", "--private-host", "127.0.0.1", "--alert-ca", other, timeout=60)
        server.wait()
        assert server.got == [] and "stays queued" in done.stderr, done.stderr
        assert [entry.split("|")[0] for entry in queued(place)] == ["syslog"]
        run_hallmark(*place, "--rounds", "1", "--syslog", f"127.0.0.1:{server.port}", "--private-host", "127.0.0.1", "--alert-ca", chain, check=True, timeout=60)
        server.refused = 0
        server.wait()
    assert len(server.got) == 1 and queued(place) == []


def test_alertmanager_gets_its_own_shape(place):
    with Receiver([200]) as receiver:
        run_hallmark(*place, "--rounds", "1", "--alertmanager", receiver.url.replace("/hook", "/api/v2/alerts"), "--private-host", "127.0.0.1", check=True, timeout=60)
    path, headers, body = receiver.got[0]
    alert = json.loads(body)[0]
    assert path == "/api/v2/alerts" and headers["content-type"] == "application/json" and len(receiver.got) == 1
    assert alert["labels"]["alertname"] == "HM-D08" and alert["labels"]["severity"] == "critical" and {"annotations", "startsAt"} <= set(alert)


def test_a_busy_webhook_is_tried_again_with_the_same_key(place):
    with Receiver([503, 429, 200]) as receiver:
        run_hallmark(*place, "--rounds", "1", "--webhook", receiver.url, "--private-host", "127.0.0.1", check=True, timeout=120)
    assert len(receiver.got) == 3 and len({headers["idempotency-key"] for _, headers, _ in receiver.got}) == 1 and queued(place) == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status, place):
    with Receiver([200]) as elsewhere, Receiver([status], location=elsewhere.url) as receiver:
        run_hallmark(*place, "--rounds", "1", "--webhook", receiver.url, "--private-host", "127.0.0.1", timeout=60)
    assert len(receiver.got) == 1 and elsewhere.got == [] and len(queued(place)) == 1


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/hook", "https://localhost:1/hook", "https://[::1]:1/hook", "https://10.0.0.1/hook", "https://169.254.169.254/metadata"])
def test_a_private_target_that_is_not_listed_is_never_asked(url, place):
    done = run_hallmark(*place, "--rounds", "1", "--webhook", url, timeout=60)
    assert "not public" in done.stderr and len(queued(place)) == 1


@pytest.mark.parametrize("options", [["--webhook", "http://example.org/"], ["--webhook", "https://u:p@example.org/"], ["--webhook", "file:///etc/passwd"], ["--syslog", "host:0"]])
def test_a_target_that_is_none_is_refused_before_anything_is_read(options, place):
    done = run_hallmark(*place, "--rounds", "1", *options, timeout=60)
    assert done.returncode == 2 and not place[place.index("--state") + 1].exists(), done.stderr


def test_ocsf_findings_carry_what_class_2004_requires(place, tmp_path):
    run_hallmark(*place, "--rounds", "1", "--ocsf", tmp_path / "ocsf", check=True, timeout=60)
    finding = json.loads((tmp_path / "ocsf").read_text())
    assert finding["class_uid"] == 2004 and finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"]
    assert finding["severity_id"] == 5 and {"time", "metadata", "finding_info", "category_uid"} <= set(finding)


def test_metrics_are_scraped_while_it_runs(place):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([str(part) for part in [BINARY, *place, "--interval", "1", "--metrics-listen", f"127.0.0.1:{port}"]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        text = ""
        deadline = time.monotonic() + 30
        while "HM-D08" not in text and time.monotonic() < deadline and process.poll() is None:
            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
            except OSError:
                time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    assert 'hallmark_guard_alerts_total{rule="HM-D08",severity="critical"} 1' in text, process.stderr.read()
    assert "hallmark_guard_log_lag_seconds{store=" in text and "r-1" not in text
