"""Estimate metrics: each function returns a value with its interval and sample size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts import confusion, intervals, metrics, reputation
from models.verdicts.intervals import CONFIDENCE, resamples_for
from models.verdicts.judge import Estimate
from models.verdicts.resampling import (
    counts_interval,
    counts_intervals,
    drop_interval,
    drop_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.verdicts.confusion import Counts
    from models.verdicts.metrics import Floats, Labels
    from models.verdicts.resampling import Statistic


class OrderEstimates(NamedTuple):
    """Estimates of how well a system orders the texts within groups: means over the groups."""

    reliability: Estimate
    sensitivity: Estimate
    f_rs: Estimate


def exact(value: float, *, n: int = 1) -> Estimate:
    """Return an estimate without uncertainty, such as a file's size: both ends are the value."""
    return Estimate(float(value), float(value), float(value), n)


def accuracy(gold: Labels, predicted: Labels, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the accuracy with its exact interval, from labels [n]."""
    right = metrics.matches(gold, predicted)
    successes, trials = int(right.sum()), int(right.size)
    low, high = intervals.proportion_interval(successes, trials, confidence=confidence)
    return Estimate(successes / trials, low, high, trials)


def agreement(first: Labels, second: Labels, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share of texts [n] with equal labels from two models, with its exact interval."""
    return accuracy(first, second, confidence=confidence)


def accuracy_drop(
    gold: Labels, reference: Labels, candidate: Labels, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the reference's accuracy minus the candidate's, with a paired interval.

    All labels [n] are of the same texts.
    """
    first, second = metrics.matches(gold, reference), metrics.matches(gold, candidate)
    low, high = intervals.paired_difference_interval(first, second, confidence=confidence)
    gained, lost = int((first & ~second).sum()), int((~first & second).sum())
    return Estimate(
        (gained - lost) / first.size,
        low,
        high,
        int(first.size),
        mcnemar_p=intervals.mcnemar(gained, lost),
    )


def balanced_accuracy(
    gold: Labels, predicted: Labels, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the balanced accuracy with its bootstrap interval, from labels [n]."""
    return _counted(confusion.balanced_accuracy, gold, predicted, confidence)


def macro_f1(gold: Labels, predicted: Labels, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return Macro-F1 with its bootstrap interval, from labels [n]."""
    return _counted(confusion.macro_f1, gold, predicted, confidence)


def balanced_accuracy_drop(
    gold: Labels, reference: Labels, candidate: Labels, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the reference's balanced accuracy minus the candidate's, with its interval.

    The interval is a paired bootstrap interval.

    All labels [n] are of the same texts.
    """
    statistic = _of_all(confusion.balanced_accuracy)
    return _drop(statistic, gold, reference, candidate, confidence=confidence)


def macro_f1_drop(
    gold: Labels, reference: Labels, candidate: Labels, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the reference's Macro-F1 minus the candidate's, with its interval.

    The interval is a paired bootstrap interval. All labels [n] are of the same texts.
    """
    statistic = _of_all(confusion.macro_f1)
    return _drop(statistic, gold, reference, candidate, confidence=confidence)


def f_rs_drop(
    gold: Labels, reference: Labels, candidate: Labels, groups: Sequence[str]
) -> Estimate:
    """Return the reference's F(R,S) minus the candidate's, with its interval.

    The interval is a paired bootstrap interval, resampled within the groups. All labels and groups
    [n] are of the same texts.
    """
    return _drop(reputation.f_rs, gold, reference, candidate, groups)


def official_accuracy(gold: Labels, predicted: Labels, groups: Sequence[str]) -> Estimate:
    """Return the groups' mean accuracy, with its bootstrap interval; inputs are [n]."""
    return _counted_by_group(reputation.official_accuracy, gold, predicted, groups)


def reliability(gold: Labels, predicted: Labels, groups: Sequence[str]) -> Estimate:
    """Return the groups' mean Reliability, with its bootstrap interval; inputs are [n]."""
    return _counted_by_group(reputation.reliability, gold, predicted, groups)


def sensitivity(gold: Labels, predicted: Labels, groups: Sequence[str]) -> Estimate:
    """Return the groups' mean Sensitivity, with its bootstrap interval; inputs are [n]."""
    return _counted_by_group(reputation.sensitivity, gold, predicted, groups)


def f_rs(gold: Labels, predicted: Labels, groups: Sequence[str]) -> Estimate:
    """Return the groups' mean F(R,S), with its bootstrap interval; inputs are [n]."""
    return _counted_by_group(reputation.f_rs, gold, predicted, groups)


def order(gold: Labels, predicted: Labels, groups: Sequence[str]) -> OrderEstimates:
    """Return the estimates of `reliability`, `sensitivity` and `f_rs` from one resampling.

    Labels and groups are [n].
    """
    metrics.matches(gold, predicted)
    classes = _classes(gold, predicted)
    tables = confusion.confusion(gold, predicted, groups, classes=classes)
    values, n = reputation.means(tables), int(tables.sum())
    ends = counts_intervals(reputation.means, tables)
    return OrderEstimates(
        *(
            Estimate(float(value), low, high, n)
            for value, (low, high) in zip(values, ends, strict=True)
        )
    )


def _counted(statistic: Statistic, gold: Labels, predicted: Labels, confidence: float) -> Estimate:
    """Estimate a statistic from the confusion table of all texts."""
    metrics.matches(gold, predicted)
    tables = confusion.confusion(gold, predicted, classes=_classes(gold, predicted))
    return _from_tables(_of_all(statistic), tables, confidence)


def _of_all(statistic: Statistic) -> Statistic:
    """Adapt a statistic of one table to tables [..., groups, ...] with a single group."""
    return lambda tables: statistic(tables[..., 0, :, :])


def _drop(  # noqa: PLR0913 - a statistic and the four arrays that it is computed from
    statistic: Statistic,
    gold: Labels,
    reference: Labels,
    candidate: Labels,
    groups: Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate a statistic's drop from the reference; each text is resampled with both answers.

    Raises:
        EdgeproofError: the arrays are empty, differ in length, or are not label indices.
    """
    metrics.matches(gold, reference)
    metrics.matches(gold, candidate)
    classes = _classes(gold, np.maximum(reference, candidate))
    tables = confusion.paired_confusion(gold, reference, candidate, groups, classes=classes)
    low, high = drop_interval(
        statistic, tables, confidence=confidence, resamples=resamples_for(confidence)
    )
    return Estimate(float(drop_of(statistic, tables)), low, high, int(tables.sum()))


def _counted_by_group(
    statistic: Statistic, gold: Labels, predicted: Labels, groups: Sequence[str]
) -> Estimate:
    """Estimate a statistic from the confusion tables of the groups."""
    metrics.matches(gold, predicted)
    classes = _classes(gold, predicted)
    return _from_tables(statistic, confusion.confusion(gold, predicted, groups, classes=classes))


def _from_tables(statistic: Statistic, tables: Counts, confidence: float = CONFIDENCE) -> Estimate:
    low, high = counts_interval(
        statistic, tables, confidence=confidence, resamples=resamples_for(confidence)
    )
    return Estimate(float(statistic(tables)), low, high, int(tables.sum()))


def _classes(gold: Labels, predicted: Labels) -> int:
    return int(max(gold.max(), predicted.max())) + 1


def total_variation(first: Floats, second: Floats, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean total variation distance between two models' probabilities [n, c]."""
    distances = metrics.total_variations(first, second)
    low, high = intervals.mean_interval(
        distances, confidence=confidence, resamples=resamples_for(confidence)
    )
    return Estimate(float(distances.mean()), low, high, int(distances.size))


def quantile(samples: Floats, at: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a quantile by its nearest rank, without assuming a distribution.

    Use it for latencies (0.5, 0.9, 0.99), and for the median of rates, cold starts and memory
    peaks.

    Args:
        samples: samples [n]; with fewer than `samples_for_quantile(at)`, an end is infinite.
        at: the quantile, between 0 and 1.
        confidence: confidence level of the interval.
    """
    low, high = intervals.quantile_interval(samples, at, confidence=confidence)
    value = float(np.quantile(samples, at, method="inverted_cdf"))
    return Estimate(value, low, high, int(samples.size))
