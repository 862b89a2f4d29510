"""Stopping as soon as an interval is narrow keeps its coverage: 94 % of 95 % intervals or more."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.timing import limited_percentiles
from models.verdicts.comparison import BLOCK, FEWEST_BLOCKS, are_precise, latency_ratio
from models.verdicts.estimates import quantile
from models.verdicts.judge import Estimate
from models.verdicts.precision import PRECISE, is_precise
from models.verdicts.single_stream import CHUNK, FEWEST, single_stream, stream_of

DRAWS = 400
# Of a share of 0.95 over so many draws, two standard deviations.
ERROR = 2.0 * math.sqrt(0.95 * 0.05 / DRAWS)


@pytest.mark.parametrize(
    ("low", "high", "precise"),
    [
        (1.0 - PRECISE, 1.0 + PRECISE - 1e-9, True),
        (1.0 - PRECISE, 1.0 + PRECISE + 1e-9, False),
        (1.0, math.inf, False),
        (1.0, 1.0, True),
    ],
)
def test_half_of_the_interval_decides(low, high, precise):
    assert is_precise(Estimate(1.0, low, high, 10)) is precise


@pytest.mark.parametrize("spread", [0.02, 0.1])
def test_median_of_a_stream_that_stops_early_is_covered(spread):
    random, held, asked = np.random.default_rng(round(100 * spread)), 0, []
    for _ in range(DRAWS):
        seconds = single_stream(
            lambda _, count: random.lognormal(0.0, spread, count),
            queries=12 * CHUNK,
            seconds=0.0,
            percentiles={0.5},
        )
        asked.append(seconds.size)
        median = quantile(stream_of(seconds).sustained, 0.5)
        held += median.low <= 1.0 <= median.high
    assert held / DRAWS >= 0.94 - ERROR
    assert (np.mean(asked) < 1.5 * FEWEST) == (spread < 0.1), "only what is noisy is asked for long"


@pytest.mark.parametrize("spread", [0.005, 0.03])
def test_ratio_of_a_race_that_stops_early_is_covered(spread):
    random, held, raced = np.random.default_rng(round(1e3 * spread)), 0, []
    names = ("fixed", "again", "random")
    for _ in range(DRAWS):
        taken = dict.fromkeys(names, np.empty(0))
        for block in range(16):
            taken = {
                name: np.append(before, random.lognormal(0.0, spread, BLOCK))
                for name, before in taken.items()
            }
            enough = block + 1 >= FEWEST_BLOCKS
            if enough and are_precise(taken, ["random"], "fixed", "again"):
                break
        ratio = latency_ratio(taken["random"], taken["fixed"])
        raced.append(ratio.n)
        held += ratio.low <= 1.0 <= ratio.high
    assert held / DRAWS >= 0.94 - ERROR
    assert min(raced) >= FEWEST_BLOCKS
    assert (np.mean(raced) < 8) == (spread < 0.01), "only what is noisy is raced for long"


def test_slow_file_is_asked_fewer_times_for_it_varies_less():
    """Of 10 ms an interruption of 0.1 ms is little, and of 0.5 ms it is much."""
    asked = {}
    for seconds in (0.0005, 0.01):
        random = np.random.default_rng(3)
        taken = single_stream(
            lambda _, count, at=seconds, random=random: at + 1e-4 * random.exponential(1.0, count),
            queries=1024,
            seconds=0.0,
            percentiles={0.5, 0.9},
        )
        asked[seconds] = taken.size
    assert asked[0.01] == FEWEST
    assert asked[0.0005] > 2 * FEWEST


@pytest.mark.parametrize(
    ("device", "own", "limited"),
    [
        ({}, set(), {0.5}),
        ({"latency_p90": 1}, set(), {0.5, 0.9}),
        ({}, {"latency_p99"}, {0.5, 0.99}),
    ],
)
def test_percentiles_that_the_device_or_a_budget_limits_have_to_be_precise(device, own, limited):
    budgets = SimpleNamespace(limit=lambda metric, _: metric if metric in own else None)
    target = SimpleNamespace(device=SimpleNamespace(budgets=device))
    settings = SimpleNamespace(budgets=budgets, guards=None, target=target)
    assert limited_percentiles(settings, "float32") == limited
