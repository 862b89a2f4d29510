"""Check the facts of a bundle's subject: names, labels, and references between them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from models.candidates.declaration import is_candidate_name
from models.candidates.labels import check_labels
from models.errors import UsageMistake
from models.files.paths import is_name
from models.flatbuffers.schemes import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from models.candidates.subject import SubjectFacts

_SHOWN = 60
# Fields that name files of the host; a board does not have these files.
OF_THE_HOST = ("budgets", "known_failures", "baseline", "device")


def problem_of(facts: SubjectFacts) -> str | None:
    """Return the first problem of a subject's facts; None if there is none."""
    try:
        check_labels(list(facts.labels), "labels")
    except UsageMistake as mistake:
        return f"its list of labels {mistake.what}"
    problems = chain(_of_names(facts), _of_references(facts), _of_the_host(facts))
    return next(problems, None)


def _of_names(facts: SubjectFacts) -> Iterator[str]:
    if not is_name(facts.name):
        yield f"{facts.name[:_SHOWN]!r} cannot name a folder"
    for name in facts.all_candidates:
        if not is_candidate_name(name):
            yield f"no candidate can be called {name[:_SHOWN]!r}"
    if len(set(facts.all_candidates)) != len(facts.all_candidates):
        yield "two candidates have the same name"


def _of_references(facts: SubjectFacts) -> Iterator[str]:
    candidates = set(facts.candidates)
    if facts.reference not in {None, *candidates}:
        yield f"the reference {facts.reference!r} is not one of its candidates"
    by_name: dict[str, Iterable[str]] = {
        "schemes": facts.schemes,
        "roles": facts.roles,
        "lengths": facts.lengths,
        "bindings": facts.bindings,
        "on_device": facts.on_device,
    }
    for key, names in by_name.items():
        for name in sorted(set(names) - candidates):
            yield f"{key} names {name[:_SHOWN]!r}, which is not one of its candidates"
    for scheme in facts.schemes.values():
        if scheme not in SCHEMES:
            yield f"no scheme is called {scheme[:_SHOWN]!r}"


def _of_the_host(facts: SubjectFacts) -> Iterator[str]:
    if not facts.has_files:
        yield "has_files is false, so that there would be nothing to run"
    for key in OF_THE_HOST:
        if getattr(facts, key) is not None:
            yield f"{key} names a file of the host"
