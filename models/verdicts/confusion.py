"""Count texts by gold label and answer, and derive scores from the counts.

A table is [..., classes, classes + 1]: gold label by answer, the last column for texts without
answer. Leading axes are groups or resamples, so one expression serves one table and thousands.
Labels are integer arrays [n], 0 the worst where they are ordered; an answer may be MISSING.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

MISSING = -1


class ClassScores(NamedTuple):
    """Scores of each label (0 for an empty denominator), and its counts in gold and answers."""

    precision: Floats
    recall: Floats
    f1: Floats
    in_gold: Counts
    answered: Counts


def confusion(
    gold: Labels, predicted: Labels, groups: Sequence[str] | None = None, *, classes: int
) -> Counts:
    """Count the texts by group, gold label and answer.

    Args:
        gold: labels [n].
        predicted: answers [n], MISSING if there is none.
        groups: the group of each text [n]; None takes all for one.
        classes: how many labels there are.

    Returns:
        Tables [groups, classes, classes + 1], in the order of the sorted groups.

    Raises:
        EdgeproofError: empty, not of one length, or a label is none of the classes.
    """
    owners = _owners(gold, groups)
    if gold.size == 0 or not gold.shape == predicted.shape == owners.shape == (gold.size,):
        raise EdgeproofError(
            f"cannot score {gold.size} gold labels, {predicted.size} answers and "
            f"{owners.size} groups: the numbers must be equal and above 0",
            remedy="Give one gold label, one answer and one group per text, for at least one text",
        )
    if gold.min() < 0 or predicted.min() < MISSING or max(gold.max(), predicted.max()) >= classes:
        raise EdgeproofError(
            f"a label is not one of the {classes} classes",
            remedy=f"Give indices from 0 to {classes - 1}; an answer may be {MISSING} (missing)",
        )
    shape = (int(owners.max()) + 1, classes, classes + 1)
    answers = np.where(predicted == MISSING, classes, predicted)
    cells = np.ravel_multi_index((owners, gold, answers), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def paired_confusion(
    gold: Labels,
    first: Labels,
    second: Labels,
    groups: Sequence[str] | None = None,
    *,
    classes: int,
) -> Counts:
    """Count the texts by group, gold label and the answers of two models.

    Args:
        gold: labels [n].
        first: answers of one model [n], MISSING if there is none.
        second: answers of the other [n], likewise.
        groups: as in `confusion`.
        classes: how many labels there are.

    Returns:
        Counts [groups, classes, classes + 1, classes + 1]; the sum over the last axis is the
        first model's tables, that over the one before it the second's.

    Raises:
        EdgeproofError: as in `confusion`, for either model.
    """
    shape = (*confusion(gold, first, groups, classes=classes).shape, classes + 1)
    # What is wrong with the second model's answers is said likewise.
    confusion(gold, second, classes=classes)
    answers = [np.where(labels == MISSING, classes, labels) for labels in (first, second)]
    cells = np.ravel_multi_index((_owners(gold, groups), gold, *answers), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def _owners(gold: Labels, groups: Sequence[str] | None) -> NDArray[np.int64]:
    """Return the index of each text's group among the sorted groups, [n]."""
    if groups is None:
        return np.zeros(gold.size, dtype=np.int64)
    owners: NDArray[np.int64] = np.unique(np.asarray(groups), return_inverse=True)[1]
    return owners


def accuracy(tables: Counts) -> Floats:
    """Share of texts answered with their gold label, [...]; a missing answer is wrong."""
    right = np.trace(tables[..., :-1], axis1=-2, axis2=-1)
    return np.asarray(right / tables.sum(axis=(-2, -1)))


def class_scores(tables: Counts) -> ClassScores:
    """Return each label's precision, recall, F1 = 2 hits / (gold + answered), counts, [..., c]."""
    hits = np.diagonal(tables[..., :-1], axis1=-2, axis2=-1)
    in_gold = tables.sum(axis=-1)
    answered = tables[..., :-1].sum(axis=-2)
    return ClassScores(
        precision=shares(hits, answered),
        recall=shares(hits, in_gold),
        f1=shares(2 * hits, in_gold + answered),
        in_gold=in_gold,
        answered=answered,
    )


def balanced_accuracy(tables: Counts) -> Floats:
    """Mean recall of the labels that gold holds, [...]."""
    scores = class_scores(tables)
    return _mean_where(scores.recall, scores.in_gold > 0)


def macro_f1(tables: Counts) -> Floats:
    """Mean F1 of the labels that gold or the answers hold, [...]."""
    scores = class_scores(tables)
    return _mean_where(scores.f1, scores.in_gold + scores.answered > 0)


def shares(parts: Counts | Floats, wholes: Counts | Floats, *, otherwise: float = 0.0) -> Floats:
    """Return the parts over wholes, element by element; `otherwise` if a whole is 0."""
    quotients = np.full(np.broadcast_shapes(parts.shape, wholes.shape), otherwise)
    np.divide(parts, wholes, out=quotients, where=wholes > 0)
    return quotients


def _mean_where(values: Floats, counts: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(counts, values, 0.0).sum(axis=-1) / counts.sum(axis=-1))
