"""A stand-in for a build system's OIDC issuer: discovery, JWKS and signed assertions, over HTTPS with a CA of its own."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from wire import b64u

AUDIENCE = "api://AzureADTokenExchange"


def make_ca(common_name):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=2))
               .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
               .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True))
    return key, builder.sign(key, hashes.SHA256())


def make_server_certificate(ca_key, ca, host):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])).issuer_name(ca.subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=1))
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
               .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
               .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False))
    return key, builder.sign(ca_key, hashes.SHA256())


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Issuer:
    """Serves on a free loopback port until `close`."""

    def __init__(self, folder, host="ci.localhost"):
        folder.mkdir(parents=True, exist_ok=True)
        ca_key, ca = make_ca("Stand-in CI root")
        key, certificate = make_server_certificate(ca_key, ca, host)
        self.ca_file = folder / "issuer-ca.pem"
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        chain = folder / "issuer-chain.pem"
        chain.write_bytes(pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        self.keys = {}
        self.requests = []
        self.kid = self.rotate()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests.append(self.path)
                if self.path == "/.well-known/openid-configuration":
                    document = {"issuer": issuer.url, "jwks_uri": issuer.url + "/jwks", "id_token_signing_alg_values_supported": ["RS256"],
                                "response_types_supported": ["id_token"], "subject_types_supported": ["public"]}
                elif self.path == "/jwks":
                    document = {"keys": issuer.jwks()}
                else:
                    self.send_error(404)
                    return
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://{host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def rotate(self):
        """A new signing key beside the old ones; returns its kid."""
        self.kid = uuid.uuid4().hex[:8]
        self.keys[self.kid] = rsa.generate_private_key(65537, 2048)
        return self.kid

    def jwks(self):
        keys = []
        for kid, key in self.keys.items():
            numbers = key.public_key().public_numbers()
            keys.append({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB", "n": b64u(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8))})
        return keys

    def assertion(self, subject, audience=AUDIENCE, lifetime=3600, header=None, key=None, **claims):
        now = int(time.time())
        payload = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "nbf": now - 5, "exp": now + lifetime, "jti": uuid.uuid4().hex} | claims
        payload = {k: v for k, v in payload.items() if v is not None}
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | (header or {})
        signed = f"{b64u(json.dumps(head).encode())}.{b64u(json.dumps(payload).encode())}"
        signature = (key or self.keys[self.kid]).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return signed + "." + b64u(signature)
