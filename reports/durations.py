"""What each suite of a run cost, from how long its tests took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from models.durations import said
from models.foreign_text import one_line
from reports.results import outcomes_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def suite_of(test: str) -> str:
    """Return the suite that a test's id begins with: "latency" of "suites/latency/test_x.py::y"."""
    return test.split("/", 2)[1] if test.count("/") > 1 else test


def as_sentence(document: Mapping[str, Any]) -> str:
    """Return a line on what a run's suites cost; empty where no test has run."""
    return cost_of({one.id: one.seconds for one in outcomes_of(document)})


def cost_of(taken: Mapping[str, float]) -> str:
    """Return a line on what suites cost, the dearest first; empty where nothing was taken.

    Args:
        taken: seconds by the id of each test.
    """
    suites: Counter[str] = Counter()
    for test, seconds in taken.items():
        suites[suite_of(test)] += seconds
    parts = (f"{one_line(name)} {said(seconds)}" for name, seconds in suites.most_common())
    return f"{said(sum(suites.values()))}: {', '.join(parts)}" if suites else ""
