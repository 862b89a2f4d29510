"""Suites contain no thresholds, because the judge compares numbers with budgets."""

from __future__ import annotations

import ast

import pytest

from models.store import PROJECT

ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# Functions that compare within a tolerance of their own.
TOLERANT = {"allclose", "isclose", "approx", "assert_allclose", "assert_almost_equal"}
# A comparison of versions is no threshold: a suite compares two versions and states neither.
VERSION = "version_key"


def thresholds(source: str) -> list[str]:
    """Return the expressions that judge a number without a budget."""
    comparisons = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(order, ORDERS) for order in node.ops):
            sides = (node.left, *node.comparators)
            if {called(side) for side in sides} != {VERSION}:
                comparisons.append(ast.unparse(node))
        elif called(node) in TOLERANT:
            comparisons.append(ast.unparse(node))
    return comparisons


def called(node: ast.AST) -> str:
    """Return the last part of the called name; "" if the node is not a call."""
    return ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""


def test_no_suite_compares_a_number_with_a_threshold():
    files = sorted((PROJECT / "suites").rglob("test_*.py"))
    suites = [file for file in files if "meta" not in file.relative_to(PROJECT).parts]
    thresholds_of = {file.name: thresholds(file.read_text(encoding="utf-8")) for file in suites}
    assert len(thresholds_of) > 10
    assert {name: comparisons for name, comparisons in thresholds_of.items() if comparisons} == {}


@pytest.mark.parametrize(
    "line",
    [
        "assert agreement > 0.98",
        "assert LOWEST <= agreement",
        "assert 0 < drop < LARGEST",
        "assert np.allclose(first, second, atol=1e-3)",
        "assert value == pytest.approx(0.5)",
        "assert version_key(needed) < 3",
        "assert (differences < tolerance).all()",
    ],
)
def test_detects_threshold_in_a_suite(line):
    assert len(thresholds(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "judge('agreement', agreement(first, second), of=variant)",
        "assert np.array_equal(first, second)",
        "assert version_key(needed) <= version_key(contract.runtime)",
        "assert report.schema_version == 3",
    ],
)
def test_assertion_without_a_threshold_is_accepted(line):
    assert thresholds(line) == []
