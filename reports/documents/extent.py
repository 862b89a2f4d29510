"""Describe how much of the suite a run covers: requested, applicable, run, and how it ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from models.escaping import one_line
from models.files.toml_tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.documents.document import Document

# Beginning of the paths of the budgets that ship with edgeproof, as in documents.
SHIPPED = "models/verdicts/limits/budgets/"
# Maximum number of budgets in a headline, and below the scoreboard.
_NAMED, _LISTED = 3, 20
UNKNOWN = "its results do not say which gates ran"


class Group(Table, frozen=True, kw_only=True, omit_defaults=True):
    """Tests that gave no verdict for the same reason.

    Attributes:
        reason: why they gave no verdict.
        count: number of tests.
        lacking: what the machine lacks for them, in a few words; "" if unknown.
        tests: ids of the tests.
    """

    reason: str
    count: int
    lacking: str = ""
    tests: tuple[str, ...] = ()


class Extent(Table, frozen=True, kw_only=True, omit_defaults=True):
    """The `extent` of a run in results.json.

    Attributes:
        suites: the folders of `suites/` whose gates were collected.
        collected: number of tests that should run, after every selection.
        run: number of tests that ran to their end: they judged, asserted or measured.
        narrowed: sentences about requests for less than the whole suite.
        ended_by: why the run ended early; empty if it did not.
        not_run: tests that should have run, but did not.
        not_applicable: tests that have nothing to judge in this run.
        skipped: tests that this machine cannot run.
        other_schemes: schemes of the subject that were not requested.
        unread_budgets: keys of the budgets that no test of the run reads.
    """

    suites: tuple[str, ...]
    collected: int
    run: int
    narrowed: tuple[str, ...] = ()
    ended_by: str = ""
    not_run: tuple[Group, ...] = ()
    not_applicable: tuple[Group, ...] = ()
    skipped: tuple[Group, ...] = ()
    other_schemes: tuple[str, ...] = ()
    unread_budgets: tuple[str, ...] = ()


def partial_because(document: Document) -> list[str]:
    """Return every reason why a run is partial; the list is empty if the run is complete."""
    extent = document.run.extent
    if extent is None:
        return [UNKNOWN]
    reasons = [one_line(reason) for reason in extent.narrowed]
    if extent.ended_by:
        reasons.append(f"it ended early: {_first_line(extent.ended_by)}")
    missing = _count(extent.not_run)
    if missing:
        reasons.append(f"{missing:,} of {extent.collected:,} tests were not run")
    return reasons


def counted(document: Document) -> list[str]:
    """Return a line for each kind of test without a verdict: how many, and why."""
    extent = document.run.extent
    return [] if extent is None else list(_lines(extent))


def could_not_run(document: Document) -> int:
    """Return how many gates could not run because this machine lacks something."""
    extent = document.run.extent
    return 0 if extent is None else _count(extent.skipped)


def left_aside(document: Document) -> list[str]:
    """Return short remarks about gates that did not run, for the headline."""
    extent = document.run.extent
    if extent is None:
        return []
    parts = []
    if extent.skipped:
        count = _count(extent.skipped)
        counts = _counts(extent.skipped, brief=True, most=_NAMED)
        parts.append(f"{count:,} gate{'' if count == 1 else 's'} not run: {', '.join(counts)}")
    if extent.other_schemes:
        parts.append(f"schemes not requested: {', '.join(extent.other_schemes)}")
    # Users expect that each of their own limits is judged. The budgets that ship with edgeproof
    # serve many subjects, so that a run need not read all of their limits.
    budgets = document.circumstances.budgets or ""
    if extent.unread_budgets and not budgets.startswith(SHIPPED):
        parts.append(f"budgets that no gate of this run reads: {_some(extent.unread_budgets)}")
    return parts


def _lines(extent: Extent) -> Iterator[str]:
    for title, groups in (
        ("not run", extent.not_run),
        ("could not run here", extent.skipped),
        ("does not apply", extent.not_applicable),
    ):
        if groups:
            yield f"{title}: {_count(groups):,}: {'; '.join(_counts(groups))}"
    if extent.unread_budgets:
        several = _some(extent.unread_budgets, most=_LISTED)
        yield f"budgets that no test of this run reads: {len(extent.unread_budgets):,}: {several}"


def _counts(groups: Iterable[Group], *, brief: bool = False, most: int | None = None) -> list[str]:
    """Return each reason with its count, the most frequent first.

    Args:
        groups: the tests.
        brief: whether to shorten each reason to a few words, for a headline.
        most: how many reasons to list, with one count for the others; None for all.
    """
    counts = _by_first_line(groups, brief=brief).most_common()
    counted = [f"{reason} ({count:,})" for reason, count in counts[:most]]
    more = sum(count for _, count in counts[len(counted) :])
    return [*counted, f"other reasons ({more:,})"] if more else counted


def _some(names: tuple[str, ...], most: int = _NAMED) -> str:
    """Return the first names, joined by commas, and how many others were left out."""
    more = len(names) - most
    listed = ", ".join(map(one_line, names[:most]))
    return f"{listed} and {more:,} more" if more > 0 else listed


def _count(groups: tuple[Group, ...]) -> int:
    return sum(group.count for group in groups)


def _by_first_line(groups: Iterable[Group], *, brief: bool = False) -> Counter[str]:
    """Count tests by the first line of their reason; equal lines are counted together."""
    counts: Counter[str] = Counter()
    for group in groups:
        text = (brief and group.lacking) or group.reason
        counts[_first_line(text)] += group.count
    return counts


def _first_line(text: str) -> str:
    return one_line(text.strip().partition("\n")[0])
