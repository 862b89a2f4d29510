"""The README lists what ran on each device, and that no board's budgets were measured."""

from __future__ import annotations

import re

import pytest

from models.devices.profile import FOLDER
from models.store import PROJECT

HOST = "host"
DEVICES = sorted(file.stem for file in FOLDER.glob("*.toml"))


@pytest.fixture(scope="module")
def section():
    """Return the section of the README about runs on each device."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    _, _, after = text.partition("### What has been run where\n")
    return after.partition("\n## ")[0]


@pytest.mark.parametrize("device", DEVICES)
def test_readme_has_one_row_for_each_device(device, section):
    rows = [line for line in section.splitlines() if f"(`{device}`)" in line]
    assert len(rows) == 1
    ran, never = rows[0].split("|")[2:4]
    assert ran.strip()
    assert bool(never.strip()) == (device != HOST)


def test_readme_calls_the_budgets_of_boards_derived_and_not_measured(section):
    """Each board's profile says that its budgets are estimates until a board is measured."""
    derived = [
        device
        for device in DEVICES
        if "estimate until a board is measured" in (FOLDER / f"{device}.toml").read_text("utf-8")
    ]
    assert derived == [device for device in DEVICES if device != HOST]
    assert re.search(r"budgets of all boards .*\*\*derived, not measured\*\*", section, re.DOTALL)
