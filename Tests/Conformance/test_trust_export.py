"""`hallmark trust export` and `trust check`: what is written for cosign and notation decides as the policy does when those tools run it; what is written for
the others has the shape that their documentation gives."""

import itertools
import json
import os
import subprocess

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authority import BINARY as HALLMARK, TOOLS
from notary import Notation, Root, pem
from registry import plain_registry  # noqa: F401
from test_verify import Cosign, verify

PROVENANCE = {"buildDefinition": {"buildType": "https://example.com/build", "externalParameters": {}}, "runDetails": {"builder": {"id": "https://example.com/ci"}}}
TARGETS = ["cosign", "notation", "skopeo", "policy-controller", "kyverno", "ratify"]


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signers")
    return [Cosign(folder / name) for name in "abc"]


@pytest.fixture(scope="module")
def root():
    return Root("root of the export")


@pytest.fixture
def image(plain_registry, name):  # noqa: F811
    repository = f"export/{name}".lower()
    digest = plain_registry.push_image(repository, "v1", name.encode())["digest"]
    return f"{plain_registry.host}/{repository}@{digest}"


def document(signers, require, repositories=("*",), roots=(), identities=("*",), **rule):
    return {
        "schema": "hallmark.trust/v1",
        "keys": [{"name": name, "pem": s.public.read_text()} for name, s in zip("abc", signers)],
        "roots": [{"name": f"root-{i}", "type": "ca", "pem": r.pem.decode(), "identities": list(identities)} for i, r in enumerate(roots)],
        "rules": [{"name": "images", "scope": {"repositories": list(repositories)}, "require": require, **rule}],
    }


def hallmark(*arguments, cwd, code=0):
    done = subprocess.run([HALLMARK, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)})
    assert done.returncode == code, done.stdout + done.stderr
    return done


def export(target, policy, cwd, *more, code=0):
    (cwd / "policy.json").write_text(json.dumps(policy))
    done = hallmark("trust", "export", "--for", target, "--policy", "policy.json", "--to", f"out-{target}", "--output", "json", *more, cwd=cwd, code=code)
    return cwd / f"out-{target}", json.loads(done.stdout)


def notes(answer, kind):
    return [n["text"] for n in answer["notes"] if n["kind"] == kind]


