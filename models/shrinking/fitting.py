"""Find the part of the full model that fits into given bytes and time, and how to train it.

The search chooses the encoder that keeps most of the full one, is fast enough, and leaves room for
the word pieces of nearly all tokens in the train split. It prefers two layers to one, because a
single layer attends to vectors that each depend on one word alone. The remaining bytes are filled
with further word pieces. Nothing else in the corpus affects the choice.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.errors import UsageMistake
from models.row_lengths import shortest_that_fit
from models.shrinking.cost import file_bytes, multiplied, text_time, times_paper
from models.subjects import LessonTable, TrainingTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from models.networks.architecture import Architecture
    from models.subjects import ShrunkTable

# Share of the allowed bytes to leave free: the error of the estimated file size.
FREE = 0.005
# Share by which the estimated speed must exceed the requested one, so that the whole interval of a
# measurement does.
FASTER = 0.09
# Step of the feed-forward width: kernels compute 64 units together.
STEP = 64
# Shares of the attention heads that are kept. A quarter or a sixth of the heads is used only if two
# layers do not fit otherwise.
HEADS = (Fraction(1), Fraction(2, 3), Fraction(1, 2), Fraction(1, 3))
FEWEST_HEADS = (Fraction(1, 4), Fraction(1, 6))
# Preferred number of layers, if they fit.
LAYERS = 2
# Divisors of the network's width that give the width of word vectors. ALBERT's is a sixth: 128 of
# 768 (Lan et al. 2020, table 3).
NARROW = (1, 2, 3, 6, 8, 12)
# Minimum share of the train split's tokens whose word pieces are kept.
COVERED = 0.98
# Multiply-accumulates of the small model for all texts that it is taught: about ten minutes to half
# an hour on one core.
EFFORT = 10**13
# Largest number of texts in an epoch, including altered copies, which extend a smaller train split,
# and largest number of altered copies of a text. The full model classifies each of them once.
EPOCH, COPIES = 130_000, 16
# Texts per batch, and the learning rate for one layer; it is divided by the number of layers.
BATCH, RATE_OF_ONE_LAYER = 32, 6e-4
TEMPERATURE, WEIGHT = 2.0, 0.9
# Momentum of the moving average of the weights: about the last 500 updates. With the average, a
# model after any epoch answers as if the learning rate had fallen to zero by then, so that epochs
# can be compared and the best one kept.
AVERAGING = 0.998
# The training ends after this many epochs in which the answers to the validation split have not
# come closer to the full model's.
PATIENCE = 2


@dataclass(frozen=True)
class Fit:
    """The inputs of the search for a small model.

    Attributes:
        full: the full model.
        uses: how often the train split uses each of its word pieces, [vocabulary].
        rows: number of texts in the train split by the length of their row in tokens.
    """

    full: Architecture
    uses: NDArray[np.int64]
    rows: dict[int, int]

    @classmethod
    def of(
        cls,
        full: Architecture,
        uses: NDArray[np.int64],
        mask: NDArray[np.int32],
        lengths: Sequence[int],
    ) -> Fit:
        """Return the inputs of the search for a train split.

        Args:
            full: the full model.
            uses: how often the train split uses each of its word pieces, [vocabulary].
            mask: mask of the train split [texts, tokens], 1 for a token and 0 for padding.
            lengths: row lengths of the file in tokens, ascending.
        """
        row_lengths = shortest_that_fit(mask, lengths)
        return cls(full, uses, {tokens: int((row_lengths == tokens).sum()) for tokens in lengths})

    @property
    def texts(self) -> int:
        """Return the number of texts in the train split."""
        return sum(self.rows.values())

    def mean(self, costs: Mapping[int, float]) -> float:
        """Return the mean cost of a text, given the cost by row length."""
        return sum(costs[tokens] * texts for tokens, texts in self.rows.items()) / self.texts


def fit(table: ShrunkTable, task: Fit) -> ShrunkTable:
    """Return the table with `bytes` and `speed` replaced by the sizes and training found for them.

    Raises:
        UsageMistake: no part of the full model fits.
    """
    largest = math.floor(table.byte_limit * (1 - FREE))
    needed = _needed(task.uses)
    fitting = [
        shape
        for shape in _shapes(task, needed)
        if file_bytes(shape, tuple(task.rows)) <= largest
        and _speed(shape, task) >= table.times_paper * (1 + FASTER)
    ]
    if not fitting:
        raise UsageMistake(
            f"no part of the full model fits into {table.bytes}"
            + (f" at {table.speed}" if table.speed else "")
            + f" with the {needed:,} word pieces that cover {COVERED:.0%} of the training tokens",
            key="shrunk",
            remedy="Allow more bytes or more time, or set `pieces`, `layers` and "
            "`intermediate` yourself",
        )
    chosen = max(fitting, key=lambda shape: _rank(shape, task))
    training, lesson = _teaching(chosen, task)
    return msgspec.structs.replace(
        table,
        bytes=None,
        speed=None,
        pieces=_pieces(chosen, task, largest),
        layers=tuple(range(chosen.layers)),
        heads=chosen.heads,
        intermediate=chosen.intermediate,
        embedding=chosen.embedding,
        activation="relu",
        pooler=False,
        training=training,
        distillation=lesson,
        rounding="int4",
    )


def _needed(uses: NDArray[np.int64]) -> int:
    """Return how many of the most frequent word pieces cover the share `COVERED` of tokens."""
    covered = np.cumsum(np.sort(uses)[::-1]) / uses.sum()
    return int(np.searchsorted(covered, COVERED)) + 1


def describe(table: ShrunkTable) -> str:
    """Describe the small model that a table defines, in one line."""
    layers, epochs = table.layers or (), table.training.epochs if table.training else 0
    return (
        f"{table.pieces:,} word pieces of {table.embedding} values, {len(layers)} layers of "
        f"{table.heads} heads and {table.intermediate} units, trained for {epochs} "
        "epochs"
    )


def _shapes(task: Fit, pieces: int) -> Iterator[Architecture]:
    """Yield every network that the search tries.

    Each network keeps the first layers, whose inputs stay the same. Sajjad et al. 2023, "On the
    effect of dropping layers of pre-trained transformer models", compare six ways to choose layers:
    dropping the last layers costs least.
    """
    full = task.full
    for layers, share_of_heads, units, width_divisor in itertools.product(
        range(1, full.layers + 1),
        HEADS + FEWEST_HEADS,
        range(STEP, full.intermediate + 1, STEP),
        NARROW,
    ):
        heads = max(1, int(full.heads * share_of_heads))
        yield replace(
            full,
            vocabulary=pieces,
            positions=max(task.rows),
            layers=layers,
            heads=heads,
            attention_width=full.width_of(heads),
            intermediate=units,
            # An even width, because two 4-bit values share a byte.
            embedding=full.embedding
            if width_divisor == 1
            else full.hidden // width_divisor // 2 * 2,
            pooled=False,
            first_token_last=True,
        )


def _speed(shape: Architecture, task: Fit) -> float:
    """Return the estimated speed as a multiple of the paper's recipe."""
    return times_paper(task.mean({tokens: text_time(shape, tokens) for tokens in task.rows}))


