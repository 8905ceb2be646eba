"""`hallmark plugin install` puts plugins where cosign and notation look, and nothing of others is lost."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from authority import BINARY, TOOLS


@pytest.fixture
def user_home(tmp_path):
    """The programs of one release in a folder, and an empty home."""
    programs = tmp_path / "release"
    programs.mkdir()
    shutil.copy2(BINARY, programs / "hallmark")
    for name in ("sigstore-kms-hallmark", "notation-hallmark"):
        source = BINARY.parent / name
        assert source.exists(), f"{source} does not exist: run `make build`"
        shutil.copy2(source, programs / name)
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments, env=None, path=None):
        variables = {"HOME": str(home), "PATH": path or f"{home}/.local/bin:/usr/bin:/bin", "NO_COLOR": "1", **(env or {})}
        return subprocess.run([programs / "hallmark", "plugin", *map(str, arguments)], env=variables, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    run.home, run.programs = home, programs
    run.cosign = [home / ".local/bin" / f"sigstore-kms-{s}" for s in ("hallmark", "azurekms")]
    run.notation = [home / ".config/notation/plugins" / n / f"notation-{n}" for n in ("hallmark", "hallmark-authority")]
    return run


def states(run, *arguments, **options):
    done = run("list", "--output", "json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return {p["program"]: p["state"] for p in json.loads(done.stdout)["plugins"]}


def test_plugins_are_regular_files_of_their_own_and_the_tools_find_them(user_home):
    assert set(states(user_home).values()) == {"missing"}
    done = user_home("install")
    assert done.returncode == 0 and "not on PATH" not in done.stderr, done.stderr
    assert set(states(user_home).values()) == {"current"}
    for path in user_home.cosign + user_home.notation:
        assert stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_nlink == 1 and stat.S_IMODE(path.stat().st_mode) == 0o755
    variables = {"HOME": str(user_home.home), "PATH": f"{user_home.home}/.local/bin:/usr/bin:/bin"}
    listed = subprocess.run([TOOLS / "bin/notation", "plugin", "ls"], env=variables, capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0 and listed.stdout.count("hallmark") >= 2, listed.stdout + listed.stderr
    for scheme in ("hallmark", "azurekms"):
        asked = subprocess.run([TOOLS / "bin/cosign", "public-key", "--key", f"{scheme}://h/not_a_name"], env=variables, capture_output=True, text=True, timeout=60)
        assert "plugin returned error" in asked.stderr and "write hallmark://" in asked.stderr, asked.stderr
    assert user_home("install").returncode == 0


def test_a_folder_that_is_not_on_path_or_is_shadowed_is_said(user_home, tmp_path):
    done = user_home("install", "--for", "cosign", path="/usr/bin:/bin")
    assert done.returncode == 0 and "is not on PATH" in done.stderr and "export PATH=" in done.stderr
    assert not user_home.notation[0].exists()
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy2("/bin/true", first / "sigstore-kms-azurekms")
    done = user_home("list", path=f"{first}:{user_home.home}/.local/bin:/usr/bin:/bin")
    assert f"{first}/sigstore-kms-azurekms comes first on PATH" in done.stderr


def test_files_of_others_are_not_overwritten_without_force(user_home):
    user_home.cosign[1].parent.mkdir(parents=True)
    user_home.cosign[1].write_text("#!/bin/sh\nexit 1\n")
    done = user_home("install")
    assert done.returncode == 1 and "was not put there by" in done.stderr and "--force" in done.stderr
    # Nothing at all was installed: the check comes first.
    assert user_home.cosign[1].read_text().startswith("#!/bin/sh") and not user_home.cosign[0].exists() and not user_home.notation[0].exists()
    assert states(user_home)["sigstore-kms-azurekms"] == "foreign"
    assert user_home("install", "--force").returncode == 0
    assert set(states(user_home).values()) == {"current"}


def test_an_older_release_of_ours_is_replaced_and_a_changed_file_is_not(user_home):
    assert user_home("install").returncode == 0
    with open(user_home.programs / "sigstore-kms-hallmark", "ab") as file:
        file.write(b"newer release")
    assert states(user_home)["sigstore-kms-hallmark"] == "outdated"
    assert user_home("install").returncode == 0 and states(user_home)["sigstore-kms-hallmark"] == "current"
    with open(user_home.cosign[0], "ab") as file:
        file.write(b"changed by somebody")
    assert states(user_home)["sigstore-kms-hallmark"] == "foreign"
    assert user_home("install").returncode == 1


def test_a_link_in_notations_folder_is_foreign_and_a_folder_is_never_replaced(user_home, tmp_path):
    path = user_home.notation[0]
    path.parent.mkdir(parents=True)
    path.symlink_to(user_home.programs / "notation-hallmark")
    assert states(user_home)["notation-hallmark"] == "foreign"
    assert user_home("install", "--force").returncode == 0 and not path.is_symlink()
    path.unlink()
    path.mkdir()
    done = user_home("install", "--force")
    assert done.returncode == 1 and "is no file" in done.stderr


def test_other_folders_are_taken_from_the_environment_and_the_option(user_home, tmp_path):
    config, folder = tmp_path / "config", tmp_path / "bin folder"
    done = user_home("install", "--folder", folder, env={"XDG_CONFIG_HOME": str(config)})
    assert done.returncode == 0, done.stderr
    assert (folder / "sigstore-kms-azurekms").exists() and (config / "notation/plugins/hallmark/notation-hallmark").exists()
    assert not (user_home.home / ".local/bin").exists()


def test_programs_that_are_not_beside_are_named(user_home):
    (user_home.programs / "notation-hallmark").unlink()
    done = user_home("install")
    assert done.returncode == 2 and "notation-hallmark does not exist" in done.stderr and "--for" in done.stderr
    assert not user_home.cosign[0].exists()
    assert user_home("install", "--for", "cosign").returncode == 0


def test_a_folder_without_rights_is_explained(user_home):
    if os.geteuid() == 0:
        (user_home.home / ".local").write_text("a file where a folder is wanted")
    else:
        user_home.home.chmod(0o500)
    done = user_home("install", "--for", "cosign")
    assert done.returncode == 1 and "cannot install sigstore-kms-hallmark" in done.stderr
