"""Microsoft's own clients read what the stand-in of azure_estate.py serves: its shapes are not ours alone."""

import json

import pytest

from azure_estate import EPOCH, Estate, guid
from test_inventory import GITHUB, build


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    with Estate(tmp_path_factory.mktemp("models")) as estate:
        build(estate.world)
        yield estate


class Token:
    """A credential of azure-core whose token fits every audience of one tenant."""

    def __init__(self, estate, tenant):
        self.text = estate.token(tenant)

    def get_token(self, *scopes, **options):
        from azure.core.credentials import AccessToken
        return AccessToken(self.text, EPOCH * 2)

    def get_token_info(self, *scopes, **options):
        from azure.core.credentials import AccessTokenInfo
        return AccessTokenInfo(self.text, EPOCH * 2)


@pytest.fixture
def arm(estate, monkeypatch):
    """Builds a management client of a tenant that talks to the stand-in."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(estate.ca))

    def make(client, tenant, *arguments, **options):
        return client(Token(estate, tenant), *arguments, base_url=estate.url("arm.localhost"), credential_scopes=[estate.url("arm.localhost") + "/.default"],
                      connection_verify=str(estate.ca), **options)

    return make


def test_keyvault_reads_managed_hsms_and_vaults_over_pages(estate, arm):
    from azure.mgmt.keyvault import KeyVaultManagementClient
    world = estate.world
    client = arm(KeyVaultManagementClient, world.a, guid("a-1"), api_version="2026-02-01")
    hsms = list(client.managed_hsms.list_by_subscription())
    assert [h.name for h in hsms] == ["nw-hsm"]
    properties = hsms[0].properties
    assert properties.enable_purge_protection is True and properties.soft_delete_retention_in_days == 90
    assert properties.security_domain_properties.activation_status == "Active" and properties.network_acls.default_action == "Deny"
    assert hsms[0].sku.name == "Standard_B1" and properties.hsm_uri == world.hsm.uri
    client = arm(KeyVaultManagementClient, world.a, guid("a-2"), api_version="2026-02-01")
    vaults = list(client.vaults.list_by_subscription())
    assert [v.name for v in vaults] == ["nw-legacy"]
    policy = vaults[0].properties.access_policies[0]
    assert policy.object_id == world.builder and policy.permissions["keys"][2] == "unwrapKey"
    assert vaults[0].properties.enable_rbac_authorization is False and vaults[0].properties.enable_purge_protection is None
    vault = client.vaults.get("rg-keys", "nw-legacy")
    assert vault.id == world.legacy.id and vault.properties.sku.name == "premium"


def test_a_version_that_was_retired_is_refused_as_arm_refuses_it(estate, arm):
    from azure.core.exceptions import HttpResponseError
    from azure.mgmt.keyvault import KeyVaultManagementClient
    client = arm(KeyVaultManagementClient, estate.world.a, guid("a-1"), api_version="2023-07-01")
    with pytest.raises(HttpResponseError) as refused:
        list(client.managed_hsms.list_by_subscription())
    assert refused.value.status_code == 400 and refused.value.error.code == "InvalidApiVersionParameter"


def test_authorization_reads_assignments_definitions_and_pim(estate, arm):
    from azure.mgmt.authorization import AuthorizationManagementClient
    world, b1 = estate.world, guid("b-1")
    client = arm(AuthorizationManagementClient, world.b, b1)
    scope = f"/subscriptions/{b1}"
    assignments = list(client.role_assignments.list_for_scope(scope))
    assert world.b_builder in {a.principal_id for a in assignments} and {a.scope for a in assignments} >= {f"{scope}/resourceGroups/rg-keys"}
    definitions = {d.role_name: d for d in client.role_definitions.list(scope)}
    assert "Microsoft.KeyVault/vaults/keys/decrypt/action" in definitions["Key Vault Crypto User"].permissions[0].data_actions
    eligible = list(client.role_eligibility_schedule_instances.list_for_scope(scope))
    assert eligible[0].principal_id == guid("principal late") and eligible[0].end_date_time.year == 2027


def test_locks_are_read(estate, arm):
    from azure.mgmt.resource import locks
    client = arm(locks.ManagementLockClient, estate.world.a, guid("a-1"))
    assert {(lock.name, lock.level) for lock in client.management_locks.list_at_subscription_level()} == {("l1", "CanNotDelete"), ("l2", "ReadOnly")}


def test_msi_reads_identities_and_federated_credentials(estate, arm):
    from azure.mgmt.msi import ManagedServiceIdentityClient
    world = estate.world
    client = arm(ManagedServiceIdentityClient, world.a, guid("a-1"))
    identity = next(iter(client.user_assigned_identities.list_by_subscription()))
    assert identity.principal_id == world.builder and identity.client_id == guid("client id-build-eu") and identity.tags == {"purpose": "sign-only"}
    federated = list(client.federated_identity_credentials.list("rg-ids", "id-build-eu"))
    assert [(f.issuer, f.subject, f.audiences) for f in federated] == [
        (GITHUB, "repo:northwind@901/engine@77:environment:ship", ["api://AzureADTokenExchange"])]


def test_resource_graph_pages(estate, arm):
    from azure.mgmt import resourcegraph as graph
    client = arm(graph.ResourceGraphClient, estate.world.a)
    first = client.resources(graph.models.QueryRequest(query="resources", options=graph.models.QueryRequestOptions(top=2)))
    assert first.count == len(first.data) == 2 and first.total_records == 2


def test_the_data_plane_is_read_by_the_keys_client(estate):
    from azure.keyvault.keys import KeyClient
    world = estate.world
    for store, tenant in [(world.hsm, world.a), (world.legacy, world.a)]:
        client = KeyClient(store.uri, Token(estate, tenant), connection_verify=str(estate.ca), verify_challenge_resource=False, api_version="7.5")
        names = {k.name for k in client.list_properties_of_keys()}
        assert names == set(store.keys)
        for name, key in store.keys.items():
            versions = list(client.list_properties_of_key_versions(name))
            assert [v.version for v in versions] == [v["version"] for v in key["versions"]]
            assert client.get_key(name).key.n is not None or client.get_key(name).key.x is not None
    policy = KeyClient(world.hsm.uri, Token(estate, world.a), connection_verify=str(estate.ca), verify_challenge_resource=False, api_version="7.5").get_key_rotation_policy("fw-sign")
    assert policy.lifetime_actions[0].time_after_create == "P1Y"


def test_local_roles_are_read_by_the_administration_client(estate):
    from azure.keyvault.administration import KeyVaultAccessControlClient
    world = estate.world
    client = KeyVaultAccessControlClient(world.hsm.uri, Token(estate, world.a), connection_verify=str(estate.ca), verify_challenge_resource=False)
    assert [a.properties.principal_id for a in client.list_role_assignments("/")] == [world.outer]
    assert [a.properties.scope for a in client.list_role_assignments("/keys/fw-sign")] == ["/keys/fw-sign"]
    assert [d.role_name for d in client.list_role_definitions("/")] == ["nw-signer"]


def test_storage_reads_listing_and_ranges(estate):
    from azure.storage.blob import ContainerClient
    estate.world.blobs[("models", "logs")] = {"resourceId=/A/PT1H.json": b"0123456789", "resourceId=/B & C/PT1H.json": b"x", "z": b"y"}
    client = ContainerClient(estate.url("models.blob.localhost"), "logs", credential=Token(estate, estate.world.a), connection_verify=str(estate.ca))
    listed = {b.name: (b.size, b.blob_type) for b in client.list_blobs(name_starts_with="resourceId=")}
    assert listed == {"resourceId=/A/PT1H.json": (10, "AppendBlob"), "resourceId=/B & C/PT1H.json": (1, "AppendBlob")}
    assert client.get_blob_client("resourceId=/A/PT1H.json").download_blob(offset=4, length=3).readall() == b"456"


def test_log_analytics_reads_tables_and_partial_answers(estate):
    from azure.monitor.query import LogsQueryClient, LogsQueryStatus
    workspace = guid("workspace models")
    table = {"name": "PrimaryResult", "columns": [{"name": "CorrelationId", "type": "string"}, {"name": "Identity", "type": "dynamic"}],
             "rows": [["c-1", json.dumps({"claim": {"oid": "x"}})]]}
    estate.world.tables[workspace] = {"tables": [table]}
    client = LogsQueryClient(Token(estate, estate.world.a), endpoint=estate.url("logs.localhost") + "/v1", connection_verify=str(estate.ca))
    answer = client.query_workspace(workspace, "AZKVAuditLogs", timespan=None)
    assert answer.status == LogsQueryStatus.SUCCESS and answer.tables[0].rows[0]["CorrelationId"] == "c-1"
    estate.world.tables[workspace] = {"tables": [table], "error": {"code": "PartialError", "message": "There were some errors when processing your query."}}
    answer = client.query_workspace(workspace, "AZKVAuditLogs", timespan=None)
    assert answer.status == LogsQueryStatus.PARTIAL and answer.partial_error.code == "PartialError"
