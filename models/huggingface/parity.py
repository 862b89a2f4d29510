"""Compare a float32 FlatBuffer with PyTorch on padded, unpadded and full rows.

One form of rows is not enough: a missing attention mask changes answers only if rows are padded,
and wrong positions may change them only if rows are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded

    Logits = NDArray[np.float32]

PADDED, UNPADDED, FULL = FORMS = ("padded", "unpadded", "full length")


@dataclass(frozen=True)
class Parity:
    """The differences between a file's logits and PyTorch's, over some texts.

    Attributes:
        same_labels: share of texts with PyTorch's label, among those whose label does not depend on
            rounding.
        logits: largest difference of a logit.
        divergence: mean Kullback-Leibler divergence of the file's probabilities from PyTorch's, in
            nats.
        texts: number of texts.
    """

    same_labels: float
    logits: float
    divergence: float
    texts: int


def compare(expected: Logits, actual: Logits) -> Parity:
    """Compare logits [n, labels] of the same texts; `expected` are PyTorch's.

    A value that is not finite counts as an infinite difference.
    """
    if not np.isfinite(actual).all():
        return Parity(0.0, np.inf, np.inf, len(actual))
    difference = float(np.abs(expected.astype(np.float64) - actual).max())
    decided = _margins(expected) > 2 * np.finfo(np.float32).eps * np.abs(expected).max()
    labels_agree = expected.argmax(axis=1) == actual.argmax(axis=1)
    share = float(labels_agree[decided].mean()) if decided.any() else 1.0
    return Parity(share, difference, _divergence(expected, actual), len(actual))


def _margins(logits: Logits) -> NDArray[np.float64]:
    ordered = np.sort(logits.astype(np.float64), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def _divergence(expected: Logits, actual: Logits) -> float:
    reference, candidate = _log_softmax(expected), _log_softmax(actual)
    return float((np.exp(reference) * (reference - candidate)).sum(axis=1).mean().clip(min=0.0))


def _log_softmax(logits: Logits) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def unpadded(row: Encoded) -> Encoded:
    """Return one row [1, tokens] without the padding at its end."""
    length = int(row.mask.sum())
    return replace(
        row, ids=row.ids[:, :length], mask=row.mask[:, :length], segments=row.segments[:, :length]
    )


def full_length(rows: Encoded, most: int) -> Encoded:
    """Return rows without padding: each has the tokens of several texts between special tokens.

    Args:
        rows: rows [n, tokens], padded at their ends.
        most: largest number of rows; there are fewer if there are too few words.
    """
    tokens = rows.ids.shape[1]
    full: list[NDArray[np.int32]] = []
    waiting: list[NDArray[np.int32]] = []
    for ids, mask in zip(rows.ids, rows.mask, strict=True):
        waiting.append(ids[: int(mask.sum())])
        words = [row[1:-1] for row in waiting]
        if sum(map(len, words)) >= tokens - 2:
            start, end = waiting[0][:1], waiting[0][-1:]
            full.append(np.concatenate([start, np.concatenate(words)[: tokens - 2], end]))
            waiting = []
        if len(full) == most:
            break
    count = len(full)
    return replace(
        rows,
        ids=np.array(full, np.int32).reshape(count, tokens),
        mask=np.ones((count, tokens), np.int32),
        segments=np.zeros((count, tokens), np.int32),
        labels=rows.labels[:count],
    )
