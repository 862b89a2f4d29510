"""Measure single-stream latency: one query after the other, as in MLPerf's LoadGen.

The next query is sent when the last one was answered, until enough time has passed and the verdicts
on its percentiles are decided: a file that takes a second for an answer is not asked a thousand
times. What came before the latency was stationary is warm-up and is left out; the first seconds
after it are told apart from what the device sustains.

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
# Batches: of fewer, a third is none.
FEWEST_TO_CUT = 3
# The 99th percentile has two finite ends from here on, see samples_for_quantile.
ENOUGH = 368
FIRST_SECONDS = 1.0
# The percentiles of a stream, by metric.
PERCENTILES = {"latency_p50": 0.5, "latency_p90": 0.9, "latency_p99": 0.99}
# Queries asked at once: the runner times each, and the connection is between them, not in them.
CHUNK = 32
# Queries at the least: two thirds of them are left if the others were warm-up.
FEWEST = 3 * CHUNK
# What answers so often before its time has passed takes microseconds: more of it heats no device,
# and the 99th percentile is known to a few per mille of its rank.
MOST = 16_384


@dataclass(frozen=True, eq=False)
class Stream:
    """The latencies of one stream.

    Attributes:
        seconds: of every query in order, raw [n].
        warm_up: how many of the first are warm-up.
        ordered: whether they are in the order in which they were taken.
        confidence: of the intervals of its percentiles.
        stopped: at which look it ended, and why; None where it has its length from elsewhere.
    """

    seconds: NDArray[np.float64]
    warm_up: int
    ordered: bool = True
    confidence: float = CONFIDENCE
    stopped: Stopped | None = None

    @property
    def first(self) -> NDArray[np.float64]:
        """Latencies in the first seconds after the warm-up, [n]."""
        return self.seconds[self.warm_up : self._sustained_from]

    @property
    def sustained(self) -> NDArray[np.float64]:
        """Latencies after the first seconds, [n]; all after the warm-up if those are too few."""
        enough = self.seconds.size - self._sustained_from >= ENOUGH
        return self.seconds[self._sustained_from if enough else self.warm_up :]

    @property
    def _sustained_from(self) -> int:
        if not self.ordered:
            return self.warm_up
        elapsed = np.cumsum(self.seconds[self.warm_up :])
        return self.warm_up + max(1, int(np.searchsorted(elapsed, FIRST_SECONDS)))

    def percentile(self, at: float) -> Estimate:
        """Estimate a quantile of the sustained latency."""
        return quantile(self.sustained, at, confidence=self.confidence)

    def details(self) -> dict[str, Any]:
        """Return the details of a measurement: every sample in seconds, and the warm-up's end."""
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
    """Ask one query after the other until the verdicts are decided and enough time has passed.

    Looks are at parts of `queries`. Where the time asks for more, or for more than a look, the next
    look is at all that were asked.

    Args:
        ask: takes the number of the next query and how many, gives the seconds each took.
        enough: tells why a stream needs no more queries, "" if it does, see `why_enough`.
        queries: at the last look; at least one.
        seconds: the sum of the latencies to reach, by `MOST` queries at the most; 0.0 if the number
            is enough.
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
    """Remove the warm-up from a stream: see `warm_up_of`."""
    return Stream(np.asarray(seconds, np.float64), warm_up_of(seconds))


def warm_up_of(seconds: Floats) -> int:
    """Return how many of the first queries to drop so that the rest is stationary.

    MSER-5: the cut after which the mean of batches of five has the smallest standard error (White
    1997, "An effective truncation heuristic for bias reduction in simulation output"), here on the
    batches' medians, so that one interrupted answer moves no cut. At most a third is left out.

    Args:
        seconds: [n], at least one.

    Raises:
        EdgeproofError: no queries, or one took no time.
    """
    if seconds.size == 0 or not (np.isfinite(seconds).all() and (seconds > 0.0).all()):
        raise EdgeproofError(
            f"the latencies ({seconds.size}) are not a stream: there must be at "
            "least one, and all must be positive",
            remedy="Time at least one query with a clock that counts nanoseconds",
        )
    batches = np.log(seconds[: seconds.size // BATCH * BATCH]).reshape(-1, BATCH)
    medians = np.median(batches, axis=1)
    if len(medians) < FEWEST_TO_CUT:
        return 0
    # Sums from each cut on, in one pass: a fast file answers a million times. Apart from what is
    # typical, so that their squares do not cancel.
    apart = medians - np.median(medians)
    left = np.arange(len(medians), 0, -1)
    mean, square = (np.cumsum(values[::-1])[::-1] / left for values in (apart, apart**2))
    errors = np.maximum(square - mean**2, 0.0) / left
    return BATCH * int(np.argmin(errors[: len(medians) // 3]))
