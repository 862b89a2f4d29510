"""Write the first page of the report: whether the subject can ship, on which device, and why."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.foreign_text import as_markup
from reports import durations, endings, fault_table, kernel_coverage, looked, matrix, sizes
from reports.explain import accounts, circumstances, explanations
from reports.headline import headline
from reports.scoreboard import legend, scoreboard_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.document import Document
    from reports.explain import Explanation
    from reports.faults import PlantedFault
    from reports.pictures.style import Picture

TEMPLATE = Path(__file__).with_suffix(".html")
# Allure's pages within the page.
PLACES = {
    "Every test": "/",
    "Categories": "categories",
    "Metrics and trends": "metrics",
    "Quality gate": "qualityGate",
    "Results as files": "globalAttachments",
}
_BODY = re.compile(r"<body[^>]*>")
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
        runs: in the order in which they are shown.
        gate: what the quality gate found: rule, success and message.
        faults: what is planted for each gate; None if nobody knows.
    """
    tests = [test.id for run in runs for test in run.document.tests]
    links = {test: address for run in reversed(runs) for test, address in run.links.items()}
    parts = [
        _head([run.document for run in runs], gate),
        *map(_run, runs),
        fault_table.as_html(faults, tests, links),
    ]
    filled = string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(body="\n".join(parts))
    return _BODY.sub(lambda body: body.group() + filled, page, count=1)


def _head(documents: Sequence[Document], gate: Sequence[Mapping[str, Any]]) -> str:
    answers = [headline(document) for document in documents]
    lines = [f'<h1 class="{kind}">{as_markup(said)}</h1>' for kind, said in answers]
    for found in gate:
        if not found["success"]:
            message = as_markup(found["message"])
            lines.append(f'<p class="bad">Quality gate broken: {message}</p>')
    links = "".join(f'<a href="#{place}">{name}</a>' for name, place in PLACES.items())
    links += f'<a href="#" id="edgeproof-to-faults">{fault_table.TITLE}</a>'
    return "\n".join([*lines, f'<nav aria-label="Report">{links}</nav>'])


def _run(run: Shown) -> str:
    document = run.document
    subject = document.subject
    parts = [f"<h2>{as_markup(document.title)}</h2>"]
    if subject.description:
        parts.append(f"<p>{as_markup(subject.description)}</p>")
    parts += [f"<p><b>Note:</b> {as_markup(said)}</p>" for said in subject.remarks]
    if subject.read_as:
        lines = "<br>".join(map(as_markup, subject.read_as))
        parts.append(f'<p class="quiet"><b>How files and texts are read</b><br>{lines}</p>')
    said = f"{circumstances(document)}. {endings.as_sentence(document)}"
    cost = durations.as_sentence(document)
    if cost:
        said += f" Duration: {cost}."
    texts = looked.as_sentence(document)
    if texts:
        said += f" {texts}."
    parts += [
        f'<p class="quiet">{as_markup(said)}</p>',
        _scores(document),
        *(f'<p class="quiet">{as_markup(line)}</p>' for line in legend(document)),
    ]
    red = explanations(document)
    if red:
        parts.append("<h3>What is not green, and why</h3>")
        parts += [_unfolded(one, run.links, first=one is red[0]) for one in red]
    known = [account for account in accounts(document) if account.is_known]
    if known:
        parts.append("<h3>Known failures, and why they are expected</h3>")
        parts += [_unfolded(one, run.links, first=False) for one in known]
    parts += [_figure(picture) for picture in run.pictures]
    parts += [_matrix(document), kernel_coverage.as_html(document)]
    ledger = sizes.as_html(document)
    if ledger:
        parts.append(f"<h3>Every size, and what is over what</h3>{ledger}")
    return "\n".join(parts)


def _scores(document: Document) -> str:
    # The answer first: on a phone, the rest is scrolled to.
    header, *table = scoreboard_table(document)
    names = (header[0], header[-1], *header[1:-1])
    head = "".join(f"<th>{as_markup(name)}</th>" for name in names)
    rows = []
    for name, *cells, verdict in table:
        kind = _CLASSES.get(verdict, "")
        first = f'<td>{as_markup(name)}</td><td class="{kind}">{as_markup(verdict)}</td>'
        plain = "".join(f"<td>{as_markup(cell)}</td>" for cell in cells)
        rows.append(f"<tr>{first}{plain}</tr>")
    body = "".join(rows)
    return f'<div class="scroll"><table class="scores"><tr>{head}</tr>{body}</table></div>'


def _matrix(document: Document) -> str:
    """Return the matrix of candidates and backends; empty if only one backend was asked."""
    cells = document.run.backends
    if not cells:
        return ""
    head, *rows = matrix.as_table(cells, matrix.judged_in(document))
    titles = "".join(f"<th>{as_markup(name)}</th>" for name in head)
    body = "".join(
        f"<tr><td>{as_markup(name)}</td>"
        + "".join(f"<td{_kind(cell)}>{as_markup(cell)}</td>" for cell in row)
        + "</tr>"
        for name, *row in rows
    )
    departs = "".join(
        f'<p class="quiet">{as_markup(said)}</p>' for said in matrix.departures_in(cells)
    )
    table = f'<div class="scroll"><table class="sizes"><tr>{titles}</tr>{body}</table></div>'
    legend = f'<p class="quiet">{as_markup(matrix.LEGEND)}</p>'
    return f"<h3>Which backends answer which candidates rightly</h3>{table}{legend}{departs}"


def _kind(cell: str) -> str:
    """Return the CSS class of a cell: right, wrong, or neither."""
    if cell in {matrix.JUDGED, matrix.NOT_ASKED, matrix.REFUSED}:
        return ""
    return ' class="good"' if cell.startswith("right") else ' class="bad"'


def _unfolded(one: Explanation, links: Mapping[str, str], *, first: bool) -> str:
    shown = f'<a href="{links[one.test]}">Show the test</a>' if one.test in links else ""
    opened = " open" if first else ""
    kind = "" if not one.red else "unsure" if one.unsure else "bad"
    return (
        f'<details{opened}><summary class="{kind}">{as_markup(one.title)}</summary>'
        f"{one.as_html()}{shown}</details>"
    )


def _figure(picture: Picture) -> str:
    return (
        f'<figure><div class="scroll">{picture.inline}</div>'
        f"<figcaption><b>{as_markup(picture.title)}</b>"
        f"{as_markup(picture.caption)}</figcaption></figure>"
    )
