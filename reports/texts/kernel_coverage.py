"""List the operators of each candidate whose kernels were shown correct, from results.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UnsetType

from models.escaping import one_line
from models.verdicts.details import Covered
from reports.templates import fill

if TYPE_CHECKING:
    from reports.documents.document import Document

METRIC = "kernel_coverage"
TITLE = "Operators with proven kernels"
# Maximum number of operators that are named; a file can have hundreds without a reference.
_MOST_SHOWN = 12


def lines_of(document: Document) -> list[tuple[str, list[str]]]:
    """Return, for each candidate, a sentence and a list of operators.

    The sentence contains the share of operators with proven kernels. The list contains the
    operators whose kernels are not proven, and the graphs that were tested only with random values.
    """
    lines = []
    for measurement in document.measurements:
        if measurement.metric != METRIC:
            continue
        recorded = measurement.details.kernels
        covered = Covered() if isinstance(recorded, UnsetType) else recorded
        sentence = (
            f"{measurement.scheme} on {measurement.backend}: {measurement.value:.1%} of "
            f"{covered.operators} operators and "
            f"{covered.multiply_accumulates:.1%} of multiply-accumulates ({_how(covered)})"
        )
        lines.append((sentence, [*_few(covered.not_proven), *_few(covered.drawn_alone)]))
    return lines


def _how(covered: Covered) -> str:
    """Return how a candidate's operators were checked, and how many had each result."""
    parts = [", ".join(f"{count} {state}" for state, count in covered.states.items())]
    if covered.graphs > 1:
        fewer = covered.asked_graphs < covered.graphs
        of = f"{covered.asked_graphs} of its" if fewer else "its"
        parts.append(f"in {of} {covered.graphs} graphs")
    if covered.texts:
        parts.append(f"tested with random values and the activations of {covered.texts} texts")
    else:
        parts.append(f"tested only with random values: {covered.not_recorded}")
    return "; ".join(parts)


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_SHOWN
    return [*lines[:_MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def as_text(document: Document) -> str:
    """Return every candidate's kernel coverage for a terminal; "" if no kernel was checked."""
    lines = [line for part in document.parts() for line in lines_of(part)]
    if not lines:
        return ""
    text = [f"\n{TITLE}:"]
    for sentence, not_proven in lines:
        text.append(f"  {one_line(sentence)}")
        text += [f"    {one_line(line)}" for line in not_proven]
    return "\n".join(text) + "\n"


def as_html(document: Document) -> str:
    """Return every candidate's kernel coverage as HTML; "" if no kernel was checked."""
    lines = lines_of(document)
    return fill("kernel_coverage.html", title=TITLE, candidates=lines) if lines else ""
