"""Run a runner that makes a mark before and after each `invoke()`.

An emulator plugin counts the instructions between the marks.

A mark is a system call with the id of a process that cannot exist, so it has no effect. The plugin
(plugin/count.c) recognizes the call by this id. This module runs on the target, on Python 3.8.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from models.runner import serving

START = 0x45444745
STOP = 0x45444746


def mark(number: int) -> None:
    """Make a system call as a mark; it is expected to fail."""
    with contextlib.suppress(OSError):
        os.getpriority(os.PRIO_PROCESS, number)


class CountedGraph:
    """A graph that makes a mark before and after each `invoke()`.

    Args:
        graph: the backend's graph.
    """

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def invoke(self) -> None:
        """Run the graph between two marks, between which instructions are counted."""
        mark(START)
        try:
            self._graph.invoke()
        finally:
            mark(STOP)


def count(_name: str, model: Any) -> None:
    """Make the graphs of a model, one for each length, mark each `invoke()`."""
    for at_length in (model, *model.shorter.values()):
        at_length.graph = CountedGraph(at_length.graph)


if __name__ == "__main__":
    sys.exit(serving.main(adapt=count))
