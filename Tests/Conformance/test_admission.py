"""The admission webhook of `hallmark serve`, spoken to over TLS as an API server does, on images that cosign signed with keys of its own."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import time

import pytest
import yaml

from authority import BINARY as HALLMARK, ROOT, free_port
from localcosign import Cosign
from registry import plain_registry  # noqa: F401

START_LIMIT_SECONDS = 20


class Webhook:
    def __init__(self, folder, policy, **settings):
        self.folder, self.port = folder, free_port()
        folder.mkdir(exist_ok=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", "tls.key", "-out", "tls.crt"], cwd=folder, check=True, capture_output=True)
        (folder / "trust.yaml").write_text(policy)
        configuration = {"trust": str(folder / "trust.yaml"), "port": self.port, "certificateFile": str(folder / "tls.crt"), "keyFile": str(folder / "tls.key"),
                         "registries": {"plainHTTP": True}, "exemptNamespaces": ["kube-system"], "timeoutSeconds": 5, **settings}
        (folder / "hallmark.yaml").write_text(yaml.safe_dump({"admission": configuration, "log": {"format": "json"}}))
        self.log = folder / "serve.log"
        self.process = subprocess.Popen(
            [HALLMARK, "serve", "--config", folder / "hallmark.yaml"], stdin=subprocess.DEVNULL, stdout=self.log.open("ab"), stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                assert self.get("/healthz") == (200, "ok\n")
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.02)

    def connection(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=20, context=ssl.create_default_context(cafile=self.folder / "tls.crt"))

    def get(self, path):
        connection = self.connection()
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()

    def post(self, path, body):
        connection = self.connection()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()

    def review(self, verb, *images, namespace="shop", dry_run=False, kind="Pod"):
        containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]
        spec = {"spec": {"containers": containers}} if kind == "Pod" else {"spec": {"template": {"spec": {"containers": containers}}}}
        status, body = self.post(f"/admission/{verb}", json.dumps({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "kind": {"group": "", "version": "v1", "kind": kind}, "operation": "CREATE",
                        "namespace": namespace, "userInfo": {"username": "ada"}, "object": spec, "oldObject": None, "dryRun": dry_run}}))
        assert status == 200, body
        review = json.loads(body)
        assert review["apiVersion"] == "admission.k8s.io/v1" and review["response"]["uid"] == "0df28fbd-5f5f-11e8-bc74-36e6bb280816"
        return review["response"]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log.read_text()


def policy(cosign, **revoked):
    key = "\n".join("      " + line for line in cosign.public.read_text().strip().splitlines())
    text = f"schema: hallmark.trust/v1\nkeys:\n  - name: release\n    pem: |\n{key}\nrules:\n  - name: all\n    scope: {{repositories: [\"*\"]}}\n    require: {{key: release}}\n"
    return text + (f"revoked:\n  - {{key: release, at: 2020-01-01T00:00:00Z, reason: lost}}\n" if revoked else "")


@pytest.fixture(scope="module")
def cosign(tmp_path_factory):
    return Cosign(tmp_path_factory.mktemp("cosign") / "ours")


@pytest.fixture(scope="module")
def images(plain_registry, cosign, tmp_path_factory):  # noqa: F811
    """References by name: signed (bundle), legacy, foreign, unsigned; tag 1 each."""
    result = {}
    stranger = Cosign(tmp_path_factory.mktemp("cosign") / "theirs")
    for name, sign in {"signed": cosign.sign, "legacy": cosign.sign_legacy, "foreign": stranger.sign, "unsigned": None}.items():
        result[name] = (f"{plain_registry.host}/admission/{name}", plain_registry.push_image(f"admission/{name}", "1")["digest"])
        if sign:
            sign("{}@{}".format(*result[name]))
    return result


@pytest.fixture(scope="module")
def webhook(cosign, images, tmp_path_factory):
    hook = Webhook(tmp_path_factory.mktemp("webhook"), policy(cosign))
    yield hook
    hook.stop()


@pytest.mark.parametrize("name", ["signed", "legacy"])
def test_images_signed_by_the_trusted_key_are_let_in(webhook, images, name):
    assert webhook.review("validate", "{}@{}".format(*images[name]))["allowed"] is True


@pytest.mark.parametrize("name", ["foreign", "unsigned"])
def test_other_images_are_denied_with_status_200_and_a_reason(webhook, images, name):
    response = webhook.review("validate", "{}@{}".format(*images[name]), kind="Deployment")
    assert response["allowed"] is False and response["status"]["code"] == 403 and images[name][1] in response["status"]["message"]


def test_one_bad_image_denies_the_pod(webhook, images):
    assert webhook.review("validate", "{}@{}".format(*images["signed"]), "{}@{}".format(*images["unsigned"]))["allowed"] is False


def test_a_tag_is_refused_by_validation_and_pinned_by_mutation(webhook, images):
    repository, digest = images["signed"]
    refused = webhook.review("validate", f"{repository}:1")
    assert refused["allowed"] is False and f"{repository}:1@{digest}" in refused["status"]["message"]
    pinned = webhook.review("mutate", f"{repository}:1")
    assert pinned["allowed"] is True and pinned["patchType"] == "JSONPatch"
    patch = json.loads(base64.b64decode(pinned["patch"]))
    assert patch == [{"op": "replace", "path": "/spec/containers/0/image", "value": f"{repository}:1@{digest}"}]
    assert webhook.review("validate", patch[0]["value"])["allowed"] is True


@pytest.mark.parametrize("place", ["initContainers", "ephemeralContainers", "volumes"])
def test_images_that_run_before_beside_or_inside_are_asked_about_too(webhook, images, place):
    good, bad = ("{}@{}".format(*images[n]) for n in ("signed", "unsigned"))
    entry = lambda image: {"name": "x", "image": {"reference": image, "pullPolicy": "IfNotPresent"} if place == "volumes" else image}

    def review(verb, image):
        pod = {"spec": {"containers": [{"name": "main", "image": good}], place: [{"name": "tmp", "emptyDir": {}}, entry(image)] if place == "volumes" else [entry(image)]}}
        operation = {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": {"spec": {"containers": pod["spec"]["containers"]}}} if place == "ephemeralContainers" else {"operation": "CREATE"}
        status, body = webhook.post(f"/admission/{verb}", json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "shop", "object": pod, **operation}}))
        assert status == 200
        return json.loads(body)["response"]

    assert review("validate", good)["allowed"]
    answer = review("validate", bad)
    assert not answer["allowed"] and images["unsigned"][1] in answer["status"]["message"]
    answer = review("mutate", f"{images['signed'][0]}:1")
    [patch] = json.loads(base64.b64decode(answer["patch"]))
    assert patch["path"].startswith(f"/spec/{place}/") and patch["value"].endswith(images["signed"][1])


def test_an_image_that_does_not_exist_is_denied(webhook, images):
    assert webhook.review("validate", images["signed"][0] + "@sha256:" + "0" * 64)["allowed"] is False


def test_a_registry_that_is_away_is_unknown_and_denied(webhook):
    response = webhook.review("validate", f"localhost:{free_port()}/a/b@sha256:" + "0" * 64)
    assert response["allowed"] is False and "could not be judged" in response["status"]["message"]


def test_an_exempt_namespace_is_let_through(webhook, images):
    assert webhook.review("validate", images["unsigned"][0] + ":1", namespace="kube-system")["allowed"] is True


def test_a_dry_run_writes_nothing_anywhere(webhook, images):
    def state():
        files = {path: path.stat().st_mtime_ns for path in webhook.folder.rglob("*") if path.is_file()}
        return files, webhook.get("/metrics")
    before = state()
    assert webhook.review("validate", "{}@{}".format(*images["signed"]), dry_run=True)["allowed"] is True
    assert webhook.review("mutate", "{}@{}".format(*images["unsigned"]), dry_run=True)["allowed"] is False
    assert state() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"kind":"AdmissionReview"}', b'{"a":1,"a":2}', b"[" * 5000])
def test_a_body_that_is_no_review_gets_400(webhook, body):
    assert webhook.post("/admission/validate", body)[0] == 400


def test_a_changed_policy_counts_at_the_next_request(cosign, images, tmp_path):
    hook = Webhook(tmp_path / "hook", policy(cosign))
    try:
        image = "{}@{}".format(*images["signed"])
        assert hook.review("validate", image)["allowed"] is True
        (tmp_path / "new.yaml").write_text(policy(cosign, revoked=True))
        os.replace(tmp_path / "new.yaml", hook.folder / "trust.yaml")
        assert hook.review("validate", image)["allowed"] is False
        (hook.folder / "trust.yaml").write_text("schema: nonsense\n")
        response = hook.review("validate", image)
        assert response["allowed"] is False and "trust policy" in response["status"]["message"]
    finally:
        hook.stop()


def test_warn_lets_in_the_unknown_and_never_the_bad(cosign, images, tmp_path):
    hook = Webhook(tmp_path / "hook", policy(cosign), onUnknown="warn")
    try:
        unknown = hook.review("validate", f"localhost:{free_port()}/a/b@sha256:" + "0" * 64)
        assert unknown["allowed"] is True and any("could not be judged" in line for line in unknown["warnings"])
        assert hook.review("validate", "{}@{}".format(*images["foreign"]))["allowed"] is False
    finally:
        hook.stop()


def test_a_platform_manifest_is_let_in_through_its_signed_index(plain_registry, cosign, tmp_path):  # noqa: F811
    repository = "admission/multi"
    index, members = plain_registry.push_index(repository, "1")
    whole, digest, name = index["digest"], members[0]["digest"], f"{plain_registry.host}/{repository}"
    cosign.sign(f"{name}@{whole}")
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"schema": "hallmark.inventory/v1", "takenAt": "2026-11-20T06:00:00Z", "artifacts": [
        {"digest": whole, "names": [name], "closure": [whole, digest], "signatures": [], "running": []}]}))
    hook = Webhook(tmp_path / "hook", policy(cosign), inventory=str(inventory))
    try:
        assert hook.review("validate", f"{name}@{digest}")["allowed"] is True
    finally:
        hook.stop()


@pytest.mark.parametrize("change", [{"onUnknown": "allow"}, {"timeoutSeconds": 0}, {"timeoutSeconds": 30}, {"trust": "/nowhere.yaml"}, {"unheardOf": 1}, {"certificateFile": None}])
def test_a_wrong_configuration_stops_the_start_with_a_sentence(cosign, images, tmp_path, change):
    trust = tmp_path / "trust.yaml"
    trust.write_text(policy(cosign))
    admission = {"trust": str(trust), "port": free_port(), "certificateFile": "a.crt", "keyFile": "a.key", **change}
    (tmp_path / "h.yaml").write_text(yaml.safe_dump({"admission": {k: v for k, v in admission.items() if v is not None}}))
    done = subprocess.run([HALLMARK, "serve", "--config", tmp_path / "h.yaml"], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and done.stderr.strip() and "Fatal" not in done.stderr


def test_the_manifests_for_a_cluster_fit_the_webhook():
    documents = [d for path in sorted((ROOT / "deploy/kubernetes").glob("*.yaml")) for d in yaml.safe_load_all(path.read_text())]
    hooks = [hook for d in documents if d["kind"].endswith("WebhookConfiguration") for hook in d["webhooks"]]
    assert {hook["clientConfig"]["service"]["path"] for hook in hooks} == {"/admission/mutate", "/admission/validate"}
    settings = next(d for d in documents if d["kind"] == "ConfigMap")["data"]
    admission = yaml.safe_load(settings["hallmark.yaml"])["admission"]
    for hook in hooks:
        assert hook["failurePolicy"] == "Fail" and hook["sideEffects"] == "None" and hook["admissionReviewVersions"] == ["v1"]
        assert admission["timeoutSeconds"] < hook["timeoutSeconds"] <= 30
        resources = {resource for rule in hook["rules"] for resource in rule["resources"]}
        assert resources == {"pods", "pods/ephemeralcontainers", "replicationcontrollers", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs"}
