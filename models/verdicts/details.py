"""Define the details of a measurement: raw samples, tables, the change since the baseline.

A gate may add keys that are not defined here; results.json contains these keys, too.
"""
# ruff: noqa: RUF012 - msgspec gives each instance a copy of the empty list or table

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from models.files.extensible_tables import Open

Count = Annotated[int, Meta(ge=0)]
# Limits that every number of a measurement respects and that int64 and float64 can represent. Whole
# numbers are written without a decimal point.
Number = (
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Annotated[float, Meta(ge=-1e300, le=1e300)]
)


class Moved(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The change of a measurement since its baseline.

    Attributes:
        move: kind of the change, see `models.verdicts.baselines.Move`.
        reason: a sentence about the change.
        because: why the two measurements cannot be compared; "" if they can.
        other_file: a remark if the baseline was measured on another file; "" if it was not.
    """

    move: str
    reason: str
    because: str = ""
    other_file: str = ""


class Looked(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The number of test texts that a gate used, and the reason why it used no more.

    Attributes:
        texts: number of texts that the gate used.
        of: number of all test texts.
        because: why the gate used no more texts.
    """

    texts: Count
    of: Count
    because: str


class Timed(Open, frozen=True, kw_only=True, omit_defaults=True):
    """The number of timed answers that a gate used, and the reason why it used no more.

    Attributes:
        asked: number of single answers, of blocks of a race, or of rounds, as the measurement
            counts them.
        of: largest number that the gate uses in one measurement.
        because: why the gate used no more.
    """

    asked: Count
    of: Count
    because: str


class Covered(Open, frozen=True, kw_only=True):
    """The number of a file's operators whose kernels were shown to be correct ("proven").

    Attributes:
        multiply_accumulates: share of the file's multiply-accumulates in proven operators.
        operators: number of operators in the file.
        states: number of operators by state: proven, deviates, refused or not covered.
        texts: number of texts whose activations were used as inputs, besides random values.
        not_recorded: why no activations were recorded; "" if some were.
        drawn_alone: if only some graphs have recorded activations, the reason for each graph
            without.
        graphs: number of graphs in the file.
        asked_graphs: number of graphs that are executed and that therefore had their operators
            checked.
        not_proven: name, place and reason for each operator that is not proven.
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
        seconds: seconds of each timed answer, in the order in which they were measured.
        warm_up: number of these answers that are warm-up.
        sustained_from: index of the first answer that counts for the sustained latency.
        confusion: number of texts by gold label and predicted label, [classes, classes].
        flips: number of texts by the labels of two models, [classes, classes].
        floors: scores of trivial classifiers, by name.
        kernels: which operators have proven kernels.
        looked: number of texts that the gate used.
        timed: number of timed answers that the gate used.
        answered_by: number of texts by the signature or the row length with which they were
            classified.
        first_difference: the first text that an app tokenizes differently.
        invalid_because: why the circumstances make the measurement invalid.
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
        """Return the change since the baseline; None if there was no comparison."""
        return None if isinstance(self.baseline, UnsetType) else self.baseline
