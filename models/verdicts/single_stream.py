"""One query after the other, as MLPerf's LoadGen asks in its single-stream scenario.

The next query is sent when the last one was answered, until there were enough queries and enough
time has passed. Fewer queries are enough if the percentiles that matter are precise: a file that
takes a second for an answer is not asked a thousand times. What came before the latency was
stationary is warm-up and is left out; the first seconds after it are told apart from what the
device sustains.

Source: MLPerf Inference rules, scenario "single stream"; Reddi et al. 2020, arXiv:1911.02549.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.verdicts.estimates import quantile
from models.verdicts.precision import is_precise

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

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
    """

    seconds: NDArray[np.float64]
    warm_up: int
    ordered: bool = True

    @property
    def first(self) -> NDArray[np.float64]:
        """Latencies in the first seconds after the warm-up, [n]."""
        return self.seconds[self.warm_up : self._sustained_from]

    @property
    def sustained(self) -> NDArray[np.float64]:
        """Latencies after the first seconds, [n]; all after the warm-up where those are too few."""
        enough = self.seconds.size - self._sustained_from >= ENOUGH
        return self.seconds[self._sustained_from if enough else self.warm_up :]

    @property
    def _sustained_from(self) -> int:
        if not self.ordered:
            return self.warm_up
        elapsed = np.cumsum(self.seconds[self.warm_up :])
        return self.warm_up + max(1, int(np.searchsorted(elapsed, FIRST_SECONDS)))

    def details(self) -> dict[str, Any]:
        """Return the details of a measurement: every sample in seconds, and the warm-up's end."""
        return {
            "seconds": self.seconds,
            "warm_up": self.warm_up,
            "sustained_from": self.seconds.size - self.sustained.size,
        }


def single_stream(
    ask: Callable[[int, int], Floats],
    *,
    queries: int,
    seconds: float,
    percentiles: Collection[float] = (),
) -> NDArray[np.float64]:
    """Ask one query after the other until there are enough queries and enough seconds, or `MOST`.

    Args:
        ask: takes the number of the next query and how many, gives the seconds each took.
        queries: at least one.
        seconds: the sum of the latencies to reach; 0.0 if the number is enough.
        percentiles: if all of these are precise, `FEWEST` queries are enough; without any, all
            `queries` are asked.

    Returns:
        The seconds of every query, [n].
    """
    taken: list[Floats] = []
    asked, elapsed = 0, 0.0
    while (elapsed < seconds and asked < MOST) or (
        asked < queries and not (asked >= FEWEST and _are_precise(taken, percentiles))
    ):
        count = CHUNK if elapsed < seconds else min(CHUNK, queries - asked)
        answered = ask(asked, count)
        taken.append(answered)
        asked, elapsed = asked + answered.size, elapsed + float(answered.sum())
    return np.concatenate(taken, dtype=np.float64)


def _are_precise(taken: list[Floats], percentiles: Collection[float]) -> bool:
    """Tell whether all these percentiles of a stream are precise; no percentiles are not."""
    if not percentiles:
        return False
    sustained = stream_of(np.concatenate(taken)).sustained
    return all(is_precise(quantile(sustained, share)) for share in percentiles)


def stream_of(seconds: Floats) -> Stream:
    """Cut the warm-up off a stream: see `warm_up_of`."""
    return Stream(np.asarray(seconds, np.float64), warm_up_of(seconds))


def warm_up_of(seconds: Floats) -> int:
    """Return how many of the first queries to leave out for the rest to be stationary.

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
            f"{seconds.size} latencies are not a stream, or one is not positive",
            remedy="Ask at least one query, timed by a clock of nanoseconds",
        )
    batches = np.log(seconds[: seconds.size // BATCH * BATCH]).reshape(-1, BATCH)
    medians = np.median(batches, axis=1)
    if len(medians) < FEWEST_TO_CUT:
        return 0
    # Sums from each cut on, in one pass: a fast file answers a million times. Apart from what is
    # typical, so that their squares do not cancel.
    apart = medians - np.median(medians)
    left = np.arange(len(medians), 0, -1)
    mean, square = (np.cumsum(each[::-1])[::-1] / left for each in (apart, apart**2))
    errors = np.maximum(square - mean**2, 0.0) / left
    return BATCH * int(np.argmin(errors[: len(medians) // 3]))
