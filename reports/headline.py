"""The sentence that a run comes down to: whether its subject can ship on its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import matrix
from reports.explain import explanations
from reports.extent import left_aside, partial_because
from reports.parts import title_of
from reports.results import measurements_of, outcomes_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def headline(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return whether a run's subject can ship on its device, as a class and a sentence.

    Only a run of the whole suite can say that it can: of a partial one, green says little.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    where, red = title_of(document), explanations(document)
    unsure = [one for one in red if one.unsure]
    partial = "; ".join(partial_because(document))
    also = f"; this run is partial: {partial}" if partial else ""
    if len(red) > len(unsure):
        failed = _counted(len(red) - len(unsure), "gate")
        return "bad", f"{where}: not fit to ship, {failed} failed{also}"
    if unsure:
        open_gates = _counted(len(red), "gate")
        return "unsure", f"{where}: not known to be fit, {open_gates} could not tell{also}"
    if not any(one.verdict is not None for one in measurements_of(document)):
        return "unsure", f"{where}: nothing was judged{also}"
    if partial:
        return "unsure", f"{where}: not known to be fit, this run is partial: {partial}"
    return "good", _green(document, where)


def _green(document: Mapping[str, Any], where: str) -> str:
    known = sum(one.outcome == "xfailed" for one in outcomes_of(document))
    green = "every gate is green"
    green += f" but {_counted(known, 'known failure')}" if known else ""
    aside = left_aside(document)
    aside = f"; {aside}" if aside else ""
    if document["device"]["emulated"]:
        return f"{where}: {green}, time is not judged there{aside}"
    return f"{where}: fit to ship {matrix.fit_on(document)}, {green}{aside}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
