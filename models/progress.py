"""Report progress of long work: one changing line on a terminal, occasional lines in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from models.escaping import one_line

if TYPE_CHECKING:
    from typing import TextIO

    from models.training.history import Step

TERMINAL_INTERVAL = 0.2
LOG_INTERVAL = 10.0


class Progress:
    """Prints the current step of a build.

    Args:
        stream: the stream to print to; on a terminal, temporary progress is one line that changes.
        alone: whether no other process prints there; changing lines of two processes would
            overwrite each other.
    """

    def __init__(self, stream: TextIO, *, alone: bool = True) -> None:
        self._stream = stream
        self._moving = alone and stream.isatty()
        self._interval = TERMINAL_INTERVAL if self._moving else LOG_INTERVAL
        self._last = 0.0
        self._width = 0

    def say(self, text: str) -> None:
        """Print a line that stays on the screen."""
        self._write(one_line(text), "\n")
        self._width = 0

    def tick(self, text: str) -> None:
        """Print temporary progress, unless the last temporary line is less than `_interval` old."""
        now = time.monotonic()
        if now - self._last < self._interval:
            return
        self._last = now
        text = one_line(text)
        self._write(text, "" if self._moving else "\n")
        self._width = len(text) if self._moving else 0

    def _write(self, text: str, end: str) -> None:
        start = "\r" if self._moving else ""
        self._stream.write(f"{start}{text.ljust(self._width)}{end}")
        self._stream.flush()


class Pace:
    """Measures the speed of work, and estimates the remaining time.

    Args:
        total: total number of units of work.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._start = time.monotonic()

    def describe(self, done: int, unit: str) -> str:
        """Return a text such as "312 texts/s, 41 s left", after `done` units of work."""
        elapsed = max(time.monotonic() - self._start, 1e-9)
        remaining = (self._total - done) * elapsed / max(done, 1)
        return f"{done / elapsed:.0f} {unit}/s, {remaining:.0f} s left"


class TrainingProgress:
    """Turns training steps into progress lines: epoch, loss, texts per second, time left.

    Args:
        role: role of the model.
        texts: number of texts in an epoch.
        before: number of epochs that an earlier run completed.
        epochs: total number of epochs.
        progress: prints the lines.
    """

    def __init__(self, role: str, texts: int, before: int, epochs: int, progress: Progress) -> None:
        self._role, self._progress, self._texts, self._before = role, progress, texts, before
        self._pace = Pace(texts * (epochs - before))

    def __call__(self, step: Step) -> None:
        """Report the progress of a fine-tuning; a line stays after each epoch."""
        done = (step.epoch - 1 - self._before) * self._texts + step.texts
        line = (
            f"{self._role} model: epoch {step.epoch}/{step.epochs}, loss {step.loss:.3f}, "
            f"{self._pace.describe(done, 'texts')}"
        )
        if step.batch == step.batches:
            self._progress.say(line)
        else:
            self._progress.tick(line)
