"""A race interleaves its models fairly and gives the labels that each model gives alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.runtime.client import Runner, RunnerRefused

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[np.int32]]

NAMES = ("float32", "float16", "static_wi8_ai8")


@pytest.fixture(scope="module")
def racers(runner: Runner, tiny: dict[str, Path]) -> Runner:
    for name in NAMES:
        runner.load(name, tiny[name])
    return runner


def test_labels_from_a_timed_race_equal_the_labels_without_timing(
    racers: Runner, by_name: Inputs
) -> None:
    race = racers.race(dict.fromkeys(NAMES, by_name), rounds=70)
    for name in NAMES:
        answers = racers.answer(name, by_name).logits.argmax(1)
        np.testing.assert_array_equal(race.predictions[name], answers[race.rows])


def test_every_round_of_a_race_is_timed_for_each_model(racers: Runner, by_name: Inputs) -> None:
    race = racers.race(dict.fromkeys(NAMES, by_name), rounds=70)
    assert tuple(race.invoke_ns) == NAMES
    for name in NAMES:
        assert race.invoke_ns[name].shape == race.cpu_ns[name].shape == (70,)
        assert (race.invoke_ns[name] > 0).all()


def test_race_runs_every_text_equally_often(racers: Runner, by_name: Inputs) -> None:
    rows = racers.race(dict.fromkeys(NAMES, by_name), rounds=60).rows
    assert sorted(rows[:30]) == list(range(30))
    np.testing.assert_array_equal(rows[:30], rows[30:])


def test_order_of_texts_in_a_race_follows_the_seed(racers: Runner, by_name: Inputs) -> None:
    first, same, with_another_seed = (
        racers.race(dict.fromkeys(NAMES, by_name), rounds=30, seed=s).rows for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != with_another_seed).any()


def test_rejects_race_without_texts(racers: Runner, by_name: Inputs) -> None:
    none = {name: array[:0] for name, array in by_name.items()}
    with pytest.raises(RunnerRefused, match="at least one row"):
        racers.race(dict.fromkeys(NAMES, none), rounds=3)
