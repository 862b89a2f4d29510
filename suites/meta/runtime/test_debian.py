"""Debian's mirrors are read from apt, or their absence is reported."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest

from models.errors import EdgeproofError, UsageMistake
from models.runtime import debian
from models.runtime.debian import Mirrors, PrivateApt, choose_mirrors, why_unavailable
from models.runtime.emulator import read_sysroots
from models.runtime.sysroot import architecture_names, prepare_sysroot
from models.store import Stage, Store, verify

needs_debian = pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable()))

APT_CONFIG = "apt-config"
TARGETS = """\
https://mirror.example/debian/ bookworm main
https://mirror.example/debian/ bookworm-updates main
https://mirror.example/debian-security/ bookworm-security main
https://other.example/apt/ cloud-sdk-bookworm main
https://other.example/docker/ bookworm stable
"""


def test_debian_mirrors_are_read_from_the_sources_of_apt():
    assert choose_mirrors(TARGETS, "bookworm") == Mirrors(
        "https://mirror.example/debian/", "https://mirror.example/debian-security/"
    )


def test_mirror_found_for_one_release_is_used_for_another_release():
    mirrors = choose_mirrors(TARGETS.replace("bookworm", "testing"), "forky")
    listed = mirrors.sources("bookworm")
    assert "https://mirror.example/debian/ bookworm-backports main" in listed
    assert "https://mirror.example/debian-security/ bookworm-security main" in listed
    assert "testing" not in listed


def test_apt_sources_without_the_needed_release_are_an_error():
    with pytest.raises(EdgeproofError, match=r"/etc/apt: no source of apt offers Debian's trixie"):
        choose_mirrors(TARGETS, "trixie")


@pytest.mark.parametrize(
    ("release", "tools", "reason"),
    [
        ({"ID": "ubuntu", "PRETTY_NAME": "Ubuntu 24.04 LTS"}, True, "this is Ubuntu 24.04 LTS"),
        ({"ID": "fedora"}, False, "the program apt-get is not installed"),
        (None, True, "the operating system cannot be identified"),
    ],
)
def test_error_without_debian_says_that_emulation_is_unavailable(
    monkeypatch, tmp_path, release, tools, reason
):
    def told():
        if release is None:
            raise OSError
        return release

    monkeypatch.setattr(platform, "freedesktop_os_release", told)
    monkeypatch.setattr(debian.shutil, "which", lambda name: name if tools else None)
    with pytest.raises(EdgeproofError, match=reason) as caught:
        prepare_sysroot(Store(tmp_path), "aarch64")
    assert "--edge-target" in caught.value.remedy
    assert not list(tmp_path.glob("*/*/manifest.json"))


def test_error_on_an_unknown_architecture_lists_the_known_architectures(tmp_path):
    with pytest.raises(UsageMistake, match="aarch64, armv7"):
        prepare_sysroot(Store(tmp_path), "riscv64")


def test_offline_option_forbids_downloading_a_root_file_system(monkeypatch, tmp_path):
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: pytest.fail("a program was started although --edge-offline is set"),
    )
    with pytest.raises(EdgeproofError, match="--edge-offline forbids"):
        prepare_sysroot(Store(tmp_path), "aarch64", offline=True)


@needs_debian
def test_unreachable_mirror_is_reported_in_one_message(tmp_path):
    apt = PrivateApt(tmp_path / "apt", "arm64", Mirrors("file:///nowhere", None).sources("x"))
    with pytest.raises(EdgeproofError, match=r"apt-get -q update .*failed .*nowhere"):
        apt.update()


@needs_debian
def test_mirror_without_an_emulator_is_reported_in_one_message(monkeypatch, tmp_path):
    monkeypatch.setattr(PrivateApt, "update", lambda _: None)
    with pytest.raises(
        EdgeproofError, match="the Debian mirror has no package with the user-mode emulator"
    ) as caught:
        prepare_sysroot(Store(tmp_path), "aarch64")
    assert "--edge-target" in caught.value.remedy


@needs_debian
def test_private_apt_uses_only_paths_in_its_own_folder(tmp_path):
    PrivateApt(tmp_path / "apt", "arm64", "")
    environment = {**os.environ, "APT_CONFIG": str(tmp_path / "apt" / "apt.conf")}
    command = [APT_CONFIG, "shell"]
    keys = ("Dir::State/d", "Dir::State::status/f", "Dir::Cache/d", "Dir::Etc::SourceList/f")
    for number, key in enumerate(keys):
        command += [f"P{number}", key]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    paths = [line.partition("=")[2].strip("'") for line in done.stdout.splitlines()]
    assert len(paths) == len(keys)
    assert all(Path(path).is_relative_to(tmp_path) for path in paths)
    hooks = subprocess.run(
        [APT_CONFIG, "dump"], env=environment, capture_output=True, text=True, check=True
    )
    assert "Post-Invoke" not in hooks.stdout


def test_table_of_root_file_systems_names_no_registry():
    assert architecture_names() == ["aarch64", "armv7"]
    text = (Path(debian.__file__).parent / "sysroots.toml").read_text(encoding="utf-8")
    assert "://" not in text
    assert read_sysroots().emulators[0].suite == f"{read_sysroots().codename}-backports"


def test_artefact_may_contain_nested_folders(tmp_path):
    def make(folder):
        (folder / "usr" / "lib").mkdir(parents=True)
        (folder / "lib").symlink_to("usr/lib")
        (folder / "usr" / "dangling").symlink_to("nowhere")
        for number in range(120):
            (folder / "usr" / "lib" / f"{number}.py").write_text(str(number), encoding="utf-8")

    store, stage = Store(tmp_path), Stage("tree", {})
    folder = store.get(stage, make).folder
    assert len(verify(folder)) == 120
    (folder / "usr" / "lib" / "7.py").write_text("8", encoding="utf-8")
    with pytest.raises(EdgeproofError, match=r"usr/lib/7\.py"):
        verify(folder)
