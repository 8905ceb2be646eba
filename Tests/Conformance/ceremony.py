"""An HSM as a person makes it: `hallmark init`, `hallmark serve`, and the administrator's key pair turned into a token."""

import json
import signal
import subprocess
import time
import types
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

import federation
from authority import BINARY, free_port, run_hallmark
from wire import Wire, b64u


class Ceremony:
    """A folder with an HSM that nobody activated, and the profile of the person who made it."""

    def __init__(self, folder, *flags):
        self.folder, self.port = folder, free_port()
        self.hsm, self.admin = folder / "hsm", folder / "admin"
        run_hallmark("init", "--dir", self.hsm, "--hsm-name", "ceremony", "--port", self.port, "--admin-dir", self.admin, *flags, check=True)
        self.profile = json.loads((self.admin / "profile.json").read_text())
        self.process = None

    def serve(self):
        self.process = subprocess.Popen([str(BINARY), "serve", "--dir", str(self.hsm), "--pid-file", str(self.folder / "pid")], stdin=subprocess.DEVNULL,
                                        stdout=open(self.folder / "log", "ab"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while not (self.folder / "pid").exists():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0

    @property
    def ca(self):
        return str(self.admin / self.profile["ca"])

    def token(self):
        """What the administrator's key pair is worth: a private_key_jwt (RFC 7523) exchanged for an access token."""
        key_file = next(p for p in sorted(self.admin.iterdir()) if b"PRIVATE KEY" in p.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        wire = Wire(self.profile["authority"], self.ca, None, api=None)
        endpoint = wire.get(f"/{self.profile['tenant']}/v2.0/.well-known/openid-configuration").expect(200).json["token_endpoint"]
        now = int(time.time())
        header = {"alg": "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256", "typ": "JWT"}
        claims = {"iss": self.profile["clientId"], "sub": self.profile["clientId"], "aud": endpoint, "jti": str(uuid.uuid4()), "iat": now, "nbf": now, "exp": now + 300}
        signed = f"{b64u(json.dumps(header).encode())}.{b64u(json.dumps(claims).encode())}"
        if header["alg"] == "ES256":
            r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32) + s.to_bytes(32)
        else:
            signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return federation.token_request(self.place, self.profile["clientId"], f"{signed}.{b64u(signature)}").expect(200).json["access_token"]

    @property
    def place(self):
        """What `az` and the token endpoint's helpers want to know."""
        url, resource = self.profile["url"], "https://" + self.profile["url"].split(".", 1)[1]
        return types.SimpleNamespace(login=self.profile["authority"], ca=self.ca, tenant=self.profile["tenant"], url=url, netloc=url.split("//")[1], resource=resource)

    def wire(self):
        return Wire(self.profile["url"], self.ca, self.token())
