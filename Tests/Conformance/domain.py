"""The security-domain file, read by code of our own that follows only the reference (managed-hsm.md §5)."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, padding as block_padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509 import load_pem_x509_certificate

from wire import unb64u

OAEP_256 = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def custodians(folder):
    """[(private key path, certificate path)] of a folder of custodians, sorted by name."""
    certificates = sorted(p for p in folder.iterdir() if p.suffix in (".cer", ".crt", ".pem") and b"BEGIN CERTIFICATE" in p.read_bytes())
    pairs = []
    for certificate in certificates:
        key = next(p for p in sorted(folder.iterdir()) if p.stem == certificate.stem and p != certificate and b"PRIVATE KEY" in p.read_bytes())
        pairs.append((key, certificate))
    return pairs


def thumbprint(certificate_path):
    certificate = load_pem_x509_certificate(certificate_path.read_bytes())
    return base64.urlsafe_b64encode(hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()).rstrip(b"=").decode()


def header(compact):
    return json.loads(unb64u(compact.split(".")[0]))


def open_jwe(compact, cek=None, private_key=None):
    """A256CBC-HS512 (RFC 7518 §5.2.5) with the tag always checked."""
    head, encrypted_key, iv, ciphertext, tag = compact.split(".")
    if private_key is not None:
        cek = private_key.decrypt(unb64u(encrypted_key), OAEP_256)
    iv, ciphertext, tag = unb64u(iv), unb64u(ciphertext), unb64u(tag)
    assert len(cek) == 64 and len(iv) == 16 and len(tag) == 32
    mac = hmac.new(cek[:32], head.encode() + iv + ciphertext + (8 * len(head)).to_bytes(8), "sha512").digest()[:32]
    assert hmac.compare_digest(mac, tag), "JWE tag"
    decryptor = Cipher(algorithms.AES(cek[32:]), modes.CBC(iv)).decryptor()
    unpadder = block_padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()


def kdf(key, label, bits=512):
    return hmac.new(key, (1).to_bytes(4) + label.encode() + b"\0" + bits.to_bytes(4), "sha512").digest()[: bits // 8]


def recover(shares):
    """GF(257) interpolation at zero over 64-byte shares (§5.4 b)."""
    words = [[int.from_bytes(share[i:i + 2], "little") for i in range(0, 64, 2)] for share in shares]
    xs = [{w >> 9 for w in each} for each in words]
    assert all(len(x) == 1 for x in xs), "every word of a share repeats its number"
    xs = [x.pop() for x in xs]
    secret = bytearray()
    for column in zip(*words):
        total = 0
        for i, word in enumerate(column):
            numerator = denominator = 1
            for j, other in enumerate(xs):
                if i != j:
                    numerator = numerator * -other % 257
                    denominator = denominator * (xs[i] - other) % 257
            total += (word & 511) * numerator * pow(denominator, -1, 257)
        secret.append(total % 257)
    return bytes(secret)


def open_domain(document, pairs):
    """{tag: plaintext} of a security-domain document, given enough (private key path, certificate path) pairs."""
    by_print = {s["x5t_256"]: s["enc_key"] for s in document["SharedKeys"]["enc_shares"]}
    shares = []
    for key_path, certificate_path in pairs:
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        shares.append(open_jwe(by_print[thumbprint(certificate_path)], private_key=key))
    master = recover(shares)
    return master, {d["tag"]: open_jwe(d["compact_jwe"], cek=kdf(master, d["tag"])) for d in document["EncData"]["data"]}
