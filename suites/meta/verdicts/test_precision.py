"""If timing stops once a 95 % interval is narrow, at least 94 % of intervals cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.verdicts.judge import Estimate
from models.verdicts.precision import MEASURED, is_precise
from models.verdicts.single_stream import CHUNK, FEWEST, single_stream
from models.verdicts.stopping import why_enough

DRAWS = 400
# Two standard deviations of a share of 0.95 over this number of draws.
ERROR = 2.0 * math.sqrt(0.95 * 0.05 / DRAWS)


@pytest.mark.parametrize(
    ("low", "high", "precise"),
    [
        (1.0 - MEASURED, 1.0 + MEASURED - 1e-9, True),
        (1.0 - MEASURED, 1.0 + MEASURED + 1e-9, False),
        (1.0, math.inf, False),
        (1.0, 1.0, True),
    ],
)
def test_interval_is_precise_if_each_half_is_narrow(low, high, precise):
    assert is_precise(Estimate(1.0, low, high, 10), MEASURED) is precise


def _until_narrow(random, spread):
    return single_stream(
        lambda _, count: random.lognormal(0.0, spread, count),
        lambda stream: why_enough(stream.percentile(0.5), [], scheme="float32"),
        queries=12 * CHUNK,
        seconds=0.0,
    )


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_median_interval_has_its_coverage_if_timing_stops_once_narrow(spread):
    random, covered, sizes = np.random.default_rng(round(100 * spread)), 0, []
    for _ in range(DRAWS):
        stream = _until_narrow(random, spread)
        sizes.append(stream.seconds.size)
        median = stream.percentile(0.5)
        covered += median.low <= 1.0 <= median.high
    assert covered / DRAWS >= 0.94 - ERROR
    assert (np.mean(sizes) < 2 * FEWEST) == (spread < 0.1), (
        "only noisy latencies may need many queries"
    )


def test_slow_file_with_little_variation_needs_fewer_timings():
    """An interruption of 0.5 ms matters for an answer of 0.5 ms, not for one of 10 ms."""
    sizes = {}
    for seconds in (0.0005, 0.01):
        random = np.random.default_rng(3)
        stream = single_stream(
            lambda _, count, at=seconds, random=random: at + 5e-4 * random.exponential(1.0, count),
            lambda so_far: why_enough(so_far.percentile(0.5), [], scheme="float32"),
            queries=1024,
            seconds=0.0,
        )
        sizes[seconds] = stream.seconds.size
    assert sizes[0.01] < 2 * FEWEST
    assert sizes[0.0005] > 2 * FEWEST
