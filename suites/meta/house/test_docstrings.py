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

FOLDERS = ("models", "fixtures", "reports")
NO_VERBS = re.compile(
    r"(?:whether|how|what|where|which|why|when|who|every|each|one|two|all|its|of|for|from|at|by|in|"
    r"after|before|also|names|counts|lengths|hertz|bytes|seconds|ids|accuracy|interval|exact|median|"
    r"total|mean of|everything|another|itself)\b",
    re.IGNORECASE,
)
PROPERTIES = {"property", "cached_property"}
WITHOUT_A_SUBJECT = re.compile(r"test_(?:it|there|they)_")


def functions(*folders: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function in these folders with its location."""
    for folder in folders:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    yield f"{file.relative_to(PROJECT)}:{node.lineno} {node.name}", node


def is_property(node: ast.FunctionDef) -> bool:
    """Tell whether a function is a property, which may be described like an attribute."""
    return any(
        ast.unparse(decorator).rpartition(".")[2] in PROPERTIES for decorator in node.decorator_list
    )


def test_docstrings_begin_with_a_verb():
    docstrings = {place: ast.get_docstring(node) or "" for place, node in functions(*FOLDERS)
            if not is_property(node)}  # fmt: skip
    assert len(docstrings) > 1000
    assert {place: text for place, text in docstrings.items() if NO_VERBS.match(text)} == {}


@pytest.mark.parametrize("text", ["Whether it is so.", "How many there are.", "Of each text, ids."])
def test_detects_docstring_that_begins_with_a_noun(text):
    assert NO_VERBS.match(text)


@pytest.mark.parametrize("text", ["Tell whether it is so.", "Wait for it.", "Forget all of it."])
def test_accepts_docstring_that_begins_with_a_verb(text):
    assert not NO_VERBS.match(text)


def test_names_of_tests_have_a_subject():
    assert [
        place for place, node in functions("suites") if WITHOUT_A_SUBJECT.match(node.name)
    ] == []
