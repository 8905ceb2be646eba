"""notation with folders of its own, and certificate chains for keys that stay in an HSM."""

import datetime
import json
import os
import pathlib
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import keycheck
from authority import BINARY, TOOLS

PLUGIN = BINARY.parent / "notation-hallmark"
DAY = datetime.timedelta(days=1)


def name(common):
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"), x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "WA"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**true):
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{n: true.get(n, False) for n in names})


def pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


class Root:
    """A CA outside of every HSM."""

    def __init__(self, common):
        self.common = common
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name(common), self.key.public_key(), [
            (x509.BasicConstraints(True, None), True), (usage(key_cert_sign=True, crl_sign=True), True)])

    def _sign(self, subject, public, extensions, start=-1, end=3650):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            name(self.common), subject, public, x509.random_serial_number(), now + start * DAY, now + end * DAY)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def chain(self, jwk, common="release signer", purposes=(ExtendedKeyUsageOID.CODE_SIGNING,), start=-1, end=365):
        """PEM of a leaf for the HSM's key, and of this root."""
        leaf = self._sign(name(common), keycheck.public_key(jwk), [
            (x509.BasicConstraints(False, None), True), (usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage(list(purposes)), False)], start, end)
        return pem(leaf, self.certificate)

    @property
    def pem(self):
        return pem(self.certificate)


class Notation:
    """One user's notation: configuration, plugins, trust stores and policy in a folder of their own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "config/notation"
        self.config.mkdir(parents=True)

    def install(self, plugin="hallmark"):
        place = self.config / "plugins" / plugin
        place.mkdir(parents=True, exist_ok=True)
        (place / f"notation-{plugin}").symlink_to(PLUGIN)
        return self

    def trust(self, *stores, identities=("*",), scopes=("*",), **verification):
        """`stores`: (kind, name, PEM). Replaces the policy."""
        for kind, store, content in stores:
            place = self.config / "truststore/x509" / kind / store
            place.mkdir(parents=True, exist_ok=True)
            (place / "root.pem").write_bytes(content)
        (self.config / "trustpolicy.json").write_text(json.dumps({"version": "1.0", "trustPolicies": [{
            "name": "test", "registryScopes": list(scopes), "signatureVerification": {"level": "strict", **verification},
            "trustStores": [f"{kind}:{store}" for kind, store, _ in stores], "trustedIdentities": list(identities)}]}))
        return self

    def add_local_key(self, key, chain):
        """A key on this disk that notation signs with by itself."""
        folder = self.folder / "local"
        folder.mkdir(exist_ok=True)
        (folder / "key.pem").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (folder / "chain.pem").write_bytes(chain)
        (self.config / "signingkeys.json").write_text(json.dumps({"default": "local", "keys": [
            {"name": "local", "keyPath": str(folder / "key.pem"), "certPath": str(folder / "chain.pem")}]}))

    def env(self, extra=None):
        return {"HOME": str(self.folder), "PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(self.folder / "config"),
                "XDG_CACHE_HOME": str(self.folder / "cache"), "XDG_DATA_HOME": str(self.folder / "data"), **(extra or {})}

    def run(self, *arguments, env=None, check=False):
        done = subprocess.run(
            [TOOLS / "bin/notation", *map(str, arguments)], env=self.env(env), capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL)
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def sign(self, image, key_id, plugin="hallmark", form="jws", env=None, check=False, more=(), **config):
        settings = [word for k, v in config.items() for word in ("--plugin-config", f"{k}={v}")]
        return self.run(
            "sign", "--plugin", plugin, "--id", key_id, "--signature-format", form, *settings, *more, image, env=env, check=check)

    def verify(self, image, check=False, more=(), env=None, **config):
        settings = [word for k, v in config.items() for word in ("--plugin-config", f"{k}={v}")]
        return self.run("verify", *settings, *more, image, check=check, env=env)

    def inspect(self, image):
        """The signatures of an image, without any decision about trust."""
        done = self.run("inspect", "-o", "json", image)
        if done.returncode != 0:
            assert "no signature" in done.stderr, done.stderr
            return []
        document = json.loads(done.stdout)
        return lower_names(document).get("signatures") or []


def lower_names(value):
    """Member names begin with a capital or not, depending on notation's version."""
    if isinstance(value, dict):
        return {k[:1].lower() + k[1:]: lower_names(v) for k, v in value.items()}
    return [lower_names(v) for v in value] if isinstance(value, list) else value


def call_plugin(command, request, env=None, program=PLUGIN):
    """One process of the plugin, as notation starts it: (exit code, stdout, stderr)."""
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    arguments = [command] if isinstance(command, str) else command
    done = subprocess.run([program, *arguments], input=body, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(env or {})},
                          capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr
