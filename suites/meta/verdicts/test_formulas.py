"""Intervals equal the formulas of their papers, computed in another way."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from models.verdicts import confusion, estimates, intervals, reputation, resampling

NORMAL = NormalDist()
TABLES = np.array(
    [
        [[30, 5, 2, 1], [4, 40, 6, 0], [1, 3, 25, 2]],
        [[2, 1, 0, 0], [0, 9, 3, 1], [2, 0, 14, 0]],
    ]
)
PAIRED = np.random.default_rng(6).integers(0, 9, size=(2, 3, 4, 4))


def macro_f1(tables: np.ndarray) -> np.ndarray:
    """Return Macro-F1 of the groups' pooled tables."""
    return confusion.macro_f1(tables.sum(axis=-3))


def acceleration_of(statistic, tables: np.ndarray) -> float:
    """Return the acceleration of the BCa bootstrap for a single statistic."""
    (acceleration,) = resampling._accelerations(lambda some: statistic(some)[..., None], tables, 1)
    return acceleration


def jackknifed(statistic, tables: np.ndarray) -> float:
    """Return Efron's acceleration, with one text left out at a time, centered per group."""
    squares = cubes = 0.0
    for group, table in enumerate(tables):
        values = []
        for cell in np.ndindex(table.shape):
            without = tables.copy()
            without[group, *cell] -= 1
            values += [float(statistic(without))] * table[cell] if table[cell] else []
        mean = sum(values) / len(values)
        squares += sum((mean - value) ** 2 for value in values)
        cubes += sum((mean - value) ** 3 for value in values)
    return cubes / (6 * squares**1.5)


@pytest.mark.parametrize("statistic", [macro_f1, reputation.official_accuracy, reputation.f_rs])
def test_bootstrap_acceleration_equals_the_jackknife_formula(statistic) -> None:
    acceleration = acceleration_of(statistic, TABLES)
    assert acceleration == pytest.approx(jackknifed(statistic, TABLES), rel=1e-9)
    assert abs(acceleration) > 1e-3


def test_acceleration_of_a_constant_statistic_is_zero() -> None:
    assert acceleration_of(lambda tables: tables.sum(axis=(1, 2, 3)) * 0.0, TABLES) == 0.0


def test_jackknife_skips_groups_that_would_be_empty() -> None:
    alone = np.zeros((2, 3, 4), dtype=np.int64)
    alone[0, 1, 2], alone[1] = 1, TABLES[1]
    # The first group would be empty without its only text, so that the jackknife leaves out only
    # texts of the other group.
    expected = jackknifed(lambda tables: reputation.official_accuracy(tables[..., 1:, :, :]), alone)
    assert acceleration_of(reputation.official_accuracy, alone) == pytest.approx(expected)


@pytest.mark.parametrize("acceleration", [0.0, 0.07, -0.2])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_interval_ends_are_the_quantiles_of_efrons_bca_formula(
    acceleration: float, confidence: float
) -> None:
    # Deliberate ties: five of a hundred values equal the estimate.
    drawn = np.sort(np.repeat(np.arange(20.0) ** 1.5, 5))
    value = float(drawn[30])
    bias = NORMAL.inv_cdf((30 + 35) / 2 / 100)
    expected = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        side = bias + NORMAL.inv_cdf(share)
        expected.append(np.quantile(drawn, NORMAL.cdf(bias + side / (1 - acceleration * side))))
    ends_found = resampling._corrected_ends(drawn, value, acceleration, confidence)
    assert ends_found == pytest.approx(expected)


@pytest.mark.parametrize("value", [-1.0, 99.0])
def test_bias_correction_is_undefined_if_the_estimate_is_beyond_all_resampled_values(
    value: float,
) -> None:
    assert all(map(math.isnan, resampling._corrected_ends(np.arange(20.0), value, 0.0, 0.95)))


@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_bootstrap_interval_combines_resampling_acceleration_and_correction(
    confidence: float,
) -> None:
    drawn = np.sort(macro_f1(next(resampling._resampled(TABLES, 300, 7))))
    value = float(macro_f1(TABLES))
    acceleration = acceleration_of(macro_f1, TABLES)
    low, high = resampling._corrected_ends(drawn, value, acceleration, confidence)
    interval = resampling.counts_interval(
        macro_f1, TABLES, confidence=confidence, resamples=300, seed=7
    )
    assert interval == (low, high)
    assert 0.0 < low < value < high < 1.0


def test_bootstrap_uses_two_thousand_resamples_and_seed_zero_by_default() -> None:
    settings = {"confidence": 0.95, "resamples": 2000, "seed": 0}
    interval = resampling.counts_interval(macro_f1, TABLES)
    assert interval == resampling.counts_interval(macro_f1, TABLES, **settings)
    interval = resampling.drop_interval(macro_f1, PAIRED)
    assert interval == resampling.drop_interval(macro_f1, PAIRED, **settings)


def test_resampling_preserves_the_number_of_texts_in_each_group() -> None:
    drawn = next(resampling._resampled(TABLES, 400, 3))
    assert drawn.shape == (400, 2, 3, 4)
    assert (drawn.sum(axis=(2, 3)) == TABLES.sum(axis=(1, 2))).all()
    assert drawn.mean(axis=0) == pytest.approx(TABLES, abs=0.8)
    assert (drawn[:, TABLES == 0] == 0).all()


