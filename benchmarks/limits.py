"""Judge the figures of a benchmark by the limits in limits.toml."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import UsageMistake
from models.files.toml_tables import read_toml, typed
from models.verdicts.quantities import SPELLINGS, Unit, human, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS = Path(__file__).with_name("limits.toml")


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of a figure, as quantities such as "1.8 x"; each is None if it is missing."""

    min: str | None = None
    max: str | None = None


def read_limits(file: Path = LIMITS) -> dict[str, dict[str, Limit]]:
    """Return the limits by benchmark and figure.

    Raises:
        UsageMistake: a limit has no `min` and no `max`, no unit, or an unknown key.
    """
    limits = typed(read_toml(file), dict[str, dict[str, Limit]], file)
    for benchmark, figures in limits.items():
        for figure, limit in figures.items():
            if limit == Limit():
                raise UsageMistake(
                    "the limit is missing",
                    file=file,
                    key=f"{benchmark}.{figure}",
                    remedy="Write min, max, or both",
                )
            _ends(limit, file, f"{benchmark}.{figure}")
    return limits


def judged(
    benchmark: str, figures: Mapping[str, float], details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the table of a benchmark: its figures, their limits, and whether they are kept.

    Args:
        benchmark: name of the benchmark in limits.toml.
        figures: the measured values in canonical units, by name. NaN keeps no limit.
        details: further entries of the table.

    Raises:
        KeyError: a figure that has a limit was not measured.
    """
    limits = read_limits()[benchmark]
    missed = []
    for name, limit in limits.items():
        value, (low, high, unit) = figures[name], _ends(limit, LIMITS, f"{benchmark}.{name}")
        if not low <= value <= high:
            allowed = " and ".join(
                f"{word} {end}"
                for word, end in (("at least", limit.min), ("at most", limit.max))
                if end is not None
            )
            measured = human(value, unit) if math.isfinite(value) else str(value)
            missed.append(f"{name} is {measured}, but should be {allowed}")
    return {
        "figures": dict(figures),
        "limits": {name: msgspec.to_builtins(limit) for name, limit in limits.items()},
        "missed": missed,
        "kept": not missed,
        **(details or {}),
    }


def _ends(limit: Limit, file: Path, key: str) -> tuple[float, float, Unit]:
    """Return the smallest and the largest value that keep a limit, and their unit."""
    low, high, unit = -math.inf, math.inf, Unit.RATIO
    if limit.min is not None:
        unit = _unit_of(limit.min)
        low = parse_quantity(limit.min, unit, file=file, key=f"{key}.min")
    if limit.max is not None:
        unit = _unit_of(limit.max)
        high = parse_quantity(limit.max, unit, file=file, key=f"{key}.max")
    return low, high, unit


def _unit_of(text: str) -> Unit:
    """Return the unit of a quantity; the unit of ratios if the text has no known unit.

    The caller then rejects the text.
    """
    spelling = SPELLINGS.get(text.strip().rpartition(" ")[2])
    return Unit.RATIO if spelling is None else spelling.unit
