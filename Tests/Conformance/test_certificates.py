"""Certificates of HSM keys, made by `hallmark certs`, judged by openssl, python-cryptography and notation."""

import datetime
import json
import re
import sqlite3
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

import keycheck
from authority import TOOLS, Authority, run_hallmark
from trail import records
from wire import version_of

KEYS = {
    "p256": {"kty": "EC-HSM", "crv": "P-256"}, "p384": {"kty": "EC-HSM", "crv": "P-384"}, "p521": {"kty": "EC-HSM", "crv": "P-521"},
    "rsa2048": {"kty": "RSA-HSM", "key_size": 2048}, "rsa3072": {"kty": "RSA-HSM", "key_size": 3072}, "rsa4096": {"kty": "RSA-HSM", "key_size": 4096},
}
SUBJECT = "C=DE, ST=Berlin, O=Example, CN="


def certs(hsm, *arguments, who="user", **options):
    return hsm.run("certs", *arguments, who=who, **options)


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def refused(done, *words, code=None):
    assert done.returncode != 0, done.stdout
    assert code is None or done.returncode == code, (done.returncode, done.stderr)
    for word in words:
        assert word in done.stderr, done.stderr
    return done


def shown(hsm, key, *arguments):
    return json.loads(ok(certs(hsm, "show", key, "--output", "json", *arguments)).stdout)


def chain_of(hsm, key):
    return x509.load_pem_x509_certificates(shown(hsm, key)["pem"].encode())


def public_numbers(bundle):
    return serialization.load_pem_public_key(keycheck.public_pem(bundle["key"])).public_numbers()


@pytest.fixture(scope="module")
def root(hsm, user):
    """A root CA whose key is in the HSM."""
    user.create_key("root-key", "EC-HSM", crv="P-384")
    ok(certs(hsm, "issue", "root-key", "--subject", SUBJECT + "root", "--self-signed", "--ca-root", "--days", "3650"))
    return "root-key"


# -- what other tools say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KEYS)
def test_openssl_and_cryptography_accept_the_request(kind, hsm, user, openssl, tmp_path, name):
    bundle = user.create_key(name, **KEYS[kind])
    out = tmp_path / "r.csr"
    ok(certs(hsm, "request", name, "--subject", SUBJECT + "Größe\\, Inc.", "--out", out))
    done = subprocess.run([openssl, "req", "-verify", "-noout", "-in", out], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "verify OK" in done.stderr, done.stderr
    request = x509.load_pem_x509_csr(out.read_bytes())
    assert request.is_signature_valid and request.public_key().public_numbers() == public_numbers(bundle)
    assert [a.value for a in request.subject] == ["DE", "Berlin", "Example", "Größe, Inc."]


@pytest.mark.parametrize("kind", KEYS)
def test_a_self_signed_leaf_has_the_signing_profile(kind, hsm, user, openssl, tmp_path, name):
    bundle = user.create_key(name, **KEYS[kind])
    out = tmp_path / "c.pem"
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "signer", "--self-signed", "--days", "30", "--out", out))
    done = subprocess.run([openssl, "verify", "-partial_chain", "-check_ss_sig", "-CAfile", out, out], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    leaf = x509.load_pem_x509_certificate(out.read_bytes())
    leaf.verify_directly_issued_by(leaf)
    assert leaf.public_key().public_numbers() == public_numbers(bundle)
    assert leaf.version == x509.Version.v3 and leaf.serial_number.bit_length() > 64
    constraints = leaf.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    usage = leaf.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE)
    assert constraints.critical and not constraints.value.ca
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign and not usage.value.key_encipherment
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CODE_SIGNING]
    text = subprocess.run([openssl, "x509", "-in", out, "-noout", "-text"], capture_output=True, text=True, timeout=60).stdout
    assert "Code Signing" in text and "CA:FALSE" in text and "CN = signer" in text and ("sha" in text.lower())
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert lifetime == datetime.timedelta(days=30, minutes=5)


