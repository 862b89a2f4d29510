"""Answers that need no model. A model that does not beat them has learned nothing.

Labels are integer arrays [n], 0 the worst polarity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.verdicts.confusion import Labels


def always_best(tweets: int, *, classes: int) -> NDArray[np.int64]:
    """The best polarity for every tweet, [tweets]: RepLab's all-POSITIVE baseline."""
    return np.full(tweets, classes - 1)


def majority(train_labels: Labels, tweets: int) -> NDArray[np.int64]:
    """The polarity that training has most often, for every tweet, [tweets].

    Raises:
        EdgeproofError: no training tweets.
    """
    if train_labels.size == 0:
        raise _no_majority(0, 0)
    return np.full(tweets, int(np.bincount(train_labels).argmax()))


def entity_majority(
    train_labels: Labels, train_entities: Sequence[str], entities: Sequence[str]
) -> NDArray[np.int64]:
    """For every tweet the polarity that its entity has most often in training, [n].

    Of two that are equally frequent, the one more frequent in all training tweets is taken; that
    is also the answer for an entity without training tweets.

    Args:
        train_labels: labels of the training tweets [m].
        train_entities: their entities [m].
        entities: the entities of the tweets to answer [n].

    Raises:
        EdgeproofError: no training tweets, or not one entity for each.
    """
    if train_labels.size == 0 or train_labels.size != len(train_entities):
        raise _no_majority(train_labels.size, len(train_entities))
    overall = np.bincount(train_labels)
    counts: dict[str, NDArray[np.int64]] = {}
    for label, entity in zip(train_labels, train_entities, strict=True):
        counts.setdefault(entity, np.zeros_like(overall))[label] += 1
    # Shares below one whole tweet decide ties and nothing else.
    shares = overall / (overall.sum() + 1)
    majority = {entity: int((each + shares).argmax()) for entity, each in counts.items()}
    fallback = int(overall.argmax())
    return np.array([majority.get(entity, fallback) for entity in entities])


def _no_majority(labels: int, entities: int) -> EdgeproofError:
    return EdgeproofError(
        f"{labels} training labels of {entities} entities have no majority",
        remedy="Give the entity and the label of at least one training tweet",
    )
