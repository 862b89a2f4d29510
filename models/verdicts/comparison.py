"""Compare two latencies on a busy machine: blocks, a noise floor, repeated races.

Two models answer in turn in one runner (ABBA), so that anything that slows the machine slows both.
A block is a few such turns. Only the fastest answer of each model in a block counts, because
nothing has interrupted it, as Python's `timeit` advises. A regression slows these answers by the
same factor as all others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.verdicts.intervals import CONFIDENCE, check_latencies, quantile_interval
from models.verdicts.judge import Estimate, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.verdicts.metrics import Floats
    from models.verdicts.stopping import Stopped

# Inferences of each model in a block: five times the order ABBA. Chosen from 24 races of a model
# against itself (A/A) at a load of 7 on two cores. Standard deviation of the ratio: 2.2 % for
# single pairs, 0.6 % for the fastest of eight, 0.4 % for the fastest of sixteen; ten lies between
# the last two.
BLOCK = 10
# Slower inferences need smaller blocks, because an interruption adds a smaller share of their time:
# a block of a tenth of a second is enough, with at least two inferences of each model.
SECONDS_OF_A_BLOCK = 0.1
FEWEST_IN_A_BLOCK = 2
# Number of blocks at the first look, from which the median's interval has two finite ends.
FEWEST_BLOCKS = 7
# Maximum number of races, and the factor by which a race is longer after an undecided one. An
# interval narrows with the square root of the number of blocks, so that of the third race is a
# quarter as wide as that of the first.
RACES = 3
GROWTH = 4
# Longest race in seconds. A race that would take longer is not made longer than the previous one.
LONGEST = 120.0


@dataclass(frozen=True)
class RacedRatio:
    """The latency ratio of one race, and its noise floor.

    Attributes:
        ratio: the candidate's latency divided by the reference's.
        noise_floor: the slowdown that the race shows between two copies of the reference, see
            `noise_floor`.
        seconds: sum of the times of all answers.
        stopped: when and why the race ended early; None if it had its full length.
    """

    ratio: Estimate
    noise_floor: float
    seconds: float = 0.0
    stopped: Stopped | None = None

    @property
    def widened(self) -> Estimate:
        """Return the ratio with its interval widened by the noise floor."""
        if math.isinf(self.noise_floor):
            # There are too few rounds for a conclusion, for example on an emulated board.
            return Estimate(self.ratio.value, -math.inf, math.inf, self.ratio.n)
        low, high = (
            self.ratio.low / (1.0 + self.noise_floor),
            self.ratio.high * (1.0 + self.noise_floor),
        )
        return Estimate(self.ratio.value, low, high, self.ratio.n)


def block_for(seconds: float, *, fewest: int = FEWEST_IN_A_BLOCK) -> int:
    """Return how many answers of each model form a block; the number is even.

    Args:
        seconds: seconds for one answer; 0.0 if unknown.
        fewest: smallest number of answers, an even number.
    """
    if seconds <= 0.0:
        return BLOCK
    halves = math.ceil(SECONDS_OF_A_BLOCK / seconds / 2.0)
    return min(BLOCK, max(fewest, 2 * halves))


def fastest_of_blocks(samples: Floats, block: int = BLOCK) -> NDArray[np.float64]:
    """Return the fastest answer of each complete block, [blocks].

    If there are fewer answers than a block has, they count as one block.

    Args:
        samples: seconds of the answers [n], in their order.
        block: number of answers in a block.
    """
    size = min(block, samples.size)
    blocks = samples.size // size
    return np.asarray(samples[: blocks * size].reshape(blocks, size).min(axis=1), np.float64)


def full_blocks(rounds: int) -> int:
    """Return how many blocks a race of `rounds` rounds has, at least one."""
    return max(1, rounds // BLOCK)


def latency_ratio(
    numerators: Floats,
    denominators: Floats,
    *,
    confidence: float = CONFIDENCE,
    block: int = BLOCK,
) -> Estimate:
    """Return the ratio of two latencies: the median, over blocks, of the ratio of fastest answers.

    The sample size counts blocks. The interval is distribution-free (an inverted sign test over the
    blocks); at least six blocks are needed for two finite ends.

    Args:
        numerators: seconds [n] of the judged variant, in the order of the race.
        denominators: seconds [n] of the reference in the same rounds.
        confidence: confidence level of the interval.
        block: number of answers of each model in a block.

    Raises:
        EdgeproofError: the latencies are unpaired, empty, or not all finite and positive.
    """
    check_latencies(numerators, denominators)
    ratios = fastest_of_blocks(numerators, block) / fastest_of_blocks(denominators, block)
    low, high = quantile_interval(ratios, 0.5, confidence=confidence)
    return Estimate(float(np.median(ratios)), low, high, int(ratios.size))


def noise_floor(
    again: Floats, reference: Floats, *, confidence: float = CONFIDENCE, block: int = BLOCK
) -> float:
    """Return the smallest regression that a race can detect, from an A/A comparison in the race.

    The reference is loaded twice and races against itself. The interval of the ratio of its two
    latencies shows how far a ratio can be from 1 although nothing differs.

    Args:
        again: seconds [n] of the reference's second instance.
        reference: seconds [n] of its first instance.
        confidence: confidence level of the interval.
        block: number of answers of each instance in a block.

    Returns:
        A share, at least 0, for example 0.03 if any difference below 3 % is noise; infinite if
        there are too few blocks.
    """
    ratio = latency_ratio(again, reference, confidence=confidence, block=block)
    return noise_between(ratio.low, ratio.high)


def noise_between(low: float, high: float) -> float:
    """Return the noise, as a share, from the interval of a ratio whose true value is 1."""
    # With too few blocks the ends are -inf and inf; then 1 / -inf is 0, and the noise is infinite.
    return max(high, 1.0 / low) - 1.0


def race_until_sure(
    race: Callable[[int, int], RacedRatio], verdict: Callable[[RacedRatio], Verdict]
) -> list[RacedRatio]:
    """Race until the result is decided; repeat a race that does not pass.

    A failed race is confirmed by another race of the same length. An inconclusive race is
    followed by a longer race, up to `LONGEST` seconds.

    Args:
        race: runs one race in a new runner; its arguments are the race's number, from 0, and its
            length as a multiple of the shortest race.
        verdict: returns the verdict on a race.

    Returns:
        One to `RACES` races; the last one decides.
    """
    length, races = 1, [race(0, 1)]
    while len(races) < RACES:
        last = verdict(races[-1])
        if last is Verdict.PASS or (last is Verdict.FAIL and len(races) > 1):
            break
        if last is Verdict.INCONCLUSIVE and races[-1].seconds * GROWTH <= LONGEST:
            length *= GROWTH
        races.append(race(len(races), length))
    return races