def cosign_script(folder, image):
    return subprocess.run([folder / "verify-image.sh", image], capture_output=True, text=True, timeout=120,
                          env={"PATH": f"{TOOLS / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}).returncode


REQUIREMENTS = {
    "one": {"key": "a"}, "any": {"any": [{"key": "a"}, {"key": "b"}]}, "all": {"all": [{"key": "a"}, {"key": "b"}]},
    "quorum": {"atLeast": {"count": 2, "of": [{"key": "a"}, {"key": "b"}, {"key": "c"}]}},
}


@pytest.mark.parametrize("form", ["bundle", "legacy"])
@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_cosign_decides_as_the_policy_does(signers, plain_registry, tmp_path, requirement, form):  # noqa: F811
    policy = document(signers, REQUIREMENTS[requirement])
    folder, _ = export("cosign", policy, tmp_path)
    seen = set()
    for chosen in itertools.chain.from_iterable(itertools.combinations(range(3), n) for n in range(3)):
        repository = f"export/{requirement}-{form}-{'-'.join('abc'[i] for i in chosen) or 'none'}"
        digest = plain_registry.push_image(repository, "v1", repository.encode())["digest"]
        image = f"{plain_registry.host}/{repository}@{digest}"
        for i in chosen:
            signers[i].sign(image) if form == "bundle" else signers[i].sign_legacy(image)
        ours, _, _ = verify("image", image, "--plain-http", "--policy", "policy.json", cwd=tmp_path)
        assert cosign_script(folder, image) == ours, (chosen, ours)
        seen.add(ours)
    assert seen == {0, 1}


def test_the_exported_script_does_not_take_an_attestation_for_a_signature(signers, cosign, image, tmp_path):
    signers[0].attest(image, PROVENANCE, "slsaprovenance1")
    folder, _ = export("cosign", document(signers, {"key": "a"}), tmp_path)
    plain = subprocess.run([cosign, "verify", "--key", signers[0].public, "--insecure-ignore-tlog", image], capture_output=True, text=True, timeout=60, env=signers[0].env)
    assert plain.returncode == 0, "cosign verify is expected to take any statement by the key"
    assert cosign_script(folder, image) == 1
    assert verify("image", image, "--plain-http", "--policy", "policy.json", cwd=tmp_path)[0] == 1


def test_a_demanded_attestation_is_demanded_by_the_script(signers, image, tmp_path):
    policy = document(signers, {"key": "a"}, attestations=[{"predicateType": "https://slsa.dev/provenance/v1", "signedBy": {"key": "b"}}])
    folder, _ = export("cosign", policy, tmp_path)
    signers[0].sign(image)
    assert cosign_script(folder, image) == 1
    signers[0].attest(image, PROVENANCE, "slsaprovenance1")
    assert cosign_script(folder, image) == 1
    signers[1].attest(image, PROVENANCE, "slsaprovenance1")
    assert cosign_script(folder, image) == 0
    assert verify("image", image, "--plain-http", "--policy", "policy.json", cwd=tmp_path)[0] == 0


def test_repositories_of_no_rule_are_refused_by_the_script(signers, image, tmp_path):
    signers[0].sign(image)
    folder, _ = export("cosign", document(signers, {"key": "a"}, repositories=["registry.example/app"]), tmp_path)
    assert cosign_script(folder, image) == 1
    assert cosign_script(folder, image.split("@")[0]) == 2


def notation_with(folder, out):
    notation = Notation(folder)
    subprocess.run(["cp", "-r", f"{out}/.", notation.config], check=True)
    return notation


def local_signer(notation, root, common="release signer"):
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    import base64
    encode = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()  # noqa: E731
    chain = root.chain({"kty": "EC", "crv": "P-256", "x": encode(numbers.x), "y": encode(numbers.y)}, common=common)
    notation.add_local_key(key, chain)


def test_notation_verifies_with_the_exported_policy(root, image, tmp_path):
    repository = image.split("@")[0]
    other = Root("another root")
    subject = "x509.subject: C=US, ST=WA, O=Example, CN=release signer"
    policy = document([], {"any": [{"root": "root-0"}, {"root": "root-1"}]}, [repository], roots=[root, other], identities=[subject])
    del policy["keys"]
    out, answer = export("notation", policy, tmp_path)
    assert answer["written"] and not notes(answer, "weaker")
    notation = notation_with(tmp_path / "n", out)
    local_signer(notation, root)
    assert notation.verify(image).returncode != 0
    notation.run("sign", "--key", "local", "--insecure-registry", image, check=True)
    notation.verify(image, more=["--insecure-registry"], check=True)
    assert verify("image", image, "--plain-http", "--policy", "policy.json", cwd=tmp_path)[0] == 0


def test_notation_refuses_other_subjects_roots_and_repositories_as_the_policy_does(root, image, tmp_path, plain_registry):  # noqa: F811
    repository = image.split("@")[0]
    policy = document([], {"root": "root-0"}, [repository], roots=[root], identities=["x509.subject: C=US, ST=WA, O=Example, CN=release signer"])
    del policy["keys"]
    out, _ = export("notation", policy, tmp_path)
    for i, (issuer, common) in enumerate([(root, "somebody else"), (Root("root of the export"), "release signer")]):
        notation = notation_with(tmp_path / f"n{i}", out)
        local_signer(notation, issuer, common)
        notation.run("sign", "--key", "local", "--insecure-registry", image, check=True)
        assert notation.verify(image, more=["--insecure-registry"]).returncode != 0
        assert verify("image", image, "--plain-http", "--policy", "policy.json", cwd=tmp_path)[0] == 1
    digest = plain_registry.push_image("export/elsewhere", "v1", b"elsewhere")["digest"]
    elsewhere = f"{plain_registry.host}/export/elsewhere@{digest}"
    notation = notation_with(tmp_path / "n9", out)
    local_signer(notation, root)
    notation.run("sign", "--key", "local", "--insecure-registry", elsewhere, check=True)
    assert "no applicable" in notation.verify(elsewhere, more=["--insecure-registry"]).stderr.lower()
    assert verify("image", elsewhere, "--plain-http", "--policy", "policy.json", cwd=tmp_path)[0] == 1


def test_notation_refuses_everything_where_it_cannot_express_the_rule(root, image, tmp_path):
    repository = image.split("@")[0]
    policy = document([], {"atLeast": {"count": 2, "of": [{"root": "root-0"}, {"root": "root-1"}]}}, [repository], roots=[root, Root("second")])
    del policy["keys"]
    out, answer = export("notation", policy, tmp_path)
    assert any("cannot demand several" in n or "certificates only" in n for n in notes(answer, "missing"))
    notation = notation_with(tmp_path / "n", out)
    local_signer(notation, root)
    notation.run("sign", "--key", "local", "--insecure-registry", image, check=True)
    assert notation.verify(image, more=["--insecure-registry"]).returncode != 0


def test_a_weaker_configuration_is_not_written_unless_asked_for(signers, tmp_path):
    policy = document(signers, {"key": "a"}, ["registry.example/team/*"])
    out, answer = export("kyverno", policy, tmp_path, code=1)
    assert not answer["written"] and notes(answer, "weaker") and not out.exists()
    out, answer = export("kyverno", policy, tmp_path, "--accept-weaker")
    assert answer["written"] and (out / "cluster-policies.yaml").exists()


def objects(path):
    return [o for o in yaml.safe_load_all(path.read_text()) if o]


def keys_in(text, signers):
    return [s.public.read_text().split("\n")[1] in text for s in signers]


def test_skopeo_gets_the_form_of_containers_policy_json(signers, tmp_path):
    out, _ = export("skopeo", document(signers, REQUIREMENTS["quorum"], ["registry.example/app"]), tmp_path)
    policy = json.loads((out / "policy.json").read_text())
    assert set(policy) == {"default", "transports"} and policy["default"] == [{"type": "reject"}]
    requirements = policy["transports"]["docker"]["registry.example/app"]
    assert len(requirements) == 3
    for requirement in requirements:
        assert set(requirement) == {"type", "keyPaths", "signedIdentity"} and requirement["type"] == "sigstoreSigned"
        assert requirement["signedIdentity"] == {"type": "matchRepository"} and len(requirement["keyPaths"]) == 2
        for path in requirement["keyPaths"]:
            serialization.load_pem_public_key((out / "keys" / os.path.basename(path)).read_bytes())
    registries = yaml.safe_load((out / "registries.d/hallmark.yaml").read_text())
    assert registries == {"docker": {"registry.example/app": {"use-sigstore-attachments": True}}}


def test_policy_controller_gets_cluster_image_policies(signers, tmp_path):
    policy = document(signers, REQUIREMENTS["all"], ["registry.example/team/*"], attestations=[{"predicateType": "https://slsa.dev/provenance/v1", "signedBy": {"key": "c"}}])
    out, _ = export("policy-controller", policy, tmp_path)
    found = objects(out / "cluster-image-policies.yaml")
    assert len(found) == 3
    for item in found:
        assert item["apiVersion"] == "policy.sigstore.dev/v1beta1" and item["kind"] == "ClusterImagePolicy" and item["spec"]["mode"] == "enforce"
        assert item["spec"]["images"] == [{"glob": "registry.example/team/**"}]
        [authority] = item["spec"]["authorities"]
        serialization.load_pem_public_key(authority["key"]["data"].encode())
        assert authority["key"]["hashAlgorithm"] == "sha256"
    assert [a["predicateType"] for i in found for u in i["spec"]["authorities"] for a in u.get("attestations", [])] == ["https://slsa.dev/provenance/v1"]
    assert len({i["metadata"]["name"] for i in found}) == 3


def test_kyverno_gets_image_verification_rules(signers, tmp_path):
    out, _ = export("kyverno", document(signers, REQUIREMENTS["quorum"]), tmp_path)
    [item] = objects(out / "cluster-policies.yaml")
    assert item["apiVersion"] == "kyverno.io/v1" and item["kind"] == "ClusterPolicy" and item["spec"]["validationFailureAction"] == "Enforce"
    [verification] = item["spec"]["rules"][0]["verifyImages"]
    assert verification["imageReferences"] == ["*"] and verification["required"] is True
    assert len(verification["attestors"]) == 3
    for attestor in verification["attestors"]:
        assert attestor["count"] == 1 and len(attestor["entries"]) == 2
        for entry in attestor["entries"]:
            serialization.load_pem_public_key(entry["keys"]["publicKeys"].encode())


def test_ratify_gets_providers_verifiers_and_a_policy_of_any(signers, root, tmp_path):
    policy = document(signers, {"root": "root-0"}, ["registry.example/app"], roots=[root])
    policy["rules"].append({"name": "by key", "scope": {"repositories": ["registry.example/other"]}, "require": {"any": [{"key": "a"}, {"key": "b"}]}})
    out, _ = export("ratify", policy, tmp_path)
    found = objects(out / "ratify.yaml")
    assert all(o["apiVersion"] == "config.ratify.deislabs.io/v1beta1" for o in found)
    providers = {o["metadata"]["name"]: o["spec"]["parameters"] for o in found if o["kind"] == "KeyManagementProvider"}
    verifiers = {o["spec"]["name"]: o["spec"]["parameters"] for o in found if o["kind"] == "Verifier"}
    [policy] = [o for o in found if o["kind"] == "Policy"]
    assert policy["metadata"]["name"] == "ratify-policy"
    assert policy["spec"]["parameters"]["artifactVerificationPolicies"]["application/vnd.cncf.notary.signature"] == "any"
    [store] = verifiers["notation"]["verificationCertStores"]["ca"].values()
    assert providers[store[0]]["value"] == pem(root.certificate).decode()
    assert verifiers["notation"]["trustPolicyDoc"]["trustPolicies"][0]["trustStores"] == ["ca:root-0"]
    [trust] = verifiers["cosign"]["trustPolicies"]
    assert trust["scopes"] == ["registry.example/other"] and len(trust["keys"]) == 2
    assert all(providers[k["provider"]]["contentType"] == "key" for k in trust["keys"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_revoked_key_is_in_no_export(signers, tmp_path, target):
    policy = document(signers, REQUIREMENTS["any"]) | {"revoked": [{"key": "a", "at": "2026-01-01T00:00:00Z", "reason": "lost"}]}
    out, answer = export(target, policy, tmp_path)
    text = "".join(p.read_text() for p in out.rglob("*") if p.is_file()) if out.exists() else ""
    assert keys_in(text, signers)[0] is False
    assert any("revoked" in n for n in notes(answer, "missing"))
    assert keys_in(text, signers)[1] is (target != "notation")


def test_check_explains_a_policy_and_says_where_it_is_wrong(signers, tmp_path):
    policy = document(signers, REQUIREMENTS["quorum"])
    (tmp_path / "p.json").write_text(json.dumps(policy))
    text = hallmark("trust", "check", "p.json", cwd=tmp_path).stdout
    assert "2 different keys of (key a, key b, key c)" in text
    for change, place in [
        ({"rules": []}, "rules"), ({"rule": []}, "top level"), ({"keys": policy["keys"] + policy["keys"][:1]}, "keys[3]"),
    ]:
        (tmp_path / "p.json").write_text(json.dumps(policy | change))
        assert place in hallmark("trust", "check", "p.json", cwd=tmp_path, code=1).stderr
