"""Two HSMs, two keys: either is accepted, one may be lost, and nobody changes that alone."""

import base64
import datetime
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import keycheck
import trail
from authority import BINARY, TOOLS, Authority, free_port, run_hallmark, running
from faults import FaultFront
from registry import plain_registry  # noqa: F401

KEY = "release"
RULES = ["--attempts", "3", "--seconds", "2"]


@pytest.fixture(scope="module")
def alpha(scratch):
    """The primary, a child of the tests so that they can kill it."""
    authority = Authority(scratch / "alpha", hsm_name="alpha", port=free_port())
    authority.up_foreground()
    yield authority
    authority.stop_foreground()


@pytest.fixture(scope="module")
def beta(scratch):
    with running(scratch / "beta", hsm_name="beta") as authority:
        yield authority


@pytest.fixture(scope="module")
def pair(alpha, beta, scratch):
    """Both keys, three approvers' keys in the standby, and the files of `hallmark standby policy`."""
    folder = scratch / "pair"
    folder.mkdir()
    bundles = {}
    for name, authority in (("primary", alpha), ("standby", beta)):
        bundles[name] = authority.wire("user").create_key(KEY, crv="P-256", key_ops=["sign", "verify"])
        (folder / f"{name}.pem").write_bytes(keycheck.public_pem(bundles[name]["key"]))
    for person in ("ann", "bob", "cia", "dan"):
        beta.wire("user").create_key(f"approver-{person}", crv="P-256", key_ops=["sign", "verify"])
    for name in bundles:
        chain, root = certificate_chain(name, keycheck.public_key(bundles[name]["key"]))
        (folder / f"{name}-chain.pem").write_bytes(chain)
        (folder / f"{name}-root.pem").write_bytes(root)
    return Pair(alpha, beta, folder, bundles)


def certificate_chain(name, public):
    """A leaf for this key under a root of its own: (leaf and root, root), PEM."""
    now, key = datetime.datetime.now(datetime.timezone.utc), ec.generate_private_key(ec.SECP256R1())

    def subject(common):
        return x509.Name([x509.NameAttribute(o, v) for o, v in ((NameOID.COUNTRY_NAME, "US"), (NameOID.STATE_OR_PROVINCE_NAME, "WA"), (NameOID.ORGANIZATION_NAME, "example"), (NameOID.COMMON_NAME, common))])

    def usage(*, sign, ca):
        return x509.KeyUsage(sign, False, False, False, False, ca, ca, False, False)

    def build(who, holder, extensions):
        builder = x509.CertificateBuilder().subject_name(subject(who)).issuer_name(subject(f"{name} root")).public_key(holder).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=30))
        for extension in extensions:
            builder = builder.add_extension(extension, not isinstance(extension, (x509.ExtendedKeyUsage, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier)))
        return builder.sign(key, hashes.SHA256())

    root = build(f"{name} root", key.public_key(), [x509.BasicConstraints(True, 0), usage(sign=False, ca=True), x509.SubjectKeyIdentifier.from_public_key(key.public_key())])
    leaf = build("release signer", public, [x509.BasicConstraints(False, None), usage(sign=True, ca=False), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
                                            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())])
    pem = [c.public_bytes(serialization.Encoding.PEM) for c in (leaf, root)]
    return pem[0] + pem[1], pem[1]


