"""How the tests of a run ended, each kind under its own word and with its own count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.document import Document, Outcome

# A pass that says nothing of what a user needs: only a regression guard judged it.
GUARDED = "guarded"
# How a test ended, in words.
ENDED = {
    "passed": "passed",
    GUARDED: "kept a regression guard",
    "failed": "failed",
    "error": "broken",
    "xfailed": "failed as known",
    "xpassed": "passed against what is known",
    "measured": "measured without a budget",
    "not_run": "not run",
    "skipped": "could not run here",
    "not_applicable": "do not apply",
}


def endings_of(document: Document) -> Counter[str]:
    """Count the tests of a run by how they ended, a key of `ENDED` each.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    guarded = _guarded_alone(document)
    ended = Counter(_ending(test, guarded) for test in document.tests)
    extent = document.run.extent
    if extent is not None:
        # Most of them are left out before the run, and so are no tests of it.
        ended["not_applicable"] = sum(one.count for one in extent.not_applicable)
        ended["skipped"] = sum(one.count for one in extent.skipped)
    return ended


def as_sentence(document: Document) -> str:
    """Return how the tests of a run ended, in words."""
    ended = endings_of(document)
    counts = [f"{ended[kind]:,} {said}" for kind, said in ENDED.items() if ended[kind]]
    return f"Tests: {', '.join(counts) or 'none'}."


def _ending(one: Outcome, guarded: set[str]) -> str:
    return GUARDED if one.outcome == "passed" and one.id in guarded else one.outcome


def _guarded_alone(document: Document) -> set[str]:
    """Return the tests that a regression guard judged, and no budget."""
    measured = document.measurements
    budgeted = {one.test for one in measured if one.verdict is not None}
    return {one.test for one in measured if one.guard is not None} - budgeted
