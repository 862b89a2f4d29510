"""Sum up how long each suite of a run took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from models.durations import said
from models.foreign_text import one_line
from reports.results import outcomes_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def suite_of(test: str) -> str:
    """Return the suite in a test's id: "latency" of "suites/latency/test_x.py::y"."""
    return test.split("/", 2)[1] if test.count("/") > 1 else test


def as_sentence(document: Mapping[str, Any]) -> str:
    """Return a line with the time of each suite; empty if no test has run."""
    return cost_of({one.id: one.seconds for one in outcomes_of(document)})


def cost_of(taken: Mapping[str, float]) -> str:
    """Return a line with the time of each suite, the slowest first; empty if none ran.

    Args:
        taken: seconds by the id of each test.
    """
    suites: Counter[str] = Counter()
    for test, seconds in taken.items():
        suites[suite_of(test)] += seconds
    parts = (f"{one_line(name)} {said(seconds)}" for name, seconds in suites.most_common())
    return f"{said(sum(suites.values()))}: {', '.join(parts)}" if suites else ""
