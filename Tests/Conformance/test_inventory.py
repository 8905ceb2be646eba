"""`hallmark inventory sync` against the stand-in of azure_estate.py, and against a Hallmark service of ours."""

import hashlib
import json
import os
import signal
import subprocess
import time

import pytest
import yaml

from authority import BINARY
from azure_estate import Estate, guid, spki
from registry import DockerRegistry

GITHUB = "https://token.actions.githubusercontent.com"
AUDITOR = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"
SIGN = "Microsoft.KeyVault/managedHsm/keys/sign/action"


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Nothing of another test, or of the person who runs them, is found in a cache or a state folder."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))


@pytest.fixture
def estate(tmp_path):
    with Estate(tmp_path) as estate:
        build(estate.world)
        yield estate


def build(world):
    world.a = world.add_tenant("a", ["a-1", "a-2"])
    world.b = world.add_tenant("b", ["b-1"])
    a1, a2, b1 = guid("a-1"), guid("a-2"), guid("b-1")
    world.hsm = world.store(a1, "managedHSMs", "nw-hsm")
    world.hsm.signing = world.hsm.key("fw-sign", versions=3, rotation="P1Y", tags={"purpose": "release"})
    for n in range(4):
        world.hsm.key(f"other-{n}", kind="rsa" if n == 0 else "ec", ops=("sign", "verify", "unwrapKey"))
    world.hsm.key("old-sign")
    world.hsm.old = world.hsm.keys["old-sign"]["versions"][0]
    world.hsm.delete("old-sign")
    world.builder = world.identity(a1, "id-build-eu", [(GITHUB, "repo:northwind@901/engine@77:environment:ship")], tags={"purpose": "sign-only"})
    world.person = world.user(world.a, "ada")
    inner = world.group(world.a, "inner", [world.builder])
    world.outer = world.group(world.a, "outer", [world.person, inner])
    world.inner = inner
    world.role = world.hsm.role("nw-signer", [SIGN, "Microsoft.KeyVault/managedHsm/keys/read/action"])
    world.hsm.grant(world.outer, world.role, "/")
    world.key_grant = world.hsm.grant(world.builder, world.role, "/keys/fw-sign")
    world.deleted_key_grant = world.hsm.grant(world.builder, world.role, "/keys/old-sign")
    world.candidate = world.application(world.a, "candidate", federated=[(GITHUB, "repo:northwind/tools:ref:refs/heads/main")], secrets=1, certificates=2)
    world.group_eligible[world.outer] = [{"id": "inst-1", "principalId": world.candidate, "groupId": world.outer, "accessId": "member",
                                          "startDateTime": "2026-05-01T00:00:00Z", "endDateTime": "2027-05-01T00:00:00Z"}]
    world.legacy = world.store(a2, "vaults", "nw-legacy", rbac=False, purge=False, policies=[
        {"tenantId": world.a, "objectId": world.builder, "permissions": {"keys": ["Get", "Sign", "unwrapKey"], "secrets": [], "certificates": []}},
        {"tenantId": world.a, "objectId": world.person, "permissions": {"keys": [], "secrets": ["get"]}}])
    world.legacy.key("app")
    world.vault = world.store(b1, "vaults", "b-vault", policies=[
        {"tenantId": world.b, "objectId": guid("ghost"), "permissions": {"keys": ["all"]}}])
    world.vault.key("doc")
    world.locks[a1] = [{"id": f"/subscriptions/{a1}/resourceGroups/rg-keys/providers/Microsoft.Authorization/locks/l1", "name": "l1",
                        "type": "Microsoft.Authorization/locks", "properties": {"level": "CanNotDelete"}},
                       {"id": f"/subscriptions/{a1}/resourceGroups/rg-k/providers/Microsoft.Authorization/locks/l2", "name": "l2",
                        "type": "Microsoft.Authorization/locks", "properties": {"level": "ReadOnly"}}]
    world.diagnostics[world.hsm.id.lower()] = [
        {"id": world.hsm.id + "/providers/Microsoft.Insights/diagnosticSettings/d", "name": "d", "type": "Microsoft.Insights/diagnosticSettings",
         "properties": {"storageAccountId": "/subscriptions/x/storage/logs", "logs": [{"categoryGroup": "audit", "enabled": True}], "metrics": []}},
        {"id": "d2", "name": "d2", "properties": {"workspaceId": "/subscriptions/x/workspace", "logs": [{"category": "AuditEvent", "enabled": False}]}}]
    world.crypto_user = world.define(b1, "Key Vault Crypto User", data=["Microsoft.KeyVault/vaults/keys/sign/action", "Microsoft.KeyVault/vaults/keys/decrypt/action"])
    world.define(b1, "Billing Reader", actions=["Microsoft.Billing/*/read"])
    world.b_builder = world.identity(b1, "id-build-b")
    world.assign(b1, f"/subscriptions/{b1}/resourceGroups/rg-keys", world.b_builder, world.crypto_user)
    world.assign(b1, world.vault.id + "/keys/doc", world.b_builder, world.crypto_user)
    world.assign(b1, f"/subscriptions/{b1}", guid("accountant"), guid("role Billing Reader"))
    world.make_eligible(b1, world.vault.id, guid("principal late"), world.crypto_user)


def configured(estate, tmp_path, **more):
    path = tmp_path / "estate.yaml"
    path.write_text(yaml.safe_dump(estate.config(**more)))
    return path


