"""pip can resolve exactly the installations that the documentation lists."""

from __future__ import annotations

import re
import tomllib

import pytest

from models.store import PROJECT
from suites.meta.docs import installations
from suites.meta.docs.blocks import PAGES
from suites.meta.docs.installations import PAGE, SYSTEMS, Installation, wanted_by, why_not

ROWS = installations.installations()
PINNED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]


def test_every_row_of_the_installation_table_is_tested():
    text = PAGE.read_text(encoding="utf-8")
    (table,) = re.findall(r"^## What a board needs\n\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    rows = table.splitlines()[2:]
    tried = {(row.machine, row.wanted) for row in ROWS}
    assert len(tried) == len(rows) > 3
    assert {row.machine for row in ROWS} == set(SYSTEMS)


def test_desktop_installations_cover_the_documented_python_versions():
    pythons = {(desk.wanted[-1], desk.python) for desk in installations.desks()}
    assert pythons == {("dev", "3.11"), ("dev", "3.13"), ("onnx", "3.11"), ("onnx", "3.14")}


def test_documentation_names_only_existing_dependency_groups():
    groups = [
        name
        for page in PAGES
        for name in re.findall(r"--group ([\w-]+)", page.read_text(encoding="utf-8"))
    ]
    assert groups
    assert set(groups) <= set(PINNED)


def test_dependency_group_for_devices_requires_no_old_numpy():
    device = " ".join(PINNED["device"])
    assert "tflite-runtime" not in device
    assert "numpy==2" in device


def test_command_without_pip_install_is_an_error():
    with pytest.raises(ValueError, match="installs nothing"):
        wanted_by(["python", "-m", "pytest"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "installation",
    [*ROWS, *installations.desks()],
    ids=lambda installation: (
        f"{installation.machine}-{installation.python}-{installation.wanted[-1]}"
    ),
)
def test_pip_resolves_the_documented_installations(installation):
    assert why_not(installation) is None


@pytest.mark.slow
def test_pip_cannot_install_the_device_group_on_a_32_bit_system():
    """If this test fails because all wheels exist now, update docs/my-board.md."""
    reason = why_not(Installation("armv7l", "3.11", ("--group", "device")))
    assert reason is not None
    assert "No matching distribution" in reason
