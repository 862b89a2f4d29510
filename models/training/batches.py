"""Make batches of variable length, padded to their longest text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.input_roles import IDS, MASK, SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded

# Batches per pool. Texts of similar length share a batch, but only within a pool, so that the order
# stays random otherwise.
POOL = 32
# Lengths are rounded up to a multiple of this, so that kernels get few different shapes.
STEP = 4

Inputs = dict[str, "NDArray[np.int32]"]


@dataclass(frozen=True)
class Part:
    """The texts of a batch that are computed together.

    Attributes:
        rows: indices of the texts in the split.
        weight: weight of each text, chosen so that the mean of the parts' losses is the mean loss
            of the batch.
    """

    rows: NDArray[np.int64]
    weight: float


def cut(split: Encoded, rows: NDArray[np.int64]) -> Inputs:
    """Return ids, mask and segments of some texts, int32 [len(rows), tokens].

    `tokens` is the length of the longest of these texts, rounded up to a multiple of `STEP`.
    """
    longest = int(split.mask[rows].sum(axis=1).max())
    longest = min(-(-longest // STEP) * STEP, split.ids.shape[1])
    return {
        IDS: split.ids[rows, :longest],
        MASK: split.mask[rows, :longest],
        SEGMENTS: split.segments[rows, :longest],
    }


def epoch(split: Encoded, batch: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the indices of the texts in each batch of one epoch.

    The order depends on `seed` alone.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(split.labels))
    lengths = split.mask.sum(axis=1)
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), batch * POOL):
        pool = order[start : start + batch * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [batches[i] for i in generator.permutation(len(batches))]


def parts(rows: list[NDArray[np.int64]], number: int) -> list[Part]:
    """Cut every batch into `number` parts of similar size.

    A batch with fewer texts than parts repeats its first text with weight 0, so that every batch
    has `number` parts.
    """
    cut = []
    for batch in rows:
        for part in np.array_split(batch, number):
            weight = number * len(part) / len(batch)
            cut.append(Part(part if len(part) else batch[:1], weight))
    return cut


def in_order(split: Encoded, batch: int) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of texts in batches of similar length, so that there is little padding."""
    order = np.argsort(split.mask.sum(axis=1), kind="stable")
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
