"""The ceremony of a real HSM: `hallmark init`, `serve`, a quorum of custodians, activation; and what works before it."""

import json
import pathlib
import signal
import stat
import subprocess
import time
import uuid

import pytest

import domain
from authority import BINARY, free_port, run_hallmark
from test_activation import az_restore_blob, check_blob, check_format, make_exchange
from wire import Wire, b64u

CERTIFICATE_COUNT = 3


class Ceremony:
    """A folder with an HSM that nobody activated, and the profile of the person who made it."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.hsm, self.admin = folder / "hsm", folder / "admin"
        run_hallmark("init", "--dir", self.hsm, "--hsm-name", "ceremony", "--port", self.port, "--admin-dir", self.admin, check=True)
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
        import federation
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

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
        import types

        login = types.SimpleNamespace(login=self.profile["authority"], ca=self.ca, tenant=self.profile["tenant"], resource="https://" + self.profile["url"].split(".", 1)[1])
        return federation.token_request(login, self.profile["clientId"], f"{signed}.{b64u(signature)}").expect(200).json["access_token"]

    def wire(self):
        return Wire(self.profile["url"], self.ca, self.token())


@pytest.fixture(scope="module")
def ceremony(scratch):
    folder = scratch / "ceremony"
    folder.mkdir()
    ceremony = Ceremony(folder)
    ceremony.serve()
    yield ceremony
    ceremony.stop()


def test_nothing_has_a_default_password_and_secrets_are_private(ceremony):
    for path in [*ceremony.hsm.rglob("*"), *ceremony.admin.rglob("*")]:
        if path.is_file() and (b"PRIVATE KEY" in path.read_bytes()[:8192] or "key" in path.name and path.suffix != ".pem"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_init_does_not_overwrite(ceremony):
    done = run_hallmark("init", "--dir", ceremony.hsm, "--hsm-name", "again", "--port", ceremony.port, "--admin-dir", ceremony.folder / "other")
    assert done.returncode != 0 and done.stderr


def test_before_activation_only_the_security_domain_calls_work(ceremony):
    wire = ceremony.wire()
    for method, path, body in (
        ("POST", "/keys/k/create", {"kty": "EC"}), ("GET", "/keys", None), ("POST", "/rng", {"count": 4}), ("GET", "/settings", None),
        ("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}), ("GET", "/deletedkeys", None),
        ("PUT", f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", {"properties": {}}),
    ):
        answer = wire.send(method, path, body)
        assert answer.status == 403 and answer.json["error"]["code"], (method, path, answer.status, answer.body[:200])
    wire.get("/securitydomain/download/pending").expect(200)
    assert Wire(ceremony.profile["url"], ceremony.ca, None).get("/keys").status == 401


def test_bad_requests_do_not_activate(ceremony):
    wire = ceremony.wire()
    for body in ({}, {"certificates": [], "required": 2}, {"certificates": [{"x5c": ["AAAA"]}] * 3, "required": 2}):
        wire.post("/securitydomain/download", body).expect(400)
    wire.get("/keys").expect(403)


def test_the_download_activates_and_az_can_read_the_file(ceremony, tmp_path):
    out = [tmp_path / f"safe{i}" for i in range(CERTIFICATE_COUNT)]
    run_hallmark("custodian", "keygen", *[a for o in out for a in ("--out", o)], check=True)
    pairs = [domain.custodians(o)[0] for o in out]
    path = tmp_path / "domain.json"
    run_hallmark("domain", "download", "--profile", ceremony.admin, "--certificate", *[c for _, c in pairs], "--quorum", "2", "--file", path, check=True)
    document = json.loads(path.read_text())
    check_format(document, 2, [c for _, c in pairs])
    key, exchange = make_exchange(tmp_path)
    check_blob(az_restore_blob(tmp_path, path, pairs[1:], exchange), key, exchange, domain.open_domain(document, pairs[:2])[1])
    wire = ceremony.wire()
    # Activated: the administrator still holds no key right, which is now said as such.
    answer = wire.post("/keys/k/create", {"kty": "EC"}).expect(403)
    assert answer.error == "AccessDenied"
    wire.get("/settings").expect(200)


def test_activation_and_rights_survive_a_restart(ceremony):
    wire = ceremony.wire()
    wire.put(f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", {"properties": {
        "roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
        "principalId": ceremony.profile["objectId"]}}).expect(201)
    made = wire.create_key("kept")
    assert made["attributes"]["recoveryLevel"] == "Recoverable+Purgeable" and made["attributes"]["recoverableDays"] == 90
    wire.close()
    ceremony.stop()
    (ceremony.folder / "pid").unlink(missing_ok=True)
    ceremony.serve()
    assert ceremony.wire().get("/keys/kept/").expect(200).json == made
    ceremony.wire().sign("kept", "ES256", b"\1" * 32).expect(200)


def test_the_command_line_works_from_the_profile_alone(ceremony):
    done = run_hallmark("keys", "list", "--profile", ceremony.admin)
    assert done.returncode == 0 and "kept" in done.stdout, done.stderr


def test_serve_refuses_a_folder_without_an_hsm(tmp_path):
    assert run_hallmark("serve", "--dir", tmp_path).returncode not in (0, None)


def test_unknown_configuration_keys_are_errors(ceremony, tmp_path):
    config = tmp_path / "hallmark.yaml"
    config.write_text("listen:\n  prot: 8443\n")
    done = run_hallmark("serve", "--dir", ceremony.hsm, "--config", config)
    assert done.returncode != 0 and "prot" in done.stderr + done.stdout