def sync(config, *arguments, env=None, expect=None):
    command = [str(BINARY), "inventory", "sync", "--config", str(config), "--output", "json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})})
    if expect is not None:
        assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def taken(tmp_path, config, *arguments, expect=0):
    out = tmp_path / "snapshot.json"
    done = sync(config, "--out", out, *arguments, expect=expect)
    return json.loads(out.read_text()), json.loads(done.stdout), done.stderr


def by(rows, **wanted):
    found = [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]
    assert found, f"none of {wanted} in {rows}"
    return found[0]


def test_two_tenants_are_read_whole(estate, tmp_path):
    world = estate.world
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert report["complete"] and report["gaps"] == []
    assert {s["id"]: s["visibility"] for s in snapshot["stores"]} == {"nw-hsm": "full", "nw-legacy": "full", "b-vault": "full"}
    hsm = by(snapshot["stores"], id="nw-hsm")
    assert (hsm["kind"], hsm["rbacMode"], hsm["sku"], hsm["purgeProtection"], hsm["softDeleteDays"]) == ("managedHsm", "local", "Standard_B1", True, 90)
    assert (hsm["activation"], hsm["publicNetwork"], hsm["networkDefault"], hsm["tenantId"]) == ("Active", "Disabled", "Deny", world.a)
    assert hsm["locks"] == ["CanNotDelete"], "rg-k is no ancestor of rg-keys"
    assert hsm["diagnosticSinks"] == ["/subscriptions/x/storage/logs"], "a disabled category carries nothing"
    legacy = by(snapshot["stores"], id="nw-legacy")
    assert (legacy["rbacMode"], legacy["purgeProtection"], legacy["sku"]) == ("accessPolicy", False, "premium")
    assert {r[1] for r in world.requests} >= {"login.localhost", "arm.localhost", "graph.localhost", "nw-hsm.managedhsm.localhost", "b-vault.vault.localhost"}


def test_keys_have_versions_rotation_and_their_public_key(estate, tmp_path):
    world = estate.world
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path))
    versions = [k for k in snapshot["keys"] if k["name"] == "fw-sign"]
    assert {k["version"] for k in versions} == {v["version"] for v in world.hsm.signing}
    for version in world.hsm.signing:
        key = by(versions, version=version["version"])
        assert key["spkiSha256"] == spki(version["private"])
        assert (key["kty"], key["curve"], key["keyOps"], key["rotationPolicy"], key["tags"]) == (
            "EC-HSM", "P-384", ["sign", "verify"], {"every": "P1Y"}, {"purpose": "release"})
    rsa = by(snapshot["keys"], name="other-0")
    assert rsa["bits"] == 2048 and rsa["spkiSha256"] == spki(world.hsm.keys["other-0"]["versions"][0]["private"])
    gone = by(snapshot["keys"], name="old-sign")
    assert gone["deleted"] and gone["spkiSha256"] == spki(world.hsm.old["private"])
    assert by(snapshot["keys"], store="nw-legacy", name="app")["recoveryLevel"] == "Recoverable+Purgeable"


def test_rights_of_every_kind_are_found(estate, tmp_path):
    world = estate.world
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path))
    grants = snapshot["grants"]
    root = by(grants, store="nw-hsm", principal=world.outer, via="localRbac")
    assert root["scope"] == "/" and root["role"] == world.role and root["capabilities"] == ["sign", "read"] and not root["latent"]
    assert by(grants, id=world.key_grant)["scope"] == "/keys/fw-sign", "a list at / does not name it"
    assert by(grants, id=world.deleted_key_grant)["scope"] == "/keys/old-sign", "a deleted key keeps its assignments"
    eligible = by(grants, principal=world.candidate, via="pim")
    assert eligible["latent"] and eligible["scope"] == "/" and eligible["until"] == "2027-05-01T00:00:00Z"
    policy = by(grants, store="nw-legacy", via="accessPolicy")
    assert policy["principal"] == world.builder and policy["role"] is None and policy["capabilities"] == ["sign", "read", "unwrap"] and not policy["latent"]
    assert by(grants, store="b-vault", via="accessPolicy")["latent"], "a vault in RBAC mode keeps its policies dormant"
    assert not [g for g in grants if g["principal"] == world.person], "a policy without key permissions is no grant on keys"
    azure = [g for g in grants if g["via"] == "azureRbac"]
    assert {g["store"] for g in azure} == {None, "b-vault"} and all(g["principal"] == world.b_builder for g in azure)
    assert by(azure, store="b-vault")["capabilities"] == ["sign", "decrypt"]
    late = by(grants, principal=guid("principal late"))
    assert late["via"] == "pim" and late["latent"] and late["until"] == "2027-04-01T00:00:00Z"
    assert "Billing Reader" not in {r["name"] for r in snapshot["roles"]}


def test_identities_groups_and_federation(estate, tmp_path):
    world = estate.world
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path))
    builder = by(snapshot["identities"], objectId=world.builder)
    assert builder["kind"] == "userAssigned" and builder["name"] == "id-build-eu" and builder["tags"] == {"purpose": "sign-only"}
    assert builder["federated"] == [{"issuer": GITHUB, "subject": "repo:northwind@901/engine@77:environment:ship", "audiences": ["api://AzureADTokenExchange"]}]
    candidate = by(snapshot["identities"], objectId=world.candidate)
    assert (candidate["secrets"], candidate["certificates"]) == (1, 2) and candidate["federated"][0]["subject"].startswith("repo:northwind/tools")
    groups = {g["objectId"]: sorted(g["members"]) for g in snapshot["groups"]}
    assert groups == {world.outer: sorted([world.person, world.inner]), world.inner: [world.builder]}
    assert by(snapshot["identities"], objectId=world.person)["kind"] == "user"


