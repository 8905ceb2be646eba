"""Independent verification: `cryptography` and the openssl command line, from the public JWK alone."""

import hashlib
import subprocess

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from wire import unb64u

CURVES = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48), "P-521": (ec.SECP521R1(), 66), "P-256K": (ec.SECP256K1(), 32)}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512(), "256K": hashes.SHA256()}


def hash_of(algorithm):
    return HASHES[algorithm[2:]]


def digest_of(algorithm, message):
    return hashlib.new(hash_of(algorithm).name, message).digest()


def public_key(jwk):
    if jwk["kty"].startswith("RSA"):
        return rsa.RSAPublicNumbers(int.from_bytes(unb64u(jwk["e"])), int.from_bytes(unb64u(jwk["n"]))).public_key()
    curve, width = CURVES[jwk["crv"]]
    x, y = unb64u(jwk["x"]), unb64u(jwk["y"])
    assert (len(x), len(y)) == (width, width), "coordinates have the field's fixed width"
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()


def public_pem(jwk):
    return public_key(jwk).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def der_signature(jwk, raw):
    width = CURVES[jwk["crv"]][1]
    assert len(raw) == 2 * width, f"raw r||s of {jwk['crv']} has {2 * width} bytes, not {len(raw)}"
    return utils.encode_dss_signature(int.from_bytes(raw[:width]), int.from_bytes(raw[width:]))


def accepts(jwk, algorithm, digest, signature):
    """Whether `cryptography` accepts the signature over the digest."""
    key, algorithm_hash = public_key(jwk), utils.Prehashed(hash_of(algorithm))
    try:
        if algorithm.startswith("ES"):
            key.verify(der_signature(jwk, signature), digest, ec.ECDSA(algorithm_hash))
        elif algorithm.startswith("RS"):
            key.verify(signature, digest, padding.PKCS1v15(), algorithm_hash)
        else:
            salt = hash_of(algorithm).digest_size
            key.verify(signature, digest, padding.PSS(padding.MGF1(hash_of(algorithm)), salt), algorithm_hash)
        return True
    except InvalidSignature:
        return False


def openssl_accepts(openssl, folder, jwk, algorithm, message, signature):
    """Whether the openssl command line accepts the signature over the message."""
    pem, sig, data = folder / "pub.pem", folder / "sig", folder / "data"
    pem.write_bytes(public_pem(jwk))
    sig.write_bytes(der_signature(jwk, signature) if algorithm.startswith("ES") else signature)
    data.write_bytes(message)
    options = []
    if algorithm.startswith("PS"):
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-sigopt", f"rsa_mgf1_md:{hash_of(algorithm).name}"]
    done = subprocess.run(
        [openssl, "dgst", f"-{hash_of(algorithm).name}", "-verify", pem, "-signature", sig, *options, data], capture_output=True, text=True)
    return done.returncode == 0 and "Verified OK" in done.stdout
