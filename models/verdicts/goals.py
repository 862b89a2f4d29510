"""Read goals: joint limits of a file's bytes, accuracy drop and speed.

The grammar, in a budget file: `[goal.SCHEME]` contains `bytes`, `drop` and `speed`, each the limit
of one metric; `[goal]` contains the same for every scheme except the reference. The limit of
`speed` is written "N x paper", which means N times the texts per second of the paper's recipe, see
`models.paper_recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from models import former_names
from models.errors import UsageMistake
from models.verdicts.judge import Budget
from models.verdicts.metrics import FULL_MODEL, METRICS
from models.verdicts.quantities import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GOAL = "goal"
# The metric that each axis of a goal limits.
AXES = {"bytes": "flatbuffer_bytes", "drop": "accuracy_drop", "speed": "speed_ratio_paper"}
_EXAMPLES = {"bytes": '"8378547 bytes"', "drop": '"1 points"', "speed": '"10 x paper"'}
_OVER = " paper"


@dataclass(frozen=True)
class Goal:
    """The limits that a file must meet together.

    Attributes:
        bytes: upper limit of the FlatBuffer's size.
        drop: upper limit of the accuracy drop from the full model.
        speed: lower limit of the texts per second, relative to the paper's recipe.
    """

    bytes: Budget
    drop: Budget
    speed: Budget

    @property
    def limits(self) -> dict[str, Budget]:
        """Return the limits on bytes, drop and speed, by these names."""
        return {axis: getattr(self, axis) for axis in AXES}


def read_goals(table: object, *, file: str, schemes: Collection[str]) -> dict[str | None, Goal]:
    """Read the table `[goal]`; the key None stands for every scheme.

    Args:
        table: value of the key `goal` in the file.
        file: path of the file, for messages.
        schemes: all known names of schemes.

    Raises:
        UsageMistake: an axis is missing or unknown, or a limit cannot be read.
    """
    if not isinstance(table, dict):
        raise UsageMistake(
            f"is {table!r}, not a table", file=file, key=GOAL, remedy=f"Write {_written(GOAL)}"
        )
    own = {name: value for name, value in table.items() if not isinstance(value, dict)}
    goals: dict[str | None, Goal] = {}
    if own or not table:
        goals[None] = _goal(own, file, GOAL)
    for scheme, limits in table.items():
        if not isinstance(limits, dict):
            continue
        if scheme not in schemes or scheme == FULL_MODEL:
            names = ", ".join(name for name in schemes if name != FULL_MODEL)
            raise UsageMistake(
                f"no scheme is called {scheme!r}",
                file=file,
                key=f"{GOAL}.{scheme}",
                remedy=former_names.remedy_for(
                    scheme, former_names.SCHEMES, f"Known schemes: {names}"
                ),
            )
        goals[scheme] = _goal(limits, file, f"{GOAL}.{scheme}")
    return goals


def _goal(limits: Mapping[str, Any], file: str, table: str) -> Goal:
    for name in limits:
        if name not in AXES:
            raise UsageMistake(
                f"{name!r} is not an axis of a goal",
                file=file,
                key=f"{table}.{name}",
                remedy=f"Give only {', '.join(AXES)}",
            )
    missing = [axis for axis in AXES if axis not in limits]
    if missing:
        raise UsageMistake(
            f"gives no {' and no '.join(missing)}, but a goal must limit all three axes",
            file=file,
            key=table,
            remedy=f"Write {_written(table)}; a limit on only one axis is a budget",
        )
    return Goal(**{axis: _limit(axis, limits[axis], file, f"{table}.{axis}") for axis in AXES})


def _limit(axis: str, text: object, file: str, key: str) -> Budget:
    metric = METRICS[AXES[axis]]
    quantity = text
    if axis == "speed":
        if not (isinstance(text, str) and text.endswith(_OVER)):
            raise UsageMistake(
                f"{text!r} does not say what the ratio is relative to", file=file, key=key,
                remedy=f"Write the limit as text, for example {_EXAMPLES[axis]}",
            )  # fmt: skip
        quantity = text.removesuffix(_OVER)
    value = parse_quantity(quantity, metric.unit, difference=metric.difference, file=file, key=key)
    worst = metric.high if metric.better == "lower" else metric.low
    if not metric.low <= value <= metric.high or value == worst:
        raise UsageMistake(
            f"{text!r} is outside the range of {metric.name}, or limits nothing",
            file=file,
            key=key,
            remedy=f"Write the limit like {_EXAMPLES[axis]}",
        )
    side: Literal["max", "min"] = "max" if metric.better == "lower" else "min"
    return Budget(metric.name, side, value, str(text), file, key)


def _written(table: str) -> str:
    limits = ", ".join(f"{axis} = {example}" for axis, example in _EXAMPLES.items())
    return f"[{table}] and below it {limits}"
