"""Read where failed variants leave the float32 one (results of `models.localizing`)."""

# ruff: noqa: RUF012 - msgspec gives each table an empty list or table of its own
from __future__ import annotations

from typing import Literal

from models.escaping import one_line
from models.extensible_tables import Open

# Characters of a text, and of a name in a sentence.
LONGEST_TEXT, LONGEST_NAME = 300, 80


class Point(Open, frozen=True, kw_only=True):
    """An operator whose tensor exists in both files.

    Attributes:
        operator: its kind.
        tensor: what it writes.
        nan: how many NaN that holds over the texts.
        inf: how many infinities.
        sqnr_db: signal over quantization noise, dB; None without either, or with NaN or Inf.
    """

    operator: str
    tensor: str
    nan: int
    inf: int
    sqnr_db: float | None

    def is_same(self, second: Point) -> bool:
        """Tell whether it is the same point as another one, apart from further keys."""
        own, others = (
            (point.operator, point.tensor, point.nan, point.inf, point.sqnr_db)
            for point in (self, second)
        )
        return own == others


class Flip(Open, frozen=True, kw_only=True):
    """A text whose label flipped.

    Attributes:
        row: its place in the test split.
        gold: its gold label.
        labels: what float32 and the variant call it.
        margins: by how many logits each preferred its label to the next.
        text: its words; empty if the corpus may not be passed on.
        group: what it is about; empty likewise.
    """

    row: int
    gold: str
    labels: dict[str, str]
    margins: dict[str, float]
    text: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if self.labels.keys() != self.margins.keys():
            raise ValueError("`labels` and `margins` are of different models")

    @property
    def said(self) -> str:
        """Its text, or its row if the text may not be shown."""
        return f'"{one_line(self.text, LONGEST_TEXT)}"' if self.text else f"test text {self.row}"

    def as_sentence(self) -> str:
        """Return the text with the answers of both models."""
        answers = [f"{_name(name)} {self.answer(name)}" for name in self.labels]
        return f"{self.said}: gold {_name(self.gold)}, {', '.join(answers)}"

    def answer(self, name: str) -> str:
        """Return a model's label, and its margin in logits."""
        return f"{_name(self.labels[name])} by {self.margins[name]:.3g}"


class Localization(Open, frozen=True, kw_only=True):
    """The result of one scheme.

    Attributes:
        scheme: its name.
        tests: ids of the red tests that asked.
        flips: texts whose label flipped, at most the twenty that float32 was surest of.
        flipped: how many there are.
        curve: the operators in execution order.
        diverges_at: the first of them with NaN or Inf, else the first below `diverged_db`.
        diverged_db: dB.
        mended_by_float: kinds of operators whose return to float mends the answers.
        not_finite: the first operator of all that gives NaN or Inf.
        not_localized: why there is no curve.
        matched: whether the operators of both files were found the same by the names of what they
            write, or by their order.
        notes: what else has to be known: the rest of a sentence each.
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
            raise ValueError("`diverges_at` is none of the operators of `curve`")
        if point is not None and point.sqnr_db is None and not (point.nan or point.inf):
            raise ValueError("`diverges_at` has neither an SQNR nor NaN or Inf")
        if self.curve and point is None and self.diverged_db is None:
            raise ValueError("`diverged_db` is missing where nothing diverges")

    @property
    def first(self) -> int | None:
        """Where the curve diverges first."""
        divergence = self.diverges_at
        if divergence is None:
            return None
        same = (place for place, point in enumerate(self.curve) if point.is_same(divergence))
        return next(same, None)

    @property
    def broken(self) -> list[int]:
        """The positions of NaN or Inf in the curve."""
        return [place for place, point in enumerate(self.curve) if point.nan or point.inf]

    @property
    def counts(self) -> tuple[int, int]:
        """How many NaN and how many infinities the curve holds."""
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
            sentence += f"; mended by {' and '.join(map(_name, self.mended_by_float))} in float"
        if self.matched == "order":
            sentence += (
                "; operators were matched by their order, because the two files name them "
                "differently"
            )
        return "; ".join((sentence, *map(one_line, self.notes)))

    def _where(self) -> str:
        divergence, first = self.diverges_at, self.first
        if divergence is None or first is None:
            return f"no operator is below {self.diverged_db:g} dB of signal over noise"
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
