"""The runner with marks around each `invoke()`, between which a plugin of the emulator counts.

A mark is a system call about a process that cannot exist: it changes nothing. The plugin, whose
source is plugin/count.c, knows it by its number. Runs where the runner does, on Python 3.8.
"""

from __future__ import annotations

import contextlib
import os
import sys

from models.runtime import runner

START = 0x45444745
STOP = 0x45444746


def mark(number: int) -> None:
    """Make the system call; that there is no such process is what is expected."""
    with contextlib.suppress(OSError):
        os.getpriority(os.PRIO_PROCESS, number)


class CountedModel(runner.Model):
    """A model whose every `invoke()` stands between two marks."""

    def invoke(self) -> tuple[int, int]:
        """Run the model once: (wall, CPU) nanoseconds, which the emulator makes meaningless."""
        mark(START)
        try:
            return super().invoke()
        finally:
            mark(STOP)


if __name__ == "__main__":
    runner.Model = CountedModel  # type: ignore[misc]
    sys.exit(runner.main())
