"""Every signature algorithm with every key type that may use it, judged by code that is not ours."""

import hashlib
import os

import pytest

import keycheck
from wire import b64u, unb64u, version_of

RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
KEYS = {
    "rsa-2048": ({"kty": "RSA-HSM", "key_size": 2048}, RSA, 256),
    "rsa-3072": ({"kty": "RSA-HSM", "key_size": 3072}, RSA, 384),
    "rsa-4096": ({"kty": "RSA-HSM", "key_size": 4096}, RSA, 512),
    "p-256": ({"kty": "EC-HSM", "crv": "P-256"}, ["ES256"], 64),
    "p-384": ({"kty": "EC-HSM", "crv": "P-384"}, ["ES384"], 96),
    "p-521": ({"kty": "EC-HSM", "crv": "P-521"}, ["ES512"], 132),
    "p-256k": ({"kty": "EC-HSM", "crv": "P-256K"}, ["ES256K"], 64),
}
PAIRS = [(k, a) for k, (_, algorithms, _) in KEYS.items() for a in algorithms]
ALL_ALGORITHMS = RSA + ["ES256", "ES384", "ES512", "ES256K"]
WRONG = [(k, a) for k in KEYS for a in ALL_ALGORITHMS if a not in KEYS[k][1]]


@pytest.fixture(scope="module")
def keys(user):
    return {name: user.create_key(name, **spec) for name, (spec, _, _) in KEYS.items()}


@pytest.mark.parametrize("key,algorithm", PAIRS)
def test_cryptography_and_openssl_accept_it(key, algorithm, keys, user, openssl, tmp_path):
    jwk, width = keys[key]["key"], KEYS[key][2]
    for _ in range(4):
        message = os.urandom(100)
        digest = keycheck.digest_of(algorithm, message)
        answer = user.sign(key, algorithm, digest, version_of(keys[key])).expect(200).json
        assert set(answer) == {"alg", "kid", "value"}
        assert answer["alg"] == algorithm and answer["kid"] == jwk["kid"]
        signature = unb64u(answer["value"])
        assert len(signature) == width
        assert keycheck.accepts(jwk, algorithm, digest, signature)
        assert not keycheck.accepts(jwk, algorithm, keycheck.digest_of(algorithm, message + b"."), signature)
    assert keycheck.openssl_accepts(openssl, tmp_path, jwk, algorithm, message, signature)


