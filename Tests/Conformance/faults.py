"""Fronts before a `hallmark dev up` service: one that misbehaves by script, and one with a vault's name, challenge, keys and errors.

    with FaultFront(hsm, folder) as front:
        front.fail("POST", r"/sign$", "drop-after", times=1)
        hsm.run("sign", "blob", …, env=front.env("user"))
        assert front.count("POST", r"/sign$", forwarded=True) == 2

Actions: ("status", CODE, {headers}) answers without asking the service; "drop-before" closes before, "drop-after" after the service performed the
request; ("status-after", CODE) performs and answers otherwise; ("slow", SECONDS); "truncate" sends half of the body; "wrong-kid", "wrong-signature".
"""

import base64
import contextlib
import datetime
import http.client
import http.server
import ipaddress
import json
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive"}


def make_ca(folder, names):
    """A CA and a server certificate for these DNS names; returns the paths (ca, chain, key)."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)

    def build(subject, key, issuer, issuer_key, extensions):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=2))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front CA")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = build(ca_name, ca_key, ca_name, ca_key, [(x509.BasicConstraints(True, 0), True), (usage, True), (x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)])
    alternatives = [x509.DNSName(name) for name in names] + [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), key, ca_name, ca_key, [
        (x509.SubjectAlternativeName(alternatives), False), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), (x509.BasicConstraints(False, None), True)])
    paths = folder / "ca.pem", folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


class Front:
    """A TLS server on a port of its own that hands requests on to an HSM."""

    host = "front.managedhsm.localhost"

    def __init__(self, hsm, folder):
        self.hsm = hsm
        self.log = []  # dicts: method, path, action, forwarded, status, at
        self.rules = []
        self.lock = threading.Lock()
        self.ca, chain, key = make_ca(folder / f"front-{id(self)}", [self.host, self.host.split(".", 1)[1], "localhost"])
        self.upstream = urllib.parse.urlsplit(hsm.url)
        self.upstream_context = ssl.create_default_context(cafile=hsm.ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 60

            def log_message(self, *_):
                pass

            def handle_any(self):
                front.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

            def handle(self):
                with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                    super().handle()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def finish_request(self, request, address):
                # The handshake belongs to the connection's thread, so that one slow client does not stop the others.
                try:
                    stream = context.wrap_socket(request, server_side=True)
                except (OSError, ssl.SSLError):
                    return
                super().finish_request(stream, address)
                with contextlib.suppress(OSError):
                    stream.close()

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def netloc(self):
        return f"{self.host}:{self.port}"

    @property
    def url(self):
        return f"https://{self.netloc}"

    def env(self, who="user"):
        """The environment of a client that reaches the service through this front, with a token of the service."""
        return {"HALLMARK_URL": self.url, "HALLMARK_CA": str(self.ca), "HALLMARK_TOKEN": self.hsm.token(who)}

    # -- script and log -----------------------------------------------------------------------------------------

    def fail(self, method, pattern, action, times=1):
        """The next `times` requests of this kind get this action; 0: all of them, until `clear`."""
        with self.lock:
            self.rules.append({"method": method, "pattern": re.compile(pattern), "action": action, "left": times or 1 << 30})

    def clear(self):
        with self.lock:
            self.rules, self.log = [], []

    def action(self, method, path):
        with self.lock:
            for rule in self.rules:
                if rule["left"] > 0 and rule["method"] in (method, "*") and rule["pattern"].search(path):
                    rule["left"] -= 1
                    return rule["action"]
        return None

    def seen(self, method, pattern, forwarded=None):
        with self.lock:
            return [e for e in self.log if method in (e["method"], "*") and re.search(pattern, e["path"]) and forwarded in (None, e["forwarded"])]

    def count(self, method, pattern, forwarded=None):
        return len(self.seen(method, pattern, forwarded))

    # -- serving ------------------------------------------------------------------------------------------------

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.split("?", 1)[0]
        action = self.action(handler.command, path)
        entry = {"method": handler.command, "path": path, "query": handler.path.partition("?")[2], "action": action, "forwarded": False, "status": None, "at": time.monotonic()}
        with self.lock:
            self.log.append(entry)
        kind, *arguments = action if isinstance(action, tuple) else (action,)
        if kind == "drop-before":
            return self.drop(handler)
        if kind == "status":
            headers = arguments[1] if len(arguments) > 1 else {}
            content = json.dumps({"error": {"code": "Throttled" if arguments[0] == 429 else "ServiceUnavailable", "message": "by script"}}).encode()
            return self.reply(handler, arguments[0], {"Content-Type": "application/json", **headers}, content)
        if kind == "slow":
            time.sleep(arguments[0])
        own = self.own_answer(handler, path, body)
        if own is not None:
            return self.reply(handler, *own)
        status, headers, content = self.forward(handler, body)
        entry["forwarded"], entry["status"] = True, status
        if kind == "drop-after":
            return self.drop(handler)
        if kind == "status-after":
            return self.reply(handler, arguments[0], {"Content-Type": "application/json"}, b'{"error":{"code":"ServiceUnavailable","message":"by script"}}')
        if kind in ("wrong-kid", "wrong-signature"):
            content = self.spoil(kind, json.loads(content))
        status, headers, content = self.dressed(handler, path, status, headers, content)
        if kind == "truncate":
            return self.truncated(handler, status, headers, content)
        self.reply(handler, status, headers, content)

    def own_answer(self, handler, path, body):
        """An answer that the service is not asked for, or None."""

    def dressed(self, handler, path, status, headers, content):
        return status, headers, content

    def authorization(self, handler):
        return handler.headers.get("Authorization")

    def forward(self, handler, body):
        connection = http.client.HTTPSConnection(self.upstream.hostname, self.upstream.port, context=self.upstream_context, timeout=30)
        try:
            headers = {n: v for n, v in handler.headers.items() if n.lower() not in HOP_HEADERS | {"host", "authorization"}}
            headers["Host"] = self.upstream.netloc
            token = self.authorization(handler)
            if token:
                headers["Authorization"] = token
            connection.request(handler.command, handler.path, body or (b"" if handler.command in ("POST", "PUT", "PATCH") else None), headers)
            response = connection.getresponse()
            return response.status, {n: v for n, v in response.getheaders() if n.lower() not in HOP_HEADERS}, response.read()
        finally:
            connection.close()

    @staticmethod
    def reply(handler, status, headers, content):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        handler.wfile.flush()

    @staticmethod
    def drop(handler):
        """A reset, as from a machine that died."""
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            socket.socket.close(handler.connection)

    def truncated(self, handler, status, headers, content):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        self.drop(handler)

    @staticmethod
    def spoil(kind, answer):
        if kind == "wrong-kid":
            answer["kid"] = answer["kid"][:-32] + "0" * 32
        else:
            raw = bytearray(base64.urlsafe_b64decode(answer["value"] + "=" * (-len(answer["value"]) % 4)))
            raw[len(raw) // 2] ^= 1
            answer["value"] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
        return json.dumps(answer).encode()


class FaultFront(Front):
    """A Managed HSM-shaped front: everything passes as it is, apart from what the script says."""


class VaultFront(Front):
    """The same service as a Key Vault: `NAME.vault.localhost`, a challenge for `https://vault.localhost`, key types without -HSM, its errors.

    It gives out its own tokens (any client assertion is taken) for exactly the scope its challenge names, and speaks to the service with one of the
    service's tokens. `deny`: paths (regular expressions) answered 403 as Azure RBAC does.
    """

    host = "myvault.vault.localhost"
    tenant = "11111111-2222-3333-4444-555555555555"
    api_versions = {"7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"}

    def __init__(self, hsm, folder, who="user"):
        super().__init__(hsm, folder)
        self.who = who
        self.deny = []
        self.scopes = []  # asked of the token endpoint
        self.token = "front-token-" + "x" * 40

    @property
    def resource(self):
        return f"https://vault.localhost:{self.port}"

    @property
    def login(self):
        return f"https://vault.localhost:{self.port}"

    def env(self, who="user"):
        raise NotImplementedError("use env_with_assertion")

    def env_with_assertion(self, folder):
        assertion = folder / "assertion.jwt"
        assertion.write_text("e30.e30.c2ln")
        return {"HALLMARK_URL": self.url, "HALLMARK_CA": str(self.ca), "HALLMARK_TOKEN": "", "HALLMARK_AUTHORITY": self.login, "HALLMARK_TENANT": self.tenant,
                "AZURE_TENANT_ID": self.tenant, "AZURE_CLIENT_ID": "99999999-8888-7777-6666-555555555555", "AZURE_FEDERATED_TOKEN_FILE": str(assertion)}

    def error(self, status, code, message, inner=None, headers=None):
        error = {"code": code, "message": message}
        if inner:
            error["innererror"] = {"code": inner}
        return status, {"Content-Type": "application/json; charset=utf-8", "x-ms-keyvault-region": "westeurope", **(headers or {})}, json.dumps({"error": error}).encode()

    def own_answer(self, handler, path, body):
        if path.endswith("/oauth2/v2.0/token"):
            form = dict(urllib.parse.parse_qsl(body.decode()))
            self.scopes.append(form.get("scope"))
            if form.get("scope") != self.resource + "/.default" or not path.startswith(f"/{self.tenant}/"):
                return 400, {"Content-Type": "application/json"}, b'{"error":"invalid_scope","error_description":"AADSTS70011"}'
            return 200, {"Content-Type": "application/json"}, json.dumps({"token_type": "Bearer", "expires_in": 3600, "access_token": self.token}).encode()
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer authorization="{self.login}/{self.tenant}", resource="{self.resource}"'
            return self.error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", headers={"WWW-Authenticate": challenge})
        version = urllib.parse.parse_qs(handler.path.partition("?")[2]).get("api-version", [None])[0]
        if version not in self.api_versions:
            return self.error(400, "BadParameter", f"The specified version ({version}) is not recognized. Consider using the latest supported version.")
        if any(re.search(pattern, path) for pattern in self.deny):
            return self.error(403, "Forbidden", "Caller is not authorized to perform action on resource.", inner="ForbiddenByRbac")
        return None

    def authorization(self, handler):
        return "Bearer " + self.hsm.token(self.who)

    def dressed(self, handler, path, status, headers, content):
        headers = {n: v for n, v in headers.items() if n.lower() not in ("content-security-policy", "www-authenticate")}
        if not content or "json" not in headers.get("Content-Type", headers.get("content-type", "")):
            return status, headers, content
        document = json.loads(content)
        if status == 404:
            name = path.split("/")[2] if path.count("/") >= 2 else ""
            return self.error(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you may be able to recover it.")
        text = json.dumps(self.as_vault(document)).replace(f"https://{self.upstream.netloc}/", f"{self.url}/")
        return status, headers, text.encode()

    def as_vault(self, node):
        if isinstance(node, dict):
            return {n: v.removesuffix("-HSM") if n == "kty" else self.as_vault(v) for n, v in node.items()}
        if isinstance(node, list):
            return [self.as_vault(v) for v in node]
        return node