class Pair:
    def __init__(self, alpha, beta, folder, bundles):
        self.alpha, self.beta, self.folder, self.bundles = alpha, beta, folder, bundles
        self.primary, self.standby = f"{alpha.url}/keys/{KEY}", f"{beta.url}/keys/{KEY}"

    def env(self, who="user", **more):
        return {**self.alpha.cli_env(who), "HALLMARK_STANDBY_URL": self.beta.url, "HALLMARK_STANDBY_CA": self.beta.ca,
                "HALLMARK_STANDBY_TOKEN": self.beta.token("user"), "XDG_STATE_HOME": str(self.folder / "state"), **more}

    def run(self, *arguments, who="user", cwd=None, env=None, timeout=90, **more):
        started = time.monotonic()
        done = run_hallmark(*arguments, env={**self.env(who, **more), **(env or {})}, timeout=timeout)
        done.seconds = time.monotonic() - started
        return done

    def approver(self, person):
        return f"{self.beta.url}/keys/approver-{person}"

    def policy(self, out, *more, fallback="unreachable", check=True):
        done = self.run("standby", "policy", "--primary", self.primary, "--standby", self.standby, "--out", out, "--fallback", fallback, *RULES,
                        "--roots", self.folder / "primary-root.pem", self.folder / "standby-root.pem",
                        *[a for p in ("ann", "bob", "cia") for a in ("--approver", f"{p}={self.approver(p)}")], *more)
        assert not check or done.returncode == 0, done.stderr
        return done

    def signed(self, authority, key=KEY):
        return len([r for r in trail.records(authority) if r["operation"] == "sign" and r["key"] == key and r["decision"] == "allow"])

    def events(self):
        path = self.folder / "state/hallmark/standby.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def dead(alpha):
    """The primary, killed for the length of one test."""
    alpha.kill()
    yield alpha
    alpha.up_foreground()


@pytest.fixture
def setup(pair, tmp_path):
    """Fresh policy files."""
    pair.policy(tmp_path / "p")
    return tmp_path / "p"


@pytest.fixture
def blob(tmp_path):
    path = tmp_path / "artifact.bin"
    path.write_bytes(os.urandom(1000))
    return path


def cosign_blob(cosign, public, bundle, blob):
    return subprocess.run([cosign, "verify-blob", "--key", public, "--bundle", bundle, "--insecure-ignore-tlog", blob], capture_output=True, text=True, timeout=60,
                          env={"HOME": str(blob.parent), "PATH": "/usr/bin:/bin"})


