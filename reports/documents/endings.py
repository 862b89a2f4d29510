"""Count how the tests of a run ended, by kind of ending."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.documents.document import Document, Outcome

# The ending of a passed test that was judged only by a regression guard, not by a user's needs.
GUARDED = "guarded"
# Endings of tests in words.
ENDED = {
    "passed": "passed",
    GUARDED: "kept a regression guard",
    "failed": "failed",
    "error": "broken",
    "xfailed": "failed as expected",
    "xpassed": "passed although recorded as known failures",
    "measured": "measured without a budget",
    "not_run": "not run",
    "skipped": "could not run here",
    "not_applicable": "do not apply",
}


def endings_of(document: Document) -> Counter[str]:
    """Count the tests of a run by their ending, a key of `ENDED`.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    guarded = _guarded_alone(document)
    ended = Counter(_ending(test, guarded) for test in document.tests)
    extent = document.run.extent
    if extent is not None:
        # Most of these tests are left out before the run, so that the list of tests does not
        # contain them.
        ended["not_applicable"] = sum(group.count for group in extent.not_applicable)
        ended["skipped"] = sum(group.count for group in extent.skipped)
    return ended


def as_sentence(document: Document) -> str:
    """Return how the tests of a run ended, in words."""
    ended = endings_of(document)
    counts = [f"{ended[kind]:,} {words}" for kind, words in ENDED.items() if ended[kind]]
    return f"Tests: {', '.join(counts) or 'none'}."


def _ending(outcome: Outcome, guarded: set[str]) -> str:
    return GUARDED if outcome.outcome == "passed" and outcome.id in guarded else outcome.outcome


def _guarded_alone(document: Document) -> set[str]:
    """Return the tests that were judged only by a regression guard, not by a budget."""
    measured = document.measurements
    budgeted = {measurement.test for measurement in measured if measurement.verdict is not None}
    return {
        measurement.test for measurement in measured if measurement.guard is not None
    } - budgeted
