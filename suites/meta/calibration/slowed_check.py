"""Race the built-in network with a copy that is ten times slower, and print the fastest answers.

The race has a process of its own, so that no change by other tests affects it. `python
slowed_check.py BACKEND` prints one JSON document: by instance, the nanoseconds of its fastest
answer.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np

from models.calibration import network, races
from models.calibration.races import AGAIN, CANDIDATE, REFERENCE, Calibrator
from models.runtime.client import Runner

ROUNDS = 60
SLOWDOWN = 9.0
# Ends the comparison: a race in which all instances took a millisecond for each answer.
SAME_TIMES = SimpleNamespace(
    invoke_ns={name: np.full(ROUNDS, 1e6) for name in (REFERENCE, AGAIN, CANDIDATE)}
)


def main(backend: str) -> None:
    """Print the time of each instance's fastest answer in the first race of a comparison."""
    race_of_runner = Runner.race
    fastest: dict[str, int] = {}

    def race(self: Runner, *arguments: Any, **options: Any) -> Any:
        times = race_of_runner(self, *arguments, **options).invoke_ns
        fastest.update({name: int(answers.min()) for name, answers in times.items()})
        return SAME_TIMES

    races.ROUNDS = ROUNDS
    Runner.race = race  # type: ignore[method-assign] # the comparison reports ratios alone
    Calibrator(network.dense_network(), backend).comparison(SLOWDOWN)
    print(json.dumps(fastest))  # noqa: T201 - the test reads this output


if __name__ == "__main__":
    main(sys.argv[1])
