"""Two models classify the same texts in turn, so that drift cancels in their speed ratio."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.verdicts.speed import TEXTS, TURNS, ask_in_turns, speed_race, speed_ratio

Rows = np.ndarray


def test_each_round_runs_the_models_in_forward_and_then_reverse_order() -> None:
    calls: list[tuple[str, tuple[int, ...]]] = []

    def asking(name: str, seconds: float) -> object:
        def ask(rows: Rows) -> Rows:
            calls.append((name, tuple(rows)))
            return np.full(len(rows), seconds)

        return ask

    models = {"slow": asking("slow", 2.0), "fast": asking("fast", 1.0)}
    times = ask_in_turns(models, 4, turns=2, first=3)  # type: ignore[arg-type] # these models are simple functions
    first, second = (3, 0, 1, 2), (3, 0, 1, 2)
    assert calls == [
        *(("slow", first), ("fast", first), ("fast", first), ("slow", first)),
        *(("fast", second), ("slow", second), ("slow", second), ("fast", second)),
    ]
    assert times["slow"].shape == (2, 2, 4)
    assert (times["slow"] == 2.0).all()


def test_successive_rounds_continue_through_the_texts() -> None:
    rows_asked: list[int] = []

    def ask(rows: Rows) -> Rows:
        rows_asked.extend(rows.tolist())
        return np.ones(len(rows))

    ask_in_turns({"one": ask}, 25, turns=3)
    assert sorted(set(rows_asked)) == list(range(25))
    assert rows_asked[-TEXTS:] == [*range(20, 25), *range(5)]


def test_drift_and_interruptions_cancel_in_the_speed_ratio() -> None:
    draw = np.random.default_rng(4)
    drift = np.linspace(1.0, 5.0, 60)[:, None, None]
    texts = draw.uniform(0.5, 2.0, (60, 1, TEXTS))
    interrupted = np.where(draw.random((2, 60, 2, TEXTS)) < 0.2, 3.0, 1.0)
    noise = draw.normal(1.0, 0.01, (2, 60, 2, TEXTS))
    slow, fast = 12.0 * drift * texts * interrupted[0] * noise[0], drift * texts * noise[1]
    ratio = speed_ratio(fast * interrupted[1], slow)
    assert ratio.low < 12.0 < ratio.high
    assert ratio.high - ratio.low < 1.0
    assert ratio.n == 60


def test_text_interrupted_once_is_timed_by_its_other_run() -> None:
    reference = np.full((8, 2, 3), 4.0)
    candidate = np.full((8, 2, 3), 1.0)
    candidate[:, 1, 2] = 50.0
    assert speed_ratio(candidate, reference).value == pytest.approx(4.0)


def test_noise_floor_is_the_difference_between_two_runs_of_one_model() -> None:
    reference, candidate = np.full((TURNS, 2, 3), 4.0), np.full((TURNS, 2, 3), 1.0)
    quiet = speed_race(candidate, reference)
    assert (quiet.noise_floor, quiet.ratio.value, quiet.seconds) == (0.0, 4.0, 5.0 * TURNS * 6)
    candidate[:, 1] = 1.25
    noisy = speed_race(candidate, reference)
    assert noisy.noise_floor == pytest.approx(0.25)
    assert noisy.widened.low == pytest.approx(3.2)


def test_too_few_rounds_give_no_confidence_bound_on_the_speed_ratio() -> None:
    race = speed_race(np.ones((2, 2, 3)), np.ones((2, 2, 3)))
    assert math.isinf(race.noise_floor)
    assert math.isinf(race.widened.high)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_rejects_latencies_that_are_not_positive(seconds: float) -> None:
    with pytest.raises(EdgeproofError):
        speed_ratio(np.full((6, 2, 3), seconds), np.ones((6, 2, 3)))
