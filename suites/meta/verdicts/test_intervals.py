"""Intervals equal published or brute-force values, and empty data is rejected."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import EdgeproofError
from models.verdicts import estimates, intervals


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 50), (7, 10), (1998, 2000)])
def test_proportion_interval_is_the_clopper_pearson_interval(successes: int, trials: int) -> None:
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import, as in the library

    peer = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="exact")
    assert intervals.proportion_interval(successes, trials) == pytest.approx((peer.low, peer.high))


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("trials", [1, 6, 7, 40, 368, 1024])
def test_quantile_interval_has_the_ranks_of_the_binomial_distribution(
    quantile: float, trials: int
) -> None:
    from scipy.stats import binom  # noqa: PLC0415 - slow to import

    ranks = np.arange(1.0, trials + 1)
    for confidence in (0.95, 0.974, 0.9988):
        tail = (1.0 - confidence) / 2.0
        low = binom.ppf(tail, trials, quantile)
        high = binom.ppf(1.0 - tail, trials, quantile) + 1
        interval = intervals.quantile_interval(ranks, quantile, confidence=confidence)
        assert interval.low == (low if low >= 1 else -math.inf)
        assert interval.high == (high if high <= trials else math.inf)


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_rejects_proportion_with_impossible_counts(successes: int, trials: int) -> None:
    with pytest.raises(EdgeproofError, match="cannot compute a proportion"):
        intervals.proportion_interval(successes, trials)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_drop_between_identical_answers_is_zero_with_an_interval_around_zero(
    right: list[bool],
) -> None:
    gold = np.zeros(len(right), dtype=np.int64)
    answers = np.where(right, 0, 1)
    drop = estimates.accuracy_drop(gold, answers, answers)
    assert drop.value == 0.0
    assert drop.low < 0.0 < drop.high


@settings(deadline=None)
@given(st.integers(1, 500), st.data())
def test_accuracy_drop_lies_in_its_interval_and_changes_sign_if_models_are_swapped(
    trials: int, data: st.DataObject
) -> None:
    only_first = data.draw(st.integers(0, trials))
    only_second = data.draw(st.integers(0, trials - only_first))
    low, high = intervals.difference_from_counts(only_first, only_second, trials)
    back = intervals.difference_from_counts(only_second, only_first, trials)
    value = (only_first - only_second) / trials
    assert -1.0 <= low <= value <= high <= 1.0
    assert back == pytest.approx((-high, -low))


def test_drop_with_errors_of_only_one_model_has_the_exact_upper_end() -> None:
    low, high = intervals.difference_from_counts(4, 0, 1000)
    exact = intervals.proportion_interval(4, 1000)
    assert high == pytest.approx(exact.high)
    assert low < exact.low


def test_paired_interval_is_narrower_than_the_unpaired_interval_if_models_agree() -> None:
    random = np.random.default_rng(0)
    first = random.random(2000) < 0.85
    second = first ^ (random.random(2000) < 0.01)
    low, high = intervals.paired_difference_interval(first, second)
    alone = intervals.proportion_interval(int(first.sum()), 2000)
    assert high - low < 0.4 * (alone.high - alone.low)


def test_rejects_pairing_answers_to_different_texts() -> None:
    with pytest.raises(EdgeproofError, match="3 answers cannot be paired with 2"):
        intervals.paired_difference_interval(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


@pytest.mark.parametrize(("successes", "trials"), [(0, 30), (7, 40), (30, 30), (1, 1)])
def test_mean_of_zeros_and_ones_has_the_interval_of_a_proportion(
    successes: int, trials: int
) -> None:
    values = (np.arange(trials) < successes).astype(np.float64)
    for confidence in (0.95, 0.5):
        interval = intervals.mean_interval(values, confidence=confidence, resamples=20_000)
        exact = intervals.proportion_interval(successes, trials, confidence=confidence)
        assert interval == pytest.approx(exact, abs=0.006)


def test_mean_interval_is_reproducible_with_the_default_resamples_and_seed() -> None:
    values = np.random.default_rng(3).random(400)
    first = intervals.mean_interval(values)
    assert first == intervals.mean_interval(values, confidence=0.95, resamples=2000, seed=0)
    assert first != intervals.mean_interval(values, seed=1)
    half = 1.96 * values.std() / 20.0
    assert first == pytest.approx((values.mean() - half, values.mean() + half), abs=0.006)


@pytest.mark.parametrize("values", [[-0.01, 0.5], [0.5, 1.01]])
def test_rejects_mean_of_values_outside_zero_to_one(values: list[float]) -> None:
    with pytest.raises(EdgeproofError, match=r"values from .* are not between 0 and 1"):
        intervals.mean_interval(np.array(values))


def test_bootstrap_interval_without_variation_has_a_positive_width() -> None:
    gold = np.array([0, 1] * 50)
    estimate = estimates.macro_f1(gold, gold)
    assert estimate.value == estimate.high == 1.0
    assert estimate.low == pytest.approx(0.025**0.01)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (7, 7), (3, 12), (30, 9), (1, 0)])
def test_mcnemar_p_value_is_that_of_the_exact_binomial_test(
    only_first: int, only_second: int
) -> None:
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import

    total = only_first + only_second
    expected = binomtest(only_first, total).pvalue if total else 1.0
    assert intervals.mcnemar(only_first, only_second) == pytest.approx(expected)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_quantile_interval_is_the_narrowest_that_the_binomial_allows(quantile: float) -> None:
    count = 500
    low, high = intervals.quantile_interval(np.arange(1.0, count + 1.0), quantile)
    below = [
        math.comb(count, k) * quantile**k * (1 - quantile) ** (count - k) for k in range(count)
    ]
    assert sum(below[: int(low)]) <= 0.025 < sum(below[: int(low) + 1])
    assert 1 - sum(below[: int(high)]) <= 0.025 < 1 - sum(below[: int(high) - 1])


@pytest.mark.parametrize(("quantile", "needed"), [(0.5, 6), (0.9, 36), (0.99, 368), (0.1, 36)])
def test_quantile_interval_of_too_few_samples_has_an_infinite_end(
    quantile: float, needed: int
) -> None:
    assert intervals.samples_for_quantile(quantile) == needed
    enough = intervals.quantile_interval(np.arange(float(needed)), quantile)
    too_few = intervals.quantile_interval(np.arange(float(needed - 1)), quantile)
    assert all(map(math.isfinite, enough))
    assert not all(map(math.isfinite, too_few))


def test_mean_of_a_single_value_has_a_wide_interval() -> None:
    # The ends are the quantiles of 0.5 w and of 0.5 w + (1 - w), where w, the weight of the value,
    # is uniform between 0 and 1.
    interval = intervals.mean_interval(np.array([0.5]), resamples=20_000)
    assert interval == pytest.approx((0.5 * 0.025, 1.0 - 0.5 * 0.025), abs=0.002)


@pytest.mark.parametrize("share", [estimates.accuracy, estimates.agreement])
def test_accuracy_and_agreement_have_the_exact_binomial_interval(share) -> None:
    first, second = np.arange(10) % 3, np.arange(10) % 3
    second[:3] += 1
    estimate = share(first, second)
    assert (estimate.value, estimate.n) == (0.7, 10)
    assert (estimate.low, estimate.high) == pytest.approx((0.3475, 0.9333), abs=1e-4)


def test_balanced_accuracy_is_the_mean_of_the_recalls() -> None:
    gold = np.array([0] * 40 + [1] * 60)
    predicted = np.where(np.arange(100) < 10, 1, gold)
    estimate = estimates.balanced_accuracy(gold, predicted)
    assert estimate.value == pytest.approx((30 / 40 + 1) / 2)
    # The standard error of half a recall of 30 in 40 is 0.034.
    assert (estimate.low, estimate.high) == pytest.approx((0.875 - 0.067, 0.875 + 0.067), abs=0.02)
    assert estimate.n == 100


def test_estimated_quantile_is_one_of_the_samples() -> None:
    assert estimates.quantile(np.array([10.0, 1.0, 3.0, 2.0]), 0.5).value == 2.0


def test_accuracy_drop_counts_texts_that_only_one_model_classifies_correctly() -> None:
    gold = np.zeros(20, dtype=np.int64)
    reference, candidate = np.arange(20) >= 15, np.arange(20) < 2
    drop = estimates.accuracy_drop(gold, reference.astype(int), candidate.astype(int))
    # The reference errs on five texts, the candidate on two others.
    assert drop.value == pytest.approx(-3 / 20)
    assert drop.mcnemar_p == pytest.approx(intervals.mcnemar(2, 5))
    assert (drop.low, drop.high) == pytest.approx(intervals.difference_from_counts(2, 5, 20))
    assert drop.n == 20


def test_interval_of_an_exact_estimate_has_zero_width() -> None:
    assert estimates.exact(7) == estimates.Estimate(7.0, 7.0, 7.0, 1)
    assert estimates.exact(7, n=3).n == 3


def test_total_variation_of_opposite_answers_is_one() -> None:
    first, second = np.array([[1.0, 0.0]] * 30), np.array([[0.0, 1.0]] * 30)
    estimate = estimates.total_variation(first, second)
    assert (estimate.value, estimate.high, estimate.n) == (1.0, 1.0, 30)
    assert estimate.low == pytest.approx(0.025 ** (1 / 30), abs=0.01)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=80), st.sampled_from([0.5, 0.9, 0.99]))
def test_estimated_quantile_lies_in_its_interval(samples: list[float], at: float) -> None:
    estimate = estimates.quantile(np.array(samples), at)
    assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("samples", [[], [1.0, math.nan], [1.0, math.inf]])
def test_rejects_quantile_of_empty_or_non_finite_samples(samples: list[float]) -> None:
    with pytest.raises(EdgeproofError, match="not a list of finite numbers"):
        intervals.quantile_interval(np.array(samples), 0.5)
