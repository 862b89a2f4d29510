"""Bootstrap intervals of what counts decide, at a cost that the number of tweets does not raise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from models.errors import EdgeproofError
from models.verdicts.intervals import CONFIDENCE, RESAMPLES, Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.verdicts.confusion import Counts, Floats

    Statistic = Callable[[Counts], Floats]


def counts_interval(  # noqa: PLR0913 - what is resampled, and how, all named
    statistic: Statistic,
    tables: Counts,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Bias-corrected and accelerated bootstrap (Efron 1987) over tables instead of tweets.

    Resampling the tweets of an entity is drawing its table from a multinomial, and tweets of one
    cell are one value of the jackknife; so 58,568 tweets cost what 100 do. Tweets are resampled
    within their entity: the entities are given, not drawn. Where no resample moves the statistic,
    the ends are as in `intervals.bootstrap_interval`: the "rule of three", with every unseen
    tweet in the smallest entity.

    Args:
        statistic: takes tables [..., entities, *cells], gives values [...] within `bounds`.
        tables: what was counted, [entities, *cells]: cells by gold label and answer, or by gold
            label and the answers of two models.
        bounds: range of the statistic; the interval is kept inside.
        confidence: nominal coverage.
        resamples: how many.
        seed: of the resampling, so that one table has one interval.

    Raises:
        EdgeproofError: fewer than two tweets.
    """
    sizes = tables.reshape(len(tables), -1).sum(axis=1)
    if sizes.sum() < 2:  # noqa: PLR2004 - two to vary
        raise EdgeproofError(
            f"{int(sizes.sum())} tweets cannot be resampled", remedy="Give at least two"
        )
    value = float(statistic(tables))
    drawn = np.sort(statistic(_resampled(tables, resamples, seed)))
    low, high = _corrected_ends(drawn, value, _acceleration(statistic, tables), confidence)
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        smallest = int(sizes.min()) * len(sizes)
        unseen = (bounds[1] - bounds[0]) * (1.0 - ((1.0 - confidence) / 2.0) ** (1.0 / smallest))
        low, high = value - unseen, value + unseen
    # The ends hold the estimate: under strong bias the bootstrap's need not.
    return Interval(max(bounds[0], min(low, value)), min(bounds[1], max(high, value)))


def _resampled(tables: Counts, resamples: int, seed: int) -> Counts:
    """Tables of as many tweets per entity, [resamples, entities, *cells]."""
    random = np.random.default_rng(seed)
    drawn = np.empty((resamples, *tables.shape), dtype=np.int64)
    for at, table in enumerate(tables):
        size = int(table.sum())
        cells = random.multinomial(size, table.ravel() / size, size=resamples)
        drawn[:, at] = cells.reshape(resamples, *table.shape)
    return drawn


def _corrected_ends(
    drawn: Floats, value: float, acceleration: float, confidence: float
) -> tuple[float, float]:
    """The quantiles that Efron's correction asks for; NaN where it is not defined."""
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - slow to import for collection

    # Where values tie, half of those that equal the estimate count as below it.
    below = (np.searchsorted(drawn, value, "left") + np.searchsorted(drawn, value, "right")) / 2
    bias = ndtri(below / drawn.size)
    tail = ndtri((1.0 - confidence) / 2.0)
    if not math.isfinite(bias):
        return math.nan, math.nan
    ends = [
        ndtr(bias + (bias + side) / (1.0 - acceleration * (bias + side))) for side in (tail, -tail)
    ]
    low, high = np.quantile(drawn, ends)
    return float(low), float(high)


def _acceleration(statistic: Statistic, tables: Counts) -> float:
    """Efron's acceleration from the jackknife, centered within each entity."""
    cells = np.argwhere(tables)
    without = np.repeat(tables[None], len(cells), axis=0)
    without[np.arange(len(cells)), *cells.T] -= 1
    # An entity of one tweet cannot lose it and still have a score.
    kept = without.reshape(*without.shape[:2], -1).sum(axis=-1).all(axis=1)
    cells, values = cells[kept], statistic(without[kept])
    weights = tables[tuple(cells.T)]
    entities = cells[:, 0]
    totals = np.bincount(entities, weights, minlength=len(tables))
    sums = np.bincount(entities, weights * values, minlength=len(tables))
    influence = (sums / np.maximum(totals, 1))[entities] - values
    squares = float((weights * influence**2).sum())
    return float((weights * influence**3).sum()) / (6.0 * squares**1.5) if squares else 0.0
