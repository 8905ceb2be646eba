"""azure-keyvault-keys for Python, unmodified, with challenge verification on (its default)."""

import hashlib
import os

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import ApiVersion, KeyClient, KeyCurveName, KeyOperation, KeyType
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

import sdk


@pytest.fixture(scope="module")
def client(hsm):
    return KeyClient(hsm.url, sdk.token_of(hsm, "user"), connection_verify=hsm.ca)


@pytest.fixture(scope="module")
def officer_client(hsm):
    return KeyClient(hsm.url, sdk.token_of(hsm, "officer"), connection_verify=hsm.ca)


@pytest.mark.parametrize("api", list(ApiVersion), ids=lambda a: a.value)
def test_every_api_version_of_the_sdk(api, hsm):
    client = KeyClient(hsm.url, sdk.token_of(hsm, "user"), connection_verify=hsm.ca, api_version=api)
    list(client.list_properties_of_keys())


def test_a_vault_that_is_no_child_of_the_resource_is_refused_by_the_sdk(hsm):
    """Shows that the check is on: the same server under a name outside the advertised resource is refused before a token is sent."""
    port = hsm.netloc.split(":")[1]
    client = KeyClient(f"https://localhost:{port}", sdk.token_of(hsm, "user"), connection_verify=False)
    with pytest.raises((ValueError, HttpResponseError), match="(?i)challenge|domain|verify|certificate"):
        client.get_key("x")


@pytest.mark.parametrize("size", [2048, 3072, 4096])
def test_rsa_keys(size, client, name):
    key = client.create_rsa_key(name, size=size, hardware_protected=True)
    assert key.key_type == KeyType.rsa_hsm and len(key.key.n) == size // 8 and key.key.e == b"\1\0\1"
    assert client.get_key(name).id == key.id


@pytest.mark.parametrize("curve,width", [(KeyCurveName.p_256, 32), (KeyCurveName.p_384, 48), (KeyCurveName.p_521, 66), (KeyCurveName.p_256_k, 32)], ids=str)
def test_ec_keys(curve, width, client, name):
    key = client.create_ec_key(name, curve=curve, hardware_protected=True)
    assert key.key_type == KeyType.ec_hsm and key.key.crv == curve and len(key.key.x) == len(key.key.y) == width


def test_oct_key(client, name):
    key = client.create_oct_key(name, size=256, hardware_protected=True)
    assert key.key_type == KeyType.oct_hsm and key.key.k is None


def test_the_whole_life(client, officer_client, name):
    import datetime

    expires = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
    first = client.create_key(name, "EC-HSM", tags={"a": "b"}, expires_on=expires, key_operations=[KeyOperation.sign, KeyOperation.verify])
    assert first.properties.expires_on == expires and first.properties.tags == {"a": "b"} and first.properties.hsm_platform is None
    assert first.properties.recovery_level == "CustomizedRecoverable+Purgeable" and first.properties.recoverable_days == 7
    second = client.create_key(name, "EC-HSM")
    assert client.get_key(name).properties.version == second.properties.version
    updated = client.update_key_properties(name, second.properties.version, tags={"c": "d"}, enabled=False)
    assert updated.properties.tags == {"c": "d"} and updated.properties.enabled is False
    assert [p.version for p in client.list_properties_of_key_versions(name)] == [first.properties.version, second.properties.version]
    assert name in [p.name for p in client.list_properties_of_keys()]

    poller = client.begin_delete_key(name)
    deleted = poller.result()
    poller.wait()
    assert deleted.recovery_id.endswith(f"/deletedkeys/{name}") and deleted.scheduled_purge_date and deleted.deleted_date
    with pytest.raises(ResourceNotFoundError):
        client.get_key(name)
    with pytest.raises(ResourceExistsError):
        client.create_key(name, "EC-HSM")
    assert officer_client.get_deleted_key(name).id == second.id
    assert name in [k.name for k in officer_client.list_deleted_keys()]
    # Recovery polls GET /keys/n/, which an officer may not read: the SDK takes that 403 as "there".
    assert officer_client.begin_recover_deleted_key(name).result().id == second.id
    assert client.get_key(name).id == second.id
    client.begin_delete_key(name).wait()
    officer_client.purge_deleted_key(name)
    with pytest.raises(ResourceNotFoundError):
        officer_client.get_deleted_key(name)


