"""The security domain: what the download gives, read back by az's own code and by an independent reader."""

import itertools
import json
import pathlib
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import domain
from authority import TOOLS
from wire import b64u


@pytest.fixture(scope="module")
def custodians(hsm):
    pairs = domain.custodians(pathlib.Path(hsm.env["HALLMARK_CUSTODIANS"]))
    assert len(pairs) == 3
    return pairs


@pytest.fixture(scope="module")
def document(hsm):
    return json.loads(pathlib.Path(hsm.env["HALLMARK_DOMAIN_FILE"]).read_text())


def certificate_entry(path):
    """What az sends for one custodian (managed-hsm.md §5.2)."""
    import base64
    import hashlib

    from cryptography.x509 import load_pem_x509_certificate

    certificate = load_pem_x509_certificate(path.read_bytes())
    der = certificate.public_bytes(serialization.Encoding.DER)
    numbers = certificate.public_key().public_numbers()
    return {"x5c": [base64.b64encode(der).decode()], "x5t": b64u(hashlib.sha1(der).digest()), "x5t#S256": b64u(hashlib.sha256(der).digest()), "kty": "RSA",
            "key_ops": ["verify", "encrypt", "wrapKey"], "alg": "RSA-OAEP-256", "n": b64u(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)), "e": "AQAB"}


def check_format(document, required, certificates):
    assert set(document) == {"EncData", "SharedKeys", "version"} and document["version"] == 2
    assert set(document["EncData"]) == {"data", "kdf"} and document["EncData"]["kdf"] == "sp108_kdf" and document["EncData"]["data"]
    shared = document["SharedKeys"]
    assert set(shared) == {"enc_shares", "key_algorithm", "required"} and shared["key_algorithm"] == "shamir_share" and shared["required"] == required
    assert [s["x5t_256"] for s in shared["enc_shares"]] == [domain.thumbprint(c) for c in certificates]  # in request order
    for share in shared["enc_shares"]:
        head = domain.header(share["enc_key"])
        assert head["alg"] == "RSA-OAEP-256" and head["enc"] == "A256CBC-HS512"
    for datum in document["EncData"]["data"]:
        assert set(datum) == {"compact_jwe", "tag"}
        assert domain.header(datum["compact_jwe"]) == {"alg": "dir", "enc": "A256CBC-HS512", "kid": datum["tag"]}
        assert datum["compact_jwe"].split(".")[1] == ""
        import base64

        raw = base64.urlsafe_b64decode(datum["compact_jwe"].split(".")[0] + "==")
        assert list(json.loads(raw)) == ["alg", "enc", "kid"]


def test_the_file_of_dev_up_is_a_security_domain(document, custodians):
    check_format(document, 2, [c for _, c in custodians])


def test_any_quorum_opens_it_to_the_same_data_and_one_custodian_does_not(document, custodians):
    opened = [domain.open_domain(document, pair) for pair in itertools.combinations(custodians, 2)]
    assert len(opened) == 3 and len({master for master, _ in opened}) == 1
    assert opened[0][1] == opened[1][1] == opened[2][1] and all(opened[0][1].values())
    with pytest.raises((AssertionError, ValueError)):  # 257 values and one point: no bytes, or the wrong ones
        domain.open_domain(document, custodians[:1])
    assert domain.open_domain(document, custodians)[0] == opened[0][0]


def make_exchange(folder):
    """A transfer key and its self-signed certificate, as a recovering HSM would present."""
    import datetime

    from cryptography import x509

    key = rsa.generate_private_key(65537, 3072)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "transfer-key")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
                   .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    path = folder / "exchange.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key, path


def az_restore_blob(folder, domain_file, pairs, exchange):
    out = folder / "restore-blob.json"
    done = subprocess.run(
        [TOOLS / "venv/bin/az", "keyvault", "security-domain", "restore-blob", "--sd-file", domain_file, "--sd-exchange-key", exchange,
         "--sd-wrapping-keys", *[k for k, _ in pairs], "--sd-file-restore-blob", out],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "AZURE_CONFIG_DIR": str(folder / "azure"), "AZURE_CORE_COLLECT_TELEMETRY": "no"},
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def with_cer_suffix(folder, pairs):
    """az wants `x.cer` beside its private key; the same bytes under the names it looks for."""
    result = []
    for i, (key, certificate) in enumerate(pairs):
        copy = folder / f"custodian{i}.key", folder / f"custodian{i}.cer"
        copy[0].write_bytes(key.read_bytes())
        copy[1].write_bytes(certificate.read_bytes())
        result.append(copy)
    return result


