"""Classify texts without a model.

A model that does not score better than these classifiers has learned nothing.

Labels are integer arrays [n], 0 the worst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.verdicts.confusion import Labels


def always_best(texts: int, *, classes: int) -> NDArray[np.int64]:
    """Return the best label for every text, [texts], like RepLab's all-POSITIVE baseline."""
    return np.full(texts, classes - 1)


def majority(train_labels: Labels, texts: int) -> NDArray[np.int64]:
    """Return the most frequent label of training for every text, [texts].

    Raises:
        EdgeproofError: there are no training texts.
    """
    if train_labels.size == 0:
        raise _no_majority(0, 0)
    return np.full(texts, int(np.bincount(train_labels).argmax()))


def group_majority(
    train_labels: Labels, train_groups: Sequence[str], groups: Sequence[str]
) -> NDArray[np.int64]:
    """Return for every text the most frequent label of its group in training, [n].

    Among equally frequent labels, return the one that is more frequent in all training texts. The
    most frequent label of all training texts is also returned for a group without training texts.

    Args:
        train_labels: labels of the training texts [m].
        train_groups: groups of the training texts [m].
        groups: groups of the texts to classify [n].

    Raises:
        EdgeproofError: there are no training texts, or the numbers of labels and groups differ.
    """
    if train_labels.size == 0 or train_labels.size != len(train_groups):
        raise _no_majority(train_labels.size, len(train_groups))
    overall = np.bincount(train_labels)
    counts: dict[str, NDArray[np.int64]] = {}
    for label, group in zip(train_labels, train_groups, strict=True):
        counts.setdefault(group, np.zeros_like(overall))[label] += 1
    # The added shares are less than one text, so they only decide between equally frequent labels.
    shares = overall / (overall.sum() + 1)
    majority = {
        group: int((counts_of_group + shares).argmax()) for group, counts_of_group in counts.items()
    }
    fallback = int(overall.argmax())
    return np.array([majority.get(group, fallback) for group in groups])


def _no_majority(labels: int, groups: int) -> EdgeproofError:
    return EdgeproofError(
        f"cannot find a majority among {labels} training labels with {groups} groups",
        remedy="Give one label and one group for each training text, and at least one text",
    )
