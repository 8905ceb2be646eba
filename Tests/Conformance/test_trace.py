"""`hallmark trace` of images: from the reference to the audit record of each signature, and everything that is not ours."""

import json

import pytest

from authority import run_hallmark
from localcosign import Cosign
from notary import Root
from registry import plain_registry  # noqa: F401

KEY = "trace-image"


@pytest.fixture(scope="module")
def key(user):
    return user.create_key(KEY, kty="EC-HSM", crv="P-256")["key"]


@pytest.fixture
def repository(name):
    return "trace/" + name


@pytest.fixture
def image(plain_registry, repository, name):  # noqa: F811
    descriptor = plain_registry.push_image(repository, "v1", content=name.encode())
    return f"{plain_registry.host}/{repository}:v1", descriptor["digest"]


def sign(hsm, reference, *options, key=KEY):
    hsm.run("sign", "image", reference, "--plain-http", "--key", key, *options, who="user", check=True)


def trace(hsm, reference, *options, who="admin"):
    done = hsm.run("trace", reference, "--plain-http", "--output", "json", *options, who=who)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_an_image_that_our_key_signed_is_ours_with_every_hop_exact(hsm, key, image, form):
    reference, digest = image
    sign(hsm, reference, "--format", form)
    code, answer, error = trace(hsm, reference)
    assert (code, answer["verdict"]) == (0, "ours"), json.dumps(answer, indent=1) + error
    assert answer["artifact"]["digest"] == digest and len(answer["artifact"]["closure"]) == 1
    (chain,) = answer["chains"]
    assert chain["key"]["kid"] == key["kid"] and chain["event"]["join"] == "exact" and chain["event"]["digest"] != digest
    assert chain["grant"]["reconstructed"] is False and chain["grant"]["principal"] == hsm.oid("user") == chain["identity"]["objectId"]


def test_an_index_shows_its_manifests_and_configs(hsm, key, plain_registry, repository, name):  # noqa: F811
    index, images = plain_registry.push_index(repository, "v1", content=name.encode())
    reference = f"{plain_registry.host}/{repository}:v1"
    sign(hsm, reference, "--format", "bundle")
    code, answer, error = trace(hsm, reference)
    assert (code, answer["verdict"]) == (0, "ours"), error
    assert {i["digest"] for i in images} < set(answer["artifact"]["closure"]) and len(answer["artifact"]["closure"]) == 4


def test_a_manifest_or_config_that_runs_leads_to_the_signed_index(hsm, key, plain_registry, repository, name, tmp_path):  # noqa: F811
    index, images = plain_registry.push_index(repository, "v1", content=name.encode())
    home = f"{plain_registry.host}/{repository}"
    sign(hsm, f"{home}:v1", "--format", "bundle")
    config = json.loads(plain_registry.manifest(repository, images[0]["digest"])[0])["config"]["digest"]
    for digest in (images[0]["digest"], images[1]["digest"], config):
        code, answer, error = trace(hsm, f"{home}@{digest}")
        assert (code, answer["verdict"]) == (0, "ours"), error
        assert answer["artifact"]["digest"] == index["digest"] and digest in answer["artifact"]["closure"]
        assert f"{home}@{digest}" in answer["artifact"]["refs"]
    # A bare digest is looked for in the repositories that the inventory names.
    snapshot = tmp_path / "inventory.json"
    snapshot.write_text(json.dumps({"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z", "artifacts": [
        {"digest": "sha256:" + "0" * 64, "names": [home], "closure": [], "signatures": None, "running": None}]}))
    for digest in (index["digest"], images[0]["digest"], config):
        code, answer, error = trace(hsm, digest, "--inventory", snapshot)
        assert (code, answer["verdict"], answer["artifact"]["digest"]) == (0, "ours", index["digest"]), error
    code, answer, _ = trace(hsm, "sha256:" + "9" * 64, "--inventory", snapshot)
    assert (code, answer["verdict"]) == (3, "unknown")


def test_a_manifest_that_no_signed_index_lists_stays_unsigned(hsm, key, plain_registry, repository, name):  # noqa: F811
    _, images = plain_registry.push_index(repository, "v1", content=name.encode())
    other = plain_registry.push_image(repository, "v2", content=b"other" + name.encode())
    sign(hsm, f"{plain_registry.host}/{repository}:v2", "--format", "bundle")
    code, answer, _ = trace(hsm, f"{plain_registry.host}/{repository}@{images[0]['digest']}")
    assert (code, answer["verdict"]) == (1, "unsigned") and other["digest"] not in answer["artifact"]["closure"]


