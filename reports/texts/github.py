"""Show a run on GitHub Actions: a summary of the job, and annotations at the lines of budgets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from models import escaping
from models.errors import EdgeproofError
from reports.documents import endings, matrix
from reports.texts import sizes
from reports.texts.budget_lines import place_of
from reports.texts.explain import circumstances, explanations
from reports.texts.headline import answer
from reports.texts.scoreboard import as_markdown

if TYPE_CHECKING:
    from reports.documents.document import Document
    from reports.texts.explain import Explanation

SUMMARY = "GITHUB_STEP_SUMMARY"
ACTIONS = "GITHUB_ACTIONS"


def publish(document: Document) -> None:
    """Append a run's summary to GitHub's summary file; do nothing outside of GitHub Actions.

    Raises:
        EdgeproofError: the file cannot be written to, or a measurement is not valid.
    """
    file = os.environ.get(SUMMARY)
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(step_summary(document))
    except OSError as error:
        raise EdgeproofError(
            f"cannot be written ({error.strerror})",
            file=file,
            remedy=f"Make the file writable, or unset the variable {SUMMARY}",
        ) from None


def step_summary(document: Document) -> str:
    """Return the summary of a run as Markdown: what was tested, the scoreboard, the failures."""
    red = explanations(document)
    lines = [
        f"## edgeproof: {escaping.as_markdown(document.title)}",
        "",
        f"**{_said(document)}**" if red else _said(document),
        f"{len(red)} failed or undecided: unfold an entry to see why." if red else "",
        "",
        endings.as_sentence(document),
        "",
        as_markdown(document),
        matrix.as_markdown(document),
        sizes.as_markdown(document),
        f"Circumstances: {escaping.as_markdown(circumstances(document))}.",
        *(f"\nNote: {escaping.as_markdown(remark)}" for remark in _remarks(document)),
        "",
        *(explanation.as_markdown() for explanation in red),
    ]
    return "\n".join(lines) + "\n"


def _remarks(document: Document) -> list[str]:
    """Return the remarks about the subject of every run, without repetitions."""
    remarks = [remark for run in document.parts() for remark in run.subject.remarks]
    return list(dict.fromkeys(remarks))


def _said(document: Document) -> str:
    """Return the headline without subject and device, which the title of the summary contains."""
    sentence = answer(document).text
    return escaping.as_markdown(f"{sentence[:1].upper()}{sentence[1:]}.")


def annotations_asked_for(document: Document) -> list[str]:
    """Return the annotations of a run on GitHub Actions; none outside of it."""
    return annotations_of(document) if os.environ.get(ACTIONS) == "true" else []


def annotations_of(document: Document) -> list[str]:
    """Return a workflow command for each failed test; it names the line of the broken budget."""
    return [_annotation(explanation) for explanation in explanations(document)]


def _annotation(explanation: Explanation) -> str:
    measurement = explanation.measurement
    limit = (
        (
            measurement.guard
            if explanation.is_regression
            else measurement.budget or measurement.guard
        )
        if measurement
        else None
    )
    place = place_of(limit.file, limit.key) if limit else None
    properties = {"title": escaping.one_line(f"{explanation.title} ({explanation.test})")}
    if place is not None:
        properties = {"file": place.file, "line": str(place.line)} | properties
    elif measurement is None:
        properties = {"file": escaping.one_line(explanation.test.partition("::")[0])} | properties
    listed = ",".join(f"{name}={_escaped(text, ',:')}" for name, text in properties.items())
    message = escaping.several_lines(
        "\n".join(f"{label}: {text}" for label, text in explanation.rows)
    )
    return f"::{'warning' if explanation.unsure else 'error'} {listed}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    """Escape a text for GitHub's workflow commands; `more` names further characters to escape."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
