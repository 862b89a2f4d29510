"""Compute all measures of predicted labels: overall, by class, by domain and by group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from models.corpus.replab_layout import DOMAINS, POLARITIES
from models.verdicts import confusion, reputation
from models.verdicts.confusion import MISSING
from models.verdicts.trivial_classifiers import always_best, group_majority, majority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.verdicts.confusion import Counts, Floats, Labels

_GROUP_ID = re.compile(r"RL2013D(\d{2})E\d{3}")
_DIGITS = 6

# Names of the trivial classifiers; the placeholder in the first one is the best label.
BEST, OVERALL = "always_{}", "majority_of_training"
OF_TEST = "majority_of_test"
MAJORITY = "group_majority_of_training"

# Measures of a single table, followed by measures of the tables of several groups.
_POOLED: dict[str, Callable[[Counts], Floats]] = {
    "accuracy": confusion.accuracy,
    "balanced_accuracy": confusion.balanced_accuracy,
    "macro_f1": confusion.macro_f1,
}
_BY_GROUP: dict[str, Callable[[Counts], Floats]] = {
    "official_accuracy": reputation.official_accuracy,
    "reliability": reputation.reliability,
    "sensitivity": reputation.sensitivity,
    "f_rs": reputation.f_rs,
}


def score(gold: Labels, predicted: Labels, groups: Sequence[str]) -> dict[str, Any]:
    """Return every measure: overall, by class, by domain and by group.

    Args:
        gold: gold labels [n], indices into POLARITIES.
        predicted: predicted labels [n]; MISSING for a text without a prediction.
        groups: group ids [n].
    """
    tables = confusion.confusion(gold, predicted, groups, classes=len(POLARITIES))
    return {
        "overall": _measures(tables) | {"missing": int((predicted == MISSING).sum())},
        "by_class": _by_class(tables.sum(axis=0)),
        **by_group(gold, predicted, groups),
    }


def by_group(
    gold: Labels,
    predicted: Labels,
    groups: Sequence[str],
    *,
    labels: Sequence[str] = POLARITIES,
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the measures of each group (`by_group`) and of each domain's groups (`by_domain`).

    Args:
        gold: gold labels [n], indices into `labels`.
        predicted: predicted labels [n]; MISSING for a text without a prediction.
        groups: group ids [n]; ids that are not RepLab's belong to the domain "other".
        labels: names of the labels, from the worst to the best.
    """
    tables = confusion.confusion(gold, predicted, groups, classes=len(labels))
    names = sorted(set(groups))
    domains: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        domains.setdefault(domain_of(name), []).append(at)
    return {
        "by_domain": {name: _measures(tables[places]) for name, places in domains.items()},
        "by_group": dict(zip(names, _measures_of_each(tables[:, None]), strict=True)),
    }


def score_trivial_classifiers(
    gold: Labels,
    groups: Sequence[str],
    train: tuple[Labels, Sequence[str]] | None,
    *,
    labels: Sequence[str] = POLARITIES,
    ordered: bool = True,
) -> dict[str, dict[str, float]]:
    """Return the scores of trivial classifiers.

    Args:
        gold: gold labels [n].
        groups: group ids [n].
        train: labels and groups of the training texts; if None, use only the majority of `gold`.
        labels: names of the labels, from the worst to the best if they are ordered.
        ordered: whether the labels are ordered; otherwise there is no best label.
    """
    classes, answers = len(labels), {}
    if ordered:
        answers[BEST.format(labels[-1])] = always_best(gold.size, classes=classes)
    if train is None:
        answers[OF_TEST] = majority(gold, gold.size)
    else:
        answers[OVERALL] = majority(train[0], gold.size)
        answers[MAJORITY] = group_majority(*train, groups)
    return {
        name: _measures(confusion.confusion(gold, labels, groups, classes=classes))
        for name, labels in answers.items()
    }


def domain_of(group_id: str) -> str:
    """Return the domain with which a RepLab group's id begins; "other" for other ids."""
    match = _GROUP_ID.fullmatch(group_id)
    return DOMAINS.get(match[1], "other") if match else "other"


def _measures(tables: Counts) -> dict[str, float]:
    """Return the measures of some groups' pooled texts, and the means over these groups."""
    (measures,) = _measures_of_each(tables[None])
    return measures


def _measures_of_each(sets: Counts) -> list[dict[str, float]]:
    """Return the measures of each of several sets of groups, [sets, groups, *table]."""
    pooled = {name: measure(sets.sum(axis=1)) for name, measure in _POOLED.items()}
    by_group = {name: measure(sets) for name, measure in _BY_GROUP.items()}
    texts, groups = sets.sum(axis=(1, 2, 3)), sets.shape[1]
    return [
        {"texts": int(texts[at]), "groups": groups}
        | {name: round(float(value[at]), _DIGITS) for name, value in (pooled | by_group).items()}
        for at in range(len(sets))
    ]


def _by_class(table: Counts) -> dict[str, dict[str, float]]:
    scores = confusion.class_scores(table)
    return {
        polarity: {
            "precision": round(float(scores.precision[at]), _DIGITS),
            "recall": round(float(scores.recall[at]), _DIGITS),
            "f1": round(float(scores.f1[at]), _DIGITS),
            "in_gold": int(scores.in_gold[at]),
            "answered": int(scores.answered[at]),
        }
        for at, polarity in enumerate(POLARITIES)
    }