def test_an_image_that_nobody_signed_is_unsigned(hsm, key, image):
    code, answer, _ = trace(hsm, image[0])
    assert (code, answer["verdict"], answer["chains"]) == (1, "unsigned", [])


def test_a_registry_that_is_down_and_an_image_that_is_not_there_are_unknown(hsm, key, plain_registry):  # noqa: F811
    code, answer, _ = trace(hsm, "localhost:9/trace/app:v1")
    assert (code, answer["verdict"]) == (4, "unknown") and any(r.startswith("registry:") for r in answer["reasons"])
    code, answer, _ = trace(hsm, f"{plain_registry.host}/trace/nothing:v1")
    assert (code, answer["verdict"]) == (3, "unknown")


def test_a_signature_carried_over_from_another_image_is_invalid(hsm, key, plain_registry, image, repository, name):  # noqa: F811
    reference, digest = image
    sign(hsm, reference, "--format", "legacy")
    other = plain_registry.push_image(repository, "v2", content=b"other" + name.encode())
    content, kind = plain_registry.manifest(repository, f"sha256-{digest[7:]}.sig")
    plain_registry.push_manifest(repository, f"sha256-{other['digest'][7:]}.sig", json.loads(content), kind)
    code, answer, _ = trace(hsm, f"{plain_registry.host}/{repository}:v2")
    assert (code, answer["verdict"]) == (1, "invalid"), json.dumps(answer, indent=1)


def test_a_signature_that_names_another_repository_is_untrusted(hsm, key, plain_registry, image, repository, name):  # noqa: F811
    reference, digest = image
    sign(hsm, reference, "--format", "legacy")
    copy = repository + "-copy"
    assert plain_registry.push_image(copy, "v1", content=name.encode())["digest"] == digest
    tag = f"sha256-{digest[7:]}.sig"
    content, kind = plain_registry.manifest(repository, tag)
    manifest = json.loads(content)
    for part in [manifest["config"], *manifest["layers"]]:
        plain_registry.push_blob(copy, plain_registry.blob(repository, part["digest"]))
    plain_registry.push_manifest(copy, tag, manifest, kind)
    code, answer, _ = trace(hsm, f"{plain_registry.host}/{copy}:v1")
    assert (code, answer["verdict"]) == (1, "untrusted"), json.dumps(answer, indent=1)
    assert answer["chains"][0]["event"]["join"] == "exact"


