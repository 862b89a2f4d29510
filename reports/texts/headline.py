"""Write the headline of a run: whether its subject can ship on its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reports.documents import matrix
from reports.documents.extent import could_not_run, left_aside, partial_because
from reports.texts.explain import explanations

if TYPE_CHECKING:
    from reports.documents.document import Document


class _Red(NamedTuple):
    """The ids of the gates that are not green; a gate with several numbers counts once.

    Attributes:
        failed: gates that break a requirement, or an assertion.
        worse: gates that meet the requirements, but are worse than an earlier measurement.
        unsure: gates without a decided verdict.
    """

    failed: set[str]
    worse: set[str]
    unsure: set[str]


class Answer(NamedTuple):
    """Whether a run's subject can ship on its device.

    Attributes:
        kind: "good", "unsure" or "bad".
        text: the answer as a sentence.
    """

    kind: str
    text: str


def headline(document: Document) -> Answer:
    """Return the answer, preceded by subject and device."""
    kind, text = answer(document)
    return Answer(kind, f"{document.title}: {text}")


def answer(document: Document) -> Answer:
    """Return whether a run's subject can ship on its device.

    Only after a run of the whole suite can the answer be that the subject is fit to ship. A subject
    is fit if it meets its requirements. A regression is reported as well, and makes the answer
    "bad". Gates that did not run are counted.
    """
    kind, sentence = _verdict(document, _red(document))
    partial = partial_because(document)
    aside = [f"this run is partial: {'; '.join(partial)}"] if partial else []
    return Answer(kind, "; ".join([sentence, *aside, *left_aside(document)]))


def _verdict(document: Document, red: _Red) -> tuple[str, str]:
    """Return "good", "unsure" or "bad", and the headline's first part, which gives the reason."""
    worse = [_counted(len(red.worse), "regression")] if red.worse else []
    if red.failed:
        failed = f"not fit to ship, {_counted(len(red.failed), 'gate')} failed"
        return "bad", ", ".join([failed, *worse])
    kind = "bad" if worse else "unsure"
    if red.unsure:
        undecided = f"{_counted(len(red.unsure), 'gate')} undecided"
        return kind, ", ".join([*worse, f"not known to be fit, {undecided}"])
    if not any(measurement.is_judged for measurement in document.measurements):
        return kind, ", ".join([*worse, "nothing was judged"])
    if partial_because(document):
        return kind, ", ".join([*worse, "not known to be fit"])
    # An emulated board shows too little to say on which backends the file is fit to ship.
    fit = [] if document.device.emulated else [f"fit to ship {matrix.fit_on(document)}"]
    if worse:
        return "bad", ", ".join([*worse, ": ".join(["every requirement is kept", *fit])])
    return "good", ", ".join([*fit, _green(document)])


def _red(document: Document) -> _Red:
    explained = explanations(document)
    failed = {
        explanation.test
        for explanation in explained
        if not explanation.is_regression and not explanation.unsure
    }
    worse = {explanation.test for explanation in explained if explanation.is_regression} - failed
    return _Red(failed, worse, {explanation.test for explanation in explained} - failed - worse)


def _green(document: Document) -> str:
    known_failures = sum(test.outcome == "xfailed" for test in document.tests)
    sentence = "every gate that ran is green" if could_not_run(document) else "every gate is green"
    sentence += f" but {_counted(known_failures, 'known failure')}" if known_failures else ""
    return f"{sentence}, time is not judged there" if document.device.emulated else sentence


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
