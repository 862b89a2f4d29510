"""Write the first page of the report: whether the subject can ship, on which device, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reports.documents import endings, matrix
from reports.page import fault_table
from reports.page.elements import elements_of, first
from reports.templates import fill
from reports.texts import durations, kernel_coverage, looked, sizes
from reports.texts.explain import accounts, circumstances, explanations
from reports.texts.headline import headline
from reports.texts.scoreboard import legend, scoreboard_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.documents.document import Document
    from reports.documents.faults import PlantedFault
    from reports.pictures.style import Picture
    from reports.texts.explain import Explanation

# Addresses of Allure's pages inside the page.
PLACES = {
    "Every test": "/",
    "Categories": "categories",
    "Metrics and trends": "metrics",
    "Quality gate": "qualityGate",
    "Results as files": "globalAttachments",
}
_CLASSES = {
    "pass": "good",
    "fail": "bad",
    "regression": "bad",
    "fail (known)": "unsure",
    "inconclusive": "unsure",
    "invalid": "unsure",
    "not run": "unsure",
}


class Shown(NamedTuple):
    """A run on the first page, with its pictures and the addresses of its tests in the page."""

    document: Document
    pictures: Sequence[Picture]
    links: Mapping[str, str]


def put_first(
    page: str,
    runs: Sequence[Shown],
    *,
    gate: Sequence[Mapping[str, Any]],
    faults: Sequence[PlantedFault] | None = None,
) -> str:
    """Insert the summary of the runs at the top of Allure's page.

    Args:
        page: the page that Allure drew.
        runs: the runs, in the order of the page.
        gate: the result of each rule of the quality gate: rule, success and message.
        faults: the planted faults of each gate; None if they are unknown.

    Raises:
        EdgeproofError: the page has no body.
    """
    tests = [test.id for run in runs for test in run.document.tests]
    links = {test: address for run in reversed(runs) for test, address in run.links.items()}
    filled = fill(
        "first_page.html",
        headlines=[headline(run.document) for run in runs],
        broken=[rule["message"] for rule in gate if not rule["success"]],
        places=PLACES,
        to_faults=fault_table.TITLE,
        runs=[_run(run) for run in runs],
        faults=fault_table.as_html(faults, tests, links),
    )
    top = first("body", elements_of(page)).inside
    return page[:top] + filled + page[top:]


def _run(run: Shown) -> dict[str, object]:
    """Return the values for the template of a run."""
    document = run.document
    subject = document.subject
    header, *table = scoreboard_table(document)
    known_failures = [account for account in accounts(document) if account.is_known]
    return {
        "title": document.title,
        "description": subject.description,
        "remarks": subject.remarks,
        "read_as": subject.read_as,
        "circumstances": _circumstances(document),
        # The verdict comes second, because on a phone the columns further right are out of sight.
        "head": (header[0], header[-1], *header[1:-1]),
        "rows": [
            (name, _CLASSES.get(verdict, ""), verdict, cells) for name, *cells, verdict in table
        ],
        "legend": legend(document),
        "red": [_unfolded(account, run.links) for account in explanations(document)],
        "known": [_unfolded(account, run.links) for account in known_failures],
        "pictures": run.pictures,
        "matrix": _matrix(document),
        "kernel_coverage": kernel_coverage.as_html(document),
        "sizes": sizes.as_html(document),
    }


def _circumstances(document: Document) -> str:
    """Return a paragraph about a run: its circumstances, and how its tests ended.

    Where they are known, the duration of each suite and the number of texts that gates used follow.
    """
    text = f"{circumstances(document)}. {endings.as_sentence(document)}"
    if cost := durations.as_sentence(document):
        text += f" Duration: {cost}."
    if texts := looked.as_sentence(document):
        text += f" {texts}."
    return text


def _matrix(document: Document) -> str:
    """Return the matrix of candidates and backends; empty if only one backend was judged."""
    cells = document.run.backends
    if not cells:
        return ""
    head, *rows = matrix.as_table(cells, matrix.judged_in(document))
    return fill(
        "matrix.html",
        head=head,
        rows=[(name, [(cell, _kind(cell)) for cell in row]) for name, *row in rows],
        legend=matrix.LEGEND,
        departures=matrix.departures_in(cells),
    )


def _kind(cell: str) -> str:
    """Return the CSS class of a cell: right, wrong, or neither."""
    if cell in {matrix.JUDGED, matrix.NOT_ASKED, matrix.REFUSED}:
        return ""
    return "good" if cell.startswith("right") else "bad"


def _unfolded(account: Explanation, links: Mapping[str, str]) -> dict[str, str | None]:
    """Return the values for the template of a test that did not pass."""
    return {
        "kind": "" if not account.red else "unsure" if account.unsure else "bad",
        "title": account.title,
        "table": account.as_html(),
        "address": links.get(account.test),
    }