def attest(hsm, reference, folder, *options):
    document = folder / "sbom.json"
    document.write_text(json.dumps({"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "app", "documentNamespace": "https://example.com/app", "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: t"]}, "packages": []}))
    hsm.run("sign", "attestation", reference, "--plain-http", "--key", KEY, "--sbom", document, *options, who="user", check=True)


def test_an_attestation_alone_does_not_sign_the_image(hsm, key, image, tmp_path):
    attest(hsm, image[0], tmp_path)
    code, answer, _ = trace(hsm, image[0])
    assert (code, answer["verdict"]) == (1, "unsigned"), json.dumps(answer, indent=1)


def test_without_the_right_to_read_the_trail_nothing_is_ours_and_nothing_foreign(hsm, key, image):
    sign(hsm, image[0], "--format", "bundle")
    code, answer, _ = trace(hsm, image[0], who="nobody")
    assert code == 3 and answer["verdict"] == "unknown"


def test_where_it_runs_is_found_by_the_config_too(hsm, key, plain_registry, image, repository, tmp_path):  # noqa: F811
    reference, digest = image
    sign(hsm, reference, "--format", "bundle")
    config = json.loads(plain_registry.manifest(repository, digest)[0])["config"]["digest"]
    snapshot = tmp_path / "inventory.json"
    running = [{"cluster": "prod", "namespace": "shop", "workload": "deployment/web", "since": "2026-11-01T00:00:00Z"}]
    for seen, expected in (({"digest": config, "running": running}, running), ({"digest": "sha256:" + 64 * "0", "running": running}, []), ({"digest": digest}, [])):
        snapshot.write_text(json.dumps({"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z", "artifacts": [seen]}))
        _, answer, error = trace(hsm, reference, "--inventory", snapshot)
        assert answer["chains"][0]["deployments"] == expected, error
        assert any(g.startswith("deployments:") for g in answer["chains"][0]["gaps"]) == (not expected)


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_a_notary_signature_is_ours_by_its_key_and_judged_by_roots_once_a_policy_has_some(hsm, key, image, tmp_path, form):
    reference, _ = image
    chain, ours = tmp_path / "chain.pem", Root("trace root")
    chain.write_bytes(ours.chain(key))
    sign(hsm, reference, "--notary", form, "--certificate-chain", chain)
    code, answer, error = trace(hsm, reference)
    assert (code, answer["verdict"]) == (0, "ours"), json.dumps(answer, indent=1) + error
    assert answer["chains"][0]["event"]["join"] == "exact"
    for root, expected in ((ours, (0, "ours")), (Root("somebody else"), (1, "untrusted"))):
        policy = tmp_path / "trust.json"
        policy.write_text(json.dumps({
            "schema": "hallmark.trust/v1", "roots": [{"name": "notary", "type": "ca", "pem": root.pem.decode(), "identities": ["*"]}],
            "rules": [{"name": "all", "scope": {"repositories": [reference.rsplit(":", 1)[0]]}, "require": {"root": "notary"}}]}))
        code, answer, error = trace(hsm, reference, "--trust", policy)
        assert answer and (code, answer["verdict"]) == expected, json.dumps(answer, indent=1) + error


def test_an_image_that_somebody_else_signed_is_foreign(hsm, key, image, tmp_path):
    Cosign(tmp_path / "theirs").sign(f"{image[0].rsplit(':', 1)[0]}@{image[1]}")
    code, answer, _ = trace(hsm, image[0])
    assert code == 1 and answer["verdict"] == "foreign", json.dumps(answer, indent=1)


def documents(hsm, reference, folder):
    """What an offline trace of the image needs: audit export, inventory, and a trust file with the public key."""
    ledger = folder / "audit.jsonl"
    ledger.write_text(hsm.run("audit", "export", who="admin", check=True).stdout)
    public = hsm.run("keys", "download", KEY, who="user", check=True).stdout
    chain = trace(hsm, reference)[1]["chains"][0]
    (folder / "trust.yaml").write_text("schema: hallmark.trust/v1\nkeys:\n  - name: release\n    pem: |\n" + "".join(f"      {line}\n" for line in public.splitlines()))
    store, grant, identity, role = hsm.hsm_name, chain["grant"], chain["identity"], "21dbd100-6940-42c2-9190-5d6cb909625b"
    (folder / "inventory.json").write_text(json.dumps({
        "schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z", "stores": [{"id": store, "kind": "managedHsm", "rbacMode": "local", "visibility": "full"}],
        "keys": [{"store": store, "name": KEY, "version": chain["key"]["version"], "kid": chain["key"]["kid"], "spkiSha256": chain["signature"]["spkiSha256"], "deleted": False}],
        "roles": [{"store": store, "id": role, "name": "Crypto User", "custom": False, "dataActions": ["Microsoft.KeyVault/managedHsm/keys/sign/action"]}],
        "grants": [{"id": grant["assignmentId"], "store": store, "principal": grant["principal"], "via": "localRbac", "scope": grant["scope"], "role": role, "capabilities": ["sign"], "latent": False}],
        "identities": [{"objectId": identity["objectId"], "kind": "servicePrincipal", "name": "user"}], "artifacts": []}))
    sources = ["--plain-http", "--inventory", folder / "inventory.json", "--ledger", ledger, "--output", "json"]
    return sources, ["--trust", folder / "trust.yaml"]


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_an_image_is_ours_from_the_audit_export_and_the_inventory_alone(hsm, key, plain_registry, image, tmp_path, form):  # noqa: F811
    reference, digest = image
    sign(hsm, reference, "--format", form)
    sources, trusted = documents(hsm, reference, tmp_path)
    done = run_hallmark("trace", reference, *sources, *trusted)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["artifact"]["digest"]) == (0, "ours", digest), json.dumps(answer, indent=1) + done.stderr
    assert answer["chains"][0]["event"]["join"] == "exact" and answer["chains"][0]["grant"]["reconstructed"] is False
    # Without the public key nobody can check the signature, and nothing is said that was not checked.
    done = run_hallmark("trace", reference, *sources)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "unknown")


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_an_attestation_signs_no_image_from_documents_either(hsm, key, plain_registry, repository, image, name, tmp_path, form):  # noqa: F811
    other = plain_registry.push_image(repository, "v2", content=b"signed" + name.encode())
    sign(hsm, f"{plain_registry.host}/{repository}:v2")
    attest(hsm, image[0], tmp_path, "--format", form)
    sources, trusted = documents(hsm, f"{plain_registry.host}/{repository}@{other['digest']}", tmp_path)
    done = run_hallmark("trace", image[0], *sources, *trusted)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (1, "unsigned"), done.stdout
