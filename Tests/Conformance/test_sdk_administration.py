"""azure-keyvault-administration and -securitydomain for Python, unmodified, with challenge verification on."""

import json
import pathlib
import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.administration import (
    ApiVersion, KeyVaultAccessControlClient, KeyVaultDataAction, KeyVaultPermission, KeyVaultRoleScope, KeyVaultSettingsClient)
from azure.keyvault.securitydomain import SecurityDomainClient
from azure.keyvault.securitydomain.models import CertificateInfo, SecurityDomainJsonWebKey

import domain
import sdk

SOMEONE = "5f0c9d3c-5b0e-4e9f-9f3e-6a2a35a0b001"


@pytest.fixture(scope="module")
def access(hsm):
    return KeyVaultAccessControlClient(hsm.url, sdk.token_of(hsm, "admin"), connection_verify=hsm.ca)


@pytest.fixture(scope="module")
def settings(hsm):
    return KeyVaultSettingsClient(hsm.url, sdk.token_of(hsm, "admin"), connection_verify=hsm.ca)


@pytest.mark.parametrize("api", list(ApiVersion), ids=lambda a: a.value)
def test_every_api_version_of_the_sdk(api, hsm):
    client = KeyVaultAccessControlClient(hsm.url, sdk.token_of(hsm, "admin"), connection_verify=hsm.ca, api_version=api)
    assert len(list(client.list_role_definitions(KeyVaultRoleScope.GLOBAL))) >= 10


@pytest.mark.parametrize("scope", ["/", "/keys", "/keys/sdk-key"])
def test_assignments(scope, access):
    role = next(d for d in access.list_role_definitions(KeyVaultRoleScope.GLOBAL) if d.role_name == "Managed HSM Crypto User")
    made = access.create_role_assignment(scope, role.id, SOMEONE)
    assert made.properties.scope == scope and made.properties.principal_id == SOMEONE and made.properties.role_definition_id == role.id
    assert access.get_role_assignment(scope, made.name).role_assignment_id == made.role_assignment_id
    assert made.name in [a.name for a in access.list_role_assignments(scope)]
    access.delete_role_assignment(scope, made.name)
    assert made.name not in [a.name for a in access.list_role_assignments(scope)]
    access.delete_role_assignment(scope, made.name)  # the SDK swallows the 404
    with pytest.raises(ResourceNotFoundError):
        access.get_role_assignment(scope, made.name)


def test_custom_role(access):
    guid = uuid.uuid4()
    permission = KeyVaultPermission(data_actions=["Microsoft.KeyVault/managedHsm/keys/read/action", "Microsoft.KeyVault/managedHsm/keys/sign/action"])
    made = access.set_role_definition(KeyVaultRoleScope.GLOBAL, name=guid, role_name="Artifact Signer", description="signs", permissions=[permission])
    assert made.role_type == "CustomRole" and made.role_name == "Artifact Signer" and made.assignable_scopes == ["/"]
    updated = access.set_role_definition(KeyVaultRoleScope.GLOBAL, name=guid, role_name="Artifact Signer", permissions=[])
    assert updated.permissions == [] or updated.permissions[0].data_actions == []
    access.delete_role_definition(KeyVaultRoleScope.GLOBAL, guid)
    with pytest.raises(ResourceNotFoundError):
        access.get_role_definition(KeyVaultRoleScope.GLOBAL, guid)


def test_every_data_action_the_sdk_names_is_known(access):
    guid, actions = uuid.uuid4(), [str(a.value) for a in KeyVaultDataAction]
    refused = []
    for action in actions:
        try:
            access.set_role_definition(KeyVaultRoleScope.GLOBAL, name=guid, role_name="One", permissions=[KeyVaultPermission(data_actions=[action])])
        except HttpResponseError:
            refused.append(action)
    access.delete_role_definition(KeyVaultRoleScope.GLOBAL, guid)
    assert not refused


def test_refusals(hsm):
    client = KeyVaultAccessControlClient(hsm.url, sdk.token_of(hsm, "nobody"), connection_verify=hsm.ca)
    with pytest.raises(HttpResponseError) as error:
        list(client.list_role_assignments(KeyVaultRoleScope.GLOBAL))
    assert error.value.status_code == 403 and "roleAssignments/read/action on /" in error.value.message


def test_settings(settings):
    listed = list(settings.list_settings())
    assert [(s.name, s.value, s.setting_type) for s in listed] == [("AllowKeyManagementOperationsThroughARM", "false", "boolean")]
    setting = settings.get_setting("AllowKeyManagementOperationsThroughARM")
    assert setting.getboolean() is False
    setting.value = "true"
    assert settings.update_setting(setting).getboolean() is True
    setting.value = "false"
    settings.update_setting(setting)
    with pytest.raises(HttpResponseError) as error:
        settings.get_setting("Nope")
    assert error.value.error.code == "InvalidSetting"


def test_security_domain_download(hsm):
    from test_activation import certificate_entry

    pairs = domain.custodians(pathlib.Path(hsm.env["HALLMARK_CUSTODIANS"]))
    certificates = []
    for _, path in pairs:
        entry = certificate_entry(path)
        certificates.append(SecurityDomainJsonWebKey(
            kty="RSA", n=entry["n"], e=entry["e"], key_ops=entry["key_ops"], kid="not used", alg="RSA-OAEP-256",
            x5_c=entry["x5c"], x5_t=entry["x5t"], x5_t_s256=entry["x5t#S256"]))
    client = SecurityDomainClient(hsm.url, sdk.token_of(hsm, "admin"), connection_verify=hsm.ca)
    poller = client.begin_download(certificate_info=CertificateInfo(certificates=certificates, required=2), polling_interval=1)
    document = json.loads(poller.result().value)
    assert client.get_download_status().status == "Success"
    assert domain.open_domain(document, pairs[:2])[1]
