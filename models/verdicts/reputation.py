"""Compute the measures of RepLab 2013: official accuracy, Reliability and Sensitivity.

All functions take the confusion tables of all groups, [..., groups, classes, classes + 1], from
`confusion`, with labels ordered from the worst to the best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts.confusion import accuracy, shares

if TYPE_CHECKING:
    from models.verdicts.confusion import Counts, Floats


class GroupScores(NamedTuple):
    """Reliability, Sensitivity and their F of each group, [..., groups]."""

    reliability: Floats
    sensitivity: Floats
    f: Floats


def official_accuracy(tables: Counts) -> Floats:
    """Return the unweighted mean of the groups' accuracies, [...].

    A missing prediction is wrong.

    Source: the polarity subtask of RepLab 2013.
    """
    return np.asarray(accuracy(tables).mean(axis=-1))


def reliability(tables: Counts) -> Floats:
    """Return the mean of the groups' Reliability, [...]; see `group_scores`."""
    return np.asarray(group_scores(tables).reliability.mean(axis=-1))


def sensitivity(tables: Counts) -> Floats:
    """Return the mean of the groups' Sensitivity, [...]; see `group_scores`."""
    return np.asarray(group_scores(tables).sensitivity.mean(axis=-1))


def f_rs(tables: Counts) -> Floats:
    """Return F(R,S): the mean of the groups' F of R and S, [...]; see `group_scores`."""
    return np.asarray(group_scores(tables).f.mean(axis=-1))


def means(tables: Counts) -> Floats:
    """Return `reliability`, `sensitivity` and `f_rs`, [..., 3]."""
    return np.stack([score.mean(axis=-1) for score in group_scores(tables)], axis=-1)


def group_scores(tables: Counts) -> GroupScores:
    """Return Reliability, Sensitivity and F of each group, from the counts in its table.

    Two texts of one group are ordered by the sign of the difference of their labels. For a text,
    Sensitivity is the share of its pairs ordered by gold that the system orders in the same way,
    and Reliability is the share of its pairs ordered by the system that gold orders in the same
    way; each is 1 if there is no such pair. A group's R and S are means over its texts, and
    F = 2RS / (R + S), or 0 if both are 0. The system orders no pair with a missing prediction.

    A text's score depends only on its gold label and its predicted label. So all texts in a cell of
    the table have the same score, and pairs need not be enumerated.

    Source: Amigo, Gonzalo, Verdejo, "A General Evaluation Measure for Document Organization
    Tasks", SIGIR 2013.
    """
    # Move the cells to the front, so that sums over thousands of resamples read contiguous memory.
    cells = np.ascontiguousarray(np.moveaxis(tables, (-2, -1), (0, 1)))
    answered, unanswered = cells[:, :-1], cells[:, -1]
    texts = cells.sum(axis=(0, 1))
    gold_ordered = texts - cells.sum(axis=1)
    of_answer = answered.sum(axis=0)
    system_ordered = of_answer.sum(axis=0) - of_answer
    reliable = np.zeros(texts.shape)
    sensitive = np.zeros(texts.shape)
    for gold, answer in np.ndindex(answered.shape[:2]):
        better = answered[gold + 1 :, answer + 1 :].sum(axis=(0, 1))
        worse = answered[:gold, :answer].sum(axis=(0, 1))
        share = answered[gold, answer] / texts
        alike = better + worse
        reliable += share * shares(alike, system_ordered[answer], otherwise=1.0)
        sensitive += share * shares(alike, gold_ordered[gold], otherwise=1.0)
    # Texts without an answer: the system orders them with no other text, so their reliability is 1,
    # and their sensitivity is 0 unless the gold labels order them with none either.
    reliable += unanswered.sum(axis=0) / texts
    sensitive += (unanswered * (gold_ordered == 0)).sum(axis=0) / texts
    f = shares(2 * reliable * sensitive, reliable + sensitive)
    return GroupScores(reliable, sensitive, f)
