"""What `hallmark sign blob` makes, judged by cosign and by openssl."""

import json
import subprocess

import pytest

import keycheck

KEYS = {"blob-p256": {"kty": "EC-HSM", "crv": "P-256"}, "blob-p384": {"kty": "EC-HSM", "crv": "P-384"}, "blob-rsa": {"kty": "RSA-HSM", "key_size": 3072}}


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    path = tmp_path_factory.mktemp("blob") / "artifact.bin"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


@pytest.fixture(scope="module", params=KEYS)
def signed(request, hsm, user, blob):
    """(key name, public PEM, bundle) of one key type."""
    bundle_key = user.create_key(request.param, **KEYS[request.param])
    bundle, public = blob.parent / f"{request.param}.sigstore.json", blob.parent / f"{request.param}.pem"
    public.write_bytes(keycheck.public_pem(bundle_key["key"]))
    hsm.run("sign", "blob", blob, "--key", request.param, "--bundle", bundle, who="user", check=True)
    return request.param, public, bundle


def verify_blob(cosign, public, bundle, blob):
    hash_name = "sha384" if "p384" in bundle.name else "sha256"  # cosign must be told when it is not SHA-256
    return subprocess.run([cosign, "verify-blob", "--key", public, "--bundle", bundle, "--insecure-ignore-tlog", "--signature-digest-algorithm", hash_name, blob], capture_output=True, text=True, timeout=60,
                          env={"HOME": str(blob.parent), "PATH": "/usr/bin:/bin"})


def test_cosign_accepts_the_bundle(signed, cosign, blob):
    _, public, bundle = signed
    done = verify_blob(cosign, public, bundle, blob)
    assert done.returncode == 0 and "Verified OK" in done.stderr + done.stdout, done.stderr


def test_cosign_refuses_another_file_and_another_key(signed, cosign, blob, tmp_path, hsm, user):
    name, public, bundle = signed
    changed = tmp_path / "changed.bin"
    changed.write_bytes(blob.read_bytes()[:-1] + b"X")
    assert verify_blob(cosign, public, bundle, changed).returncode != 0
    other = tmp_path / "other.pem"
    other.write_bytes(keycheck.public_pem(user.create_key(f"other-{name}", **KEYS[name])["key"]))
    assert verify_blob(cosign, other, bundle, blob).returncode != 0


def test_the_bundle_has_the_prescribed_form(signed, blob):
    import base64
    import hashlib

    from cryptography.hazmat.primitives import serialization

    _, public, bundle = signed
    document = json.loads(bundle.read_text())
    assert set(document) == {"mediaType", "verificationMaterial", "messageSignature"}
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    der = serialization.load_pem_public_key(public.read_bytes()).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert document["verificationMaterial"]["publicKey"] == {"hint": base64.b64encode(hashlib.sha256(der).digest()).decode()}
    digest = document["messageSignature"]["messageDigest"]
    algorithm = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}[digest["algorithm"]]
    assert base64.b64decode(digest["digest"]) == hashlib.new(algorithm, blob.read_bytes()).digest()


def test_openssl_accepts_the_detached_signature(signed, hsm, openssl, blob, tmp_path):
    name, public, _ = signed
    signature = tmp_path / "artifact.sig"
    hsm.run("sign", "blob", blob, "--key", name, "--signature", signature, who="user", check=True)
    hash_name = {"blob-p384": "sha384"}.get(name, "sha256")
    accepted = []
    for options in ([], ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]):
        done = subprocess.run([openssl, "dgst", f"-{hash_name}", "-verify", public, "-signature", signature, *options, blob], capture_output=True, text=True)
        accepted.append(done.returncode == 0)
    assert any(accepted)


def test_cosign_made_bundles_are_read_by_us(hsm, cosign, blob, tmp_path):
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "COSIGN_PASSWORD": ""}
    subprocess.run([cosign, "generate-key-pair"], cwd=tmp_path, env=env, check=True, capture_output=True)
    config, root, bundle = tmp_path / "config.json", tmp_path / "root.json", tmp_path / "theirs.sigstore.json"
    config.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "rekorTlogConfig": {}, "tsaConfig": {}}))
    root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))
    done = subprocess.run([cosign, "sign-blob", "--key", tmp_path / "cosign.key", "--signing-config", config, "--trusted-root", root, "--bundle", bundle, "--yes", blob],
                          env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert hsm.run("verify", "blob", blob, "--bundle", bundle, "--key", tmp_path / "cosign.pub").returncode == 0
    assert hsm.run("verify", "blob", config, "--bundle", bundle, "--key", tmp_path / "cosign.pub").returncode == 1
