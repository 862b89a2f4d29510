"""Measure how time and memory grow with the number of texts, and the speed of two cores."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks.default_subject import default_subject, repeated
from benchmarks.limits import judged
from benchmarks.runner import RUNTIME
from models.runtime.client import Runner
from models.runtime.predictions import answer_split_at_once
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[Any]]

# Number of texts in RepLab's test split. EDGEPROOF_BENCHMARK_TEXTS=4000 tries fewer.
REPLAB_TEXTS = 58_568
TEXTS = int(os.environ.get("EDGEPROOF_BENCHMARK_TEXTS", str(REPLAB_TEXTS)))


def measure_scale() -> dict[str, Any]:
    """Return how time changes with two runners, and time and memory with twice the texts.

    The times of all candidates are added, because a run classifies the texts with all of them.
    """
    files, inputs = default_subject()
    seconds = {name: _scaled(file, inputs) for name, file in files.items()}
    half, whole, shared = (
        sum(one[key] for one in seconds.values())
        for key in ("half_seconds", "whole_seconds", "shared_seconds")
    )
    figures = {
        "two_over_one": whole / shared,
        "twice_over_once": whole / half,
        "memory_twice_over_once": max(one["memory_ratio"] for one in seconds.values()),
    }
    rates = {name: TEXTS / one["whole_seconds"] for name, one in seconds.items()}
    details = {"texts": TEXTS, "texts_per_second_of_one_core": rates, "candidates": seconds}
    return judged("scale", figures, details)


def _scaled(file: Path, inputs: Inputs) -> dict[str, float]:
    """Return the seconds for half of the texts, for all texts, and for all with two runners.

    `memory_ratio` is the memory for all texts, divided by the memory for half of them.
    """
    half, memory = _answer(file, repeated(inputs, TEXTS // 2), runners=1)
    every = repeated(inputs, TEXTS)
    whole, memory_of_whole = _answer(file, every, runners=1)
    shared, _ = _answer(file, every, runners=2)
    return {
        "half_seconds": half,
        "whole_seconds": whole,
        "shared_seconds": shared,
        "memory_ratio": memory_of_whole / memory,
    }


def _answer(file: Path, inputs: Inputs, *, runners: int) -> tuple[float, float]:
    """Return the seconds to classify the texts, and the largest memory of a runner."""
    with ExitStack() as opened:
        ready = [opened.enter_context(Runner(LocalTransport(), RUNTIME)) for _ in range(runners)]
        for runner in ready:
            runner.load("variant", file)
        waiting = iter(ready)

        def start() -> Any:
            # The runners have already started, so that only classification is timed.
            return Entered(next(waiting))

        started = time.perf_counter()
        answer_split_at_once(start, lambda _: None, "variant", inputs, runners=runners)
        seconds = time.perf_counter() - started
        return seconds, float(max(runner.usage().peak_rss_bytes for runner in ready))


class Entered:
    """Provide a runner that is already entered, and do not close it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __enter__(self) -> Runner:
        """Return the open runner."""
        return self._runner

    def __exit__(self, *_: object) -> None:
        """Do nothing, so that the runner stays open."""
