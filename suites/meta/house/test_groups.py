"""A dependency group contains all packages that the commands of its environment import."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest

from models.files.toml_tables import read_toml
from models.store import PROJECT

GROUPS = read_toml(PROJECT / "pyproject.toml")["dependency-groups"]

# Modules that commands in tox.ini or on a page start, with the dependency group that is installed
# for them.
STARTED = {
    "reports.html": "report",
    "reports.merge": "report",
    "models.fleet": "device",
    "models.candidates": "device",
    "models.flatbuffers": "device",
    "models.onnx.answering": "onnx",
    "models.runner.serving": "tflite-runtime",
    "fixtures.session.options": "device",
    "fixtures.session.providers": "device",
    "fixtures.results.allure": "device",
    "fixtures.timing.speed": "device",
}
# Program that imports a module while only the standard library, edgeproof and the named packages
# can be imported.
ALONE = """
import importlib, importlib.abc, sys
allowed = set(sys.argv[2:]) | sys.stdlib_module_names | {"models", "fixtures", "reports", "suites"}
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
importlib.import_module(sys.argv[1])
"""


def required_by(group: str) -> list[str]:
    """Return the requirements of a dependency group and of the groups that it includes."""
    requirements: list[str] = []
    for entry in GROUPS[group]:
        requirements += [entry] if isinstance(entry, str) else required_by(entry["include-group"])
    return requirements


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def installed_with(group: str) -> set[str]:
    """Return the modules of installed packages that a group requires, directly or indirectly."""
    waiting, installed = [name_of(requirement) for requirement in required_by(group)], set()
    while waiting:
        name = waiting.pop()
        if name in installed:
            continue
        installed.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [name_of(requirement) for requirement in needed if "extra ==" not in requirement]
    return {
        module
        for module, owners in packages_distributions().items()
        if any(name_of(owner) in installed for owner in owners)
    }


def started(module: str, importable: set[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ALONE, module, *sorted(importable)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("module", STARTED)
def test_each_command_starts_with_only_its_dependency_group_installed(module):
    done = started(module, installed_with(STARTED[module]))
    assert done.returncode == 0, done.stderr[-2000:]


def test_detects_package_missing_from_a_group():
    done = started("reports.html", installed_with("report") - {"filelock"})
    assert "No module named 'filelock'" in done.stderr


@pytest.mark.parametrize("group", ["dev", "report"])
def test_dependency_groups_for_reports_contain_the_drawing_packages(group):
    assert {"jinja2", "matplotlib"} <= installed_with(group)
