"""Handle labels and references that a TOML declares per candidate but a run shares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from models.candidates.given import Handed

SHARED = ("labels", "reference")


def with_their_own(handed: Handed) -> Handed:
    """Return the given files with the labels and the reference that their candidates declare.

    All candidates of a run answer the same labels and are compared with the same reference: where
    one says otherwise, their figures could not stand in one table.

    Raises:
        UsageMistake: two of them say different things.
    """
    for key in SHARED:
        said = {"the whole file": getattr(handed, key)}
        said |= {
            f"candidate {candidate.name}": getattr(candidate, key)
            for candidate in handed.candidates
        }
        given = {who: value for who, value in said.items() if value is not None}
        if len(set(given.values())) > 1:
            (first, one), (second, other) = _different(given)
            raise UsageMistake(
                f"{first} says {key} = {one!r}, and {second} says {other!r}",
                file=handed.where,
                key=key,
                remedy="Judge candidates of other labels, or with another reference, by a TOML of "
                "their own",
            )
        if given:
            handed = replace(handed, **{key: next(iter(given.values()))})
    return handed


def _different(given: dict[str, object]) -> tuple[tuple[str, object], tuple[str, object]]:
    first = next(iter(given.items()))
    return first, next(item for item in given.items() if item[1] != first[1])
