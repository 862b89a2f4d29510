"""Single streams take enough queries and time, cut the warm-up, and separate the first seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.verdicts.intervals import samples_for_quantile
from models.verdicts.single_stream import (
    BATCH,
    CHUNK,
    ENOUGH,
    MOST,
    single_stream,
    stream_of,
    warm_up_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def asked_in(ask: Callable[[int, int], np.ndarray], *, queries: int, seconds: float) -> np.ndarray:
    """Return the seconds of each query in a stream that no interim look ends."""
    return single_stream(ask, lambda _: "", queries=queries, seconds=seconds).seconds


def test_timed_stream_runs_until_the_required_number_of_queries() -> None:
    calls = []

    def ask(start: int, count: int) -> np.ndarray:
        calls.append((start, count))
        return np.full(count, 0.001)

    assert asked_in(ask, queries=70, seconds=0.0).size == 70
    assert calls == [(0, CHUNK), (32, CHUNK), (64, 6)]


def test_stream_runs_until_the_required_time_has_passed() -> None:
    seconds = asked_in(lambda _, count: np.full(count, 0.01), queries=1, seconds=1.0)
    assert 1.0 <= seconds.sum() < 1.0 + CHUNK * 0.01


@pytest.mark.parametrize("slow", [0, 20, 50, 100])
def test_warm_up_ends_where_the_latency_is_stationary(slow: int) -> None:
    random = np.random.default_rng(slow)
    seconds = 0.002 * random.lognormal(0.0, 0.05, 400)
    seconds[:slow] *= np.linspace(4.0, 1.5, slow)
    assert abs(warm_up_of(seconds) - slow) <= 2 * BATCH


def test_single_slow_answer_does_not_move_the_end_of_the_warm_up() -> None:
    seconds = 0.002 * np.random.default_rng(1).lognormal(0.0, 0.01, 400)
    before = warm_up_of(seconds)
    seconds[120] = 1.0
    assert warm_up_of(seconds) == before


def test_warm_up_is_at_most_a_third_of_the_stream() -> None:
    assert warm_up_of(np.linspace(2.0, 1.0, 600)) <= 200


def test_sustained_part_of_a_short_stream_includes_the_first_seconds() -> None:
    stream = stream_of(np.full(600, 0.002))
    assert stream.sustained.size == 600 - stream.warm_up >= ENOUGH == samples_for_quantile(0.99)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_stream_of_few_queries_has_no_warm_up(count: int) -> None:
    stream = stream_of(np.full(count, 0.5))
    assert stream.warm_up == 0
    assert stream.sustained.size >= 1


def test_first_seconds_of_a_stream_are_reported_separately() -> None:
    seconds = np.concatenate([np.full(100, 0.01), np.full(600, 0.02)])
    stream = stream_of(seconds)
    assert stream.first.size + stream.sustained.size + stream.warm_up == seconds.size
    assert stream.first.sum() == pytest.approx(1.0, abs=0.021)
    details = stream.details()
    assert set(details) == {"seconds", "warm_up", "sustained_from"}
    assert (details["seconds"] == seconds).all()
    assert details["warm_up"] == stream.warm_up
    assert details["sustained_from"] == stream.warm_up + stream.first.size


def test_short_stream_is_used_completely_after_the_warm_up() -> None:
    stream = stream_of(np.full(20, 0.001))
    assert stream.sustained.size == 20 - stream.warm_up


def test_stream_is_timed_in_float64_from_the_first_query() -> None:
    calls = []

    def ask(start: int, count: int) -> np.ndarray:
        calls.append((start, count))
        return np.full(count, 0.5, dtype=np.float32)

    seconds = asked_in(ask, queries=40, seconds=20.0)
    # 32 queries take 16 of the 20 seconds, and 40 queries are required.
    assert calls == [(0, CHUNK), (CHUNK, CHUNK)]
    assert seconds.dtype == stream_of(seconds.astype(np.float32)).seconds.dtype == np.float64


@pytest.mark.parametrize(
    ("queries", "asked_for"), [(CHUNK, [(0, CHUNK)]), (40, [(0, CHUNK), (CHUNK, 8)])]
)
def test_stream_stops_when_the_required_time_is_reached_exactly(
    queries: int, asked_for: list[tuple[int, int]]
) -> None:
    calls = []

    def ask(start: int, count: int) -> np.ndarray:
        calls.append((start, count))
        return np.full(count, 0.5)

    # 32 queries take exactly 16 seconds.
    assert asked_in(ask, queries=queries, seconds=16.0).size == queries
    assert calls == asked_for


def test_warm_up_ends_at_the_smallest_standard_error() -> None:
    seconds = np.exp(np.repeat([3.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], BATCH))
    # Squared standard errors without the first 0, 1 and 2 batches: 0.444 / 9, 0.109 / 8 and 0.122 /
    # 7.
    assert warm_up_of(seconds) == BATCH
    assert warm_up_of(seconds[: -3 * BATCH]) == BATCH


@pytest.mark.parametrize("seed", range(20))
def test_computed_end_of_the_warm_up_equals_its_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(15, 900))
    seconds = rng.lognormal(-7.0, 0.2, count) * (1.0 + np.exp(-np.arange(count) / 40.0))
    batches = np.log(seconds[: count // BATCH * BATCH]).reshape(-1, BATCH)
    medians = np.median(batches, axis=1)
    errors = [medians[cut:].var() / (len(medians) - cut) for cut in range(len(medians) // 3)]
    assert warm_up_of(seconds) == BATCH * int(np.argmin(errors))


def test_warm_up_of_a_million_answers_is_found_in_seconds() -> None:
    seconds = np.random.default_rng(0).lognormal(-12.0, 0.1, 1_000_000)
    began = time.process_time()
    warm_up_of(seconds)
    assert time.process_time() - began < 10.0, (
        "one pass takes less than a second; trying all cuts would take days"
    )


@pytest.mark.parametrize("seconds", [[], [0.0, 1.0], [np.nan]])
def test_warm_up_rejects_latencies_that_are_missing_zero_or_nan(seconds: list[float]) -> None:
    with pytest.raises(EdgeproofError, match="are not a single stream"):
        warm_up_of(np.array(seconds))


def test_number_of_queries_is_limited_if_answers_are_very_fast() -> None:
    seconds = asked_in(lambda _, count: np.full(count, 1e-6), queries=40, seconds=20.0)
    assert seconds.size == MOST