def test_throttling_is_waited_out(estate, tmp_path):
    estate.world.throttle = {"microsoft.keyvault/vaults": 1, "graph.localhost/v1.0/applications": 1, "nw-hsm.managedhsm.localhost/keys": 2, "resourcegraph": 1}
    estate.world.throttle = {k.replace("microsoft.keyvault", "Microsoft.KeyVault").replace("resourcegraph", "ResourceGraph"): v for k, v in estate.world.throttle.items()}
    _, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert report["complete"]
    assert all(left == 0 for left in estate.world.throttle.values()), estate.world.throttle


def test_a_denied_vault_is_denied_and_never_empty(estate, tmp_path):
    estate.world.legacy.denied = True
    snapshot, report, errors = taken(tmp_path, configured(estate, tmp_path), expect=3)
    store = by(snapshot["stores"], id="nw-legacy")
    assert store["visibility"] == "denied" and not [k for k in snapshot["keys"] if k["store"] == "nw-legacy"]
    assert store["purgeProtection"] is False, "what ARM told stays"
    assert report["denied"] == [{"store": "nw-legacy", "visibility": "denied"}] and not report["complete"]
    assert "not seen (denied): nw-legacy /keys" in errors
    assert by(snapshot["stores"], id="nw-hsm")["visibility"] == "full"


def test_part_of_a_store_refused_makes_it_partial(estate, tmp_path):
    estate.world.hsm.refused_paths = {"/keys/other-1/rotationpolicy", "/deletedkeys"}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert by(snapshot["stores"], id="nw-hsm")["visibility"] == "partial"
    assert {g["place"] for g in report["gaps"]} == {"nw-hsm /keys/other-1/rotationpolicy", "nw-hsm /deletedkeys"}


def test_a_store_that_arm_refuses_stays_listed(estate, tmp_path):
    estate.world.legacy.arm_denied = True
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    store = by(snapshot["stores"], visibility="denied")
    assert store["id"] == "nw-legacy" and store["purgeProtection"] is None and store["locks"] is not None


def test_resource_graph_is_confirmed_and_its_limits_are_told(estate, tmp_path):
    world = estate.world
    world.ghosts = [{"id": world.legacy.id + "-gone", "name": "nw-legacy-gone", "type": "microsoft.keyvault/vaults", "subscriptionId": guid("a-2")}]
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert len(snapshot["stores"]) == 3, "what Resource Graph remembers and ARM does not have is gone"
    world.graph_truncated = True
    _, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert {g["kind"] for g in report["gaps"]} == {"incomplete"}


def test_a_next_link_to_another_host_gets_no_token(estate, tmp_path):
    estate.world.foreign_link = "evil.example"
    _, _, errors = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert "another host" in errors


def test_a_store_outside_the_clouds_suffixes_gets_no_token(estate, tmp_path):
    world = estate.world
    original = type(world.legacy).uri
    world.legacy.__class__ = type("Odd", (type(world.legacy),), {"uri": property(lambda self: f"https://arm.localhost:{self.world.port}/")})
    snapshot, _, errors = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert by(snapshot["stores"], id="nw-legacy")["visibility"] == "denied" and "a token is not sent there" in errors
    assert original is not None


def test_a_retired_version_is_named(estate, tmp_path, monkeypatch):
    monkeypatch.setattr("azure_estate.KEY_VAULT_VERSIONS", ["2031-01-01"])
    _, _, errors = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert "does not take api-version 2026-02-01" in errors and "newer Hallmark" in errors


def test_a_tenant_that_refuses_its_credential_is_named(estate, tmp_path):
    config = configured(estate, tmp_path)
    (tmp_path / f"assertion-{estate.world.b}").write_text("wrong")
    snapshot, report, _ = taken(tmp_path, config, expect=3)
    assert {s["id"] for s in snapshot["stores"]} == {"nw-hsm", "nw-legacy"}
    assert estate.world.b in report["gaps"][0]["place"]


def test_nobody_there_is_a_remote_failure(estate, tmp_path):
    config = estate.config()
    config["cloud"]["arm"] = "https://arm.localhost:1"
    path = tmp_path / "estate.yaml"
    path.write_text(yaml.safe_dump(config))
    assert sync(path, "--tenant", estate.world.b, "--out", tmp_path / "s.json").returncode == 4


def test_one_tenant_alone(estate, tmp_path):
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path), "--tenant", estate.world.b)
    assert [s["id"] for s in snapshot["stores"]] == ["b-vault"]
    assert sync(configured(estate, tmp_path), "--tenant", guid("nobody")).returncode == 2


