"""Read the limits in a device profile: `[budgets.METRIC]` with `max` or `min`, and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from models.errors import UsageMistake
from models.verdicts.judge import Budget
from models.verdicts.metrics import METRICS, remedy_for_metric
from models.verdicts.quantities import human, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_limits(
    tables: Mapping[str, Mapping[str, str]], file: str, section: str
) -> dict[str, Budget]:
    """Read the limits in one section of a device profile; return them by metric.

    Args:
        tables: the limit of each metric, by name.
        file: name of the file, for messages.
        section: name of the section, for messages: "budgets" or "paper".

    Raises:
        UsageMistake: a metric is unknown, `max` or `min` is wrong for it, or a limit has no unit or
            is out of range.
    """
    return {name: _limit(name, table, file, f"{section}.{name}") for name, table in tables.items()}


def _limit(name: str, table: Mapping[str, str], file: str, key: str) -> Budget:
    if name not in METRICS:
        raise UsageMistake(
            f"no metric is called {name!r}",
            file=file,
            key=key,
            remedy=remedy_for_metric(name),
        )
    metric = METRICS[name]
    side: Literal["max", "min"] = "max" if metric.better == "lower" else "min"
    if list(table) != [side]:
        raise UsageMistake(
            f"must hold exactly one limit, but holds {', '.join(table) or 'none'}",
            file=file,
            key=key,
            remedy=f"Give only {side!r}, because {metric.better} is better",
        )
    text = table[side]
    value = parse_quantity(
        text, metric.unit, difference=metric.difference, file=file, key=f"{key}.{side}"
    )
    if not metric.low <= value <= metric.high or value == 0.0:
        raise UsageMistake(
            f"{text!r} is not a possible limit for {name}",
            file=file,
            key=f"{key}.{side}",
            remedy=f"Give a limit above {human(metric.low, metric.unit)}",
        )
    return Budget(name, side, value, text, file, f"{key}.{side}")
