"""Timestamps by openssl's own authority: for judges that want a trusted time in every bundle."""

import base64
import json
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from notary import DAY, name, pem, usage


class Timestamps:
    """A timestamp authority in a folder, and the trusted root that names it."""

    def __init__(self, folder, openssl):
        import datetime

        self.folder, self.openssl = folder, openssl
        folder.mkdir()
        now = datetime.datetime.now(datetime.timezone.utc)
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

        def certificate(common, key, extensions):
            builder = x509.CertificateBuilder(name("tsa root"), name(common), key.public_key(), x509.random_serial_number(), now - DAY, now + 30 * DAY)
            for extension, critical in extensions:
                builder = builder.add_extension(extension, critical)
            return builder.sign(keys[0], hashes.SHA256())

        root = certificate("tsa root", keys[0], [(x509.BasicConstraints(True, None), True), (usage(key_cert_sign=True), True)])
        leaf = certificate("tsa", keys[1], [
            (x509.BasicConstraints(False, None), True), (usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)])
        (folder / "tsa.pem").write_bytes(pem(leaf))
        (folder / "tsa.key").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(
            f"[tsa]\nserial = {folder}/serial\nsigner_cert = {folder}/tsa.pem\nsigner_key = {folder}/tsa.key\nsigner_digest = sha256\n"
            "default_policy = 1.2.3.4.1\ndigests = sha256\nordering = no\ntsa_name = no\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n")
        self.trusted_root = folder / "trusted_root.json"
        self.trusted_root.write_text(json.dumps({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "timestampAuthorities": [{
                "subject": {"organization": "Example", "commonName": "tsa root"}, "uri": "https://tsa.example",
                "certChain": {"certificates": [{"rawBytes": base64.b64encode(c.public_bytes(serialization.Encoding.DER)).decode()} for c in (leaf, root)]},
                "validFor": {"start": "2020-01-01T00:00:00Z"}}]}))

    def stamp(self, bundle):
        """Puts a timestamp over its signature into a bundle file."""
        document = json.loads(bundle.read_text())
        message = document.get("messageSignature")
        signature = base64.b64decode(message["signature"] if message else document["dsseEnvelope"]["signatures"][0]["sig"])
        (self.folder / "signature").write_bytes(signature)
        query, reply = self.folder / "query", self.folder / "reply"
        for command in (["-query", "-data", self.folder / "signature", "-sha256", "-no_nonce", "-out", query],
                        ["-reply", "-config", self.folder / "tsa.cnf", "-section", "tsa", "-queryfile", query, "-out", reply]):
            subprocess.run([self.openssl, "ts", *map(str, command)], check=True, capture_output=True)
        document["verificationMaterial"]["timestampVerificationData"] = {
            "rfc3161Timestamps": [{"signedTimestamp": base64.b64encode(reply.read_bytes()).decode()}]}
        bundle.write_text(json.dumps(document))
