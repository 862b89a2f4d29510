"""Define the types that record where failed variants deviate from float32.

`models.localizing` finds these deviations.
"""

# ruff: noqa: RUF012 - msgspec gives each instance a copy of the empty list or table
from __future__ import annotations

from typing import Literal

from models.escaping import one_line
from models.files.extensible_tables import Open

# Maximum length of a text, and of a name in a sentence, in characters.
LONGEST_TEXT, LONGEST_NAME = 300, 80


class Point(Open, frozen=True, kw_only=True):
    """An operator whose output tensor exists in both files.

    Attributes:
        operator: kind of the operator.
        tensor: name of its output tensor.
        nan: number of NaN values in that tensor over all texts.
        inf: number of infinite values in that tensor over all texts.
        sqnr_db: ratio of signal to quantization noise, dB; None without signal or noise, or with
            NaN or Inf.
    """

    operator: str
    tensor: str
    nan: int
    inf: int
    sqnr_db: float | None

    def is_same(self, second: Point) -> bool:
        """Tell whether two points are equal in all attributes, apart from keys in `held`."""
        own, others = (
            (point.operator, point.tensor, point.nan, point.inf, point.sqnr_db)
            for point in (self, second)
        )
        return own == others


class Flip(Open, frozen=True, kw_only=True):
    """A text whose label flipped.

    Attributes:
        row: position of the text in the test split.
        gold: its gold label.
        labels: its labels from float32 and from the variant.
        margins: each model's difference in logits between its label and the next best.
        text: the text; empty if the corpus may not be passed on.
        group: the group of the text; empty if the corpus may not be passed on.
    """

    row: int
    gold: str
    labels: dict[str, str]
    margins: dict[str, float]
    text: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if self.labels.keys() != self.margins.keys():
            raise ValueError("`labels` and `margins` must name the same models")

    @property
    def said(self) -> str:
        """Return the quoted text, or its row if the text may not be displayed."""
        return f'"{one_line(self.text, LONGEST_TEXT)}"' if self.text else f"test text {self.row}"

    def as_sentence(self) -> str:
        """Return the text with the answers of both models."""
        answers = [f"{_name(name)} {self.answer(name)}" for name in self.labels]
        return f"{self.said}: gold {_name(self.gold)}, {', '.join(answers)}"

    def answer(self, name: str) -> str:
        """Return a model's label, and its margin in logits."""
        return f"{_name(self.labels[name])} by {self.margins[name]:.3g}"


class Localization(Open, frozen=True, kw_only=True):
    """The localized error of one variant.

    Attributes:
        scheme: name of the variant.
        tests: ids of the failed tests that requested the localization.
        flips: texts whose label flipped; at most twenty, with float32's largest margins.
        flipped: number of texts whose label flipped.
        curve: the operators in execution order.
        diverges_at: the first operator of the curve with NaN or Inf, else the first below
            `diverged_db`.
        diverged_db: limit of the signal-to-noise ratio, dB.
        mended_by_float: kinds of operators that, computed in float, correct the answers.
        not_finite: the first operator in the file that gives NaN or Inf.
        not_localized: why there is no curve.
        matched: how the operators of both files were matched: by the names of their outputs, or by
            their order.
        notes: remarks, each a clause that completes a sentence.
    """

    scheme: str
    tests: list[str]
    flips: list[Flip]
    flipped: int | None = None
    curve: list[Point] = []
    diverges_at: Point | None = None
    diverged_db: float | None = None
    mended_by_float: list[str] | None = None
    not_finite: Point | None = None
    not_localized: str = ""
    matched: Literal["name", "order"] = "name"
    notes: list[str] = []

    def __post_init__(self) -> None:
        point = self.diverges_at
        if point is not None and self.first is None:
            raise ValueError("`diverges_at` must be one of the operators in `curve`")
        if point is not None and point.sqnr_db is None and not (point.nan or point.inf):
            raise ValueError("`diverges_at` has neither an SQNR nor NaN or Inf")
        if self.curve and point is None and self.diverged_db is None:
            raise ValueError("`diverged_db` is missing; it is needed if `diverges_at` is missing")

    @property
    def first(self) -> int | None:
        """Return the position in the curve of `diverges_at`; None if no operator diverges."""
        divergence = self.diverges_at
        if divergence is None:
            return None
        same = (place for place, point in enumerate(self.curve) if point.is_same(divergence))
        return next(same, None)

    @property
    def broken(self) -> list[int]:
        """Return the positions in the curve of the operators that give NaN or Inf."""
        return [place for place, point in enumerate(self.curve) if point.nan or point.inf]

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of NaN and of infinite values, over all operators of the curve."""
        return sum(point.nan for point in self.curve), sum(point.inf for point in self.curve)

    def as_sentence(self) -> str:
        """Return where the error begins and what repairs it, for an explanation."""
        if self.not_finite is not None:
            point = self.not_finite
            return (
                f"{point.operator} ({point.tensor}) is the first operator that gives NaN or Inf: "
                f"{point.nan:,} NaN and {point.inf:,} Inf"
            )
        if not self.curve:
            reason = one_line(self.not_localized) or "no operator in common with the reference"
            return f"not localized: {reason}"
        sentence = f"{self._where()}{self._broken()}"
        if self.mended_by_float:
            sentence += f"; correct with {' and '.join(map(_name, self.mended_by_float))} in float"
        if self.matched == "order":
            sentence += (
                "; operators were matched by their order, because the two files name them "
                "differently"
            )
        return "; ".join((sentence, *map(one_line, self.notes)))

    def _where(self) -> str:
        divergence, first = self.diverges_at, self.first
        if divergence is None or first is None:
            return f"no operator has a signal-to-noise ratio below {self.diverged_db:g} dB"
        level = "NaN or Inf" if divergence.nan or divergence.inf else f"{divergence.sqnr_db:.1f} dB"
        return (
            f"first diverges at operator {first + 1} of {len(self.curve)}, "
            f"{_name(divergence.operator)} ({_name(divergence.tensor)}): {level}"
        )

    def _broken(self) -> str:
        if not self.broken:
            return ", no NaN or Inf"
        nan, inf = self.counts
        count = "1 operator" if len(self.broken) == 1 else f"{len(self.broken)} operators"
        return f", {nan:,} NaN and {inf:,} Inf in {count}"


def _name(text: str) -> str:
    return one_line(text, LONGEST_NAME)
