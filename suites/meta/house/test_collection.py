"""Collecting tests imports no heavy package; gates have readable ids and docstrings."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from models.store import PROJECT
from suites.meta.gates.running import run_pytest
from suites.meta.house.imported import VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from suites.meta.gates.running import PytestRun

HEAVY = {"tensorflow", "keras", "ai_edge_litert", "tflite_runtime", "litert_quantizer", "scipy"}
READABLE = re.compile(r"suites/\w+/test_\w+\.py::test_\w+(\[[\w-]+\])?")
GATES = [
    file
    for file in (PROJECT / "suites").rglob("test_*.py")
    if "meta" not in file.relative_to(PROJECT).parts
]


@pytest.fixture(scope="module")
def imported_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file into which the collecting run writes the names of imported modules."""
    return tmp_path_factory.mktemp("collection") / "imported.txt"


@pytest.fixture(scope="module")
def collected(imported_file: Path) -> PytestRun:
    """Return a run that collects every gate and runs none."""
    arguments = ["--collect-only", "-q", "--ignore=suites/meta", "-p", "suites.meta.house.imported"]
    return run_pytest(imported_file.parent, arguments, {VARIABLE: str(imported_file)})


def test_collecting_tests_imports_no_heavy_package(collected, imported_file):
    assert collected.code == 0, collected.output
    imported = {name.split(".")[0] for name in imported_file.read_text("utf-8").split()}
    assert imported & HEAVY == set()


def test_ids_of_tests_are_readable(collected):
    ids = [line for line in collected.output.splitlines() if "::" in line]
    assert len(ids) > 100
    assert [name for name in ids if not READABLE.fullmatch(name)] == []


def test_ids_of_tests_are_unique(collected):
    ids = [line for line in collected.output.splitlines() if "::" in line]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("file", GATES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_gate_states_its_requirement_in_a_docstring(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tests = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]
    assert tests
    for test in tests:
        sentence = (ast.get_docstring(test) or "").strip()
        assert sentence.endswith("."), (
            f"the docstring of {test.name} does not end with a period: {sentence!r}"
        )
        assert "\n" not in sentence, f"the docstring of {test.name} has more than one line"
