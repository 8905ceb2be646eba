"""The registry client through the command line: signers at once, authentication, redirects, registries that fail."""

import base64
import concurrent.futures
import json
import os
import subprocess

import pytest

import keycheck
from authority import TOOLS
from registry import (  # noqa: F401
    OCI_INDEX, docker_config, oci_registry, other_host, password_registry, plain_registry, sha256, token_registry, token_server)

COSIGN, ORAS = TOOLS / "bin/cosign", TOOLS / "bin/oras"
SIGNERS = 6
KEY = "registry-p256"


@pytest.fixture(scope="module")
def public(hsm, user, tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "public.pem"
    path.write_bytes(keycheck.public_pem(user.create_key(KEY, kty="EC-HSM", crv="P-256")["key"]))
    return path


@pytest.fixture
def sign(hsm, public):
    def run(reference, *arguments, check=True, env=None, kind="image"):
        from authority import run_hallmark

        return run_hallmark(
            "sign", kind, reference, "--key", KEY, "--plain-http", *arguments, env={**hsm.cli_env("user"), **(env or {})}, check=check, timeout=120)
    return run


@pytest.fixture
def verify(hsm, public):
    def run(reference, *arguments, env=None):
        from authority import run_hallmark

        return run_hallmark("verify", "image", reference, "--key", public, "--plain-http", *arguments, env=env, timeout=60)
    return run


def at_once(signers):
    with concurrent.futures.ThreadPoolExecutor(len(signers)) as pool:
        for done in [pool.submit(one) for one in signers]:
            done.result()


def names(registry, repository, entries):
    """The value of annotation `n` in the statement of every listed signature: what is listed can be fetched, and is who it says it is."""
    found = []
    for entry in entries:
        manifest = json.loads(registry.manifest(repository, entry["digest"])[0])
        bundle = json.loads(registry.blob(repository, manifest["layers"][0]["digest"]))
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        found.append(statement["subject"][0]["annotations"]["n"])
    return sorted(found)


# -- signers at once --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["plain_registry", "token_registry", "oci_registry"])
def test_six_signers_of_one_image_leave_six_signatures(kind, request, sign, verify, tmp_path):
    registry = request.getfixturevalue(kind)
    image = registry.push_image("team/six", "v1")
    reference = f"{registry.host}/team/six:v1"
    env = {}
    if kind == "token_registry":
        env = {"DOCKER_CONFIG": docker_config(tmp_path, **{registry.host: f"alice:{registry.token_server.users['alice']}"})}
    at_once([lambda n=n: sign(reference, "-a", f"n={n}", env=env) for n in range(SIGNERS)])
    listed = registry.signatures("team/six", image["digest"])
    assert names(registry, "team/six", listed) == [str(n) for n in range(SIGNERS)]
    assert all(e["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json" for e in listed)
    assert (registry.manifest("team/six", image["digest"].replace(":", "-")) is None) == (kind == "oci_registry")
    assert verify(reference, env=env).returncode == 0


def test_signers_of_other_machines_share_no_lock_and_lose_nothing(plain_registry, sign, tmp_path):
    """Each has state of its own, so only the read-back keeps them from losing entries."""
    image = plain_registry.push_image("team/apart", "v1")
    reference = f"{plain_registry.host}/team/apart:v1"
    at_once([lambda n=n: sign(reference, "-a", f"n={n}", env={"XDG_STATE_HOME": str(tmp_path / str(n))}) for n in range(SIGNERS)])
    assert names(plain_registry, "team/apart", plain_registry.signatures("team/apart", image["digest"])) == [str(n) for n in range(SIGNERS)]


def test_six_signers_of_the_older_tag_leave_six_layers(plain_registry, sign, public, tmp_path):
    image = plain_registry.push_image("team/older", "v1")
    reference = f"{plain_registry.host}/team/older:v1"
    at_once([lambda n=n: sign(reference, "--format", "legacy", "-a", f"n={n}") for n in range(SIGNERS)])
    tag = json.loads(plain_registry.manifest("team/older", image["digest"].replace(":", "-") + ".sig")[0])
    payloads = [json.loads(plain_registry.blob("team/older", layer["digest"])) for layer in tag["layers"]]
    assert sorted(p["optional"]["n"] for p in payloads) == [str(n) for n in range(SIGNERS)]
    config = json.loads(plain_registry.blob("team/older", tag["config"]["digest"]))
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in tag["layers"]] and len(config["history"]) == SIGNERS
    done = subprocess.run(
        [COSIGN, "verify", "--key", public, "--insecure-ignore-tlog", "--output", "json", reference], capture_output=True, text=True, timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == SIGNERS


def test_entries_of_others_keep_their_place_and_their_members(plain_registry, sign, verify):
    image = plain_registry.push_image("team/foreign", "v1")
    other = plain_registry.push_image("team/foreign", None, b"other")
    strange = {**other, "artifactType": "application/x.theirs", "urls": ["https://example.com/"], "x-theirs": {"deep": [1, 2]}}
    tag = image["digest"].replace(":", "-")
    plain_registry.push_manifest("team/foreign", tag, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [strange], "annotations": {"a": "b"}}, OCI_INDEX)
    reference = f"{plain_registry.host}/team/foreign:v1"
    sign(reference)
    index = json.loads(plain_registry.manifest("team/foreign", tag)[0])
    assert index["manifests"][0] == strange and len(index["manifests"]) == 2 and index["annotations"] == {"a": "b"}
    assert verify(reference).returncode == 0


def test_a_tag_that_holds_something_else_is_left_alone(plain_registry, sign):
    image = plain_registry.push_image("team/taken", "v1")
    tag = image["digest"].replace(":", "-")
    plain_registry.push_image("team/taken", tag, b"an image under that name")
    before = plain_registry.manifest("team/taken", tag)
    done = sign(f"{plain_registry.host}/team/taken:v1", check=False)
    assert done.returncode not in (0, 2) and tag in done.stderr, done.stderr
    assert plain_registry.manifest("team/taken", tag) == before


def test_oras_lists_what_was_attached(plain_registry, sign, tmp_path):
    plain_registry.push_image("team/oras", "v1")
    sign(f"{plain_registry.host}/team/oras:v1")
    done = subprocess.run(
        [ORAS, "discover", "--plain-http", "--format", "json", f"{plain_registry.host}/team/oras:v1"], capture_output=True, text=True, timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    entries = document.get("referrers") or document["manifests"]
    assert [e["artifactType"] for e in entries] == ["application/vnd.dev.sigstore.bundle.v0.3+json"]


# -- authentication ---------------------------------------------------------------------------------------------------

def test_a_token_is_asked_for_with_the_least_scope_and_the_password_stays_out_of_urls(token_registry, sign, tmp_path):
    token_registry.push_image("team/token", "v1")
    server = token_registry.token_server
    env = {"DOCKER_CONFIG": docker_config(tmp_path, **{token_registry.host: f"alice:{server.users['alice']}"})}
    reference, start = f"{token_registry.host}/team/token:v1", len(server.seen)
    sign(reference, env=env)
    asked = server.seen[start:]
    assert {s for r in asked for s in r["fields"]["scope"]} == {"repository:team/token:pull", "repository:team/token:pull,push"}
    assert len(asked) == 2, "one request for each scope"
    assert all(r["authorization"] and r["fields"].keys() == {"service", "scope"} for r in asked)


@pytest.mark.parametrize("entry", [{}, {"auth": base64.b64encode(b"alice:wrong").decode()}, {"identitytoken": "refresh-nobody"}])
def test_wrong_credentials_are_named_and_not_shown(token_registry, sign, tmp_path, entry):
    token_registry.push_image("team/wrong", "v1")
    done = sign(f"{token_registry.host}/team/wrong:v1", check=False, env={"DOCKER_CONFIG": docker_config(tmp_path, **{token_registry.host: entry})})
    assert done.returncode not in (0, 2) and token_registry.host in done.stderr, done.stderr
    assert "wrong" not in done.stderr.replace("team/wrong", "") and "refresh-nobody" not in done.stderr


def test_an_identity_token_is_refreshed(token_registry, sign, tmp_path):
    token_registry.push_image("team/identity", "v1")
    server, start = token_registry.token_server, len(token_registry.token_server.seen)
    sign(f"{token_registry.host}/team/identity:v1", env={"DOCKER_CONFIG": docker_config(tmp_path, **{token_registry.host: {"identitytoken": "refresh-alice"}})})
    assert {r["method"] for r in server.seen[start:]} == {"POST"}


def test_a_credential_helper_is_asked(password_registry, sign, tmp_path):
    password_registry.push_image("team/helper", "v1")
    helper = tmp_path / "bin/docker-credential-hallmarktest"
    helper.parent.mkdir()
    helper.write_text(f'#!/bin/sh\nread host\necho "$1 $host" >> {tmp_path}/asked\n'
                      '[ "$host" = "%s" ] || { echo "credentials not found in native keychain"; exit 1; }\n' % password_registry.host
                      + 'echo \'{"ServerURL":"x","Username":"bob","Secret":"builder"}\'\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "hallmarktest"}))
    env = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{helper.parent}:{os.environ['PATH']}"}
    sign(f"{password_registry.host}/team/helper:v1", env=env)
    assert (tmp_path / "asked").read_text() == f"get {password_registry.host}\n"
    done = sign(f"{password_registry.host}/team/helper:v1", check=False, env={**env, "PATH": "/usr/bin:/bin"})
    assert done.returncode not in (0, 2) and "docker-credential-hallmarktest" in done.stderr


def test_a_password_of_the_environment_goes_to_its_registry_only(password_registry, oci_registry, sign):
    password_registry.push_image("team/env", "v1")
    env = {"HALLMARK_REGISTRY": password_registry.host, "HALLMARK_REGISTRY_USERNAME": "bob", "HALLMARK_REGISTRY_PASSWORD": "builder"}
    sign(f"{password_registry.host}/team/env:v1", env=env)
    oci_registry.push_image("team/env", "v1")
    oci_registry.users = {"bob": "builder"}
    start = len(oci_registry.requests)
    assert sign(f"{oci_registry.host}/team/env:v1", env=env, check=False).returncode not in (0, 2)
    assert all("authorization" not in headers for _, _, headers in oci_registry.requests[start:])


def test_plain_http_is_not_spoken_unasked(oci_registry, hsm, public):
    oci_registry.push_image("team/plain", "v1")
    start = len(oci_registry.requests)
    done = hsm.run("sign", "image", f"{oci_registry.host}/team/plain:v1", "--key", KEY, who="user")
    assert done.returncode not in (0, 2) and len(oci_registry.requests) == start


# -- redirects --------------------------------------------------------------------------------------------------------

def test_redirects_never_carry_credentials_to_another_host(oci_registry, other_host, sign, verify, tmp_path):
    oci_registry.push_image("team/moved", "v1")
    oci_registry.users = {"bob": "builder"}
    env = {"DOCKER_CONFIG": docker_config(tmp_path, **{oci_registry.host: "bob:builder"})}
    reference = f"{oci_registry.host}/team/moved:v1"
    sign(reference, env=env)
    # Blobs lie elsewhere from now on, as with registries that keep them in an object store.
    for (_, digest), content in list(oci_registry.blobs.items()):
        other_host.pages[f"/store/{digest}"] = content
        oci_registry.fail("GET", f"/blobs/{digest}$", ("redirect", f"http://{other_host.host}/store/{digest}?signature=1"), times=100)
    start = len(oci_registry.requests)
    done = verify(reference, env=env)
    assert done.returncode == 0, done.stderr
    assert other_host.seen, "the redirect was followed"
    assert all("authorization" not in headers and "cookie" not in headers for _, _, headers in other_host.seen)
    assert all("authorization" in headers for _, _, headers in oci_registry.requests[start + 1:])


def test_content_from_a_redirect_is_checked_like_any_other(oci_registry, other_host, sign, verify):
    oci_registry.push_image("team/swapped", "v1")
    reference = f"{oci_registry.host}/team/swapped:v1"
    sign(reference)
    for (_, digest), content in list(oci_registry.blobs.items()):
        other_host.pages[f"/store/{digest}"] = content[:-1] + bytes([content[-1] ^ 1])
        oci_registry.fail("GET", f"/blobs/{digest}$", ("redirect", f"http://{other_host.host}/store/{digest}"), times=100)
    done = verify(reference)
    assert done.returncode not in (0, 2) and "other content" in done.stdout + done.stderr, done.stderr


def test_writes_are_not_redirected(oci_registry, other_host, sign):
    oci_registry.push_image("team/writes", "v1")
    oci_registry.fail("PUT", "/manifests/", ("redirect", f"http://{other_host.host}/x"), times=100)
    assert sign(f"{oci_registry.host}/team/writes:v1", check=False).returncode not in (0, 2)
    assert other_host.seen == []


# -- registries that fail ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path", [("GET", "/manifests/"), ("HEAD", "/blobs/"), ("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/"), ("GET", "/referrers/")])
@pytest.mark.parametrize("action", [("status", 429, {"Retry-After": "1"}), ("status", 503, {}), "drop", "drop-after"], ids=["429", "503", "drop", "drop-after"])
def test_a_failure_in_passing_loses_nothing_and_doubles_nothing(oci_registry, sign, verify, method, path, action):
    image = oci_registry.push_image("team/shaky", "v1")
    oci_registry.fail(method, path, action)
    reference = f"{oci_registry.host}/team/shaky:v1"
    sign(reference)
    assert len(oci_registry.signatures("team/shaky", image["digest"])) == 1
    assert not [f for f in oci_registry.faults if f[3]], "the failure happened"
    assert verify(reference).returncode == 0


@pytest.mark.parametrize("path", ["/manifests/v1", "/blobs/", "/manifests/sha256"])
def test_other_bytes_than_the_digest_names_are_refused(oci_registry, sign, verify, path):
    oci_registry.push_image("team/bytes", "v1")
    reference = f"{oci_registry.host}/team/bytes:v1"
    sign(reference)
    oci_registry.fail("GET", path, "wrong-bytes", times=100)
    done = verify(reference)
    assert done.returncode not in (0, 2) and "other content" in done.stdout + done.stderr, done.stderr


def test_junk_among_the_referrers_is_reported_and_not_fatal(oci_registry, sign, verify):
    image = oci_registry.push_image("team/junk", "v1")
    reference = f"{oci_registry.host}/team/junk:v1"
    oci_registry.junk_referrer("team/junk", image["digest"], {"mediaType": 5})
    oci_registry.junk_referrer("team/junk", image["digest"], "junk")
    sign(reference)
    oci_registry.page_size = 1
    done = verify(reference)
    assert done.returncode == 0, done.stderr
    assert "manifests[0]" in done.stdout + done.stderr


def test_warnings_of_a_registry_are_shown(oci_registry, sign):
    oci_registry.push_image("team/warned", "v1")
    oci_registry.warning = "this repository goes away on Friday"
    done = sign(f"{oci_registry.host}/team/warned:v1")
    assert (done.stdout + done.stderr).count("goes away on Friday") == 1


def test_a_large_attestation_is_uploaded_in_pieces_and_resumed(oci_registry, sign, hsm, tmp_path):
    image = oci_registry.push_image("team/large", "v1")
    predicate = tmp_path / "predicate.json"
    predicate.write_text(json.dumps({"files": [os.urandom(600).hex() for _ in range(12_000)]}))
    for action in ("drop", "drop-after", ("status", 503, {})):
        oci_registry.fail("PATCH", "/uploads/", action)
    sign(f"{oci_registry.host}/team/large:v1", "--predicate", predicate, "--type", "https://example.com/large", kind="attestation")
    assert not [f for f in oci_registry.faults if f[3]]
    [entry] = oci_registry.signatures("team/large", image["digest"])
    layer = json.loads(oci_registry.manifest("team/large", entry["digest"])[0])["layers"][0]
    assert layer["size"] > predicate.stat().st_size and sha256(oci_registry.blob("team/large", layer["digest"])) == layer["digest"]
    assert len({r[2]["content-range"] for r in oci_registry.seen("PATCH", "/uploads/")}) >= 2
