"""Measure single-stream latency: one query after the other, as in MLPerf's LoadGen.

Each query is sent when the last one was answered. The stream ends when enough time has passed and
the percentiles have verdicts, so that a file that needs a second for an answer does not get a
thousand queries. Answers before the latency became stationary are warm-up and are left out. The
first seconds after the warm-up are separated from the sustained latency.

Source: MLPerf Inference rules, scenario "single stream"; Reddi et al. 2020, arXiv:1911.02549.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.verdicts.estimates import quantile
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.looks import Look
from models.verdicts.stopping import NO_MORE, TIMED, Stopped, timed_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.verdicts.judge import Estimate
    from models.verdicts.metrics import Floats

BATCH = 5
# Minimum number of batches for finding the warm-up, which is at most a third of them.
FEWEST_TO_CUT = 3
# Number of queries from which the 99th percentile's interval has two finite ends, see
# samples_for_quantile.
ENOUGH = 368
FIRST_SECONDS = 1.0
# Percentile of each metric of a stream.
PERCENTILES = {"latency_p50": 0.5, "latency_p90": 0.9, "latency_p99": 0.99}
# Queries per request. The runner times each query, so the connection does not affect the latencies.
CHUNK = 32
# Minimum number of queries: two thirds of them remain even after the longest warm-up.
FEWEST = 3 * CHUNK
# Maximum number of queries. A file that reaches this number in the given time needs only
# microseconds per query: further queries would not heat the device, and the rank of the 99th
# percentile is already known to a few per mille.
MOST = 16_384


@dataclass(frozen=True, eq=False)
class Stream:
    """The latencies of one stream.

    Attributes:
        seconds: seconds of every query [n], unfiltered.
        warm_up: how many of the first queries are warm-up.
        ordered: whether the queries are in the order in which they were sent.
        confidence: confidence level of the percentiles' intervals.
        stopped: when and why the stream ended; None if its length was fixed.
    """

    seconds: NDArray[np.float64]
    warm_up: int
    ordered: bool = True
    confidence: float = CONFIDENCE
    stopped: Stopped | None = None

    @property
    def first(self) -> NDArray[np.float64]:
        """Return the latencies in the first seconds after the warm-up, [n]."""
        return self.seconds[self.warm_up : self._sustained_from]

    @property
    def sustained(self) -> NDArray[np.float64]:
        """Return the latencies after the first seconds, [n].

        If these are fewer than `ENOUGH`, return all latencies after the warm-up.
        """
        enough = self.seconds.size - self._sustained_from >= ENOUGH
        return self.seconds[self._sustained_from if enough else self.warm_up :]

    @property
    def _sustained_from(self) -> int:
        if not self.ordered:
            return self.warm_up
        elapsed = np.cumsum(self.seconds[self.warm_up :])
        return self.warm_up + max(1, int(np.searchsorted(elapsed, FIRST_SECONDS)))

    def percentile(self, at: float) -> Estimate:
        """Estimate the quantile `at` (0 to 1) of the sustained latency, in seconds."""
        return quantile(self.sustained, at, confidence=self.confidence)

    def details(self) -> dict[str, Any]:
        """Return the seconds of all queries and the warm-up's end, as details of a measurement."""
        timed = {} if self.stopped is None else {TIMED: self.stopped.said()}
        return timed | {
            "seconds": self.seconds,
            "warm_up": self.warm_up,
            "sustained_from": self.seconds.size - self.sustained.size,
        }


def single_stream(
    ask: Callable[[int, int], Floats],
    enough: Callable[[Stream], str],
    *,
    queries: int,
    seconds: float,
) -> Stream:
    """Send one query after the other until there are verdicts and enough time has passed.

    The percentiles are judged in several looks, each after a larger part of `queries`. If `seconds`
    requires so many queries that the number for the following look is reached, too, only the
    following look is taken, with all queries that were sent.

    Args:
        ask: sends queries, and returns the seconds of each; its arguments are the number of the
            first query, and how many to send.
        enough: returns why a stream needs no more queries, "" if it needs more, see `why_enough`.
        queries: number of queries at the last look, at least one.
        seconds: smallest sum of the latencies, unless it needs more than `MOST` queries; 0.0 for no
            such condition.
    """
    chunks: list[Floats] = []
    asked, elapsed = 0, 0.0
    looks = timed_looks(queries, fewest=FEWEST)
    for look, following in itertools.zip_longest(looks, looks[1:]):
        while asked < look.texts or (elapsed < seconds and asked < MOST):
            count = CHUNK if elapsed < seconds else min(CHUNK, look.texts - asked)
            answered = ask(asked, count)
            chunks.append(answered)
            asked, elapsed = asked + answered.size, elapsed + float(answered.sum())
        if following is not None and asked >= following.texts:
            continue
        seconds_so_far = np.concatenate(chunks, dtype=np.float64)
        stream = Stream(seconds_so_far, warm_up_of(seconds_so_far), confidence=look.confidence)
        because = enough(stream)
        if because or following is None:
            reached = Look(asked, look.confidence)
            stopped = Stopped(reached, max(asked, queries), because or NO_MORE)
            return replace(stream, stopped=stopped)
    raise AssertionError("the last look ends a stream")


def stream_of(seconds: Floats) -> Stream:
    """Return the stream of these latencies, with the warm-up that `warm_up_of` finds."""
    return Stream(np.asarray(seconds, np.float64), warm_up_of(seconds))


def warm_up_of(seconds: Floats) -> int:
    """Return how many of the first queries to drop so that the rest is stationary.

    This is MSER-5: drop so many that the mean of batches of five has the smallest standard error
    (White 1997, "An effective truncation heuristic for bias reduction in simulation output"). It
    uses the batches' medians, so that a single interrupted answer has no effect. At most a third of
    the queries is dropped.

    Args:
        seconds: seconds of the queries [n], at least one.

    Raises:
        EdgeproofError: there are no queries, or one took no time.
    """
    if seconds.size == 0 or not (np.isfinite(seconds).all() and (seconds > 0.0).all()):
        raise EdgeproofError(
            f"{seconds.size} latencies are not a single stream: there must be at least one, and "
            "all must be positive",
            remedy="Time at least one query with a clock that counts nanoseconds",
        )
    batches = np.log(seconds[: seconds.size // BATCH * BATCH]).reshape(-1, BATCH)
    medians = np.median(batches, axis=1)
    if len(medians) < FEWEST_TO_CUT:
        return 0
    # Compute the sums after each possible cut in one pass, because a fast file has a million
    # queries. Subtracting the median first prevents cancellation between the squares.
    apart = medians - np.median(medians)
    left = np.arange(len(medians), 0, -1)
    mean, square = (np.cumsum(values[::-1])[::-1] / left for values in (apart, apart**2))
    errors = np.maximum(square - mean**2, 0.0) / left
    return BATCH * int(np.argmin(errors[: len(medians) // 3]))
