"""Call functions after a time, all of them from one thread.

A `threading.Timer` starts a thread for each call. A run sends its runners a thousand requests, each
with a time limit, and a thread costs as much as the answer of a small network.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds until the next look if no alarm is set.
_LONGEST_WAIT = 3600.0


class Alarms:
    """Functions with the time at which each is called."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}
        self._looks_at = 0.0
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, function: Callable[[], None]) -> int:
        """Set an alarm that calls a function after `seconds`; return the id that cancels it.

        The function must be quick and raise no exception: it is called from the only thread.
        """
        with self._changed:
            # A forked process has no threads but its own.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()
            number, at = next(self._numbers), time.monotonic() + seconds
            self._due[number] = at, function
            # The thread usually waits for an earlier alarm, and need not be woken for this one.
            if at < self._looks_at:
                self._changed.notify()
            return number

    def cancel(self, number: int) -> None:
        """Cancel an alarm; its function is not running any more when this returns."""
        with self._changed:
            self._due.pop(number, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for number, (at, function) in list(self._due.items()):
                    if at <= now:
                        del self._due[number]
                        function()
                times = [at for at, _ in self._due.values()]
                self._looks_at = min(times, default=now + _LONGEST_WAIT)
                self._changed.wait(self._looks_at - now)
