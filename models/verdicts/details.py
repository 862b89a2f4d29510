"""Define the details of a measurement: raw samples, tables, the reason of a change.

The table is open: a gate may keep more than stands here, and results.json holds it.
"""
# ruff: noqa: RUF012 - msgspec gives each table an empty list or table of its own

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from models.extensible_tables import Open

Count = Annotated[int, Meta(ge=0)]
# Beyond these no float is, and no number of ours. Whole numbers are written without a point.
Number = (
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Annotated[float, Meta(ge=-1e300, le=1e300)]
)


class Moved(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The change of a measurement since its baseline.

    Attributes:
        move: in a word, see `models.verdicts.baselines.Move`.
        reason: the sentence that says so.
        because: why the two cannot be compared; "" where they can.
        other_file: how the baseline's file differs from the measured one; "" where it is that.
    """

    move: str
    reason: str
    because: str = ""
    other_file: str = ""


class Looked(Open, frozen=True, kw_only=True, omit_defaults=True):
    """How many texts a gate looked at, out of how many, and why it stopped.

    Attributes:
        texts: that it looked at.
        of: that there are.
        because: why no more.
    """

    texts: Count
    of: Count
    because: str


class Timed(Open, frozen=True, kw_only=True, omit_defaults=True):
    """How many timed answers a gate asked for, out of how many, and why it stopped.

    Attributes:
        asked: single answers, blocks of a race, or rounds, as the measurement counts them.
        of: how many it asks for at the most, at once.
        because: why no more.
    """

    asked: Count
    of: Count
    because: str


class Covered(Open, frozen=True, kw_only=True):
    """How much of a file has proven kernels.

    Attributes:
        multiply_accumulates: the share of them in operators whose kernel was proven.
        operators: how many the file has.
        states: how many of them are proven, deviate, are refused or are not covered.
        texts: how many texts' activations they were fed with, beside drawn values.
        not_recorded: why no activations were recorded; "" where they were.
        drawn_alone: of each graph without recorded activations, where others have some, why.
        graphs: how many the file has.
        asked_graphs: how many of them are computed: their operators were asked.
        not_proven: of each operator that is not proven its name, its place, and why.
    """

    multiply_accumulates: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    operators: int = 0
    states: dict[str, int] = {}
    texts: int = 0
    not_recorded: str = ""
    drawn_alone: list[str] = []
    graphs: int = 1
    asked_graphs: int = 1
    not_proven: list[str] = []


class Details(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The details of a measurement.

    Attributes:
        baseline: the change since the baseline.
        seconds: of each timed answer, in the order of the clock.
        warm_up: how many of them come before the measurement.
        sustained_from: the first of them that counts for the sustained latency.
        confusion: texts by gold label and answered label, [classes, classes].
        flips: texts by the labels of two models, likewise.
        floors: scores of trivial classifiers, by name.
        kernels: what of the file stands on proven kernels.
        looked: how many texts the gate looked at.
        timed: how many timed answers it asked for.
        answered_by: texts by the graph that answered them.
        first_difference: the first text of which an app makes other ids.
        invalid_because: what was wrong with the circumstances.
    """

    baseline: Moved | UnsetType = UNSET
    seconds: list[Number] = []
    warm_up: Count = 0
    sustained_from: Count = 0
    confusion: list[list[Number]] = []
    flips: list[list[Number]] = []
    floors: dict[str, Number] = {}
    kernels: Covered | UnsetType = UNSET
    looked: Looked | UnsetType = UNSET
    timed: Timed | UnsetType = UNSET
    answered_by: dict[str, Count] = {}
    first_difference: str = ""
    invalid_because: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        for name, table in (("confusion", self.confusion), ("flips", self.flips)):
            if len({len(row) for row in table}) > 1:
                raise ValueError(f"`{name}` has rows of different widths")

    @property
    def since_baseline(self) -> Moved | None:
        """The change since the baseline, if it was compared with one."""
        return None if isinstance(self.baseline, UnsetType) else self.baseline