@pytest.mark.parametrize("key,algorithm", PAIRS)
def test_verify_tells_true_from_false(key, algorithm, keys, user):
    digest = keycheck.digest_of(algorithm, b"a message")
    signature = unb64u(user.sign(key, algorithm, digest).expect(200).json["value"])

    def verify(digest, signature):
        return user.post(f"/keys/{key}/verify", {"alg": algorithm, "digest": b64u(digest), "value": b64u(signature)})

    answer = verify(digest, signature).expect(200).json
    assert answer == {"alg": algorithm, "kid": keys[key]["key"]["kid"], "value": True}
    assert verify(keycheck.digest_of(algorithm, b"another"), signature).expect(200).json["value"] is False
    flipped = bytearray(signature)
    flipped[len(flipped) // 2] ^= 1
    assert verify(digest, bytes(flipped)).expect(200).json["value"] is False
    # A signature of the wrong length is either no signature or a bad request, never true and never a crash.
    for wrong in (signature[:-1], signature + b"\0", b""):
        answer = verify(digest, wrong).expect(200, 400)
        assert answer.status == 400 or answer.json["value"] is False


@pytest.mark.parametrize("key,algorithm", PAIRS)
def test_a_digest_of_another_length_is_refused(key, algorithm, keys, user):
    length = keycheck.hash_of(algorithm).digest_size
    for wrong in (0, 1, length - 1, length + 1, 20, 256):
        answer = user.sign(key, algorithm, b"\1" * wrong).expect(400)
        assert answer.error == "BadParameter", answer.body


@pytest.mark.parametrize("key,algorithm", WRONG)
def test_an_algorithm_of_another_key_type_is_refused(key, algorithm, keys, user):
    answer = user.sign(key, algorithm, keycheck.digest_of(algorithm, b"m")).expect(400)
    assert answer.error == "BadParameter", answer.body


def test_rsnull_pads_the_bytes_as_they_are(keys, user):
    jwk = keys["rsa-2048"]["key"]
    for given in (b"\x00" * 36, os.urandom(36), b"x"):
        signature = unb64u(user.sign("rsa-2048", "RSNULL", given).expect(200).json["value"])
        n, e = int.from_bytes(unb64u(jwk["n"])), int.from_bytes(unb64u(jwk["e"]))
        padded = pow(int.from_bytes(signature), e, n).to_bytes(256)
        assert padded == b"\0\1" + b"\xff" * (256 - 3 - len(given)) + b"\0" + given  # RFC 2437 §9.2.1 without DigestInfo
        verdict = user.post("/keys/rsa-2048/verify", {"alg": "RSNULL", "digest": b64u(given), "value": b64u(signature)})
        assert verdict.expect(200).json["value"] is True
    user.sign("rsa-2048", "RSNULL", b"x" * 246).expect(400)  # does not fit 256 - 11 bytes


def test_foreign_signatures_verify_on_the_server(user, name):
    """Signatures that `cryptography` made with an imported key: the server did not make them, and says true."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.private_numbers()
    width = 32
    user.put(f"/keys/{name}", {"key": {
        "kty": "EC", "crv": "P-256", "d": b64u(numbers.private_value.to_bytes(width)),
        "x": b64u(numbers.public_numbers.x.to_bytes(width)), "y": b64u(numbers.public_numbers.y.to_bytes(width))}}).expect(200)
    for i in range(20):
        digest = hashlib.sha256(b"%d" % i).digest()
        r, s = utils.decode_dss_signature(private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        raw = r.to_bytes(width) + s.to_bytes(width)
        answer = user.post(f"/keys/{name}/verify", {"alg": "ES256", "digest": b64u(digest), "value": b64u(raw)})
        assert answer.expect(200).json["value"] is True


def test_ecdsa_is_fixed_width_over_many_signatures(keys, user):
    """One r or s in 256 begins with a zero byte: 600 signatures surely hold some, and none may be shorter."""
    for key, algorithm in (("p-256", "ES256"), ("p-256k", "ES256K")):
        seen_leading_zero = False
        for i in range(600):
            digest = hashlib.sha256(b"%d" % i).digest()
            signature = unb64u(user.sign(key, algorithm, digest).expect(200).json["value"])
            assert len(signature) == 64
            seen_leading_zero |= signature[0] == 0 or signature[32] == 0
            if i % 20 == 0:
                assert keycheck.accepts(keys[key]["key"], algorithm, digest, signature)
        assert seen_leading_zero


def test_key_ops_bind(user, name):
    user.create_key(name, "EC-HSM", key_ops=["verify"])
    answer = user.sign(name, "ES256", b"\1" * 32)
    assert answer.status in (400, 403) and answer.json["error"]["code"], answer.body
    user.post(f"/keys/{name}/verify", {"alg": "ES256", "digest": b64u(b"\1" * 32), "value": b64u(b"\1" * 64)}).expect(200)


def test_a_symmetric_key_does_not_sign_with_a_public_key_algorithm(user, name):
    user.create_key(name, "oct-HSM", key_size=256)
    for algorithm in ALL_ALGORITHMS:
        user.sign(name, algorithm, keycheck.digest_of(algorithm, b"m")).expect(400)


def test_disabled_and_out_of_window_keys_do_not_sign_but_the_window_lets_verify(user, name):
    import time

    digest = hashlib.sha256(b"w").digest()
    now = int(time.time())
    bundle = user.create_key(name, "EC-HSM")
    signature = user.sign(name, "ES256", digest).expect(200).json["value"]
    verify = {"alg": "ES256", "digest": b64u(digest), "value": signature}

    user.patch(f"/keys/{name}/", {"attributes": {"enabled": False}}).expect(200)
    assert user.sign(name, "ES256", digest).expect(400, 403).json["error"]["code"]
    user.post(f"/keys/{name}/verify", verify).expect(400, 403)
    user.patch(f"/keys/{name}/", {"attributes": {"enabled": True, "nbf": now + 3600}}).expect(200)
    assert user.sign(name, "ES256", digest).expect(403).json["error"]["code"]
    user.post(f"/keys/{name}/verify", verify).expect(200)
    user.patch(f"/keys/{name}/", {"attributes": {"nbf": now - 7200, "exp": now - 3600}}).expect(200)
    assert user.sign(name, "ES256", digest).expect(403).json["error"]["code"]
    assert user.post(f"/keys/{name}/verify", verify).expect(200).json["value"] is True
    assert user.get(f"/keys/{name}/").expect(200).json["key"]["kid"] == bundle["key"]["kid"]


def test_old_versions_keep_signing(user, name):
    first = user.create_key(name, "EC-HSM")
    second = user.create_key(name, "EC-HSM")
    digest = hashlib.sha256(b"v").digest()
    for bundle, version in ((first, version_of(first)), (second, version_of(second)), (second, "")):
        answer = user.sign(name, "ES256", digest, version).expect(200).json
        assert answer["kid"] == bundle["key"]["kid"]
        assert keycheck.accepts(bundle["key"], "ES256", digest, unb64u(answer["value"]))
