"""Run a runner in which one model is slowed by extra work of a given duration.

This program replaces the runner, to test whether a slowdown would be detected. `EDGEPROOF_SLOWED`
is the name of the model, and `EDGEPROOF_SLOWDOWN` the share of its own time by which it is slowed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


class Slowed:
    """A graph that spins for a share of the time that each `invoke()` took.

    Args:
        graph: the backend's graph.
        share: the additional share of time; 0.1 makes the graph a tenth slower.
    """

    def __init__(self, graph: Any, share: float) -> None:
        self._graph = graph
        self._share = share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def invoke(self) -> None:
        """Invoke the graph, then spin for the additional share of the time that this took."""
        start = time.perf_counter_ns()
        self._graph.invoke()
        elapsed = time.perf_counter_ns() - start
        until = start + elapsed + round(elapsed * self._share)
        while time.perf_counter_ns() < until:
            pass


def main() -> int:
    """Serve the client as the runner does; return the exit status."""
    # Replace this file's folder in the module search path, because its files could shadow installed
    # modules.
    sys.path[0] = str(PROJECT)
    from models.runner import serving  # noqa: PLC0415 - found by the changed path

    slowed, share = os.environ["EDGEPROOF_SLOWED"], float(os.environ["EDGEPROOF_SLOWDOWN"])

    def slow(name: str, model: Any) -> None:
        if name == slowed:
            for at_length in (model, *model.shorter.values()):
                at_length.graph = Slowed(at_length.graph, share)

    return serving.main(adapt=slow)


if __name__ == "__main__":
    sys.exit(main())
