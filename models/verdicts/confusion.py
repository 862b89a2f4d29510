"""Count texts by gold label and predicted label, and compute scores from the counts.

A table has the shape [..., classes, classes + 1]: gold label by predicted label; the last column
counts texts without a prediction. Leading axes are groups or resamples, so that one numpy
expression computes a score of one or of thousands of tables. Labels are integer arrays [n]; if the
labels are ordered, 0 is the worst. A prediction may be MISSING.
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
    """The scores of each label (0 if the denominator is 0), and its gold and predicted counts."""

    precision: Floats
    recall: Floats
    f1: Floats
    in_gold: Counts
    answered: Counts


def confusion(
    gold: Labels, predicted: Labels, groups: Sequence[str] | None = None, *, classes: int
) -> Counts:
    """Count the texts by group, gold label and predicted label.

    Args:
        gold: gold labels [n].
        predicted: predicted labels [n]; MISSING for a text without a prediction.
        groups: the group of each text [n]; None if all texts belong to the same group.
        classes: number of labels.

    Returns:
        Tables [groups, classes, classes + 1], in the order of the sorted groups.

    Raises:
        EdgeproofError: the arrays are empty or differ in length, or a label is not one of the
            classes.
    """
    owners = _owners(gold, groups)
    if gold.size == 0 or not gold.shape == predicted.shape == owners.shape == (gold.size,):
        raise EdgeproofError(
            f"cannot score {gold.size} gold labels, {predicted.size} answers and "
            f"{owners.size} groups: the numbers must be equal and above 0",
            remedy="Give one gold label, one answer and one group per text, and at least one text",
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
    """Count the texts by group, gold label and the predicted labels of two models.

    Args:
        gold: gold labels [n].
        first: labels from the first model [n]; MISSING for a text without a prediction.
        second: labels from the second model [n]; MISSING for a text without a prediction.
        groups: as in `confusion`.
        classes: number of labels.

    Returns:
        Counts [groups, classes, classes + 1, classes + 1]. Their sum over the last axis gives the
        first model's tables, and their sum over the axis before it the second model's.

    Raises:
        EdgeproofError: as in `confusion`, for either model.
    """
    shape = (*confusion(gold, first, groups, classes=classes).shape, classes + 1)
    # Validate the second model's labels, with the same error messages.
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
    """Return the share of texts with the right label, [...]; a missing prediction is wrong."""
    right = np.trace(tables[..., :-1], axis1=-2, axis2=-1)
    return np.asarray(right / tables.sum(axis=(-2, -1)))


def class_scores(tables: Counts) -> ClassScores:
    """Return precision, recall, F1 and counts of each label, [..., classes].

    F1 is 2 hits / (gold + answered).
    """
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
    """Return the mean recall of the labels that occur in gold, [...]."""
    scores = class_scores(tables)
    return _mean_where(scores.recall, scores.in_gold > 0)


def macro_f1(tables: Counts) -> Floats:
    """Return the mean F1 of the labels that occur in gold or in the predictions, [...]."""
    scores = class_scores(tables)
    return _mean_where(scores.f1, scores.in_gold + scores.answered > 0)


def shares(parts: Counts | Floats, wholes: Counts | Floats, *, otherwise: float = 0.0) -> Floats:
    """Divide parts by wholes, element by element; return `otherwise` if a whole is 0."""
    quotients = np.full(np.broadcast_shapes(parts.shape, wholes.shape), otherwise)
    np.divide(parts, wholes, out=quotients, where=wholes > 0)
    return quotients


def _mean_where(values: Floats, counts: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(counts, values, 0.0).sum(axis=-1) / counts.sum(axis=-1))
