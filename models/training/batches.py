"""Batches of variable length: padded to their longest tweet, not to the corpus's maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded

# Tweets of like length share a batch, but only within a pool: order stays random beyond it.
POOL = 32
# Lengths are rounded up, so that kernels meet few distinct shapes.
STEP = 4

Inputs = dict[str, "NDArray[np.int32]"]


def cut(split: Encoded, rows: NDArray[np.int64]) -> Inputs:
    """Return the three inputs of `rows`, each [len(rows), longest], without shared padding."""
    longest = int(split.attention_mask[rows].sum(axis=1).max())
    longest = min(-(-longest // STEP) * STEP, split.input_ids.shape[1])
    return {
        "input_ids": split.input_ids[rows, :longest],
        "attention_mask": split.attention_mask[rows, :longest],
        "token_type_ids": split.token_type_ids[rows, :longest],
    }


def epoch(split: Encoded, batch: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch of one epoch; the order depends on `seed` alone."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(split.labels))
    lengths = split.attention_mask.sum(axis=1)
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), batch * POOL):
        pool = order[start : start + batch * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [batches[i] for i in generator.permutation(len(batches))]


def in_order(split: Encoded, batch: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows shortest first, so that prediction wastes no padding."""
    order = np.argsort(split.attention_mask.sum(axis=1), kind="stable")
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
