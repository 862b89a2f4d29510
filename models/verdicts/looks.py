"""Judge after a part of the texts, with the error rates of a single look at all of them.

A gate looks at the first texts of a drawn order, then at more, and stops as soon as its verdict is
decided. Who looks several times errs more often, unless each look's interval is wider: the error
that may have been made by a look is the share of the texts that it has seen, of all the error there
is (Lan and DeMets 1983, Biometrika 70:659, with the spending function alpha * t of Kim and DeMets
1987, Biometrika 74:149). How wide each interval has to be follows from the joint distribution of
the looks, which for whatever is a mean in the limit is that of a sum of independent increments
(Armitage, McPherson and Rowe 1969). Error rates are tested by simulation in
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

# Of the texts that are looked at, the shares of all: before these, half as many again and again.
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
# No look is at fewer texts. Of 50 the intervals of drops and of measures by label were simulated.
FEWEST = 50
# Of fewer texts in all, one look is at all of them: to answer them costs little, and the wider
# intervals of several looks would leave more gates undecided.
FEWEST_IN_ALL = 1_000
# What has no budget is recorded, not judged: nothing is decided, and so many of the texts are
# looked at once.
UNJUDGED = 0.2
# Of the order in which texts are looked at: the same texts in every run.
SEED = 1729
DECIDED = (Verdict.PASS, Verdict.FAIL)
# Points of a look's distribution that is added up numerically, and the reach of it in standard
# deviations: ends move by less than 0.0001 with twice as many.
_POINTS, _REACH = 801, 6.5


class Look(NamedTuple):
    """One look.

    Attributes:
        texts: how many of the first texts are looked at.
        confidence: of the interval that decides there.
    """

    texts: int
    confidence: float


def order_of(texts: int, *, seed: int = SEED) -> NDArray[np.int64]:
    """Return the random order in which this many texts are looked at, [texts] rows."""
    return np.random.default_rng(seed).permutation(texts)


def sizes_of(texts: int, *, at_least: int = 0) -> tuple[int, ...]:
    """Return the number of texts of each look, ascending, ending with all.

    Args:
        texts: that there are.
        at_least: how many the first look has to be at.
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
    """Return the number of texts of each look, and the confidence of its interval.

    Args:
        texts: that there are.
        at_least: how many the first look has to be at.
    """
    sizes = sizes_of(texts, at_least=at_least)
    confidences = confidences_of(tuple(size / texts for size in sizes))
    return tuple(map(Look, sizes, confidences))


def look_until_decided(
    looks: Sequence[Look],
    estimate: Callable[[Look], Estimate],
    verdict: Callable[[Estimate], Verdict],
) -> tuple[Look, Estimate]:
    """Look until the verdict is pass or fail, at most as often as there are looks.

    Args:
        looks: of `looks_of`.
        estimate: measures the first texts, with the look's confidence.
        verdict: judges what was measured.

    Returns:
        The look that decided, or the last one, and what it measured.
    """
    for look in looks[:-1]:
        measured = estimate(look)
        if verdict(measured) in DECIDED:
            return look, measured
    return looks[-1], estimate(looks[-1])


@functools.cache
def confidences_of(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Return the confidence that each look needs for its interval.

    Whatever is estimated, all intervals together hold it with a probability of `CONFIDENCE`. A
    single look has that confidence itself.

    Args:
        shares: of the texts that each look is at, ascending, the last 1.
    """
    if len(shares) == 1:
        return (CONFIDENCE,)
    from scipy.special import ndtr  # noqa: PLC0415 - half a second that collection must not pay

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
    """The density of a sum, given that no earlier look decided.

    Attributes:
        share: of the texts that were summed.
        points: the sums [points], as a Brownian motion has them at `share`.
        weights: probability at each [points].
    """

    share: float
    points: NDArray[np.float64]
    weights: NDArray[np.float64]

    def density(self, at: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Return the density of the sum at a later share, before that look decides."""
        spread = math.sqrt(share - self.share)
        distance = (at[:, None] - self.points[None, :]) / spread
        bell = np.exp(-0.5 * distance**2) / (spread * math.sqrt(2.0 * math.pi))
        return np.asarray(bell @ self.weights)

    @classmethod
    def after(cls, before: _Inside | None, share: float, end: float) -> _Inside:
        """Return the sums whose size is below `end` standard deviations at a look."""
        points = np.linspace(-end, end, _POINTS) * math.sqrt(share)
        density = _density(before, points, share)
        step = points[1] - points[0]
        # Simpson's rule.
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
    """Return at how many standard deviations the sum decides, for an error to spend."""
    from scipy.special import ndtri  # noqa: PLC0415 - half a second that collection must not pay

    if before is None:
        return float(-ndtri(spent / 2.0))
    ends = np.linspace(1.5, _REACH, _POINTS)
    density = _density(before, ends * math.sqrt(share), share) * math.sqrt(share)
    step = ends[1] - ends[0]
    # What lies beyond each end, on both sides.
    beyond = 2.0 * np.cumsum(((density[:-1] + density[1:]) * step / 2.0)[::-1])[::-1]
    return float(np.interp(-spent, -beyond, ends[:-1]))
