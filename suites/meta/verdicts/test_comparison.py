"""Latency comparisons cancel drift and interruptions, ignore noise, and repeat doubtful races."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.verdicts import comparison
from models.verdicts.comparison import RacedRatio, latency_ratio, noise_floor, race_until_sure
from models.verdicts.judge import Budget, Estimate, Verdict, judge

BUDGET = Budget("latency_ratio", "max", 1.0, "1 x", "budgets.toml", "latency_ratio.max")
SLOWER = RacedRatio(Estimate(1.10, 1.07, 1.12, 40), 0.02)


def test_drift_and_interruptions_cancel_in_the_latency_ratio() -> None:
    random = np.random.default_rng(8)
    drift = np.linspace(1.0, 5.0, 400)
    interrupted = np.where(random.random((2, 400)) < 0.4, 3.0, 1.0)
    reference = drift * interrupted[0] * random.normal(1.0, 0.003, 400)
    slower = 1.1 * drift * interrupted[1] * random.normal(1.0, 0.003, 400)
    estimate = latency_ratio(slower, reference)
    assert 1.08 < estimate.low < 1.1 < estimate.high < 1.12
    assert estimate.n == 40


def test_only_the_fastest_time_of_each_complete_block_is_used() -> None:
    samples = np.arange(25.0) + 3.0
    assert comparison.fastest_of_blocks(samples).tolist() == [3.0, 13.0]
    assert comparison.fastest_of_blocks(samples[:4]).tolist() == [3.0]


@pytest.mark.parametrize(
    ("numerators", "denominators", "message"),
    [
        ([1.0, 2.0], [1.0], "2 latencies cannot be paired with 1"),
        ([1.0, 0.0], [1.0, 1.0], "^a latency is zero or negative"),
        ([1.0, 1.0], [1.0, 0.0], "^a latency is zero or negative"),
        ([1.0, 1.0], [1.0, -1.0], "^a latency is zero or negative"),
        ([1.0, math.nan], [1.0, 1.0], "not a list of finite numbers"),
        ([], [], "not a list of finite numbers"),
    ],
)
def test_rejects_latencies_that_cannot_be_compared(
    numerators: list[float], denominators: list[float], message: str
) -> None:
    with pytest.raises(EdgeproofError, match=message):
        latency_ratio(np.array(numerators), np.array(denominators))


def test_noise_floor_is_the_largest_deviation_of_a_model_from_itself() -> None:
    once = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 10)
    assert noise_floor(once, once) == 0.0
    unlike = np.repeat([0.95, 1.0, 1.0, 1.0, 1.0, 1.02], 10)
    assert noise_floor(unlike, once) == pytest.approx(1 / 0.95 - 1)
    assert noise_floor(once, unlike) == pytest.approx(1 / 0.95 - 1)


def test_fastest_times_of_blocks_are_float64() -> None:
    assert comparison.fastest_of_blocks(np.ones(20, dtype=np.float32)).dtype == np.float64


def test_noise_floor_may_exceed_one_half() -> None:
    once, twice = np.ones(60), np.full(60, 2.0)
    assert noise_floor(twice, once) == noise_floor(once, twice) == 1.0


def test_noise_floor_of_too_few_blocks_is_infinite() -> None:
    assert noise_floor(np.ones(50), np.ones(50)) == math.inf


def test_ratio_from_a_single_block_has_an_infinite_interval() -> None:
    wide = RacedRatio(Estimate(0.5, -math.inf, math.inf, 1), math.inf).widened
    assert (wide.low, wide.high) == (-math.inf, math.inf)


def test_ratio_with_an_infinite_noise_floor_is_inconclusive() -> None:
    judgment = judge(RacedRatio(SLOWER.ratio, math.inf).widened, BUDGET, scheme="float16")
    assert judgment.verdict is Verdict.INCONCLUSIVE


def test_noise_floor_widens_both_ends_of_the_interval() -> None:
    wide = SLOWER.widened
    assert (wide.low, wide.value, wide.high, wide.n) == (1.07 / 1.02, 1.10, 1.12 * 1.02, 40)


@pytest.mark.parametrize(
    ("verdicts", "lengths"),
    [
        ("pass", [1]),
        ("fail pass", [1, 1]),
        ("fail fail", [1, 1]),
        ("inconclusive pass", [1, 4]),
        ("inconclusive fail", [1, 4]),
        ("inconclusive inconclusive fail", [1, 4, 16]),
        ("inconclusive inconclusive inconclusive", [1, 4, 16]),
        ("fail inconclusive pass", [1, 1, 4]),
    ],
)
def test_failed_races_are_repeated_and_inconclusive_races_lengthened(
    verdicts: str, lengths: list[int]
) -> None:
    expected_verdicts = [Verdict(verdict) for verdict in verdicts.split()]
    lengths_asked: list[int] = []

    def race(number: int, length: int) -> RacedRatio:
        assert number == len(lengths_asked)
        lengths_asked.append(length)
        return RacedRatio(Estimate(1.0, 0.97, 1.03, len(lengths_asked)), 0.02)

    races = race_until_sure(race, lambda raced: expected_verdicts[raced.ratio.n - 1])
    assert lengths_asked == lengths
    assert len(races) == len(expected_verdicts)


@pytest.mark.parametrize(
    ("seconds", "lengths"), [(7.5, [1, 4, 16]), (8.0, [1, 4, 4]), (32.0, [1, 1, 1])]
)
def test_length_of_a_race_is_limited(seconds: float, lengths: list[int]) -> None:
    lengths_asked: list[int] = []

    def race(_: int, length: int) -> RacedRatio:
        lengths_asked.append(length)
        return RacedRatio(Estimate(1.0, 0.9, 1.2, 16), 0.02, length * seconds)

    race_until_sure(race, lambda _: Verdict.INCONCLUSIVE)
    assert lengths_asked == lengths


def test_slowdown_below_the_noise_floor_is_inconclusive() -> None:
    within = RacedRatio(Estimate(1.04, 1.03, 1.05, 40), 0.04)
    assert judge(within.widened, BUDGET, scheme="float16").verdict is Verdict.INCONCLUSIVE