def test_pseudo_texts_of_the_bootstrap_are_distributed_like_the_gold_labels() -> None:
    pseudo = resampling._pseudo_texts(PAIRED)
    assert pseudo.sum() == pytest.approx(2.0)
    shares = PAIRED.sum(axis=(2, 3)) / PAIRED.sum()
    for group, gold, first, second in np.ndindex(pseudo.shape):
        one_is_right = (first == gold) != (second == gold)
        answered = 3 not in (first, second)
        expected = shares[group, gold] / 2 if one_is_right and answered else 0.0
        assert pseudo[group, gold, first, second] == pytest.approx(expected)


@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_ends_of_a_drop_interval_are_quantiles_of_the_resampled_drops(confidence: float) -> None:
    beside = resampling._pseudo_texts(PAIRED)
    drawn = next(resampling._resampled(PAIRED, 300, 7, beside))
    first, second = macro_f1(drawn.sum(axis=-1)), macro_f1(drawn.sum(axis=-2))
    ends = np.quantile(first - second, [(1 - confidence) / 2, (1 + confidence) / 2])
    interval = resampling.drop_interval(
        macro_f1, PAIRED, confidence=confidence, resamples=300, seed=7
    )
    assert interval == pytest.approx(ends, abs=1e-12)
    assert interval.low < float(resampling.drop_of(macro_f1, PAIRED)) < interval.high


def test_drop_measured_on_a_single_text_has_the_widest_interval() -> None:
    single_text = np.zeros((1, 3, 4, 4), dtype=np.int64)
    single_text[0, 1, 1, 2] = 1
    low, high = resampling.drop_interval(macro_f1, single_text, resamples=100)
    assert (low, high) == (-1.0, 1.0)


@pytest.mark.parametrize("confidence", [0.95, 0.5])
@pytest.mark.parametrize(("gained", "lost", "trials"), [(12, 5, 200), (3, 0, 40), (0, 7, 60)])
def test_paired_difference_interval_combines_two_exact_intervals(
    gained: int, lost: int, trials: int, confidence: float
) -> None:
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import

    p, q = gained / trials, lost / trials
    ends = [
        binomtest(count, trials).proportion_ci(confidence_level=confidence, method="exact")
        for count in (gained, lost)
    ]
    together = math.sqrt(p * q / ((1 - p) * (1 - q)))

    def reach(left_reach: float, right_reach: float) -> float:
        return math.sqrt(left_reach**2 + right_reach**2 + 2 * together * left_reach * right_reach)

    expected = (
        p - q - reach(p - ends[0].low, ends[1].high - q),
        p - q + reach(ends[0].high - p, q - ends[1].low),
    )
    first = np.arange(trials) < gained
    second = np.arange(trials) >= trials - lost
    interval = intervals.paired_difference_interval(first, second, confidence=confidence)
    assert interval == pytest.approx(expected)
    counted = intervals.difference_from_counts(gained, lost, trials, confidence=confidence)
    assert counted == interval


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (0, 1), (0, 0)])
def test_paired_difference_of_a_single_text_is_inside_its_interval(gained: int, lost: int) -> None:
    first, second = np.array([bool(gained)]), np.array([bool(lost)])
    low, high = intervals.paired_difference_interval(first, second)
    assert -1.0 <= low <= gained - lost <= high <= 1.0


def test_rejects_paired_difference_of_empty_answers() -> None:
    with pytest.raises(intervals.EdgeproofError, match="0 answers cannot be paired with 0"):
        intervals.paired_difference_interval(np.array([], dtype=bool), np.array([], dtype=bool))


@pytest.mark.parametrize("confidence", [0.9, 0.5])
def test_proportion_interval_has_the_requested_confidence(confidence: float) -> None:
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import

    peer = binomtest(7, 10).proportion_ci(confidence_level=confidence, method="exact")
    interval = intervals.proportion_interval(7, 10, confidence=confidence)
    assert interval == pytest.approx((peer.low, peer.high))


def test_quantile_interval_has_the_requested_confidence() -> None:
    # For nine samples and 75 %: P(at most 2 below the median) = 0.0898 < 0.125 < P(at most 3) =
    # 0.254.
    assert intervals.quantile_interval(np.arange(1.0, 10.0), 0.5, confidence=0.75) == (3.0, 7.0)
    assert intervals.samples_for_quantile(0.5, confidence=0.75) == 3
    assert intervals.samples_for_quantile(0.9, confidence=0.5) == 14


def test_two_texts_are_enough_for_a_bootstrap_interval() -> None:
    two = np.zeros((1, 3, 4), dtype=np.int64)
    two[0, 0, 0] = two[0, 1, 2] = 1
    low, high = resampling.counts_interval(reputation.official_accuracy, two, resamples=100)
    assert 0.0 <= low <= 0.5 <= high <= 1.0


def test_rejects_quantile_of_two_dimensional_samples() -> None:
    with pytest.raises(
        intervals.EdgeproofError, match=r"samples, of shape \[2, 2\], are not a list"
    ):
        intervals.quantile_interval(np.ones((2, 2)), 0.5)
    assert estimates.quantile(np.array([3.0]), 0.5).value == 3.0