def test_paging(client, name):
    names = [f"{name}-{i:02}" for i in range(30)]
    for each in names:
        client.create_key(each, "EC-HSM")
    assert [p.name for p in client.list_properties_of_keys() if p.name in names] == names
    pages = list(client.list_properties_of_keys(max_page_size=7).by_page())
    assert len(pages) >= 5 and max(len(list(page)) for page in client.list_properties_of_keys(max_page_size=7).by_page()) <= 7


def test_import(client, name):
    from azure.keyvault.keys import JsonWebKey
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP384R1()).private_numbers()
    jwk = JsonWebKey(kty="EC-HSM", crv="P-384", d=private.private_value.to_bytes(48), x=private.public_numbers.x.to_bytes(48), y=private.public_numbers.y.to_bytes(48))
    key = client.import_key(name, jwk, hardware_protected=True, tags={"i": "1"})
    assert key.key.x == jwk.x and key.key.d is None and key.properties.tags == {"i": "1"}


def test_random_bytes(client):
    assert len(client.get_random_bytes(64)) == 64


def test_errors(client, name):
    with pytest.raises(ResourceNotFoundError) as missing:
        client.get_key("never-made")
    assert missing.value.error.code == "KeyNotFound"
    with pytest.raises(HttpResponseError) as bad:
        client.create_rsa_key(name, size=1000, hardware_protected=True)
    assert bad.value.status_code == 400 and bad.value.error.code == "BadParameter"


SIGNING = [
    ("RSA-HSM", {"size": 2048}, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]), ("EC-HSM", {"curve": "P-256"}, ["ES256"]),
    ("EC-HSM", {"curve": "P-384"}, ["ES384"]), ("EC-HSM", {"curve": "P-521"}, ["ES512"]), ("EC-HSM", {"curve": "P-256K"}, ["ES256K"]),
]


@pytest.mark.parametrize("kty,options,algorithms", SIGNING, ids=["rsa", "p256", "p384", "p521", "p256k"])
def test_sign_remotely_verify_locally_and_remotely(kty, options, algorithms, hsm, client, admin, name):
    key = client.create_key(name, kty, **options)
    signer = CryptographyClient(key, sdk.token_of(hsm, "user"), connection_verify=hsm.ca)
    for algorithm in algorithms:
        digest = hashlib.new({"256": "sha256", "384": "sha384", "512": "sha512", "56K": "sha256"}[algorithm[-3:]], os.urandom(40)).digest()
        result = signer.sign(SignatureAlgorithm(algorithm), digest)
        assert result.key_id == key.id and result.algorithm == algorithm
        assert signer.verify(SignatureAlgorithm(algorithm), digest, result.signature).is_valid  # local: from the public key
        # Forced to go to the server: a client that only knows the id and may not read the key verifies remotely.
        with sdk.granted(admin, hsm.oid("nobody"), f"/keys/{name}", ["keys/verify/action"]):
            remote = CryptographyClient(key.id, sdk.token_of(hsm, "nobody"), connection_verify=hsm.ca)
            assert remote.verify(SignatureAlgorithm(algorithm), digest, result.signature).is_valid
            assert not remote.verify(SignatureAlgorithm(algorithm), digest[::-1], result.signature).is_valid


def test_a_sign_only_principal_is_refused_all_else(hsm, client, admin, name):
    key = client.create_key(name, "EC-HSM")
    with sdk.granted(admin, hsm.oid("nobody"), f"/keys/{name}", ["keys/sign/action"]):
        limited = KeyClient(hsm.url, sdk.token_of(hsm, "nobody"), connection_verify=hsm.ca)
        signer = CryptographyClient(key.id, sdk.token_of(hsm, "nobody"), connection_verify=hsm.ca)
        digest = hashlib.sha256(b"x").digest()
        assert client.get_cryptography_client(name).verify("ES256", digest, signer.sign("ES256", digest).signature).is_valid
        for refused in (lambda: limited.get_key(name), lambda: limited.create_key(name, "EC-HSM"), lambda: limited.begin_delete_key(name), lambda: list(limited.list_properties_of_keys()),
                        lambda: limited.update_key_properties(name, enabled=False), lambda: limited.rotate_key(name), lambda: limited.get_random_bytes(4),
                        lambda: list(limited.list_deleted_keys()), lambda: limited.backup_key(name)):
            with pytest.raises(HttpResponseError) as error:
                refused()
            assert error.value.status_code == 403 and error.value.error.code == "AccessDenied"
