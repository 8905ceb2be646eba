import itertools
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from authority import BINARY, TOOLS, Authority, running  # noqa: E402


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} does not exist: run `make build`", returncode=1)
    for name in [n for n in os.environ if n.startswith(("HALLMARK_", "AZURE_")) and n != "HALLMARK_BINARY"]:
        del os.environ[name]


@pytest.fixture(scope="session")
def scratch():
    """A short path of our own: state folders hold Unix sockets, whose paths must stay short."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hm-"))
    yield folder
    if not os.environ.get("KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def hsm(scratch, request):
    """One activated HSM for a test file, with the four principals of `hallmark dev up`."""
    directory = scratch / request.module.__name__.removeprefix("test_")
    flags = getattr(request.module, "DEV_FLAGS", ())
    with running(directory, flags=flags) as authority:
        yield authority


@pytest.fixture(scope="module")
def user(hsm):
    return hsm.wire("user")


@pytest.fixture(scope="module")
def admin(hsm):
    return hsm.wire("admin")


@pytest.fixture(scope="module")
def officer(hsm):
    return hsm.wire("officer")


@pytest.fixture(scope="module")
def nobody(hsm):
    return hsm.wire("nobody")


@pytest.fixture(scope="module")
def anonymous(hsm):
    return hsm.wire(None)


_counter = itertools.count(1)


@pytest.fixture
def name(request):
    """A key name that no other test uses."""
    stem = "".join(c if c.isalnum() else "-" for c in request.node.originalname or "key")[5:45].strip("-")
    return f"{stem}-{next(_counter)}"


@pytest.fixture(scope="session")
def openssl():
    path = shutil.which("openssl")
    assert path, "openssl is not installed: run scripts/setup test"
    return path


@pytest.fixture(scope="session")
def cosign():
    path = TOOLS / "bin/cosign"
    assert path.exists(), "cosign is not installed: run scripts/setup test"
    return path
