"""A bare HTTP/1.1 client: it sends what it is told and shows what came, and neither retries nor follows."""

import base64
import dataclasses
import http.client
import json
import socket
import ssl
import urllib.parse

API = "7.6-preview.2"


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclasses.dataclass
class Answer:
    status: int
    headers: list  # (name, value) in order, names as sent
    body: bytes

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error code, after checking the shape that every error has."""
        document = self.json
        assert set(document) == {"error"}, document
        assert {"code", "message"} <= set(document["error"]) <= {"code", "message", "innererror"}, document
        return document["error"]["code"]

    @property
    def message(self):
        return self.json["error"]["message"]

    def expect(self, *statuses):
        assert self.status in statuses, f"{self.status}, wanted {statuses}: {self.body[:600]!r}"
        return self


class Wire:
    """Requests to one base URL over one kept connection, which is opened anew when the server closed it."""

    def __init__(self, url, ca, token=None, api=API, keep=True):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.authority = parts.hostname, parts.port or 443, parts.netloc
        self.context = ssl.create_default_context(cafile=ca)
        self.token, self.api, self.keep = token, api, keep
        self.connection = None

    def connect(self):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=30)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.connection

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, method, path, body=None, headers=None, token=..., api=...):
        """One request. `body`: bytes as they are, or an object to send as JSON. `token=None` sends none."""
        api = self.api if api is ... else api
        token = self.token if token is ... else token
        if api is not None and "api-version=" not in path:
            path += ("&" if "?" in path else "?") + "api-version=" + api
        sent = {"Host": self.authority}
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
            sent["Content-Length"] = str(len(body))
        elif method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = "0"
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        for name, value in (headers or {}).items():
            sent.pop(next((n for n in sent if n.lower() == name.lower()), None), None)
            if value is not None:
                sent[name] = value
        for attempt in (1, 2):
            fresh = self.connection is None
            connection = self.connect()
            try:
                connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
                for name, value in sent.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                answer = Answer(response.status, response.getheaders(), response.read())
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                self.close()
                if fresh or attempt == 2:
                    raise
        if not self.keep or (answer.header("Connection") or "").lower() == "close":
            self.close()
        return answer

    def get(self, path, **options):
        return self.send("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.send("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.send("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.send("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.send("DELETE", path, **options)

    def raw(self, payload, limit=1 << 20):
        """Sends bytes on a connection of their own and returns everything that comes until the server closes or 5 s pass."""
        with socket.create_connection((self.host, self.port), timeout=5) as plain:
            with self.context.wrap_socket(plain, server_hostname=self.host) as stream:
                stream.sendall(payload)
                received = b""
                try:
                    while len(received) < limit:
                        chunk = stream.recv(65536)
                        if not chunk:
                            break
                        received += chunk
                except (TimeoutError, ssl.SSLError, ConnectionResetError):
                    pass
                return received

    # -- shorthands ---------------------------------------------------------------------------------------------

    def create_key(self, name, kty="EC-HSM", **members):
        return self.post(f"/keys/{name}/create", {"kty": kty, **members}).expect(200).json

    def sign(self, name, algorithm, digest, version=""):
        path = f"/keys/{name}/{version}/sign" if version else f"/keys/{name}/sign"
        return self.post(path, {"alg": algorithm, "value": b64u(digest)})


def version_of(bundle_or_kid):
    kid = bundle_or_kid if isinstance(bundle_or_kid, str) else bundle_or_kid["key"]["kid"]
    return kid.rsplit("/", 1)[1]