@pytest.mark.parametrize("kind", KEYS)
def test_openssl_verifies_a_leaf_issued_below_root_and_intermediate(kind, hsm, user, root, openssl, tmp_path, name):
    user.create_key(f"{name}-ca", **KEYS[kind])
    bundle = user.create_key(name, **KEYS["p256"])
    ok(certs(hsm, "issue", f"{name}-ca", "--subject", SUBJECT + "issuing", "--ca-key", root, "--ca-root", "--days", "1000"))
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "leaf", "--ca-key", f"{name}-ca", "--days", "90"))
    leaf, middle, top = chain_of(hsm, name)
    leaf.verify_directly_issued_by(middle)
    middle.verify_directly_issued_by(top)
    top.verify_directly_issued_by(top)
    assert leaf.public_key().public_numbers() == public_numbers(bundle)
    assert middle.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    files = {}
    for label, certificate in (("leaf", leaf), ("middle", middle), ("top", top)):
        files[label] = tmp_path / f"{label}.pem"
        files[label].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    done = subprocess.run([openssl, "verify", "-x509_strict", "-purpose", "any", "-CAfile", files["top"], "-untrusted", files["middle"], files["leaf"]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_notation_takes_the_root_into_its_store(hsm, root, tmp_path):
    notation = TOOLS / "bin/notation"
    assert notation.exists(), "notation is not installed: run scripts/setup test"
    out = tmp_path / "root.pem"
    ok(certs(hsm, "show", root, "--root-out", out))
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([notation, "cert", "add", "--type", "ca", "--store", "hsm", str(out)], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([notation, "cert", "show", "--type", "ca", "--store", "hsm", "root.pem"], capture_output=True, text=True, timeout=60, env=env)
    assert "CN=root" in listed.stdout and "IsCA: true" in listed.stdout, listed.stdout


# -- chains made elsewhere ----------------------------------------------------------------------------------------------


class OutsideCA:
    """A CA that is not ours, on python-cryptography."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "outside root")])
        self.certificate = self.build(self.name, self.key.public_key(), ca=True)

    def build(self, subject, key, ca=False, eku=None, days=(-1, 100), usage=True):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca, None), True))
        if usage:
            builder = builder.add_extension(
                x509.KeyUsage(digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
                              key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False), True)
        if eku:
            builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), False)
        return builder.sign(self.key, hashes.SHA384())

    def issue(self, csr_pem, **options):
        request = x509.load_pem_x509_csr(csr_pem)
        return self.build(request.subject, request.public_key(), **{"eku": ExtendedKeyUsageOID.CODE_SIGNING, **options})


@pytest.fixture(scope="module")
def outside():
    return OutsideCA()


def request(hsm, key):
    return ok(certs(hsm, "request", key, "--subject", SUBJECT + "requested")).stdout.encode()


def write(path, *certificates):
    path.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
    return path


@pytest.mark.parametrize("home", ["service", "local"])
def test_a_chain_of_an_outside_ca_is_imported_and_found_again(home, hsm, user, outside, tmp_path, name):
    bundle = user.create_key(name)
    leaf = outside.issue(request(hsm, name))
    folder = tmp_path / "certificates"
    env = {**hsm.cli_env("user"), "HALLMARK_CERTIFICATES": str(folder)}
    ok(run_hallmark("certs", "import", name, write(tmp_path / "c.pem", leaf, outside.certificate), "--home", home, env=env))
    found = json.loads(ok(run_hallmark("certs", "show", name, "--output", "json", env=env)).stdout)
    assert x509.load_pem_x509_certificates(found["pem"].encode()) == [leaf, outside.certificate]
    assert found["fingerprint"] == leaf.fingerprint(hashes.SHA256()).hex()
    files = list(folder.rglob("*.pem"))
    assert (len(files) == 1) == (home == "local")
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o644 and file.stem == version_of(bundle)
    listed = ok(run_hallmark("certs", "list", "--home", home, env=env)).stdout
    assert name in listed and "requested" in listed
    ok(run_hallmark("certs", "remove", name, "--home", home, env=env))
    refused(run_hallmark("certs", "show", name, env=env), "no certificate chain", "certs issue", code=1)


BAD = {
    "another key's leaf": (lambda ca, leaf: [ca.build(leaf.subject, ec.generate_private_key(ec.SECP256R1()).public_key(), eku=ExtendedKeyUsageOID.CODE_SIGNING), ca.certificate], "another key"),
    "root first": (lambda ca, leaf: [ca.certificate, leaf], "put the leaf first"),
    "no root": (lambda ca, leaf: [leaf], "ends before its root"),
    "another root of that name": (lambda ca, leaf: [leaf, OutsideCA().certificate], "was not made by the key of"),
    "for servers": (lambda ca, leaf: [ca.build(leaf.subject, leaf.public_key(), eku=ExtendedKeyUsageOID.SERVER_AUTH), ca.certificate], "serverAuth"),
    "no key usage": (lambda ca, leaf: [ca.build(leaf.subject, leaf.public_key(), usage=False), ca.certificate], "keyUsage"),
    "expired": (lambda ca, leaf: [ca.build(leaf.subject, leaf.public_key(), days=(-1, -0.5)), ca.certificate], "expired"),
    "not yet valid": (lambda ca, leaf: [ca.build(leaf.subject, leaf.public_key(), days=(1, 9)), ca.certificate], "valid only from"),
    "too many": (lambda ca, leaf: [leaf] * 17, "more than 16"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_chains_are_refused_by_the_command_and_by_the_service_with_the_reason(what, hsm, user, outside, tmp_path, name):
    bundle = user.create_key(name)
    make, reason = BAD[what]
    leaf = outside.issue(request(hsm, name))
    path = write(tmp_path / "c.pem", *make(outside, leaf))
    for home in ("service", "local"):
        refused(certs(hsm, "import", name, path, "--home", home), reason)
    # Straight to the service, past the command's own checks.
    reply = user.put(f"/hallmark/v1/keys/{name}/{version_of(bundle)}/certificates", {"pem": path.read_text()})
    assert reply.status == 400 and reason in reply.message, reply.message
    assert user.get(f"/hallmark/v1/keys/{name}/{version_of(bundle)}/certificates").status == 404


@pytest.mark.parametrize("content", [b"", b"not pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x82\xff\xff", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_files_that_are_no_chain_are_refused(content, hsm, user, tmp_path, name):
    user.create_key(name)
    path = tmp_path / "c.pem"
    path.write_bytes(content)
    refused(certs(hsm, "import", name, path), code=2)


def test_a_key_file_in_the_folder_that_belongs_to_another_key_is_never_given_out(hsm, user, tmp_path, name):
    folder = tmp_path / "certificates"
    env = {**hsm.cli_env("user"), "HALLMARK_CERTIFICATES": str(folder)}
    user.create_key(name)
    user.create_key(f"{name}-b")
    for key in (name, f"{name}-b"):
        ok(run_hallmark("certs", "issue", key, "--self-signed", "--subject", SUBJECT + key, "--home", "local", env=env))
    mine, other = sorted(folder.rglob("*.pem"), key=lambda p: p.parent.name)
    mine.write_bytes(other.read_bytes())
    refused(run_hallmark("certs", "show", name, "--home", "local", env=env), "belongs to another key", str(mine), code=1)


# -- rules of issuing ---------------------------------------------------------------------------------------------------


def test_usage_is_explained(hsm, user, root, name):
    user.create_key(name)
    refused(certs(hsm, "issue", name, "--subject", "CN=x", "--self-signed"), "C is missing", "C=DE", code=2)
    refused(certs(hsm, "issue", name, "--subject", SUBJECT + "x"), "--self-signed or --ca-key", code=2)
    refused(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--self-signed", "--days", "0"), "days", code=2)
    refused(certs(hsm, "issue", "no-such-key", "--subject", SUBJECT + "x", "--self-signed"), "KeyNotFound", code=1)
    refused(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--ca-key", name), code=1)
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--self-signed"))
    user.create_key(f"{name}-leaf")
    refused(certs(hsm, "issue", f"{name}-leaf", "--subject", SUBJECT + "x", "--ca-key", name), "may not issue", code=1)
    refused(certs(hsm, "issue", f"{name}-leaf", "--subject", SUBJECT + "x", "--ca-key", root, "--days", "3651"), "where 1 to 3650", code=2)


def test_secp256k1_and_disabled_keys_are_refused(hsm, user, name):
    user.create_key(name, crv="P-256K")
    refused(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--self-signed"), "P-256K", code=2)
    user.create_key(f"{name}-off", attributes={"enabled": False})
    refused(certs(hsm, "issue", f"{name}-off", "--subject", SUBJECT + "x", "--self-signed"), code=1)
    user.create_key(f"{name}-wrap", "RSA-HSM", key_ops=["wrapKey"])
    refused(certs(hsm, "issue", f"{name}-wrap", "--subject", SUBJECT + "x", "--self-signed"), "do not include sign", code=1)


def test_renewal_keeps_the_subject_and_follows_a_rotation(hsm, user, root, name):
    first = version_of(user.create_key(name))
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "renewed", "--ca-key", root, "--days", "20"))
    before = chain_of(hsm, name)
    # 20 within the second of its making, 19 after it.
    assert re.search(r"expires in (19|20) days; .*certs renew", shown(hsm, name)["warning"])
    assert "not renewed" in ok(certs(hsm, "renew", name, "--ca-key", root, "--before", "10d")).stdout
    assert chain_of(hsm, name) == before
    refused(certs(hsm, "renew", name), "was issued by", "--ca-key", code=2)
    ok(certs(hsm, "renew", name, "--ca-key", root, "--before", "30d", "--days", "200"))
    after = chain_of(hsm, name)
    assert after[0].subject == before[0].subject and after[0].serial_number != before[0].serial_number and after[1] == before[1]
    assert after[0].not_valid_after_utc > before[0].not_valid_after_utc and after[0].public_key() == before[0].public_key()

    user.post(f"/keys/{name}/rotate").expect(200)
    refused(certs(hsm, "show", name), "no certificate chain", code=1)
    ok(certs(hsm, "renew", name, "--ca-key", root, "--before", "30d"))
    rotated = chain_of(hsm, name)
    assert rotated[0].subject == before[0].subject and rotated[0].public_key() != before[0].public_key()
    # The chain of the version before stays with it.
    assert chain_of(hsm, f"{name}/{first}") == after


# -- rights, trail, store -----------------------------------------------------------------------------------------------


def test_a_signer_reads_chains_and_cannot_change_them(hsm, user, admin, name):
    bundle = user.create_key(name)
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--self-signed"))
    path = f"/hallmark/v1/keys/{name}/{version_of(bundle)}/certificates"
    pem = user.get(path).expect(200).json["pem"]
    role = "0c5a1e64-0000-4000-8000-00000000ce47"
    prefix = "Microsoft.KeyVault/managedHsm/keys"
    admin.put(f"/providers/Microsoft.Authorization/roleDefinitions/{role}", {"properties": {
        "roleName": "signer only", "type": "CustomRole", "assignableScopes": ["/"],
        "permissions": [{"dataActions": [f"{prefix}/read/action", f"{prefix}/sign/action"]}]}}).expect(201)
    admin.put("/keys/providers/Microsoft.Authorization/roleAssignments/0c5a1e64-0000-4000-8000-00000000ce48", {"properties": {
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}", "principalId": hsm.oid("nobody")}}).expect(201)
    signer = hsm.wire("nobody")
    assert signer.get(path).expect(200).json["pem"] == pem
    assert signer.put(path, {"pem": pem}).status == 403
    assert signer.delete(path).status == 403
    refused(certs(hsm, "issue", name, "--subject", SUBJECT + "y", "--self-signed", who="nobody"), "keys/write/action", code=1)
    assert user.get(path).expect(200).json["pem"] == pem

    written = [r for r in records(hsm) if r["key"] == name and r["operation"].startswith("certificates.")]
    assert {(r["operation"], r["decision"]) for r in written} >= {
        ("certificates.write", "allow"), ("certificates.read", "allow"), ("certificates.write", "deny"), ("certificates.delete", "deny")}
    assert all(r["version"] == version_of(bundle) and r["kid"] for r in written)


def test_the_certificate_signature_is_one_recorded_sign_operation(hsm, user, name):
    user.create_key(name, **KEYS["rsa3072"])
    ok(certs(hsm, "issue", name, "--subject", SUBJECT + "x", "--self-signed"))
    signs = [r for r in records(hsm) if r["key"] == name and r["operation"] == "sign"]
    assert len(signs) == 1 and signs[0]["algorithm"] == "RS384" and signs[0]["digest"].startswith("sha384:")
    leaf = chain_of(hsm, name)[0]
    digest = hashes.Hash(hashes.SHA384())
    digest.update(leaf.tbs_certificate_bytes)
    assert signs[0]["digest"] == "sha384:" + digest.finalize().hex()


def test_chains_survive_a_restart_go_with_the_key_and_a_changed_row_is_refused(scratch):
    authority = Authority(scratch / "chains").up()
    try:
        user, officer = authority.wire("user"), authority.wire("officer")
        versions = {key: version_of(user.create_key(key)) for key in ("kept", "changed", "gone")}
        for key in versions:
            ok(certs(authority, "issue", key, "--subject", SUBJECT + key, "--self-signed"))
        user.delete("/keys/gone").expect(200)
        officer.delete("/deletedkeys/gone").expect(204)
        user.close()
        officer.close()
    finally:
        authority.down()
    with sqlite3.connect(authority.directory / "hsm/store.sqlite") as database:
        assert {r[0] for r in database.execute("SELECT name FROM chain_row")} == {"kept", "changed"}
        payload = bytearray(database.execute("SELECT payload FROM chain_row WHERE name = 'changed'").fetchone()[0])
        payload[-1] ^= 1
        database.execute("UPDATE chain_row SET payload = ? WHERE name = 'changed'", (bytes(payload),))
    database.close()
    authority.up()
    try:
        user = authority.wire("user")
        assert user.get(f"/hallmark/v1/keys/kept/{versions['kept']}/certificates").status == 200
        reply = user.get(f"/hallmark/v1/keys/changed/{versions['changed']}/certificates")
        assert reply.status == 500 and reply.error == "IntegrityFailure"
        refused(certs(authority, "show", "changed"), "IntegrityFailure")
        user.close()
    finally:
        authority.down()


def test_the_list_says_what_is_there_as_text_and_json(hsm, root):
    text = ok(certs(hsm, "list")).stdout
    assert "STATE" in text and "CN=root" in text and "authority" in text
    document = json.loads(ok(certs(hsm, "list", "--output", "json")).stdout)
    assert document["schema"] == "hallmark.certificate-list/v1"
    assert any(c["certificates"][0]["subject"] == SUBJECT + "root" for c in document["chains"])
