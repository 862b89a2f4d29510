"""Sum up how long each suite of a run took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.durations import in_words
from models.escaping import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.documents.document import Document


def suite_of(test: str) -> str:
    """Return the suite in a test's id, for example "latency" for "suites/latency/test_x.py::y"."""
    return test.split("/", 2)[1] if test.count("/") > 1 else test


def as_sentence(document: Document) -> str:
    """Return a line with the time of each suite; empty if no test has run."""
    return cost_of({test.id: test.seconds for test in document.tests})


def cost_of(taken: Mapping[str, float]) -> str:
    """Return a line with the time of each suite, the slowest first; empty if none ran.

    Args:
        taken: seconds by the id of each test.
    """
    suites: dict[str, float] = {}
    for test, seconds in taken.items():
        suites[suite_of(test)] = suites.get(suite_of(test), 0.0) + seconds
    slowest = sorted(suites.items(), key=lambda suite: suite[1], reverse=True)
    parts = (f"{one_line(name)} {in_words(seconds)}" for name, seconds in slowest)
    return f"{in_words(sum(suites.values()))}: {', '.join(parts)}" if suites else ""
