"""Handle signals that stop a process: end soon, without leftover processes or drafts.

SIGINT, SIGTERM and SIGHUP raise `Stopped` in the main thread, which closes everything that is open.
Native code may block the main thread for minutes. In that case, or at a second signal, a thread of
this module kills the started programs, removes unfinished files, and ends the process.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from models.files import unfinished_files
from models.interruptions import raise_when_allowed
from models.processes import programs

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds to close runners, connections and results in order. A CI that cancels a job sends a second
# signal before it kills the process; the second signal stops this process at once.
SECONDS_TO_STOP = 15.0
# Signals within this time count as one: a terminal and the parent program may both send the same
# Ctrl-C.
_SECONDS_OF_ONE_SIGNAL = 1.0
_STDIN = 0


class Stopped(KeyboardInterrupt):
    """The exception that is raised when a signal asks this process to end.

    Args:
        number: number of the signal.

    Attributes:
        exit_code: the exit code that shells use for this signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number
        self.exit_code = 128 + number


def stop_on_signals(seconds: float = SECONDS_TO_STOP) -> None:
    """Handle signals that ask this process to stop, so that it ends soon and cleanly.

    Ignored signals stay ignored, such as SIGHUP under `nohup`.

    Args:
        seconds: time that the main thread may take to close everything, in seconds.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    # `atexit` calls the last function first: this one before unfinished files are removed.
    atexit.register(stop_raising)
    _start_thread(_Listener(read_end, seconds).listen)


def stop_with_stdin() -> None:
    """Stop this process when stdin ends, because then the process at its other end has ended."""
    _start_thread(_follow_stdin)


def stop_raising() -> None:
    """Raise no exception at further signals, because nothing may interrupt the cleanup."""
    for number in SIGNALS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, _already_stopping)


def _start_thread(target: Callable[[], None]) -> None:
    threading.Thread(target=target, name="stopping", daemon=True).start()


def _follow_stdin() -> None:
    while os.read(_STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(number: int, _: FrameType | None) -> None:
    stop_raising()
    raise_when_allowed(Stopped(number))


def _already_stopping(number: int, frame: FrameType | None) -> None:
    """Do nothing: the listening thread handles further signals."""


class _Listener:
    """Ends the process after a signal if its main thread does not do so in time.

    Args:
        signals: a pipe from which the numbers of signals are read.
        seconds: time that the main thread may take, in seconds.
    """

    def __init__(self, signals: int, seconds: float) -> None:
        self._signals, self._seconds = signals, seconds
        self._first: int | None = None
        self._since = 0.0

    def listen(self) -> None:
        """Wait for signals as long as the process lives."""
        while True:
            ready, _, _ = select.select([self._signals], [], [], self._seconds_left())
            for number in os.read(self._signals, 64) if ready else b"":
                if number in SIGNALS:
                    self._receive(number)
            if self._first is not None and not self._seconds_left():
                _end_at_once(self._first)

    def _receive(self, number: int) -> None:
        if self._first is None:
            self._first, self._since = number, time.monotonic()
        elif number != self._first or time.monotonic() > self._since + _SECONDS_OF_ONE_SIGNAL:
            _end_at_once(self._first)

    def _seconds_left(self) -> float | None:
        if self._first is None:
            return None
        return max(self._since + self._seconds - time.monotonic(), 0.0)


def _end_at_once(number: int) -> None:
    programs.kill_all()
    for pid in _companions():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    unfinished_files.remove_drafts()
    os._exit(128 + number)


def tell_companions(number: int) -> None:
    """Forward a signal to processes that share this process's work, such as xdist's workers."""
    for pid in _companions():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _companions() -> list[int]:
    """Return the ids of the child processes in this process's group.

    Programs that `programs` started are not among them: each has a group of its own.
    """
    processes = []
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            processes += [int(pid) for pid in task.read_text(encoding="ascii").split()]
    group = os.getpgid(0)
    return [pid for pid in processes if _group_of(pid) == group]


def _group_of(pid: int) -> int | None:
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None
