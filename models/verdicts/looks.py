"""Judge after some of the texts, with the error rates of a single test of all texts.

This is a group sequential test. A gate judges the first texts of a random order, then more of them,
and stops as soon as it has a verdict; each of these attempts is a *look*. Several looks err more
often than one, unless their intervals are made wider. Up to each look, the allowed error is the
total error times the share of texts used so far (Lan and DeMets 1983, Biometrika 70:659, with the
spending function alpha * t of Kim and DeMets 1987, Biometrika 74:149). The necessary width of each
interval follows from the joint distribution of the looks. For every statistic that behaves like a
mean over many texts, this is the distribution of a sum of independent increments (Armitage,
McPherson and Rowe 1969). Error rates are tested by simulation in
`suites/meta/verdicts/test_looks.py`.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts.intervals import CONFIDENCE
from models.verdicts.judge import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.verdicts.judge import Estimate

# Shares of the texts that the looks use. With many texts there are earlier looks, too, at half of
# the first share, at half of that, and so on.
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
# Minimum number of texts of a look. For 50 texts, simulations confirmed the intervals of drops and
# of measures by label.
FEWEST = 50
# With fewer texts than this, a single look uses all of them: classifying them costs little, and the
# wider intervals of several looks would leave more gates undecided.
FEWEST_IN_ALL = 1_000
# Share of the texts that a single look uses if the metric has no budget, and so needs no verdict.
UNJUDGED = 0.2
# Seed of the order of the texts, which is the same in every run.
SEED = 1729
DECIDED = (Verdict.PASS, Verdict.FAIL)
# Number of points of the numerical integration over a look's distribution, and its range in
# standard deviations. With twice as many points, ends move by less than 0.0001.
_POINTS, _REACH = 801, 6.5


class Look(NamedTuple):
    """One look: an attempt to reach a verdict with the first texts.

    Attributes:
        texts: how many of the first texts are used.
        confidence: confidence level of the interval at this look.
    """

    texts: int
    confidence: float


def order_of(texts: int, *, seed: int = SEED) -> NDArray[np.int64]:
    """Return the random order in which gates use the texts, a permutation [texts]."""
    return np.random.default_rng(seed).permutation(texts)


def sizes_of(texts: int, *, at_least: int = 0) -> tuple[int, ...]:
    """Return the number of texts of each look, in ascending order; the last look uses all.

    Args:
        texts: number of all texts.
        at_least: smallest number of texts at the first look.
    """
    if texts < FEWEST_IN_ALL:
        return (texts,)
    shares = list(SHARES)
    while shares[0] / 2 * texts >= FEWEST:
        shares.insert(0, shares[0] / 2)
    sizes = (math.ceil(share * texts) for share in shares)
    fewest = max(FEWEST, at_least)
    return (*(size for size in sizes if fewest <= size < texts), texts)


def looks_of(texts: int, *, at_least: int = 0) -> tuple[Look, ...]:
    """Return the looks: the number of texts and the confidence level of each.

    Args:
        texts: number of all texts.
        at_least: smallest number of texts at the first look.
    """
    sizes = sizes_of(texts, at_least=at_least)
    confidences = confidences_of(tuple(size / texts for size in sizes))
    return tuple(map(Look, sizes, confidences))


def look_until_decided(
    looks: Sequence[Look],
    estimate: Callable[[Look], Estimate],
    verdict: Callable[[Estimate], Verdict],
) -> tuple[Look, Estimate]:
    """Take one look after the other until the verdict is pass or fail.

    Args:
        looks: the looks, for example from `looks_of`.
        estimate: computes the estimate of a look, with the look's confidence level.
        verdict: returns the verdict on an estimate.

    Returns:
        The look that gave a verdict, or the last one, and its estimate.
    """
    for look in looks[:-1]:
        measured = estimate(look)
        if verdict(measured) in DECIDED:
            return look, measured
    return looks[-1], estimate(looks[-1])


@functools.cache
def confidences_of(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Return the confidence level that each look needs for its interval.

    All intervals together contain the true value with a probability of `CONFIDENCE`. If there is
    only one look, it has this confidence level.

    Args:
        shares: share of the texts at each look, ascending; the last is 1.
    """
    if len(shares) == 1:
        return (CONFIDENCE,)
    from scipy.special import ndtr  # noqa: PLC0415 - its import takes half a second, too long for collection

    error = 1.0 - CONFIDENCE
    confidences: list[float] = []
    inside: _Inside | None = None
    for before, share in zip((0.0, *shares), shares, strict=False):
        spent = error * (share - before)
        end = _end(inside, share, spent)
        confidences.append(float(1.0 - 2.0 * ndtr(-end)))
        inside = _Inside.after(inside, share, end)
    return tuple(confidences)


class _Inside(NamedTuple):
    """The density of the test statistic, a sum over texts, given that no earlier look decided.

    Attributes:
        share: share of the texts in the sum.
        points: values of the sum [points], scaled as a Brownian motion at time `share`.
        weights: probability at each value [points].
    """

    share: float
    points: NDArray[np.float64]
    weights: NDArray[np.float64]

    def density(self, at: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Return the density of the sum at a later look, unless an earlier one has decided."""
        spread = math.sqrt(share - self.share)
        distance = (at[:, None] - self.points[None, :]) / spread
        bell = np.exp(-0.5 * distance**2) / (spread * math.sqrt(2.0 * math.pi))
        return np.asarray(bell @ self.weights)

    @classmethod
    def after(cls, before: _Inside | None, share: float, end: float) -> _Inside:
        """Return the density at a look, limited to sums within `end` standard deviations."""
        points = np.linspace(-end, end, _POINTS) * math.sqrt(share)
        density = _density(before, points, share)
        step = points[1] - points[0]
        # Weights of Simpson's rule.
        factors = np.ones(_POINTS)
        factors[1:-1:2], factors[2:-1:2] = 4.0, 2.0
        return cls(share, points, density * factors * step / 3.0)


def _density(
    before: _Inside | None, points: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    if before is None:
        return np.exp(-0.5 * points**2 / share) / math.sqrt(2.0 * math.pi * share)
    return before.density(points, share)


def _end(before: _Inside | None, share: float, spent: float) -> float:
    """Return the number of standard deviations that the statistic exceeds with probability `spent`.

    Both signs count, and only if no earlier look has decided.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - its import takes half a second, too long for collection

    if before is None:
        return float(-ndtri(spent / 2.0))
    ends = np.linspace(1.5, _REACH, _POINTS)
    density = _density(before, ends * math.sqrt(share), share) * math.sqrt(share)
    step = ends[1] - ends[0]
    # Probability beyond each point, on both sides.
    beyond = 2.0 * np.cumsum(((density[:-1] + density[1:]) * step / 2.0)[::-1])[::-1]
    return float(np.interp(-spent, -beyond, ends[:-1]))
