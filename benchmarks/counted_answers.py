"""A pytest plugin that counts the answers of each gate, and replaces their times.

A virtual clock reports about one second for every answer, with a random spread of one percent,
however long the answer really takes. The plugin counts the answers that are requested from a
runner, by test and by backend.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.runtime.client import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

COUNTS_VARIABLE = "EDGEPROOF_META_ANSWERS"
# An answer takes slightly less than a second, in nanoseconds: at exactly a second, no number of
# answers would decide the budget of one text per second.
SECOND, SPREAD = 0.98e9, 0.01
_NOBODY = "between tests"
# The runner's methods that give answers, and the key of the times in their replies.
CLOCKS = {"answer": "invoke_ns", "race": "invoke_ns", "classify": "text_to_label_ns"}


class Counts:
    """The number of answers requested so far, by test and by backend."""

    def __init__(self) -> None:
        self.test = _NOBODY
        self.asked: dict[str, Counter[str]] = defaultdict(Counter)
        self._draw = np.random.default_rng(0)

    def invented_times(self, measured: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return invented times for the same number of answers, in nanoseconds [n]."""
        return np.round(SECOND * self._draw.normal(1.0, SPREAD, len(measured))).astype(np.int64)


COUNTS = Counts()


def _counted(name: str, clock: str) -> Callable[..., Any]:
    """Return a method of the runner that counts answers and reports a second for each.

    Args:
        name: name of the method.
        clock: key of the times in its reply.
    """
    original = getattr(Runner, name)

    def counted(runner: Runner, *arguments: Any, **keywords: Any) -> Any:
        reply = original(runner, *arguments, **keywords)
        times = getattr(reply, clock)
        by_model = times if isinstance(times, dict) else {"": times}
        # The reply to a race does not contain the warm-up.
        warmup = keywords.get("warmup", 0)
        answers = sum(len(model_times) + warmup for model_times in by_model.values())
        COUNTS.asked[COUNTS.test][runner.info.backend] += answers
        invented = {
            model: COUNTS.invented_times(model_times) for model, model_times in by_model.items()
        }
        return replace(reply, **{clock: invented if isinstance(times, dict) else invented[""]})

    return counted


def pytest_configure() -> None:
    """Count the answers of this process's runners, and replace their times.

    Importing this module must change nothing: other benchmarks are imported together with it, and
    measure real times.
    """
    for name, clock in CLOCKS.items():
        setattr(Runner, name, _counted(name, clock))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count answers under the id of the running test."""
    COUNTS.test = item.nodeid
    try:
        return (yield)
    finally:
        COUNTS.test = _NOBODY


def pytest_sessionfinish() -> None:
    """Write the counts to the file that the environment variable `COUNTS_VARIABLE` names."""
    Path(os.environ[COUNTS_VARIABLE]).write_text(json.dumps(COUNTS.asked), encoding="utf-8")
