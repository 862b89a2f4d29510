"""List the operators of each candidate that run on proven kernels, from results.json alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UnsetType

from models.foreign_text import one_line
from models.verdicts.details import Covered
from reports.templates import fill

if TYPE_CHECKING:
    from reports.document import Document

METRIC = "kernel_coverage"
TITLE = "Which operators stand on proven kernels"
# Of a file with a hundred operators that no reference has, the first tell enough.
_MOST_SHOWN = 12


def lines_of(document: Document) -> list[tuple[str, list[str]]]:
    """Return for each candidate what was proven, and the operators that were not."""
    found = []
    for one in document.measurements:
        if one.metric != METRIC:
            continue
        held = one.details.kernels
        covered = Covered() if isinstance(held, UnsetType) else held
        said = (
            f"{one.scheme} on {one.backend}: {one.value:.1%} of {covered.operators} operators and "
            f"{covered.multiply_accumulates:.1%} of multiply-accumulates ({_how(covered)})"
        )
        found.append((said, [*_few(covered.not_proven), *_few(covered.drawn_alone)]))
    return found


def _how(covered: Covered) -> str:
    """Say how the operators were checked, and with which results."""
    said = [", ".join(f"{count} {state}" for state, count in covered.states.items())]
    if covered.graphs > 1:
        fewer = covered.asked_graphs < covered.graphs
        of = f"{covered.asked_graphs} of its" if fewer else "its"
        said.append(f"in {of} {covered.graphs} graphs")
    if covered.texts:
        said.append(f"fed with drawn values and the activations of {covered.texts} texts")
    else:
        said.append(f"fed with drawn values alone: {covered.not_recorded}")
    return "; ".join(said)


def _few(lines: list[str]) -> list[str]:
    left = len(lines) - _MOST_SHOWN
    return [*lines[:_MOST_SHOWN], *([f"and {left} more"] if left > 0 else [])]


def as_text(document: Document) -> str:
    """Return the coverage of every candidate for a terminal; empty if no kernel was checked."""
    lines = [line for part in document.parts() for line in lines_of(part)]
    if not lines:
        return ""
    shown = [f"\n{TITLE}:"]
    for said, not_proven in lines:
        shown.append(f"  {one_line(said)}")
        shown += [f"    {one_line(one)}" for one in not_proven]
    return "\n".join(shown) + "\n"


def as_html(document: Document) -> str:
    """Return the coverage as a section of a page."""
    lines = lines_of(document)
    return fill("kernel_coverage.html", title=TITLE, candidates=lines) if lines else ""
