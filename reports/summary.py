"""The first page of the report: can it ship, on which device, and if not, why."""

from __future__ import annotations

import html
import re
import string
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import sizes
from reports.explain import circumstances, explanations
from reports.results import measurements_of, outcomes_of
from reports.scoreboard import HEADER, LEGEND, scoreboard_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.explain import Explanation
    from reports.figures.style import Picture

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
_CLASSES = {"pass": "good", "fail": "bad", "inconclusive": "unsure", "invalid": "unsure"}


def put_first(
    page: str,
    runs: Sequence[tuple[Mapping[str, Any], Sequence[Picture]]],
    *,
    gate: Sequence[Mapping[str, Any]],
    link: Callable[[str, str], str | None],
) -> str:
    """Put the summary of the runs before all else in Allure's page.

    Args:
        page: the page that Allure drew.
        runs: results.json and pictures of each run.
        gate: what the quality gate found: rule, success and message.
        link: gives the address within the page of a test on a device; None where it has none.
    """
    parts = [_head(runs, gate)]
    parts += [_run(document, drawn, link) for document, drawn in runs]
    filled = string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(body="\n".join(parts))
    return _BODY.sub(lambda body: body.group() + filled, page, count=1)


def answer(document: Mapping[str, Any]) -> tuple[str, str]:
    """Whether a run's subject can ship on its device, as a class and a sentence."""
    where = f"{document['subject']['name']} on {document['device']['name']}"
    red = explanations(document)
    judged = sum(one.verdict is not None for one in measurements_of(document))
    if not red and not judged:
        return "unsure", f"{where}: nothing was judged"
    if not red:
        return "good", f"{where}: fit to ship, every gate is green"
    unsure = [one for one in red if one.unsure]
    if len(unsure) == len(red):
        return "unsure", f"{where}: not known to be fit, {_gates(len(red))} could not tell"
    return "bad", f"{where}: not fit to ship, {_gates(len(red) - len(unsure))} failed"


def _gates(count: int) -> str:
    return "1 gate" if count == 1 else f"{count} gates"


def _head(
    runs: Sequence[tuple[Mapping[str, Any], Sequence[Picture]]], gate: Sequence[Mapping[str, Any]]
) -> str:
    answers = [answer(document) for document, _ in runs]
    lines = [f'<h1 class="{kind}">{html.escape(said)}</h1>' for kind, said in answers]
    for found in gate:
        if not found["success"]:
            message = html.escape(found["message"])
            lines.append(f'<p class="bad">Quality gate broken: {message}</p>')
    links = "".join(f'<a href="#{place}">{name}</a>' for name, place in PLACES.items())
    return "\n".join([*lines, f'<nav aria-label="Report">{links}</nav>'])


def _run(
    document: Mapping[str, Any],
    drawn: Sequence[Picture],
    link: Callable[[str, str], str | None],
) -> str:
    subject, device = document["subject"], document["device"]["name"]
    parts = [f"<h2>{html.escape(subject['name'])} on {html.escape(device)}</h2>"]
    if subject.get("description"):
        parts.append(f"<p>{html.escape(subject['description'])}</p>")
    parts += [
        f'<p class="quiet">{html.escape(circumstances(document))}. {_counts(document)}</p>',
        _scores(document),
        f'<p class="quiet">{html.escape(LEGEND)}</p>',
    ]
    red = explanations(document)
    if red:
        parts.append("<h3>What is not green, and why</h3>")
        parts += [_red(one, link(one.test, device), first=one is red[0]) for one in red]
    parts += [_figure(picture) for picture in drawn]
    ledger = sizes.as_html(document)
    if ledger:
        parts.append(f"<h3>Every size, and what is over what</h3>{ledger}")
    return "\n".join(parts)


def _counts(document: Mapping[str, Any]) -> str:
    ended = Counter(one.outcome for one in outcomes_of(document))
    judged = Counter(str(one.verdict) for one in measurements_of(document) if one.verdict)
    tests = ", ".join(f"{count} {name}" for name, count in sorted(ended.items()))
    verdicts = ", ".join(f"{count} {name}" for name, count in sorted(judged.items()))
    return f"Tests: {tests or 'none'}. Verdicts: {verdicts or 'none'}."


def _scores(document: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in HEADER)
    rows = []
    for *cells, verdict in scoreboard_rows(document):
        plain = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        kind = _CLASSES.get(verdict, "")
        rows.append(f'<tr>{plain}<td class="verdict {kind}">{html.escape(verdict)}</td></tr>')
    body = "".join(rows)
    return f'<div class="scroll"><table class="scores"><tr>{head}</tr>{body}</table></div>'


def _red(one: Explanation, address: str | None, *, first: bool) -> str:
    shown = f'<a href="{address}">Show the test</a>' if address else ""
    opened = " open" if first else ""
    kind = "unsure" if one.unsure else "bad"
    return (
        f'<details{opened}><summary class="{kind}">{html.escape(one.title)}</summary>'
        f"{one.as_html()}{shown}</details>"
    )


def _figure(picture: Picture) -> str:
    return (
        f"<figure>{picture.inline}<figcaption><b>{html.escape(picture.title)}</b>"
        f"{html.escape(picture.caption)}</figcaption></figure>"
    )
