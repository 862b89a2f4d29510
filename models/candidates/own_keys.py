"""Merge the labels and references of candidates, which must be the same for a whole run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from models.candidates.handed import Handed

SHARED = ("labels", "reference")


def with_their_own(handed: Handed) -> Handed:
    """Return the user's files, with labels and reference taken from the candidates' declarations.

    All candidates of a run must have the same labels and the same reference, so that their results
    can be compared.

    Raises:
        UsageMistake: two candidates declare different labels or references.
    """
    for key in SHARED:
        values = {"the whole file": getattr(handed, key)}
        values |= {
            f"candidate {candidate.name}": getattr(candidate, key)
            for candidate in handed.candidates
        }
        by_owner = {who: value for who, value in values.items() if value is not None}
        if len(set(by_owner.values())) > 1:
            (first, first_value), (second, second_value) = _different(by_owner)
            raise UsageMistake(
                f"{first} has {key} = {first_value!r}, but {second} has {second_value!r}",
                file=handed.where,
                key=key,
                remedy="Judge candidates with different labels or references with "
                "separate TOML files",
            )
        if by_owner:
            handed = replace(handed, **{key: next(iter(by_owner.values()))})
    return handed


def _different(by_owner: dict[str, object]) -> tuple[tuple[str, object], tuple[str, object]]:
    first = next(iter(by_owner.items()))
    return first, next(item for item in by_owner.items() if item[1] != first[1])
