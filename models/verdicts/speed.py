"""Compare two models' texts per second; the models classify the same texts in turns.

A turn is a few texts. All models classify them, and then again in the reverse order (ABBA), so that
anything that slows the machine slows all models. The faster of a text's two answers counts, because
nothing has interrupted it. The next turn has other texts, so that short and long texts count as
often as they occur.
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

    # Classifies the texts with the given numbers [n], and returns the seconds of each answer [n].
    Asking = Callable[[NDArray[np.int64]], Floats]

# Texts per turn, and turns of the shortest race; from six turns on, an interval has two finite
# ends.
TEXTS, TURNS = 10, 24


def ask_in_turns(
    models: Mapping[str, Asking], texts: int, *, turns: int = TURNS, first: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Classify the same texts with several models in turns, and measure the seconds.

    Args:
        models: for each model's name, a function that classifies texts and returns the seconds.
        texts: number of texts; if the turns need more, they start again at the first.
        turns: number of turns.
        first: position of the first text.

    Returns:
        For each model the seconds [turns, 2, texts of a turn]: first in one order of the models,
        then in the reverse order.
    """
    size = min(TEXTS, texts)
    seconds: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in models}
    for turn in range(turns):
        rows = (first + turn * size + np.arange(size)) % texts
        # Alternate the model that begins, because the next one finds warmer caches.
        names = list(models)[:: -1 if turn % 2 else 1]
        times = {name: [models[name](rows)] for name in names}
        for name in reversed(names):
            times[name].append(models[name](rows))
        for name, (way_there, way_back) in times.items():
            seconds[name].append((way_there, way_back))
    return {name: np.asarray(turns, np.float64) for name, turns in seconds.items()}


def seconds_per_turn(seconds: Floats) -> NDArray[np.float64]:
    """Return the seconds of each turn [turns]: the sum of the shorter time for each text.

    Args:
        seconds: the measured times [turns, 2, texts].
    """
    return np.asarray(seconds.min(axis=1).sum(axis=1), np.float64)


def speed_ratio(candidate: Floats, reference: Floats) -> Estimate:
    """Return the ratio of two models' texts per second: the median over the turns.

    The interval is distribution-free, as in `latency_ratio`; the sample size counts turns.

    Args:
        candidate: seconds [turns, 2, texts] of the model in the numerator.
        reference: seconds [turns, 2, texts] of the other model in the same turns.

    Raises:
        EdgeproofError: the latencies are unpaired, empty, or not all finite and positive.
    """
    check_latencies(candidate.reshape(-1), reference.reshape(-1))
    ratios = seconds_per_turn(reference) / seconds_per_turn(candidate)
    low, high = quantile_interval(ratios, 0.5)
    return Estimate(float(np.median(ratios)), low, high, int(ratios.size))


def speed_race(candidate: Floats, reference: Floats) -> RacedRatio:
    """Return one race: the ratio of speeds, and the noise between the two passes of each model.

    Args:
        candidate: seconds [turns, 2, texts] of the candidate.
        reference: seconds [turns, 2, texts] of the reference.
    """
    noise = max(_noise_of(candidate), _noise_of(reference))
    return RacedRatio(
        speed_ratio(candidate, reference), noise, float(candidate.sum() + reference.sum())
    )


def _noise_of(seconds: Floats) -> float:
    """Return the difference, as a share, between a model's two passes, which do equal work."""
    ratios = seconds[:, 0].sum(axis=1) / seconds[:, 1].sum(axis=1)
    low, high = quantile_interval(ratios, 0.5)
    return noise_between(low, high)