def _rank(shape: Architecture, task: Fit) -> tuple[int, bool, float, int]:
    """Return the values by which the search compares networks, the most important first."""
    enough_heads = shape.heads >= task.full.heads * min(HEADS)
    return min(shape.layers, LAYERS), enough_heads, _kept(shape, task.full), shape.embedding


def _kept(shape: Architecture, full: Architecture) -> float:
    """Return how much of the full encoder a small one keeps, from 0 to 1.

    This is the share of layers, squared, times the geometric mean of the shares of heads and units.
    It orders networks of about the same speed by their distance from the full model, see
    docs/small.md.
    """
    layers, heads, units = (
        getattr(shape, part) / getattr(full, part) for part in ("layers", "heads", "intermediate")
    )
    return float(layers**2 * math.sqrt(heads * units))


def _pieces(shape: Architecture, task: Fit, largest: int) -> int:
    """Return how many word pieces fit into a file of `largest` bytes, at most the vocabulary."""
    without_pieces, with_one_piece = (
        file_bytes(replace(shape, vocabulary=pieces), tuple(task.rows)) for pieces in (0, 1)
    )
    return min(
        (largest - without_pieces) // (with_one_piece - without_pieces), task.full.vocabulary
    )


def _teaching(shape: Architecture, task: Fit) -> tuple[TrainingTable, LessonTable]:
    """Return the settings with which a small network is trained and taught.

    Teaching takes about `EFFORT` multiply-accumulates, but at least one epoch.
    """
    taught = EFFORT / task.mean({tokens: multiplied(shape, tokens) for tokens in task.rows})
    copies = min(COPIES, max(0, round(min(taught, EPOCH) / task.texts) - 1))
    lesson = LessonTable(temperature=TEMPERATURE, weight=WEIGHT, copies=copies)
    training = TrainingTable(
        epochs=max(1, round(taught / (task.texts * (1 + copies)))),
        batch=BATCH,
        learning_rate=RATE_OF_ONE_LAYER / shape.layers,
        averaging=AVERAGING,
        patience=PATIENCE,
    )
    return training, lesson
