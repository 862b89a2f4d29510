"""The measures of RepLab 2013: official accuracy, Reliability and Sensitivity.

They take the confusion tables of all entities, [..., entities, classes, classes + 1], as
`confusion` counts them, with labels ordered from the worst polarity to the best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts.confusion import accuracy, shares

if TYPE_CHECKING:
    from models.verdicts.confusion import Counts, Floats


class EntityScores(NamedTuple):
    """Reliability, Sensitivity and their F of each entity, [..., entities]."""

    reliability: Floats
    sensitivity: Floats
    f: Floats


def official_accuracy(tables: Counts) -> Floats:
    """Unweighted mean over the entities of their accuracy, [...]; a missing answer is wrong.

    Source: the polarity subtask of RepLab 2013.
    """
    return np.asarray(accuracy(tables).mean(axis=-1))


def reliability(tables: Counts) -> Floats:
    """Mean over the entities of their Reliability, [...]; see `entity_scores`."""
    return np.asarray(entity_scores(tables).reliability.mean(axis=-1))


def sensitivity(tables: Counts) -> Floats:
    """Mean over the entities of their Sensitivity, [...]; see `entity_scores`."""
    return np.asarray(entity_scores(tables).sensitivity.mean(axis=-1))


def f_rs(tables: Counts) -> Floats:
    """F(R,S): mean over the entities of the F of their R and S, [...]; see `entity_scores`."""
    return np.asarray(entity_scores(tables).f.mean(axis=-1))


def entity_scores(tables: Counts) -> EntityScores:
    """Reliability and Sensitivity of each entity, by counting.

    Two tweets of one entity are ordered by the sign of the difference of their labels. For a
    tweet, Sensitivity is the share of its gold-ordered pairs that the system orders the same way,
    Reliability the share of its system-ordered pairs that gold orders the same way, each 1 where
    there is no such pair. An entity's R and S are means over its tweets, F = 2RS / (R + S), 0
    where both are 0. A tweet without answer is in no pair that the system orders.

    What a tweet scores depends only on its gold label and its answer, so every tweet of a cell
    scores alike and no pair is ever enumerated.

    Source: Amigo, Gonzalo, Verdejo, "A General Evaluation Measure for Document Organization
    Tasks", SIGIR 2013.
    """
    tweets = tables.sum(axis=(-2, -1))
    gold_ordered = tweets[..., None] - tables.sum(axis=-1)
    answered = tables[..., :-1]
    of_answer = answered.sum(axis=-2)
    system_ordered = of_answer.sum(axis=-1, keepdims=True) - of_answer
    reliable = np.zeros(tweets.shape)
    sensitive = np.zeros(tweets.shape)
    for gold, answer in np.ndindex(answered.shape[-2:]):
        better = answered[..., gold + 1 :, answer + 1 :].sum(axis=(-2, -1))
        worse = answered[..., :gold, :answer].sum(axis=(-2, -1))
        share = answered[..., gold, answer] / tweets
        alike = better + worse
        reliable += share * shares(alike, system_ordered[..., answer], otherwise=1.0)
        sensitive += share * shares(alike, gold_ordered[..., gold], otherwise=1.0)
    # Without answer: ordered with no tweet by the system, with as many as any by gold.
    reliable += tables[..., -1].sum(axis=-1) / tweets
    sensitive += (tables[..., -1] * (gold_ordered == 0)).sum(axis=-1) / tweets
    f = shares(2 * reliable * sensitive, reliable + sensitive)
    return EntityScores(reliable, sensitive, f)
