"""Compare the speed of two models, in texts per second, asked in turns.

A turn is a few texts. All models answer them, and then once more the other way round (ABBA), so
that what slows the machine slows all; of each text the faster of the two answers counts, which is
the one that nothing interrupted. Other texts follow in the next turn, so that short and long ones
count as often as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.verdicts.comparison import RacedRatio, noise_between
from models.verdicts.intervals import check_latencies, quantile_interval
from models.verdicts.judge import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from models.verdicts.metrics import Floats

    # Takes the numbers of some texts, [n]; gives the seconds of each answer, [n].
    Asking = Callable[[NDArray[np.int64]], Floats]

# Texts of a turn, and turns of the shortest race: six turns give an interval two finite ends.
TEXTS, TURNS = 10, 24


def ask_in_turns(
    models: Mapping[str, Asking], texts: int, *, turns: int = TURNS, first: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Let models answer the same texts in turns.

    Args:
        models: by name, what asks each of them.
        texts: how many there are; turns go through them again and again.
        turns: how many.
        first: number of the first text.

    Returns:
        Of each model the seconds [turns, 2, texts of a turn]: of the way there, and of that back.
    """
    size = min(TEXTS, texts)
    seconds: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in models}
    for turn in range(turns):
        rows = (first + turn * size + np.arange(size)) % texts
        # Who begins takes turns: what follows finds warmer caches.
        names = list(models)[:: -1 if turn % 2 else 1]
        times = {name: [models[name](rows)] for name in names}
        for name in reversed(names):
            times[name].append(models[name](rows))
        for name, (way_there, way_back) in times.items():
            seconds[name].append((way_there, way_back))
    return {name: np.asarray(turns, np.float64) for name, turns in seconds.items()}


def seconds_per_turn(seconds: Floats) -> NDArray[np.float64]:
    """Return the seconds of each turn, [turns]: of each text the faster of its two answers.

    Args:
        seconds: seconds [turns, 2, texts].
    """
    return np.asarray(seconds.min(axis=1).sum(axis=1), np.float64)


def speed_ratio(candidate: Floats, reference: Floats) -> Estimate:
    """Return the texts per second of a model over those of another: the median over the turns.

    The interval is distribution-free, as that of `latency_ratio`; n counts turns.

    Args:
        candidate: seconds [turns, 2, texts].
        reference: seconds of the other in the same turns.

    Raises:
        EdgeproofError: unpaired, none, or a latency is not finite and positive.
    """
    check_latencies(candidate.reshape(-1), reference.reshape(-1))
    ratios = seconds_per_turn(reference) / seconds_per_turn(candidate)
    low, high = quantile_interval(ratios, 0.5)
    return Estimate(float(np.median(ratios)), low, high, int(ratios.size))


def speed_race(candidate: Floats, reference: Floats) -> RacedRatio:
    """Return one race: its ratio, and the noise of each model between its two ways.

    Args:
        candidate: seconds [turns, 2, texts].
        reference: likewise.
    """
    noise = max(_noise_of(candidate), _noise_of(reference))
    return RacedRatio(
        speed_ratio(candidate, reference), noise, float(candidate.sum() + reference.sum())
    )


def _noise_of(seconds: Floats) -> float:
    """Return the difference, as a share, between the two ways of one model: their work is equal."""
    ratios = seconds[:, 0].sum(axis=1) / seconds[:, 1].sum(axis=1)
    low, high = quantile_interval(ratios, 0.5)
    return noise_between(low, high)