@pytest.mark.parametrize("change", [
    {"schema": "hallmark.estate/v2"}, {"tenants": []}, {"surprise": 1}, {"tenants": [{"id": "contoso.example"}]}, {"cloud": {"name": "Nebula"}},
    {"cloud": {"arm": "http://arm.localhost"}}, {"concurrency": {"tenants": 0}}, {"tenants": [{"id": guid("x"), "credential": "token"}]},
    {"hsms": [{"name": "h"}]}, {"clusters": [{"name": "c", "server": "https://c.example", "clientKey": "k.pem"}]},
    {"logs": {"folder": "f", "storage": [{"tenant": guid("x"), "account": "https://a.blob.core.windows.net"}]}},
])
def test_a_bad_configuration_is_refused_before_anything_is_asked(estate, tmp_path, change):
    path = tmp_path / "estate.yaml"
    path.write_text(yaml.safe_dump(estate.config() | change))
    assert sync(path, expect=2).stderr.startswith("hallmark: ")
    assert estate.world.requests == []


def test_killed_and_resumed(estate, tmp_path):
    world = estate.world
    config, out = configured(estate, tmp_path), tmp_path / "snapshot.json"
    world.slow = 0.05
    command = [str(BINARY), "inventory", "sync", "--config", str(config), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "snapshot.json.progress"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.exists() and b'"unit":"store/' in journal.read_bytes()):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists() and b'"unit":"store/' in journal.read_bytes()
    with journal.open("ab") as file:
        file.write(b'{"unit":"directory/half')  # what a kill in the middle of a write leaves
    finished = [json.loads(line)["unit"] for line in journal.read_bytes().splitlines()[1:-1]]
    world.slow, world.requests[:] = 0, []
    snapshot, report, _ = taken(tmp_path, config, "--resume")
    assert report["resumedUnits"] == len(finished) and report["complete"]
    for store in world.stores:
        if f"store/{store.id}".lower() in {f.lower() for f in finished}:
            assert not [r for r in world.requests if r[1] == store.host], "a finished store is not read again"
    assert not journal.exists()
    whole, _, _ = taken(tmp_path, config)
    for name in ("keys", "roles", "grants", "identities", "groups"):
        assert snapshot[name] == whole[name]


def test_a_journal_of_another_configuration_is_refused(estate, tmp_path):
    config, out = configured(estate, tmp_path), tmp_path / "s.json"
    (tmp_path / "s.json.progress").write_text('{"schema":"hallmark.sync-journal/v1","configuration":"00"}\n')
    assert "another configuration" in sync(config, "--out", out, "--resume", expect=2).stderr


def test_two_snapshots_show_what_changed(estate, tmp_path):
    world = estate.world
    config = configured(estate, tmp_path)
    before, _, _ = taken(tmp_path, config)
    world.hsm.grant(guid("principal candidate"), world.role, "/keys/fw-sign")
    world.legacy.purge = True
    after, _, _ = taken(tmp_path, config)
    new = [g for g in after["grants"] if g not in before["grants"]]
    assert {(g["principal"], g["scope"], g["via"]) for g in new} == {(world.candidate, "/keys/fw-sign", "localRbac")}
    assert by(after["stores"], id="nw-legacy")["purgeProtection"] is True


def pod(name, owner=None, *, image="registry.example/shop/web:1.4", image_id="", phase="Running", role="containers", namespace="shop"):
    statuses = {"containers": "containerStatuses", "initContainers": "initContainerStatuses", "ephemeralContainers": "ephemeralContainerStatuses"}[role]
    metadata = {"name": name, "namespace": namespace}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"metadata": metadata, "spec": {role: [{"name": "main", "image": image}]}, "status": {"phase": phase, "startTime": "2026-11-01T00:00:00Z", statuses: [
        {"name": "main", "image": image, "imageID": image_id, "state": {"running": {"startedAt": "2026-11-02T00:00:00Z"}}}]}}


