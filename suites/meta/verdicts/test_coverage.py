"""At least 94 % of nominal 95 % intervals contain the true value, in 2,000 simulated draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from models.verdicts import comparison, confusion, intervals, reputation
from models.verdicts.resampling import counts_interval, drop_interval, drop_of

DRAWS = 2000
FLOOR = 0.94
# Expected share of texts that only the first, and only the second, model gets right: from models
# that nearly always agree (correlation near 1) to ones that answer independently (near 0).
DISCORDANT = [
    (0.0005, 0.0),
    (0.002, 0.0),
    (0.004, 0.0),
    (0.008, 0.001),
    (0.005, 0.005),
    (0.02, 0.01),
    (0.05, 0.03),
    (0.1, 0.1),
    (0.2, 0.1),
    (0.25, 0.25),
]


# Simulations of ten seconds and more, if a faster case covers the same kind of data.
SLOW = pytest.mark.slow


@pytest.mark.parametrize("trials", [50, 200, 1000, 2000])
@pytest.mark.parametrize(("only_first", "only_second"), DISCORDANT)
def test_interval_of_an_accuracy_drop_covers_the_true_drop(
    trials: int, only_first: float, only_second: float
) -> None:
    random = np.random.default_rng([trials, round(1e4 * only_first), round(1e4 * only_second)])
    shares = [only_first, only_second, 1.0 - only_first - only_second]
    interval = cache(intervals.difference_from_counts)
    truth = only_first - only_second
    covered = 0
    for first, second, _ in random.multinomial(trials, shares, size=DRAWS).tolist():
        low, high = interval(first, second, trials)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize("trials", [20, 500, 2000])
@pytest.mark.parametrize("share", [0.5, 0.85, 0.97, 0.999])
def test_interval_of_a_proportion_covers_the_true_proportion(trials: int, share: float) -> None:
    random = np.random.default_rng([trials, round(1e4 * share)])
    interval = cache(intervals.proportion_interval)
    covered = 0
    for successes in random.binomial(trials, share, size=DRAWS).tolist():
        low, high = interval(successes, trials)
        covered += low <= share <= high
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize(("count", "at"), [(20, 0.5), (200, 0.9), (500, 0.99)])
def test_interval_of_a_quantile_covers_the_true_quantile(count: int, at: float) -> None:
    random = np.random.default_rng([count, round(100 * at)])
    # Latencies have long tails: log-normal, whose quantiles are known.
    from scipy.stats import norm  # noqa: PLC0415 - slow to import, as in the library

    truth = float(np.exp(norm.ppf(at)))
    covered = 0
    for samples in random.lognormal(size=(DRAWS, count)):
        low, high = intervals.quantile_interval(samples, at)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize("blocks", [10, 32])
def test_interval_of_a_latency_ratio_covers_the_true_ratio_while_the_machine_drifts(
    blocks: int,
) -> None:
    random = np.random.default_rng(blocks)
    covered = 0
    for _ in range(DRAWS):
        drift = np.exp(np.cumsum(random.normal(0.0, 0.01, blocks * comparison.BLOCK)))
        noise = random.lognormal(0.0, 0.1, (2, drift.size))
        estimate = comparison.latency_ratio(1.1 * drift * noise[0], drift * noise[1])
        covered += estimate.low <= 1.1 <= estimate.high
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize("statistic", [reputation.official_accuracy, reputation.f_rs])
@pytest.mark.parametrize(
    "sizes",
    [pytest.param((60, 150, 300), id="uneven"), pytest.param((200,) * 4, id="even", marks=SLOW)],
)
def test_interval_of_a_mean_over_groups_covers_the_true_value(
    statistic, sizes: tuple[int, ...]
) -> None:
    random = np.random.default_rng(8)
    odds = random.dirichlet(np.ones(12) + np.eye(3, 4).ravel() * 3, size=len(sizes))
    counts = np.round(1e7 * odds).astype(np.int64).reshape(-1, 3, 4)
    truth = float(statistic(counts))
    covered = 0
    for _ in range(DRAWS):
        drawn = [random.multinomial(n, p) for n, p in zip(sizes, odds, strict=True)]
        tables = np.array(drawn).reshape(-1, 3, 4)
        low, high = counts_interval(statistic, tables, resamples=400)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize(("texts", "far"), [(40, 0.1), (200, 0.02), (200, 0.005), (1000, 0.01)])
def test_interval_of_a_mean_distance_covers_the_true_mean_if_few_texts_change_much(
    texts: int, far: float
) -> None:
    random = np.random.default_rng([texts, round(1e4 * far)])
    truth = far * 0.4 + (1.0 - far) * 0.5 / 60.5
    covered = 0
    for _ in range(DRAWS):
        moved = random.random(texts) < far
        distances = np.where(moved, random.beta(2, 3, texts), random.beta(0.5, 60, texts))
        low, high = intervals.mean_interval(distances, resamples=100)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


# Metric, number of texts in each group, and share of texts for which the second model repeats the
# answer of the first.
DROPS = [
    ("macro_f1", (200,), 0.3),
    ("macro_f1", (200,), 0.95),
    ("macro_f1", (1000,), 0.3),
    ("macro_f1", (1000,), 0.95),
    ("balanced_accuracy", (200,), 0.9),
    ("f_rs", (60, 150, 300), 0.3),
    ("f_rs", (60, 150, 300), 0.95),
]


@pytest.mark.parametrize(
    ("name", "sizes", "together"),
    [
        pytest.param(
            *(name, sizes, like),
            id=f"{name} of {'+'.join(map(str, sizes))} {like:.0%} alike",
            marks=SLOW if (name, like) == ("f_rs", 0.3) else (),
        )
        for name, sizes, like in DROPS
    ],
)
def test_bootstrap_interval_of_a_drop_covers_the_true_drop(
    name: str, sizes: tuple[int, ...], together: float
) -> None:
    random = np.random.default_rng([*sizes, round(100 * together)])
    answers = np.array([[0.7, 0.2, 0.1, 0.0], [0.15, 0.7, 0.15, 0.0], [0.1, 0.2, 0.7, 0.0]])
    alone = np.array([[0.6, 0.3, 0.1, 0.0], [0.2, 0.6, 0.2, 0.0], [0.2, 0.2, 0.6, 0.0]])
    joint = together * np.einsum("ga,ab->gab", answers, np.eye(4))
    joint += (1.0 - together) * np.einsum("ga,gb->gab", answers, alone)
    odds = np.array([0.25, 0.3, 0.45])[:, None, None] * joint

    def statistic(tables: np.ndarray) -> np.ndarray:
        if name == "f_rs":
            return reputation.f_rs(tables)
        return getattr(confusion, name)(tables[..., 0, :, :])

    counts = np.round(1e9 * odds).astype(np.int64)
    truth = float(drop_of(statistic, np.stack([counts] * len(sizes))))
    covered = 0
    for _ in range(DRAWS):
        drawn = [random.multinomial(texts, odds.ravel()) for texts in sizes]
        tables = np.array(drawn).reshape(len(sizes), *odds.shape)
        low, high = drop_interval(statistic, tables, resamples=300)
        covered += low <= truth <= high
    assert covered / DRAWS >= FLOOR


def test_simulation_detects_a_too_narrow_interval() -> None:
    """The planted fault halves the width of the interval, which then covers far less often."""
    random = np.random.default_rng(7)
    interval = cache(intervals.difference_from_counts)
    covered = 0
    for first, second, _ in random.multinomial(2000, [0.05, 0.03, 0.92], size=DRAWS).tolist():
        low, high = interval(first, second, 2000)
        value = (first - second) / 2000
        covered += (low + value) / 2 <= 0.02 <= (high + value) / 2
    assert covered / DRAWS < 0.75
