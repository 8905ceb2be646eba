"""Registries for the tests: Debian's docker-registry (plain, behind token authentication, behind htpasswd) and an OCI 1.1 stand-in with faults.

Use the fixtures by importing them: `from registry import plain_registry, oci_registry  # noqa: F401`. Each has `.host` (`localhost:PORT`, plain
HTTP), `.push_image(repository, tag)` and friends; the stand-in also `.requests`, `.fail(…)` and switches.
"""

import base64
import contextlib
import datetime
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from authority import free_port

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = ", ".join([OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, "application/vnd.docker.distribution.manifest.list.v2+json"])
START_LIMIT_SECONDS = 20


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def descriptor(content, media_type, **members):
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content), **members}


class Client:
    """What every registry here can do for a test, over its own HTTP interface."""

    host = None

    def authorization(self, scope):
        """The Authorization header a test needs for this scope, or None."""
        return None

    def request(self, method, path, body=None, headers=None, scope=None):
        """(status, headers, body); `scope` is `repository:NAME:pull,push`."""
        headers = dict(headers or {})
        value = self.authorization(scope) if scope else None
        if value:
            headers["Authorization"] = value
        connection = http.client.HTTPConnection("127.0.0.1", int(self.host.rsplit(":", 1)[1]), timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def push_blob(self, repository, content):
        scope = f"repository:{repository}:pull,push"
        status, headers, text = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"", scope=scope)
        assert status == 202, (status, text)
        place = urllib.parse.urlsplit(headers["location"])
        query = (place.query + "&" if place.query else "") + urllib.parse.urlencode({"digest": sha256(content)})
        status, _, text = self.request(
            "PUT", f"{place.path}?{query}", content, {"Content-Type": "application/octet-stream"}, scope=scope)
        assert status == 201, (status, text)
        return sha256(content)

    def push_manifest(self, repository, reference, content, media_type):
        """Puts bytes (or a JSON object) under a tag or digest and returns their descriptor."""
        if not isinstance(content, bytes):
            content = json.dumps(content, separators=(",", ":")).encode()
        status, headers, text = self.request(
            "PUT", f"/v2/{repository}/manifests/{reference or sha256(content)}", content, {"Content-Type": media_type},
            scope=f"repository:{repository}:pull,push")
        assert status == 201, (status, text)
        return descriptor(content, media_type)

    def push_image(self, repository, tag=None, content=b"hello", architecture="amd64"):
        """One layer, one config, one manifest; returns the manifest's descriptor."""
        config = json.dumps({
            "architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [sha256(content)]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "test"}]}).encode()
        self.push_blob(repository, config)
        self.push_blob(repository, content)
        return self.push_manifest(repository, tag, {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config, OCI_CONFIG),
            "layers": [descriptor(content, OCI_LAYER)]}, OCI_MANIFEST)

    def push_index(self, repository, tag=None, content=b"hello"):
        """An index of an amd64 and an arm64 image; returns (index descriptor, image descriptors)."""
        images = []
        for architecture in ("amd64", "arm64"):
            image = self.push_image(repository, None, content + architecture.encode(), architecture)
            images.append({**image, "platform": {"os": "linux", "architecture": architecture}})
        index = self.push_manifest(
            repository, tag, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": images}, OCI_INDEX)
        return index, images

    def manifest(self, repository, reference):
        """(bytes, media type), or None when there is none."""
        status, headers, body = self.request(
            "GET", f"/v2/{repository}/manifests/{reference}", headers={"Accept": ACCEPT}, scope=f"repository:{repository}:pull")
        if status == 404:
            return None
        assert status == 200, (status, body)
        return body, headers["content-type"]

    def blob(self, repository, digest):
        status, _, body = self.request("GET", f"/v2/{repository}/blobs/{digest}", scope=f"repository:{repository}:pull")
        assert status == 200, (status, body)
        return body

    def fallback_entries(self, repository, digest):
        """The entries of the referrers tag, in order; [] when there is no tag."""
        found = self.manifest(repository, digest.replace(":", "-"))
        return json.loads(found[0])["manifests"] if found else []

    def referrers(self, repository, digest):
        """What the referrers API lists, all pages; None when there is no such API."""
        entries, path = [], f"/v2/{repository}/referrers/{digest}"
        while path:
            status, headers, body = self.request("GET", path, scope=f"repository:{repository}:pull")
            if status == 404:
                return None
            assert status == 200, (status, body)
            entries += json.loads(body)["manifests"]
            link = re.match(r'<([^>]*)>; rel="next"', headers.get("link", ""))
            path = link and link.group(1)
        return entries

    def signatures(self, repository, digest):
        """Whatever this registry lists for the subject, by API or tag."""
        listed = self.referrers(repository, digest)
        return self.fallback_entries(repository, digest) if listed is None else listed


class DockerRegistry(Client):
    """Debian's docker-registry 2.8: no referrers API, deletion enabled, one folder, one port."""

    def __init__(self, folder, auth=None, authorize=None):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.auth = auth
        self.authorize = authorize
        self.process = None

    def authorization(self, scope):
        return self.authorize(scope) if self.authorize else None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = {
            "version": 0.1, "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{self.port}", "secret": "test"}}
        if self.auth:
            configuration["auth"] = self.auth
        path = self.folder / "config.yml"
        path.write_text(json.dumps(configuration))  # JSON is YAML
        program = shutil.which("docker-registry")
        assert program, "docker-registry is not installed: run scripts/setup test"
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([program, "serve", str(path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            assert time.monotonic() < deadline, "docker-registry did not listen"
            time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class QuietHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers=None, body=b""):
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


class Serving:
    """An HTTP server on a thread of its own, on a free port of 127.0.0.1."""

    def __init__(self, handle):
        class Handler(QuietHandler):
            def run(self):
                handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = run

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # connections dropped on purpose
        self.port = self.server.server_address[1]
        self.host = f"localhost:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TokenServer(Serving):
    """Hands out registry tokens: GET with a password or anonymously (pull only), POST with a refresh token (`refresh-USER`).

    Also ACR's `/oauth2/exchange`: an access token `aad-USER` becomes the refresh token. `.seen` keeps every request.
    """

    def __init__(self, folder, service="hallmark-test", lifetime=300):
        super().__init__(self._handle)
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        self.service, self.lifetime = service, lifetime
        self.issuer = "hallmark-test-issuer"
        self.users = {"alice": "wonder, land:1"}
        self.seen = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token server of the tests")])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256()))
        self.x5c = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.bundle = folder / "token.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def realm(self):
        return f"http://{self.host}/token"

    @property
    def registry_auth(self):
        return {"token": {"realm": self.realm, "service": self.service, "issuer": self.issuer, "rootcertbundle": str(self.bundle)}}

    def token(self, user, scopes):
        import jwt

        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)[0], *scope.split(":", 1)[1].rsplit(":", 1)
            granted = [a for a in actions.split(",") if user or a == "pull"]
            access.append({"type": kind, "name": name, "actions": granted})
        return jwt.encode(
            {"iss": self.issuer, "sub": user or "", "aud": self.service, "exp": now + self.lifetime, "nbf": now - 10, "iat": now,
             "jti": os.urandom(8).hex(), "access": access},
            self.key, algorithm="ES256", headers={"x5c": [self.x5c]})

    def _handle(self, handler):
        place = urllib.parse.urlsplit(handler.path)
        fields = urllib.parse.parse_qs(place.query if handler.command == "GET" else handler.body().decode())
        first = {k: v[0] for k, v in fields.items()}
        authorization = handler.headers.get("Authorization")
        self.seen.append({"method": handler.command, "path": place.path, "fields": fields, "authorization": authorization})
        scopes = [s for text in fields.get("scope", []) for s in text.split(" ") if s]
        refusal = {"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]}
        if place.path == "/oauth2/exchange" and handler.command == "POST":
            user = first.get("access_token", "").removeprefix("aad-")
            known = user in self.users and first.get("grant_type") == "access_token"
            return handler.answer(200, body={"refresh_token": f"refresh-{user}"}) if known else handler.answer(401, body=refusal)
        if handler.command == "POST":
            user = first.get("refresh_token", "").removeprefix("refresh-")
            if user not in self.users or first.get("grant_type") != "refresh_token":
                return handler.answer(401, body=refusal)
            return handler.answer(200, body={"access_token": self.token(user, scopes), "expires_in": self.lifetime})
        user = None
        if authorization:
            user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            if self.users.get(user) != password:
                return handler.answer(401, body=refusal)
        handler.answer(200, body={"token": self.token(user, scopes), "expires_in": self.lifetime})


class Recorder(Serving):
    """Another host: serves the given paths and keeps the headers of every request."""

    def __init__(self, pages=None):
        super().__init__(self._handle)
        self.pages = pages or {}
        self.seen = []

    def _handle(self, handler):
        handler.body()
        self.seen.append((handler.command, handler.path, {k.lower(): v for k, v in handler.headers.items()}))
        page = self.pages.get(urllib.parse.urlsplit(handler.path).path)
        handler.answer(404 if page is None else 200, {"Content-Type": "application/octet-stream"}, page or b"")


class OCIRegistry(Client, Serving):
    """An OCI 1.1 registry in memory: referrers API with filter and paging, `OCI-Subject`, chunked uploads with ranges.

    Switches: `has_referrers`, `has_filter`, `page_size`, `sends_subject`, `honours_if_match`, `users` (basic authentication when set).
    `fail(method, pattern, action, times)` makes matching requests fail; an action is `("status", code, headers)`, `"drop"` (before the request
    is performed), `"drop-after"` (after it was), `"wrong-bytes"`, or `("redirect", url)`. `requests` keeps (method, path, headers).
    """

    def __init__(self):
        Serving.__init__(self, self._handle)
        self.blobs, self.manifests, self.tags, self.uploads = {}, {}, {}, {}
        self.has_referrers = self.has_filter = self.sends_subject = True
        self.honours_if_match = False
        self.page_size = None
        self.users = {}
        self.warning = None
        self.requests, self.faults = [], []
        self.lock = threading.RLock()

    def authorization(self, scope):
        for user, password in self.users.items():
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        return None

    def fail(self, method, pattern, action, times=1):
        self.faults.append([method, re.compile(pattern), action, times])

    def junk_referrer(self, repository, digest, entry):
        """Adds an entry to the referrers list that no manifest stands behind."""
        self.manifests[(repository, f"junk-{len(self.manifests)}")] = (b"", "junk", digest, entry)

    def seen(self, method, pattern):
        return [r for r in self.requests if r[0] == method and re.search(pattern, r[1])]

    def _fault(self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault[0] == method and fault[1].search(path) and fault[3] > 0:
                    fault[3] -= 1
                    return fault[2]
        return None

    def _handle(self, handler):
        body = handler.body()
        with self.lock:
            self.requests.append((handler.command, handler.path, {k.lower(): v for k, v in handler.headers.items()}))
        action = self._fault(handler.command, handler.path)
        if action == "drop":
            return self._drop(handler)
        if action and action[0] == "status":
            return handler.answer(action[1], action[2], {"errors": [{"code": "TOOMANYREQUESTS" if action[1] == 429 else "UNKNOWN", "message": "made to fail"}]})
        if action and action[0] == "redirect":
            return handler.answer(307, {"Location": action[1]})
        with self.lock:
            status, headers, reply = self._serve(handler, body)
        if action == "drop-after":
            return self._drop(handler)
        if action == "wrong-bytes":
            reply = reply[:-1] + bytes([reply[-1] ^ 1])
        if self.warning:
            headers["Warning"] = f'299 - "{self.warning}"'
        handler.answer(status, headers, reply)

    def _drop(self, handler):
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)

    def _error(self, status, code):
        return status, {"Content-Type": "application/json"}, json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()

    def _serve(self, handler, body):
        if self.users and handler.headers.get("Authorization") != self.authorization(None):
            status, headers, reply = self._error(401, "UNAUTHORIZED")
            return status, {**headers, "WWW-Authenticate": 'Basic realm="the tests, of a stand-in"'}, reply
        place = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(place.query))
        match = re.fullmatch(r"/v2/(.+?)/(manifests|blobs|referrers)/(.+)", place.path)
        if place.path == "/v2/":
            return 200, {}, b"{}"
        if not match:
            return self._error(404, "NAME_UNKNOWN")
        name, kind, rest = match.groups()
        if kind == "referrers":
            return self._referrers(name, rest, query)
        if kind == "manifests":
            return self._manifest(handler, name, rest, body)
        if rest.startswith("uploads/"):
            return self._upload(handler, name, rest.removeprefix("uploads/"), query, body)
        content = self.blobs.get((name, rest))
        if content is None:
            return self._error(404, "BLOB_UNKNOWN")
        return 200, {"Docker-Content-Digest": rest, "Content-Type": "application/octet-stream", "Content-Length": str(len(content))}, content

    def _referrers(self, name, digest, query):
        if not self.has_referrers:
            return 404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n"
        entries = []
        for (repository, key), (content, media_type, subject, junk) in self.manifests.items():
            if repository != name or subject != digest:
                continue
            if junk is not None:
                entries.append(junk)
                continue
            document = json.loads(content)
            entry = descriptor(content, media_type, artifactType=document.get("artifactType") or document.get("config", {}).get("mediaType"))
            if document.get("annotations"):
                entry["annotations"] = document["annotations"]
            entries.append(entry)
        headers = {"Content-Type": OCI_INDEX}
        if self.has_filter and "artifactType" in query:
            entries = [e for e in entries if e.get("artifactType") == query["artifactType"]]
            headers["OCI-Filters-Applied"] = "artifactType"
        if self.page_size:
            start = int(query.get("from", 0))
            if start + self.page_size < len(entries):
                more = urllib.parse.urlencode({**query, "from": start + self.page_size})
                headers["Link"] = f'</v2/{name}/referrers/{digest}?{more}>; rel="next"'
            entries = entries[start:start + self.page_size]
        return 200, headers, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()

    def _manifest(self, handler, name, reference, body):
        digest = reference if ":" in reference else self.tags.get((name, reference))
        if handler.command == "PUT":
            given = sha256(body)
            if ":" in reference and reference != given:
                return self._error(400, "DIGEST_INVALID")
            if self.honours_if_match:
                wanted = handler.headers.get("If-Match")
                if wanted and wanted.strip('"') != digest or handler.headers.get("If-None-Match") == "*" and digest:
                    return self._error(412, "PRECONDITION_FAILED")
            document = json.loads(body)
            if document.get("mediaType") and document["mediaType"] != handler.headers.get("Content-Type"):
                return self._error(400, "MANIFEST_INVALID")
            for blob in [document.get("config"), *document.get("layers", [])]:
                if blob and (name, blob["digest"]) not in self.blobs:
                    return self._error(400, "MANIFEST_BLOB_UNKNOWN")
            subject = (document.get("subject") or {}).get("digest")
            self.manifests[(name, given)] = (body, handler.headers.get("Content-Type"), subject, None)
            if ":" not in reference:
                self.tags[(name, reference)] = given
            headers = {"Location": f"/v2/{name}/manifests/{given}", "Docker-Content-Digest": given}
            if subject and self.sends_subject and self.has_referrers:
                headers["OCI-Subject"] = subject
            return 201, headers, b""
        found = self.manifests.get((name, digest))
        if not found:
            return self._error(404, "MANIFEST_UNKNOWN")
        if handler.command == "DELETE":
            del self.manifests[(name, digest)]
            return 202, {}, b""
        content, media_type, _, _ = found
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest, "ETag": f'"{digest}"', "Content-Length": str(len(content))}
        return 200, headers, content

    def _upload(self, handler, name, session, query, body):
        if handler.command == "POST":
            if "mount" in query and (query.get("from"), query["mount"]) in self.blobs:
                self.blobs[(name, query["mount"])] = self.blobs[(query["from"], query["mount"])]
                return 201, {"Location": f"/v2/{name}/blobs/{query['mount']}"}, b""
            session = os.urandom(8).hex()
            self.uploads[session] = b""
            return 202, {"Location": f"/v2/{name}/blobs/uploads/{session}?state=x", "Range": "0-0"}, b""
        if session not in self.uploads:
            return self._error(404, "BLOB_UPLOAD_UNKNOWN")
        place = {"Location": f"/v2/{name}/blobs/uploads/{session}?state={len(self.uploads[session])}"}
        stands = {"Range": f"0-{max(0, len(self.uploads[session]) - 1)}"}
        if handler.command == "GET":
            return 204, {**place, **stands}, b""
        span = re.fullmatch(r"(\d+)-(\d+)", handler.headers.get("Content-Range", ""))
        if handler.command == "PATCH" and (not span or int(span[1]) != len(self.uploads[session]) or int(span[2]) + 1 - int(span[1]) != len(body)):
            return 416, {**place, **stands}, b""
        self.uploads[session] += body
        if handler.command == "PATCH":
            return 202, {**place, "Range": f"0-{len(self.uploads[session]) - 1}"}, b""
        content = self.uploads.pop(session)
        if query.get("digest") != sha256(content):
            return self._error(400, "DIGEST_INVALID")
        self.blobs[(name, query["digest"])] = content
        return 201, {"Location": f"/v2/{name}/blobs/{query['digest']}", "Docker-Content-Digest": query["digest"]}, b""


def docker_config(folder, **registries):
    """Writes a Docker `config.json`; `registries` maps a host to "user:password", or to an object as it stands in `auths`. Returns DOCKER_CONFIG."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    auths = {h: {"auth": base64.b64encode(v.encode()).decode()} if isinstance(v, str) else v for h, v in registries.items()}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return str(folder)


@contextlib.contextmanager
def serving(registry):
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()


@pytest.fixture(scope="module")
def plain_registry(scratch, request):
    """docker-registry without authentication."""
    with serving(DockerRegistry(scratch / f"{request.module.__name__}-plain")) as registry:
        yield registry


@pytest.fixture(scope="module")
def token_server(scratch, request):
    with serving(TokenServer(scratch / f"{request.module.__name__}-tokens")) as server:
        yield server


@pytest.fixture(scope="module")
def token_registry(scratch, request, token_server):
    """docker-registry behind token authentication; user `alice`, password in `token_server.users`. Needs `token_server` imported as well."""
    def authorize(scope):
        return "Bearer " + token_server.token("alice", [scope])

    with serving(DockerRegistry(scratch / f"{request.module.__name__}-token", token_server.registry_auth, authorize)) as registry:
        registry.token_server = token_server
        yield registry


@pytest.fixture(scope="module")
def password_registry(scratch, request):
    """docker-registry behind htpasswd; user `bob`, password `builder`."""
    import bcrypt

    folder = scratch / f"{request.module.__name__}-password"
    folder.mkdir(parents=True)
    (folder / "htpasswd").write_text("bob:" + bcrypt.hashpw(b"builder", bcrypt.gensalt(4)).decode() + "\n")
    basic = "Basic " + base64.b64encode(b"bob:builder").decode()
    auth = {"htpasswd": {"realm": "tests, of bob", "path": str(folder / "htpasswd")}}
    with serving(DockerRegistry(folder, auth, lambda _: basic)) as registry:
        yield registry


@pytest.fixture
def oci_registry():
    """A fresh OCI 1.1 stand-in."""
    with serving(OCIRegistry()) as registry:
        yield registry


@pytest.fixture
def other_host():
    """A server of another name (another port) that records what reaches it."""
    with serving(Recorder()) as recorder:
        yield recorder
