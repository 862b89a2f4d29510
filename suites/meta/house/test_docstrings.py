"""Docstrings of functions begin with a verb, and test names state the rule.

ruff's D401 detects only a part of the docstrings that do not begin with an imperative. These tests
detect others.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from models.store import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("models", "fixtures", "reports", "benchmarks", "suites")
NO_VERBS = re.compile(
    r"(?:whether|how|what|where|which|why|when|who|every|each|one|two|all|its|of|for|from|at|by|in|"
    r"after|before|also|names|counts|lengths|hertz|bytes|seconds|ids|accuracy|interval|exact|median|"
    r"total|mean of|everything|another|itself|the|an?|this|that|these|same|both|only|hash|no)\b",
    re.IGNORECASE,
)
WITHOUT_A_SUBJECT = re.compile(r"test_(?:it|there|they)_")


def functions(*folders: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function in these folders with its location."""
    for folder in folders:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    yield f"{file.relative_to(PROJECT)}:{node.lineno} {node.name}", node


def test_docstrings_begin_with_a_verb():
    # A test's docstring states a rule.
    docstrings = {
        place: ast.get_docstring(node) or ""
        for place, node in functions(*FOLDERS)
        if not node.name.startswith("test_")
    }
    assert len(docstrings) > 1000
    assert {place: text for place, text in docstrings.items() if NO_VERBS.match(text)} == {}


@pytest.mark.parametrize("text", ["Whether it is so.", "The label.", "Of each text, ids."])
def test_detects_docstring_that_begins_with_a_noun(text):
    assert NO_VERBS.match(text)


@pytest.mark.parametrize("text", ["Tell whether it is so.", "Wait for it.", "Forget all of it."])
def test_accepts_docstring_that_begins_with_a_verb(text):
    assert not NO_VERBS.match(text)


def test_names_of_tests_have_a_subject():
    assert [
        place for place, node in functions("suites") if WITHOUT_A_SUBJECT.match(node.name)
    ] == []
