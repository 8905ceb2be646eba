"""az activates an HSM that nobody activated: device-code sign-in of the person who made it, then `security-domain download`."""

import json
import re
import time
import uuid

import pytest

import domain
from authority import run_hallmark
from az import Az
from ceremony import Ceremony
from test_activation import check_format

ROLE = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"


@pytest.fixture(scope="module")
def ceremony(scratch):
    folder = scratch / "az-ceremony"
    folder.mkdir()
    ceremony = Ceremony(folder)
    ceremony.serve()
    yield ceremony
    ceremony.stop()


@pytest.fixture(scope="module")
def az(ceremony, scratch):
    """Signed in as the administrator: az shows a code, and the administrator confirms it with the key pair of `hallmark init`."""
    az = Az(ceremony.place, scratch / "az-admin")
    az.register_cloud()
    login = az.start("login", "--use-device-code", "--tenant", ceremony.profile["tenant"], "--allow-no-subscriptions")
    deadline, shown = time.monotonic() + 60, ""
    while not (code := re.search(r"enter the code\s+(\S+)", shown)):
        assert login.poll() is None and time.monotonic() < deadline, shown
        shown += login.stderr.readline()
    run_hallmark("identity", "confirm", code.group(1).rstrip("."), "--profile", ceremony.admin, check=True)
    out, err = login.communicate(timeout=90)
    assert login.returncode == 0, out + err
    return az


def test_device_login_is_the_administrator(az, ceremony):
    account = az("account", "show")
    assert account["tenantId"] == ceremony.profile["tenant"] and account["user"]["type"] == "user"


def test_before_the_download_no_key_command_works(az):
    az.refused("keyvault", "key", "list", "--hsm-name", "ceremony", says="")
    az.refused("keyvault", "key", "create", "--hsm-name", "ceremony", "--name", "early", says="")


def test_download_activates(az, ceremony, tmp_path):
    out = [tmp_path / f"safe{i}" for i in range(3)]
    run_hallmark("custodian", "keygen", *[a for o in out for a in ("--out", o)], check=True)
    pairs = [domain.custodians(o)[0] for o in out]
    path = tmp_path / "ceremony-sd.json"
    status = az("keyvault", "security-domain", "download", "--hsm-name", "ceremony", "--sd-wrapping-keys", *[c for _, c in pairs], "--sd-quorum", "2", "--security-domain-file", path)
    assert status["status"] == "Success"
    document = json.loads(path.read_text())
    check_format(document, 2, [c for _, c in pairs])
    assert domain.open_domain(document, pairs[1:])[1]
    # The administrator grants itself the use of keys; az creates the first one with the token it has.
    made = az("keyvault", "role", "assignment", "create", "--hsm-name", "ceremony", "--role", "Managed HSM Crypto User", "--assignee-object-id", ceremony.profile["objectId"], "--scope", "/keys")
    assert made["scope"] == "/keys" and made["roleDefinitionId"].startswith(ROLE)
    assert az("keyvault", "key", "create", "--hsm-name", "ceremony", "--name", "first", "--kty", "EC-HSM")["key"]["crv"] == "P-256"


def test_a_code_is_confirmed_once_and_only_by_somebody_signed_in(ceremony):
    for code in ("AAAAAAAAA", str(uuid.uuid4()), "../../x"):
        done = run_hallmark("identity", "confirm", code, "--profile", ceremony.admin)
        assert done.returncode != 0 and done.stderr.strip()
