"""kill -9 at random moments under signing load, again and again.

After each restart: every signature that a client received has exactly one audit record, the chain verifies, and no key and no role
assignment is lost or half-written.
"""

import hashlib
import os
import random
import threading
import time
import uuid

import pytest

import keycheck
import trail
from authority import Authority, free_port
from wire import b64u, unb64u

KILLS = int(os.environ.get("HALLMARK_KILLS", "50"))
SEED = int(os.environ.get("HALLMARK_SEED", str(random.SystemRandom().randrange(1 << 32))))
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
CRYPTO_USER = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b"


class Load(threading.Thread):
    """One client that does one kind of thing as fast as it can until its connection breaks."""

    def __init__(self, hsm, work):
        super().__init__(daemon=True)
        self.hsm, self.work, self.unexpected = hsm, work, []

    def run(self):
        try:
            self.work(self)
        except (OSError, EOFError) as _:
            pass  # the server died: what the test is about
        except Exception as error:  # noqa: BLE001 - reported by the test
            if type(error).__module__ not in ("http.client", "ssl"):
                self.unexpected.append(error)


class World:
    """What clients were told: everything in here must be true after every restart."""

    def __init__(self):
        self.lock = threading.Lock()
        self.signatures = {}  # request id -> (kid, digest)
        self.keys = {}  # kid -> bundle
        self.deleted = set()  # names
        self.assignments = {}  # guid -> scope
        self.revoked = set()

    def sign(self, load):
        wire, jwk = load.hsm.wire("user"), self.keys[next(iter(self.keys))]["key"]
        name = jwk["kid"].split("/")[-2]
        while True:
            digest = hashlib.sha256(os.urandom(8)).digest()
            answer = wire.sign(name, "ES256", digest)
            answer.expect(200)
            value = answer.json
            with self.lock:
                self.signatures[answer.header("x-ms-request-id")] = (value["kid"], digest, value["value"])

    def create(self, load):
        wire = load.hsm.wire("user")
        while True:
            name = f"k-{uuid.uuid4().hex[:12]}"
            bundle = wire.create_key(name, tags={"n": name})
            with self.lock:
                self.keys[bundle["key"]["kid"]] = bundle
            if random.random() < 0.2:
                with self.lock:
                    self.deleted.add((name, "asked"))
                wire.delete(f"/keys/{name}").expect(200)
                with self.lock:
                    self.deleted.add((name, "done"))
            time.sleep(0.01)

    def grant(self, load):
        wire = load.hsm.wire("admin")
        while True:
            guid, scope = str(uuid.uuid4()), f"/keys/{random.choice('abcdefgh')}"
            wire.put(f"{scope}{ASSIGNMENTS}/{guid}", {"properties": {"roleDefinitionId": CRYPTO_USER, "principalId": str(uuid.uuid4())}}).expect(201)
            with self.lock:
                self.assignments[guid] = scope
            if random.random() < 0.5:
                with self.lock:
                    del self.assignments[guid]
                wire.delete(f"{scope}{ASSIGNMENTS}/{guid}").expect(200)
                with self.lock:
                    self.revoked.add((guid, scope))
            time.sleep(0.01)


def check_state(hsm, world):
    user, admin, officer = hsm.wire("user"), hsm.wire("admin"), hsm.wire("officer")
    done, asked = {n for n, s in world.deleted if s == "done"}, {n for n, s in world.deleted}
    sample = random.sample(sorted(world.keys), min(12, len(world.keys)))
    for kid in sample:
        name, version = kid.split("/")[-2:]
        if name in done:
            user.get(f"/keys/{name}/").expect(404)
            assert officer.get(f"/deletedkeys/{name}").expect(200).json["key"]["kid"] == kid
        elif name not in asked:
            assert user.get(f"/keys/{name}/{version}").expect(200).json == world.keys[kid]
            digest = hashlib.sha256(kid.encode()).digest()
            assert keycheck.accepts(world.keys[kid]["key"], "ES256", digest, unb64u(user.sign(name, "ES256", digest, version).expect(200).json["value"]))
    for guid in random.sample(sorted(world.assignments), min(12, len(world.assignments))):
        assert admin.get(f"{world.assignments[guid]}{ASSIGNMENTS}/{guid}").expect(200).json["properties"]["scope"] == world.assignments[guid]
    for guid, scope in random.sample(sorted(world.revoked), min(6, len(world.revoked))):
        admin.get(f"{scope}{ASSIGNMENTS}/{guid}").expect(404)
    # Nothing half-written: every listed key can be read and signs or says why not.
    page = user.get("/keys").expect(200).json
    for item in page["value"]:
        user.get(f"/keys/{item['kid'].rsplit('/', 1)[1]}/").expect(200)


def check_trail(hsm, world):
    records, seen = trail.records(hsm), {}
    for record in records:
        if record["requestId"] is None:
            continue  # what the server does by itself: its start
        assert record["requestId"] not in seen, f"two records of request {record['requestId']}"
        seen[record["requestId"]] = record
    for request, (kid, digest, _) in world.signatures.items():
        record = seen.get(request)
        assert record, f"a client holds a signature of request {request} and there is no record"
        assert record["kid"] == kid and record["digest"] == "sha256:" + digest.hex() and record["decision"] == "allow" and record["assignment"]
    sequences = [r["sequence"] for r in records]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    done = trail.verify(hsm)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kill_9(scratch):
    print(f"HALLMARK_SEED={SEED}")
    random.seed(SEED)
    hsm = Authority(scratch / "crash", port=free_port())
    world, began = World(), time.monotonic()
    hsm.up_foreground()
    first = hsm.wire("user").create_key("load")
    world.keys[first["key"]["kid"]] = first
    slowest_start = 0.0
    try:
        for kill in range(KILLS):
            workers = [Load(hsm, w) for w in (world.sign, world.sign, world.sign, world.create, world.grant)]
            for worker in workers:
                worker.start()
            time.sleep(random.uniform(0.05, 0.6))
            hsm.kill()
            for worker in workers:
                worker.join(10)
                assert not worker.is_alive() and not worker.unexpected, worker.unexpected
            started = time.monotonic()
            hsm.up_foreground()
            slowest_start = max(slowest_start, time.monotonic() - started)
            check_state(hsm, world)
            if kill % 10 == 9 or kill == KILLS - 1:
                check_trail(hsm, world)
        assert len(world.signatures) > KILLS * 5, "too little load to mean anything"
        print(f"{KILLS} kills, {len(world.signatures)} signatures, {len(world.keys)} keys, {len(world.assignments)} assignments, "
              f"slowest start {slowest_start:.2f} s, {time.monotonic() - began:.0f} s in all")
    finally:
        hsm.kill() if hsm.process.poll() is None else None


def test_terminate_answers_what_it_accepted(scratch):
    """SIGTERM under load: the process ends by itself, every client got an answer or a clean close, and the trail is whole."""
    hsm = Authority(scratch / "graceful", port=free_port())
    world = World()
    hsm.up_foreground()
    first = hsm.wire("user").create_key("load")
    world.keys[first["key"]["kid"]] = first
    workers = [Load(hsm, world.sign) for _ in range(4)]
    for worker in workers:
        worker.start()
    time.sleep(0.7)
    assert hsm.stop_foreground() == 0
    for worker in workers:
        worker.join(10)
        assert not worker.unexpected
    hsm.up_foreground()
    check_trail(hsm, world)
    hsm.stop_foreground()