def check_blob(blob, exchange_key, exchange, expected):
    assert blob["EncData"]["kdf"] == "sp108_kdf" and blob["WrappedKey"]["x5t_256"] == domain.thumbprint(exchange)
    master = domain.open_jwe(blob["WrappedKey"]["enc_key"], private_key=exchange_key)
    assert len(master) == 32
    assert {d["tag"]: domain.open_jwe(d["compact_jwe"], cek=domain.kdf(master, d["tag"])) for d in blob["EncData"]["data"]} == expected


def test_az_re_wraps_it_to_a_transfer_key(hsm, document, custodians, tmp_path):
    key, exchange = make_exchange(tmp_path)
    blob = az_restore_blob(tmp_path, hsm.env["HALLMARK_DOMAIN_FILE"], with_cer_suffix(tmp_path, custodians[1:]), exchange)
    check_blob(blob, key, exchange, domain.open_domain(document, custodians[:2])[1])


def make_custodian(folder, i, bits=2048):
    import datetime

    from cryptography import x509

    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"c{i}")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(i + 1)
                   .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    paths = folder / f"c{i}.key", folder / f"c{i}.cer"
    paths[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ten")
    return [make_custodian(folder, i) for i in range(10)]


@pytest.mark.parametrize("count,quorum", [(3, 2), (3, 3), (5, 3), (10, 10)])
def test_download_again_with_other_custodians(count, quorum, hsm, admin, document, custodians, ten):
    pairs = ten[:count]
    answer = admin.post("/securitydomain/download", {"certificates": [certificate_entry(c) for _, c in pairs], "required": quorum}, api="7.5").expect(202)
    location = answer.header("Azure-AsyncOperation")
    assert location == f"{hsm.url}/securitydomain/download/pending?api-version=7.5"
    assert set(answer.json) == {"value"} and isinstance(answer.json["value"], str)
    fresh = json.loads(answer.json["value"])
    check_format(fresh, quorum, [c for _, c in pairs])
    _, data = domain.open_domain(fresh, pairs[:quorum])
    assert set(data) == set(domain.open_domain(document, custodians[:2])[1]) and all(data.values())
    status = admin.get("/securitydomain/download/pending", api=None).expect(200)
    assert status.json["status"] == "Success" and (status.json.get("statusDetails") or status.json.get("status_details"))


def test_terraform_spellings_are_taken(admin, ten):
    """No n, e or kid, an odd x5t#S256, `key_ops` of one blank: the certificate alone counts (§5.2)."""
    entries = [{"x5c": certificate_entry(c)["x5c"], "x5t": "AA", "x5t#S256": "bm90IHRoZSBkaWdlc3Q=", "kty": "RSA-HSM", "key_ops": [""], "alg": "RSA-OAEP-256"} for _, c in ten[:3]]
    answer = admin.post("/securitydomain/download", {"certificates": entries, "required": 2}).expect(202)
    check_format(json.loads(answer.json["value"]), 2, [c for _, c in ten[:3]])


def bad_downloads(ten, tmp):
    good = [certificate_entry(c) for _, c in ten]
    yield "two certificates", {"certificates": good[:2], "required": 2}
    yield "eleven", {"certificates": good + good[:1], "required": 2}
    yield "quorum of one", {"certificates": good[:3], "required": 1}
    yield "quorum over the number", {"certificates": good[:3], "required": 4}
    yield "the same custodian twice", {"certificates": [good[0], good[0], good[1]], "required": 2}
    yield "no quorum", {"certificates": good[:3]}
    yield "text quorum", {"certificates": good[:3], "required": "2"}
    yield "no certificates", {"required": 2}
    yield "garbage certificate", {"certificates": good[:2] + [{"x5c": ["AAAA"]}], "required": 2}
    yield "a chain of none", {"certificates": good[:2] + [{"x5c": []}], "required": 2}
    yield "number for a certificate", {"certificates": [1, 2, 3], "required": 2}
    yield "small key", {"certificates": good[:2] + [certificate_entry(make_custodian(tmp, 77, bits=1024)[1])], "required": 2}


def test_bad_downloads_are_refused(admin, ten, tmp_path):
    for what, body in bad_downloads(ten, tmp_path):
        answer = admin.post("/securitydomain/download", body)
        assert answer.status == 400 and answer.json["error"]["code"], (what, answer.status, answer.body[:200])


def test_only_the_administrator_downloads(hsm, ten):
    body = {"certificates": [certificate_entry(c) for _, c in ten[:3]], "required": 2}
    for who in ("officer", "user", "nobody"):
        answer = hsm.wire(who).post("/securitydomain/download", body).expect(403)
        assert answer.error == "AccessDenied"