def notation(home, *arguments):
    return subprocess.run([TOOLS / "bin/notation", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={"HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": "/usr/bin:/bin"})


# -- policy and roll-out ------------------------------------------------------------------------------------------


def test_the_policy_holds_both_keys_and_both_stores_and_its_order(pair, setup):
    configuration = json.loads((setup / "hallmark-standby.json").read_text())
    assert (configuration["primary"], configuration["standby"], configuration["active"], configuration["epoch"]) == (pair.primary, pair.standby, "primary", 1)
    assert [a["person"] for a in configuration["approvers"]] == ["ann", "bob", "cia"]
    policy = json.loads((setup / "notation/trustpolicy.json").read_text())
    assert policy["trustPolicies"][0]["trustStores"] == ["ca:release-primary", "ca:release-standby"]
    steps = (setup / "ROLLOUT.txt").read_text()
    assert steps.index("root on EVERY notation verifier") < steps.index("Only then name the standby's store")
    assert pair.run("standby", "check", "--policy", setup / "hallmark-trust.yaml", "--notation", setup / "notation").returncode == 0
    assert pair.run("standby", "policy", "--check", "--primary", pair.primary, "--standby", pair.standby, "--out", setup).returncode == 0


@pytest.mark.parametrize("damage", ["absent", "empty", "junk", "leaf"])
def test_a_store_that_would_fail_every_image_is_found_beforehand(pair, setup, damage):
    store = setup / "notation/truststore/x509/ca/release-standby"
    if damage == "absent":
        shutil.rmtree(store)
    elif damage == "empty":
        (store / "root.pem").unlink()
    elif damage == "junk":
        (store / "notes.txt").write_text("not a certificate")
    else:
        (store / "leaf.pem").write_bytes((pair.folder / "standby-chain.pem").read_bytes())
    done = pair.run("standby", "check", "--notation", setup / "notation")
    assert done.returncode == 1 and "release-standby" in done.stdout + done.stderr


def test_a_policy_for_one_key_twice_or_with_too_few_persons_is_refused(pair, tmp_path):
    same = pair.run("standby", "policy", "--primary", pair.primary, "--standby", pair.primary, "--out", tmp_path / "x")
    assert same.returncode == 2 and "another HSM" in same.stderr and not (tmp_path / "x").exists()
    few = pair.policy(tmp_path / "y", "--approvals", "3", check=False)
    assert few.returncode == 2 and "4 persons" in few.stderr and not (tmp_path / "y").exists()
    leaf = pair.run("standby", "policy", "--primary", pair.primary, "--standby", pair.standby, "--out", tmp_path / "z",
                    "--roots", pair.folder / "primary-chain.pem", pair.folder / "standby-root.pem")
    assert leaf.returncode == 2 and "no CA certificate" in leaf.stderr


def test_status_says_who_answers(pair, setup):
    done = pair.run("standby", "status", "--config", setup / "hallmark-standby.json", "--output", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["active"] == "primary" and all(h["answers"] for h in answer["hsms"].values())


# -- dual ---------------------------------------------------------------------------------------------------------


def test_a_blob_signed_by_both_is_accepted_with_either_key(pair, setup, blob, cosign):
    done = pair.run("sign", "blob", blob, "--key", pair.primary, "--standby", pair.standby, "--dual", "--output", "json")
    assert done.returncode == 0, done.stderr
    bundles = {"primary": f"{blob}.sigstore.json", "standby": f"{blob}.standby.sigstore.json"}
    for name, bundle in bundles.items():
        assert cosign_blob(cosign, pair.folder / f"{name}.pem", bundle, blob).returncode == 0
        other = "standby" if name == "primary" else "primary"
        assert cosign_blob(cosign, pair.folder / f"{other}.pem", bundle, blob).returncode != 0
        checked = pair.run("verify", "blob", blob, "--bundle", bundle, "--policy", setup / "hallmark-trust.yaml")
        assert checked.returncode == 0, checked.stdout + checked.stderr
    blob.write_bytes(blob.read_bytes() + b"x")
    assert pair.run("verify", "blob", blob, "--bundle", bundles["standby"], "--policy", setup / "hallmark-trust.yaml").returncode == 1


def test_an_image_signed_by_both_is_accepted_by_cosign_and_notation_with_either(pair, setup, plain_registry, cosign, tmp_path):  # noqa: F811
    plain_registry.push_image("dual/app", "1", content=os.urandom(20))
    image = f"{plain_registry.host}/dual/app:1"
    done = pair.run("sign", "image", image, "--plain-http", "--key", pair.primary, "--standby", pair.standby, "--dual", "--format", "bundle", "--format", "notary-jws",
                    "--certificate-chain", pair.folder / "primary-chain.pem", "--certificate-chain", pair.folder / "standby-chain.pem")
    assert done.returncode == 0, done.stderr
    for name in ("primary", "standby"):
        checked = subprocess.run([cosign, "verify", "--key", pair.folder / f"{name}.pem", "--insecure-ignore-tlog", "--allow-http-registry", image], capture_output=True, text=True,
                                 timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
        assert checked.returncode == 0, checked.stderr
    assert pair.run("verify", "image", image, "--plain-http", "--policy", setup / "hallmark-trust.yaml").returncode == 0
    for stores in (["primary", "standby"], ["primary"], ["standby"]):
        home = tmp_path / "-".join(stores)
        shutil.copytree(setup / "notation", home / "notation")
        document = json.loads((home / "notation/trustpolicy.json").read_text())
        document["trustPolicies"][0]["trustStores"] = [f"ca:release-{s}" for s in stores]
        (home / "notation/trustpolicy.json").write_text(json.dumps(document))
        checked = notation(home, "verify", "--insecure-registry", image)
        assert checked.returncode == 0, f"{stores}: {checked.stderr}"


def test_dual_places_nothing_when_one_cannot_sign(pair, setup, blob, dead):
    before = pair.signed(pair.beta)
    done = pair.run("sign", "blob", blob, "--key", pair.primary, "--standby", pair.standby, "--dual")
    assert done.returncode == 4 and "both keys or not at all" in done.stderr
    assert list(blob.parent.glob("*.sigstore.json")) == [] and pair.signed(pair.beta) == before


# -- fallback -----------------------------------------------------------------------------------------------------


def test_the_standby_signs_for_a_dead_primary_and_says_why(pair, setup, blob, cosign, dead, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    done = pair.run("sign", "blob", blob, "--fallback", "--standby-config", setup / "hallmark-standby.json", "--ledger", ledger, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert 2 <= done.seconds < 30
    reason = json.loads(done.stdout)["standby"]
    assert reason["kind"] == "unreachable" and reason["outage"]["store"] == pair.alpha.url
    assert len(reason["outage"]["attempts"]) >= 3 and {a["outcome"] for a in reason["outage"]["attempts"]} == {"not-connected"}
    assert "was not reached" in done.stderr
    assert any(e["event"] == "standby-signs" for e in pair.events())
    assert any(json.loads(line)["schema"] == "hallmark.standby-event/v1" for line in ledger.read_text().splitlines())
    assert cosign_blob(cosign, pair.folder / "standby.pem", f"{blob}.sigstore.json", blob).returncode == 0
    assert pair.run("verify", "blob", blob, "--policy", setup / "hallmark-trust.yaml").returncode == 0


def test_without_permission_a_dead_primary_stays_a_failure(pair, blob, dead, tmp_path):
    pair.folder.joinpath("primary.pem")
    done = pair.run("standby", "policy", "--primary", pair.primary, "--standby", pair.standby, "--primary-public-key", pair.folder / "primary.pem", "--out", tmp_path / "n", "--fallback", "never")
    assert done.returncode == 0, done.stderr
    before = pair.signed(pair.beta)
    for options in (["--standby-config", tmp_path / "n/hallmark-standby.json"], ["--standby", pair.standby]):
        done = pair.run("sign", "blob", blob, "--key", pair.primary, "--fallback", *options)
        assert done.returncode == 4, done.stderr
    assert pair.signed(pair.beta) == before and not os.path.exists(f"{blob}.sigstore.json")


def test_the_signing_policy_may_forbid_what_the_configuration_allows(pair, setup, blob, dead, tmp_path):
    channels = f"schema: hallmark.signing/v1\nchannels:\n  release:\n    keys: ['{pair.primary}']\n    standbyKey: '{pair.standby}'\n    refs: ['refs/tags/*']\n"
    before = pair.signed(pair.beta)
    for section in ("", "standby: {fallback: never}\n"):
        policy = tmp_path / "signing.yaml"
        policy.write_text(channels + section)
        done = pair.run("sign", "blob", blob, "--fallback", "--standby-config", setup / "hallmark-standby.json", "--signing-policy", policy, GITHUB_REF="refs/tags/v1")
        assert done.returncode == 4, done.stderr
    assert pair.signed(pair.beta) == before


def test_a_primary_that_refuses_is_not_replaced(pair, setup, blob):
    before = pair.signed(pair.beta)
    done = pair.run("sign", "blob", blob, "--fallback", "--standby-config", setup / "hallmark-standby.json", who="nobody")
    assert done.returncode != 0 and "not unreachable" in done.stderr and "403" in done.stderr
    assert pair.signed(pair.beta) == before and not os.path.exists(f"{blob}.sigstore.json")


@pytest.mark.parametrize("action, replaced", [(("status", 429, {"Retry-After": "0"}), False), (("status", 403), False), (("status", 404), False), (("status", 503), True), ("drop-before", True), (("slow", 30), True)])
def test_what_the_primary_does_to_every_request_decides(pair, blob, tmp_path, action, replaced):
    with FaultFront(pair.alpha, tmp_path / "front") as front:
        front.fail("*", r"", action, 0)
        key = f"{front.url}/keys/{KEY}"
        made = pair.run("standby", "policy", "--primary", key, "--standby", pair.standby, "--primary-public-key", pair.folder / "primary.pem", "--out", tmp_path / "p", "--fallback", "unreachable", *RULES)
        assert made.returncode == 0, made.stderr
        done = pair.run("sign", "blob", blob, "--fallback", "--standby-config", tmp_path / "p/hallmark-standby.json", HALLMARK_URL=front.url, HALLMARK_CA=str(front.ca))
        assert (done.returncode == 0) == replaced, done.stderr
        assert os.path.exists(f"{blob}.sigstore.json") == replaced
        assert done.seconds < 60


def test_a_signature_the_dying_primary_may_have_made_is_named(pair, blob, tmp_path):
    with FaultFront(pair.alpha, tmp_path / "front") as front:
        key = f"{front.url}/keys/{KEY}"
        pair.run("standby", "policy", "--primary", key, "--standby", pair.standby, "--primary-public-key", pair.folder / "primary.pem", "--out", tmp_path / "p", "--fallback", "unreachable", *RULES)
        before = pair.signed(pair.alpha)
        front.fail("POST", r"/sign$", "drop-after", 0)
        front.fail("GET", r"^/keys$", ("status", 401), 1)  # the first question finds it alive
        front.fail("GET", r"^/keys$", "drop-before", 0)
        done = pair.run("sign", "blob", blob, "--fallback", "--standby-config", tmp_path / "p/hallmark-standby.json", "--output", "json", HALLMARK_URL=front.url, HALLMARK_CA=str(front.ca))
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        made = pair.signed(pair.alpha) - before
        assert made == answer["standby"]["outage"]["mayHaveSigned"] == 4
        assert "4 sign requests may have been performed" in answer["results"][0]["substitutions"][0]["why"]


# -- resign -------------------------------------------------------------------------------------------------------


def test_twenty_images_are_signed_again_while_the_primary_is_dead_and_a_killed_run_goes_on(pair, setup, plain_registry, cosign, tmp_path, alpha):  # noqa: F811
    images = []
    for i in range(20):
        plain_registry.push_image("critical/app", f"v{i}", content=os.urandom(16))
        images.append(f"{plain_registry.host}/critical/app:v{i}")
    done = pair.run("sign", "image", *images, "--plain-http", "--key", pair.primary)
    assert done.returncode == 0, done.stderr
    plain_registry.push_image("critical/app", "unsigned", content=os.urandom(16))
    journal, report = tmp_path / "journal", tmp_path / "report.json"
    arguments = ["resign", "--from", f"{plain_registry.host}/critical/app", "--under", "standby", "--config", setup / "hallmark-standby.json", "--plain-http",
                 "--journal", journal, "--report", report, "--jobs", "2", "--output", "json"]
    before = pair.signed(pair.beta)
    alpha.kill()
    try:
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")} | pair.env()
        process = subprocess.Popen([str(BINARY), *map(str, arguments)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (journal.exists() and journal.read_text().count('"placed"') >= 5):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        again = pair.run(*arguments)
        assert again.returncode == 1, again.stderr
        answer = json.loads(again.stdout)
        assert json.loads(report.read_text()) == answer
        assert answer["counts"]["notVerified"] == 1 and answer["counts"]["failed"] == 0
        assert answer["counts"]["signed"] + answer["counts"]["doneBefore"] == 20 and answer["counts"]["doneBefore"] >= 5
        assert [i["artifact"].rsplit(":", 1)[1] for i in answer["items"] if i["status"] == "not-verified"] == ["unsigned"]
        made = pair.signed(pair.beta) - before
        assert 20 <= made <= 22, "only what was under way when it was killed is asked for again"
        third = json.loads(pair.run(*arguments).stdout)
        assert third["counts"]["doneBefore"] == 20 and third["hsmOperations"] == 0
    finally:
        alpha.up_foreground()
    for image in (images[0], images[19]):
        checked = subprocess.run([cosign, "verify", "--key", pair.folder / "standby.pem", "--insecure-ignore-tlog", "--allow-http-registry", image], capture_output=True, text=True,
                                 timeout=60, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
        assert checked.returncode == 0, checked.stderr


def test_a_list_of_files_is_signed_again_and_a_changed_file_is_not(pair, setup, tmp_path, cosign):
    good, changed, bare = (tmp_path / n for n in ("good", "changed", "bare"))
    for path in (good, changed, bare):
        path.write_bytes(os.urandom(30))
    for path in (good, changed):
        assert pair.run("sign", "blob", path, "--key", pair.primary).returncode == 0
    changed.write_bytes(b"other")
    listing = tmp_path / "list"
    listing.write_text(f"# critical\n{good}\n{changed}\n\n{bare}\n")
    done = pair.run("resign", "--from", listing, "--under", "standby", "--config", setup / "hallmark-standby.json", "--journal", tmp_path / "j", "--output", "json")
    statuses = {os.path.basename(i["artifact"]): i["status"] for i in json.loads(done.stdout)["items"]}
    assert done.returncode == 1 and statuses == {"good": "signed", "changed": "not-verified", "bare": "failed"}
    assert cosign_blob(cosign, pair.folder / "standby.pem", f"{good}.standby.sigstore.json", good).returncode == 0
    assert not os.path.exists(f"{changed}.standby.sigstore.json")


# -- promotion ----------------------------------------------------------------------------------------------------


class Promotion:
    def __init__(self, pair, setup, tmp_path):
        self.pair, self.config, self.book = pair, setup / "hallmark-standby.json", tmp_path / "runbook.json"

    def propose(self, *more, action="promote", who="ann", why="region lost"):
        return self.pair.run("standby", action, "--config", self.config, "--why", why, "--as", self.pair.approver(who), "--out", self.book, *more)

    def approve(self, who):
        return self.pair.run("standby", "approve", self.book, "--as", self.pair.approver(who), "--config", self.config)

    def execute(self, who="bob"):
        return self.pair.run("standby", "execute", self.book, "--as", self.pair.approver(who), "--config", self.config, "--output", "json")

    @property
    def active(self):
        return json.loads(self.config.read_text())["active"]


@pytest.fixture
def promotion(pair, setup, tmp_path):
    return Promotion(pair, setup, tmp_path)


def test_a_primary_that_answers_is_not_given_up_unless_that_is_planned(promotion):
    done = promotion.propose()
    assert done.returncode == 1 and "not unreachable" in done.stderr and not promotion.book.exists()
    assert promotion.propose("--planned").returncode == 0


def test_one_person_cannot_promote(pair, promotion):
    assert promotion.propose("--planned").returncode == 0
    before = promotion.config.read_bytes()
    none = promotion.execute("ann")
    assert none.returncode == 1 and "0 of 2 approvals" in none.stderr
    own = promotion.approve("ann")
    assert own.returncode == 1 and "somebody else" in own.stderr
    stranger = promotion.approve("dan")
    assert stranger.returncode == 1 and "no approver" in stranger.stderr
    assert promotion.approve("bob").returncode == 0
    twice = promotion.approve("bob")
    assert twice.returncode == 1 and "already" in twice.stderr
    # A signature copied by hand is no second person, and neither is the proposer's.
    document = json.loads(promotion.book.read_text())
    document["signatures"] += [document["signatures"][1], document["signatures"][0]]
    promotion.book.write_text(json.dumps(document))
    one = promotion.execute()
    assert one.returncode == 1 and "1 of 2 approvals (bob)" in one.stderr
    assert promotion.config.read_bytes() == before


def test_a_runbook_that_was_changed_after_its_signatures_is_refused(promotion):
    assert promotion.propose("--planned").returncode == 0
    assert promotion.approve("bob").returncode == 0 and promotion.approve("cia").returncode == 0
    document = json.loads(promotion.book.read_text())
    statement = json.loads(base64.b64decode(document["payload"]))
    statement["predicate"]["why"] = "something else"
    document["payload"] = base64.b64encode(json.dumps(statement, separators=(",", ":")).encode()).decode()
    promotion.book.write_text(json.dumps(document))
    done = promotion.execute()
    assert done.returncode == 1 and "proposer's signature" in done.stderr and promotion.active == "primary"


def test_an_expired_runbook_is_refused(promotion):
    assert promotion.propose("--planned", "--expires-in", "60").returncode == 0
    assert promotion.approve("bob").returncode == 0 and promotion.approve("cia").returncode == 0
    faketime = shutil.which("faketime")
    if not faketime:
        pytest.skip("faketime is not installed; the core's tests cover expiry")
    env = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")} | promotion.pair.env()
    done = subprocess.run([faketime, "+2 minutes", str(BINARY), "standby", "execute", promotion.book, "--as", promotion.pair.approver("bob"), "--config", promotion.config],
                          env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "expired" in done.stderr and promotion.active == "primary"


def test_two_others_promote_the_standby_while_the_primary_is_dead_and_the_way_back_is_the_same(pair, promotion, blob, cosign, alpha, tmp_path):
    alpha.kill()
    try:
        proposed = promotion.propose("--output", "json")
        assert proposed.returncode == 0, proposed.stderr
        assert len(json.loads(proposed.stdout)["statement"]["predicate"]["outage"]) >= 3
        assert promotion.approve("bob").returncode == 0 and promotion.approve("cia").returncode == 0
        done = promotion.execute()
        assert done.returncode == 0, done.stderr
        assert promotion.active == "standby" and json.loads(promotion.config.read_text())["epoch"] == 2
        again = promotion.execute()
        assert again.returncode == 1 and "executed already" in again.stderr
        # The executed record verifies with the executor's key, by another implementation.
        envelope = json.loads(promotion.book.with_name("runbook.json.executed.json").read_text())
        payload = base64.b64decode(envelope["payload"])
        signed = b"DSSEv1 %d %s %d %s" % (len(envelope["payloadType"]), envelope["payloadType"].encode(), len(payload), payload)
        bob = keycheck.public_key(pair.beta.wire("user").get("/keys/approver-bob/").json["key"])
        bob.verify(base64.b64decode(envelope["signatures"][0]["sig"]), hashlib.sha256(signed).digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        predicate = json.loads(payload)["predicate"]
        assert predicate["approvals"] == ["bob", "cia"] and json.loads(payload)["subject"][0]["digest"]["sha256"] == hashlib.sha256(promotion.config.read_bytes()).hexdigest()
        # Every signature on the way is an audit record of the standby.
        for person in ("ann", "bob", "cia"):
            assert pair.signed(pair.beta, f"approver-{person}") >= 1
        # From now on the standby signs, without any question to the primary.
        signed = pair.run("sign", "blob", blob, "--standby-config", promotion.config, "--output", "json")
        assert signed.returncode == 0, signed.stderr
        assert signed.seconds < 5 and json.loads(signed.stdout)["standby"]["kind"] == "promoted"
        assert cosign_blob(cosign, pair.folder / "standby.pem", f"{blob}.sigstore.json", blob).returncode == 0
    finally:
        alpha.up_foreground()
    promotion.book = tmp_path / "back.json"
    assert promotion.propose(action="demote", why="region is back").returncode == 0
    assert promotion.approve("cia").returncode == 0 and promotion.approve("bob").returncode == 0
    assert promotion.execute("cia").returncode == 0 and promotion.active == "primary"
    assert {e["event"] for e in pair.events()} >= {"runbook-proposed", "runbook-approved", "runbook-executed"}