def test_clusters_and_lists_say_what_runs(estate, tmp_path):
    world = estate.world
    digest = {n: "sha256:" + hashlib.sha256(n.encode()).hexdigest() for n in "abcd"}
    world.pods = [
        pod("web-1", ("ReplicaSet", "web-6f"), image_id=f"registry.example/shop/web@{digest['a']}"),
        pod("web-2", ("ReplicaSet", "web-6f"), image_id=f"docker-pullable://registry.example/shop/web@{digest['a']}"),
        pod("db-0", ("StatefulSet", "db"), image="registry.example/shop/db:9", image_id=digest["b"], role="initContainers"),
        pod("done", ("Job", "once"), image_id=f"registry.example/shop/once@{digest['c']}", phase="Succeeded")]
    world.replica_sets = [{"metadata": {"name": "web-6f", "namespace": "shop", "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]}}]
    token, list_file = tmp_path / "token", tmp_path / "runs.json"
    token.write_text("cluster-token\n")
    list_file.write_text(json.dumps([{"subject": "press-7", "digest": digest["d"], "environment": "plant", "seenAt": "2026-11-03T00:00:00Z"}]))
    config = configured(estate, tmp_path, tenants=[world.b], lists=[{"file": str(list_file), "environment": "elsewhere"}], clusters=[
        {"name": "prod", "server": estate.url("cluster.localhost"), "ca": str(estate.ca), "tokenFile": str(token)}])
    snapshot, _, _ = taken(tmp_path, config)
    web = by(snapshot["artifacts"], digest=digest["a"])
    assert web["running"] == [{"cluster": "prod", "namespace": "shop", "workload": "deployment/web", "since": "2026-11-02T00:00:00Z"}]
    assert "registry.example/shop/web" in web["names"] and web["signatures"] is None, "nobody looked for signatures"
    assert by(snapshot["artifacts"], digest=digest["b"])["running"][0]["workload"] == "statefulset/db"
    assert by(snapshot["artifacts"], digest=digest["d"])["running"][0]["cluster"] == "plant"
    assert digest["c"] not in {a["digest"] for a in snapshot["artifacts"]}, "a finished job runs nothing"
    token.write_text("wrong")
    _, report, _ = taken(tmp_path, config, expect=3)
    assert report["gaps"][0]["place"] == "cluster prod"


def test_azures_own_container_hosts(estate, tmp_path):
    world, b1 = estate.world, guid("b-1")
    pinned = "sha256:" + hashlib.sha256(b"pinned").hexdigest()

    def row(kind, name, properties):
        return {"id": f"/subscriptions/{b1}/x/{name}", "name": name, "type": kind, "subscriptionId": b1, "resourceGroup": "rg-run", "properties": properties}

    world.hosts = [row("microsoft.app/containerapps", "shop", {"template": {"containers": [{"name": "c", "image": f"registry.example/shop@{pinned}"}]}}),
                   row("microsoft.web/sites", "plain", {"siteConfig": {"linuxFxVersion": "NODE|20"}})]
    config = configured(estate, tmp_path, tenants=[world.b])
    snapshot, _, _ = taken(tmp_path, config)
    assert by(snapshot["artifacts"], digest=pinned)["running"] == [
        {"cluster": f"azure/{b1}", "namespace": "rg-run", "workload": "containerapps/shop", "since": None}]
    world.hosts.append(row("microsoft.web/sites", "web", {"siteConfig": {"linuxFxVersion": "DOCKER|registry.example/web:latest"}}))
    _, report, _ = taken(tmp_path, config, expect=3)
    assert report["gaps"][0]["place"] == "sites/web" and "by tag" in report["gaps"][0]["why"]


def test_logs_are_mirrored_by_whole_lines(estate, tmp_path):
    world = estate.world
    blob = "resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/NW-HSM/y=2026/m=11/d=20/h=06/m=00/PT1H.json"
    workspace = guid("workspace")
    blobs = world.blobs[("nwlogs", "insights-logs-auditevent")] = {blob: b'{"time":"1"}\n{"time":"2"}\n{"ti', blob.replace("h=06", "h=07"): b'{"time":"3"}', "other/x": b"no"}
    world.tables[workspace] = {"tables": [{"name": "PrimaryResult", "columns": [
        {"name": "TimeGenerated", "type": "datetime"}, {"name": "Identity", "type": "dynamic"}], "rows": [["2026-11-20T06:00:00Z", '{"claim":{"oid":"x"}}']]}]}
    logs = {"folder": str(tmp_path / "logs"), "storage": [{"tenant": world.b, "account": estate.url("nwlogs.blob.localhost")}], "workspaces": [{"tenant": world.b, "id": workspace}]}
    config = configured(estate, tmp_path, tenants=[world.b], logs=logs)
    taken(tmp_path, config)
    mirror = tmp_path / "logs" / "nwlogs" / "insights-logs-auditevent"
    assert (mirror / blob).read_bytes() == b'{"time":"1"}\n{"time":"2"}\n', "a cut line is an append in progress"
    assert (mirror / blob.replace("h=06", "h=07")).read_bytes() == b'{"time":"3"}'
    assert not (mirror / "other").exists()
    rows = (tmp_path / "logs" / "workspaces" / f"{workspace}.jsonl").read_text().splitlines()
    assert json.loads(rows[0])["Identity"] == {"claim": {"oid": "x"}}
    blobs[blob] += b'me":"4"}\n'
    world.tables[workspace]["error"] = {"code": "PartialError", "message": "some of it"}
    _, report, _ = taken(tmp_path, config, expect=3)
    assert (mirror / blob).read_bytes() == b'{"time":"1"}\n{"time":"2"}\n{"time":"4"}\n'
    assert "PartialError" in report["gaps"][0]["why"]
    ranges = [r for r in world.requests if r[1].startswith("nwlogs") and "comp" not in r[3]]
    assert len(ranges) == 3, "an unchanged blob is not read again"


def test_our_own_hsm(hsm, tmp_path, name):
    user = hsm.wire("user")
    user.post(f"/keys/{name}/create", {"kty": "EC", "crv": "P-384", "key_ops": ["sign", "verify"]})
    token = tmp_path / "token"
    token.write_text(hsm.token("nobody"))
    config = tmp_path / "estate.yaml"
    config.write_text(yaml.safe_dump({"schema": "hallmark.estate/v1", "hsms": [
        {"name": "ours", "url": hsm.url, "ca": str(hsm.ca), "tokenFile": str(token)}]}))
    blind, report, _ = taken(tmp_path, config, expect=3)
    assert by(blind["stores"], id="ours")["visibility"] == "denied" and not blind["keys"], "who may read nothing sees a denied store"
    hsm.wire("admin").put(f"/providers/Microsoft.Authorization/roleAssignments/{guid(name)}", {"properties": {
        "principalId": hsm.oid("nobody"), "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{AUDITOR}"}}).expect(201)
    hsm.run("identity", "add", name, who="admin", check=True)
    snapshot, report, _ = taken(tmp_path, config)
    assert report["complete"]
    key = by(snapshot["keys"], store="ours", name=name)
    assert key["kty"] == "EC-HSM" and len(key["spkiSha256"]) == 64
    assert [g for g in snapshot["grants"] if g["store"] == "ours" and g["via"] == "localRbac"] 
    assert by(snapshot["identities"], name=name)["federated"] == []


@pytest.fixture(scope="module")
def docker(scratch):
    registry = DockerRegistry(scratch / "inventory-registry")
    registry.start()
    yield registry
    registry.stop()


@pytest.mark.parametrize("layout", ["bundle", "legacy"])
def test_signatures_in_a_registry_lead_to_the_key_version(hsm, docker, tmp_path, name, layout):
    created = hsm.wire("user").post(f"/keys/{name}/create", {"kty": "EC", "crv": "P-256", "key_ops": ["sign", "verify"]}).expect(200).json
    repository = f"shop/{name.lower()}"
    index, images = docker.push_index(repository, "v1")
    docker.push_image(f"{repository}-plain", "v1")
    format_options = ["--format", "legacy"] if layout == "legacy" else []
    hsm.run("sign", "image", f"{docker.host}/{repository}:v1", "--plain-http", "--key", name, *format_options, who="user", check=True)
    hsm.wire("admin").put(f"/providers/Microsoft.Authorization/roleAssignments/{guid(name + 'auditor')}", {"properties": {
        "principalId": hsm.oid("nobody"), "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{AUDITOR}"}})
    token = tmp_path / "token"
    token.write_text(hsm.token("nobody"))
    config = tmp_path / "estate.yaml"
    config.write_text(yaml.safe_dump({
        "schema": "hallmark.estate/v1", "hsms": [{"name": "ours", "url": hsm.url, "ca": str(hsm.ca), "tokenFile": str(token)}],
        "registries": [{"host": docker.host, "repositories": [repository, f"{repository}-plain"], "plainHTTP": True}]}))
    snapshot, _, _ = taken(tmp_path, config)
    artifact = by(snapshot["artifacts"], digest=index["digest"])
    assert {i["digest"] for i in images} < set(artifact["closure"]) and artifact["names"] == [f"{docker.host}/{repository}"]
    key = by(snapshot["keys"], name=name)
    assert key["kid"] == created["key"]["kid"]
    assert [(s["format"], s["spkiSha256"], s["verified"]) for s in artifact["signatures"]] == [
        ("sigstore" if layout == "bundle" else "cosign-legacy", key["spkiSha256"], True)]
    plain = [a for a in snapshot["artifacts"] if a["names"] == [f"{docker.host}/{repository}-plain"]]
    assert plain[0]["signatures"] == [], "looked for, and there are none"


def test_what_runs_by_a_digest_whose_tag_moved_on_is_looked_up_too(hsm, docker, tmp_path, name):
    hsm.wire("user").post(f"/keys/{name}/create", {"kty": "EC", "crv": "P-256", "key_ops": ["sign", "verify"]}).expect(200)
    repository = f"shop/{name.lower()}"
    old = docker.push_image(repository, "v1", content=b"old" + name.encode())["digest"]
    hsm.run("sign", "image", f"{docker.host}/{repository}@{old}", "--plain-http", "--key", name, who="user", check=True)
    docker.push_image(repository, "v1", content=b"new" + name.encode())
    hsm.wire("admin").put(f"/providers/Microsoft.Authorization/roleAssignments/{guid(name + 'auditor')}", {"properties": {
        "principalId": hsm.oid("nobody"), "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{AUDITOR}"}})
    token, runs = tmp_path / "token", tmp_path / "runs.json"
    token.write_text(hsm.token("nobody"))
    gone = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
    runs.write_text(json.dumps([{"subject": f"{docker.host}/{repository}@{digest}", "digest": digest, "environment": "plant"} for digest in (old, gone)]))
    config = tmp_path / "estate.yaml"
    config.write_text(yaml.safe_dump({
        "schema": "hallmark.estate/v1", "hsms": [{"name": "ours", "url": hsm.url, "ca": str(hsm.ca), "tokenFile": str(token)}],
        "registries": [{"host": docker.host, "repositories": [repository], "plainHTTP": True}], "lists": [{"file": str(runs), "environment": "plant"}]}))
    snapshot, _, _ = taken(tmp_path, config)
    artifact = by(snapshot["artifacts"], digest=old)
    assert artifact["running"][0]["cluster"] == "plant" and [s["verified"] for s in artifact["signatures"]] == [True]
    assert by(snapshot["artifacts"], digest=gone)["signatures"] is None, "what the registry no longer has is not known"
    asked = subprocess.run([str(BINARY), "inventory", "ask", "artifacts", "--inventory", tmp_path / "snapshot.json", "--output", "json"], capture_output=True, text=True)
    assert {r["digest"]: r["state"] for r in json.loads(asked.stdout)["rows"]} == {old: "signed", gone: "unknown"} and asked.returncode == 3


def test_a_directory_that_was_read_with_fewer_rights_is_read_again(estate, tmp_path):
    world = estate.world
    config, out = configured(estate, tmp_path), tmp_path / "snapshot.json"
    world.hsm.denied = True
    world.slow = 0.05
    process = subprocess.Popen([str(BINARY), "inventory", "sync", "--config", str(config), "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "snapshot.json.progress"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.exists() and b'"unit":"directory/' in journal.read_bytes()):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert b'"unit":"directory/' in journal.read_bytes() and not out.exists()
    world.hsm.denied, world.slow = False, 0
    snapshot, report, _ = taken(tmp_path, config, "--resume")
    assert report["complete"] and report["resumedUnits"] > 0
    assert by(snapshot["groups"], objectId=world.outer)["members"], "the group that only the HSM's grants name"
    whole, _, _ = taken(tmp_path, config)
    assert all(snapshot[name] == whole[name] for name in ("grants", "identities", "groups"))


def test_requests_at_once_are_bounded(estate, tmp_path):
    world = estate.world
    world.slow = 0.01
    peaks = {}
    for at_once in (1, 3):
        world.peak = 0
        _, report, _ = taken(tmp_path, configured(estate, tmp_path, concurrency={"tenants": at_once, "stores": at_once}))
        assert report["complete"]
        peaks[at_once] = world.peak
    assert peaks[1] <= 4 < peaks[3] <= 3 * 3 * 4, peaks


def pages_of(world, host, path):
    return [r for r in world.requests if r[1] == host and r[2].lower() == path.lower()]


def test_pages_that_lead_in_a_circle_end_and_are_told(estate, tmp_path):
    estate.world.circle = "nw-hsm.managedhsm.localhost/keys"
    snapshot, _, errors = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert "circle" in errors
    assert by(snapshot["stores"], id="nw-hsm")["visibility"] == "partial" and not [k for k in snapshot["keys"] if k["store"] == "nw-hsm"]
    assert len(pages_of(estate.world, "nw-hsm.managedhsm.localhost", "/keys")) <= 3


def test_servers_that_fail_for_a_while_are_asked_again(estate, tmp_path):
    world = estate.world
    world.broken = {"/keys/fw-sign/versions": [500, 1], "Microsoft.KeyVault/vaults": [503, 2], "graph.localhost/v1.0/applications": [502, 1], "login.localhost": [503, 1]}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert report["complete"] and all(left[1] == 0 for left in world.broken.values()), world.broken
    assert len([k for k in snapshot["keys"] if k["name"] == "fw-sign"]) == 3


def test_a_store_that_goes_on_failing_is_partial_and_its_key_stays_named(estate, tmp_path):
    # No Retry-After and no end: the sweep gives up on this one request only.
    version = estate.world.hsm.signing[1]["version"]
    estate.world.broken = {f"/keys/fw-sign/{version}": [501, 1000]}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert by(snapshot["stores"], id="nw-hsm")["visibility"] == "partial"
    key = by(snapshot["keys"], store="nw-hsm", version=version)
    assert key["kty"] is None and key["spkiSha256"] is None and key["enabled"] is True, "only what the list says is known"
    assert [g["kind"] for g in report["gaps"]] == ["unreachable"]


def test_tokens_that_run_out_during_the_sweep_are_renewed(estate, tmp_path):
    estate.world.token_life = 12
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert report["complete"] and len(estate.world.tokens) > 8
    assert len([k for k in snapshot["keys"] if k["name"] == "fw-sign"]) == 3


def test_rights_that_arm_hides_make_every_store_below_partial(estate, tmp_path):
    estate.world.refused_arm = {"/roleassignments"}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert {s["visibility"] for s in snapshot["stores"]} == {"partial"}, "who has no right there is not known"
    assert {g["place"].split()[-1] for g in report["gaps"]} == {"roleAssignments", "roleAssignmentScheduleInstances"}
    assert {g["kind"] for g in report["gaps"]} == {"denied"}


def test_a_management_group_reaches_its_subscriptions_and_no_others(estate, tmp_path):
    world = estate.world
    b1 = guid("b-1")
    officer = world.define(b1, "Key Vault Crypto Officer", data=["Microsoft.KeyVault/vaults/keys/*"], identifier="14b46e9e-c2b7-41b4-b07b-48a6ebf60603")
    late = world.user(world.b, "late")
    scope = "/providers/Microsoft.Management/managementGroups/mg-b"
    world.assignments[b1].append({"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid('mg')}", "name": guid("mg"),
                                  "type": "Microsoft.Authorization/roleAssignments",
                                  "properties": {"scope": scope, "principalId": late, "principalType": "User",
                                                 "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{officer}"}})
    snapshot, _, _ = taken(tmp_path, configured(estate, tmp_path))
    assert sorted(str(g["store"]) for g in snapshot["grants"] if g["principal"] == late) == ["None", "b-vault"]
    shown = subprocess.run([str(BINARY), "inventory", "show", late, "--inventory", tmp_path / "snapshot.json", "--output", "json"], capture_output=True, text=True)
    rights = json.loads(shown.stdout)["found"][0]["rights"]
    assert {r["store"] for r in rights} == {"b-vault", None} and not any(r["doubts"] for r in rights), rights
    assert all("decrypt" in r["capabilities"] for r in rights)


def test_deny_assignments_are_named_and_take_nothing_from_the_list(estate, tmp_path):
    world = estate.world
    b1 = guid("b-1")
    scope = f"/subscriptions/{b1}/resourceGroups/rg-keys"
    world.denials[b1] = [{"id": f"{scope}/providers/Microsoft.Authorization/denyAssignments/{guid('deny')}", "name": guid("deny"),
                          "type": "Microsoft.Authorization/denyAssignments",
                          "properties": {"denyAssignmentName": "locked by the stack", "scope": scope, "isSystemProtected": True,
                                         "permissions": [{"actions": ["*/delete"], "notActions": [], "dataActions": ["Microsoft.KeyVault/vaults/keys/*"], "notDataActions": []}],
                                         "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}], "excludePrincipals": [{"id": guid("x"), "type": "User"}]}}]
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
    assert [g for g in snapshot["grants"] if g["principal"] == world.b_builder]
    assert any("locked by the stack" in n and "everybody but 1" in n for n in report["notes"]), report["notes"]


def test_purged_keys_stay_listed_with_their_public_key(estate, tmp_path):
    world = estate.world
    first, _, _ = taken(tmp_path, configured(estate, tmp_path))
    sync(configured(estate, tmp_path), expect=0)
    gone = {k["version"]: k["spkiSha256"] for k in first["keys"] if k["name"] in ("old-sign", "other-2")}
    del world.hsm.deleted["old-sign"], world.hsm.keys["other-2"]
    world.hsm.key("other-2")
    world.hsm.denied = True
    blind, _, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert not [k for k in blind["keys"] if k["store"] == "nw-hsm"], "of a store that was not seen nothing is said"
    world.hsm.denied = False
    for _ in range(2):
        snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path))
        rows = {k["version"]: k for k in snapshot["keys"] if k["version"] in gone}
        assert {v: k["spkiSha256"] for v, k in rows.items()} == gone and all(k["deleted"] for k in rows.values())
        assert len([k for k in snapshot["keys"] if k["name"] == "other-2" and not k["deleted"]]) == 1, "the key that has its name now is another"


def test_graph_that_refuses_leaves_members_unseen(estate, tmp_path):
    estate.world.graph_refused = {"/members", "/applications"}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert by(snapshot["groups"], objectId=estate.world.outer)["members"] is None, "not seen is not empty"
    assert {g["kind"] for g in report["gaps"]} == {"denied"}


def test_principals_that_nobody_tells_about_make_their_stores_partial(estate, tmp_path):
    world = estate.world
    world.graph_refused = {"/directoryObjects"}
    snapshot, report, _ = taken(tmp_path, configured(estate, tmp_path), expect=3)
    assert by(snapshot["stores"], id="nw-hsm")["visibility"] == "partial", "the holder of its rights may be a group"
    asked = subprocess.run([str(BINARY), "inventory", "ask", "bindings", "--inventory", tmp_path / "snapshot.json", "--output", "json"], capture_output=True, text=True)
    assert asked.returncode == 3 and not json.loads(asked.stdout)["complete"]


def test_a_cluster_whose_list_expires_is_read_again_from_the_start(estate, tmp_path):
    world = estate.world
    digest = {n: "sha256:" + hashlib.sha256(n.encode()).hexdigest() for n in "abcde"}
    world.pods = [pod(f"p-{n}", ("StatefulSet", f"s-{n}"), image_id=f"registry.example/shop/{n}@{digest[n]}", role=role)
                  for n, role in zip("abcde", ["containers", "initContainers", "ephemeralContainers", "containers", "containers"])]
    token = tmp_path / "token"
    token.write_text("cluster-token\n")
    config = configured(estate, tmp_path, tenants=[world.b], clusters=[
        {"name": "prod", "server": estate.url("cluster.localhost"), "ca": str(estate.ca), "tokenFile": str(token)}])
    world.expire_continue = 1
    snapshot, _, _ = taken(tmp_path, config)
    assert set(digest.values()) <= {a["digest"] for a in snapshot["artifacts"]}
    assert all(len(a["running"]) == 1 for a in snapshot["artifacts"])
    world.expire_continue = 100
    snapshot, report, _ = taken(tmp_path, config, expect=4)
    assert not snapshot["artifacts"] and "changed faster" in report["gaps"][0]["why"], "half of a list is no list"


def test_the_activity_log_is_kept_for_the_watch(estate, tmp_path):
    world = estate.world
    event = lambda n, name: {"eventDataId": guid(f"event {n}"), "correlationId": guid(f"c {n}"), "eventTimestamp": f"2026-11-2{n}T00:00:00.0000000Z",
                             "operationName": {"value": name, "localizedValue": name}, "status": {"value": "Succeeded"}, "caller": "ada@example.org",
                             "resourceId": world.hsm.id, "claims": {}}
    world.activity[guid("a-1")] = [event(3, "Microsoft.KeyVault/managedHSMs/delete"), event(1, "Microsoft.Authorization/locks/delete"),
                                   event(2, "Microsoft.Compute/virtualMachines/start/action")]
    logs = {"folder": str(tmp_path / "logs"), "activity": [{"tenant": world.a, "subscription": guid("a-1"), "days": 30}]}
    taken(tmp_path, configured(estate, tmp_path, logs=logs))
    path = tmp_path / "logs/activity" / f"{guid('a-1')}.jsonl"
    assert [json.loads(line)["operationName"]["value"].split("/")[0] for line in path.read_text().splitlines()] == ["Microsoft.Authorization", "Microsoft.KeyVault"]
    watched = subprocess.run([str(BINARY), "watch", "replay", "--log", path, "--now", "2026-11-24T00:00:00Z"], capture_output=True, text=True)
    assert watched.returncode == 1 and "HM-D21" in watched.stdout, watched.stdout + watched.stderr
    logs["activity"][0]["subscription"] = guid("c-1")
    _, report, _ = taken(tmp_path, configured(estate, tmp_path, logs=logs), expect=3)
    assert [g["kind"] for g in report["gaps"]] == ["denied"]
