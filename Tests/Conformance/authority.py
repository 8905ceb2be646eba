"""Throw-away HSMs for the tests, started by `hallmark dev up` as a user would."""

import contextlib
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("HALLMARK_BINARY", ROOT / ".build/release/hallmark"))
TOOLS = ROOT / ".tools"
START_LIMIT_SECONDS = 20


def read_env_file(path):
    """The assignments of a `D/env` file, read as a POSIX shell would."""
    values = {}
    for line in pathlib.Path(path).read_text().splitlines():
        words = shlex.split(line, comments=True)
        for word in words:
            if "=" in word:
                name, value = word.split("=", 1)
                values[name] = value
    return values


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_hallmark(*arguments, env=None, check=False, timeout=60, stdin=subprocess.DEVNULL, input=None):
    """Runs the command line; `env` adds to an environment without any HALLMARK_ variable of the caller."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")}
    clean["NO_COLOR"] = "1"
    clean.update(env or {})
    result = subprocess.run(
        [str(BINARY), *map(str, arguments)], env=clean, capture_output=True, text=True, timeout=timeout,
        **({"input": input} if input is not None else {"stdin": stdin}))
    if check and result.returncode != 0:
        raise AssertionError(
            f"hallmark {' '.join(map(str, arguments))} exited {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result


class Authority:
    """One running HSM and what `D/env` says about it."""

    def __init__(self, directory, hsm_name="myorg-mhsm", port=None, flags=()):
        self.directory = pathlib.Path(directory)
        self.hsm_name = hsm_name
        self.port = port
        self.flags = list(flags)
        self.process = None
        self.env = {}

    # -- life ---------------------------------------------------------------------------------------------------

    def _up_arguments(self):
        arguments = ["dev", "up", "--dir", self.directory, "--hsm-name", self.hsm_name, *self.flags]
        if self.port:
            arguments += ["--port", self.port]
        return [str(a) for a in arguments]

    def up(self):
        """Starts it in the background, as `hallmark dev up` does; `dev up` returns when it serves."""
        run_hallmark(*self._up_arguments(), check=True, timeout=START_LIMIT_SECONDS)
        self._load()
        return self

    def down(self):
        run_hallmark("dev", "down", "--dir", self.directory, check=True, timeout=START_LIMIT_SECONDS)

    def up_foreground(self, prefix=()):
        """Starts it as a child of this test, so that the test can kill it; waits until it answers. `prefix`: a command to run it under."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("HALLMARK_")}
        if not self.port:
            self.port = free_port()
        log = open(self.directory.parent / (self.directory.name + ".log"), "ab")
        self.process = subprocess.Popen(
            [*prefix, str(BINARY), *self._up_arguments(), "--foreground"], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"server exited {self.process.returncode}: {self.log_tail()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    break
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"server did not listen: {self.log_tail()}")
                time.sleep(0.01)
        while not (self.directory / "env").exists() or not (self.directory / "hallmark.pid").exists():
            if time.monotonic() > deadline:
                raise AssertionError("no env file")
            time.sleep(0.01)
        self._load()
        return self

    def kill(self):
        """kill -9, without a chance to flush anything."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.directory / "hallmark.pid").read_text()), signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def stop_foreground(self, may_be_killed=False):
        """SIGTERM and a wait. `may_be_killed` is for servers under faketime, whose waits with a deadline the shifted clock can spoil."""
        if self.process and self.process.poll() is None:
            os.kill(int((self.directory / "hallmark.pid").read_text()), signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                if may_be_killed:
                    return None
                raise AssertionError("server did not stop within 15 s of SIGTERM")
        return self.process.returncode if self.process else None

    def log_tail(self, characters=2000):
        path = self.directory.parent / (self.directory.name + ".log")
        return path.read_text(errors="replace")[-characters:] if path.exists() else ""

    def _load(self):
        self.env = read_env_file(self.directory / "env")

    # -- what env says ------------------------------------------------------------------------------------------

    @property
    def url(self):
        return self.env["HALLMARK_URL"].rstrip("/")

    @property
    def netloc(self):
        return urllib.parse.urlsplit(self.url).netloc

    @property
    def resource(self):
        """The parent domain of the vault host, with the port (reference: managed-hsm.md §1.2)."""
        return "https://" + self.netloc.split(".", 1)[1]

    @property
    def ca(self):
        return self.env["HALLMARK_CA"]

    @property
    def tenant(self):
        return self.env["HALLMARK_TENANT"]

    @property
    def login(self):
        """The authority's base URL without the tenant, as clients want it."""
        authority = self.env["HALLMARK_AUTHORITY"].rstrip("/")
        return authority[: -len(self.tenant) - 1] if authority.endswith("/" + self.tenant) else authority

    def token(self, who):
        return self.env[f"{who.upper()}_TOKEN"]

    def oid(self, who):
        return self.env[f"{who.upper()}_OID"]

    def wire(self, who="user", **options):
        from wire import Wire

        token = self.token(who) if who else None
        return Wire(self.url, self.ca, token, **options)

    def cli_env(self, who=None):
        """The environment of somebody who sourced D/env and picked one principal's token."""
        env = dict(self.env)
        if who:
            env["HALLMARK_TOKEN"] = self.token(who)
        return env

    def run(self, *arguments, who=None, **options):
        return run_hallmark(*arguments, env=self.cli_env(who), **options)


@contextlib.contextmanager
def running(directory, **options):
    authority = Authority(directory, **options)
    authority.up()
    try:
        yield authority
    finally:
        authority.down()
