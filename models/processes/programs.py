"""Run programs within limits of time and output, and end them before this process ends.

Each program is started in its own process group, so that the processes that it starts end with it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from models.errors import EdgeproofError
from models.interruptions import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Maximum number of bytes that a program may print; the longest usual output is a list of packages.
OUTPUT_BYTES = 1 << 24
# Bytes kept of output that is only shown to people: its end.
TAIL_BYTES = 1 << 16
PIECE = 1 << 16
# Seconds to wait for a killed process. Only a broken disk or network can delay it, inside the
# kernel.
_SECONDS_TO_DIE = 5.0
# Seconds to read on after a program's end: processes that it left behind may keep its streams open.
_SECONDS_TO_DRAIN = 1.0

_living: dict[int, subprocess.Popen[bytes]] = {}
_owner = os.getpid()


@dataclass(frozen=True)
class Ended:
    """The exit status and the output of a program that has ended.

    Attributes:
        code: its exit status, negative for a signal.
        stdout: its output.
        stderr: the end of its output on stderr.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        """Return the last non-empty line of stderr, or of stdout if stderr is empty."""
        lines = [line.strip() for line in (self.stderr or self.stdout).splitlines()]
        return next((line for line in reversed(lines) if line), "no message")

    @property
    def last_error_line(self) -> str:
        """Return the last non-empty line of stderr."""
        return replace(self, stdout="").last_line


class Overrun(EdgeproofError):  # noqa: N818 - named for the event, like the other errors here
    """A program exceeded its time or output limit, and was killed.

    Args:
        problem: the limit that it exceeded, in words.
        remedy: what the user can do about it.
        stderr: the end of its output on stderr.
    """

    def __init__(self, problem: str, *, remedy: str, stderr: str = "") -> None:
        super().__init__(problem, remedy=remedy)
        self.stderr = stderr


def start(  # noqa: PLR0913 - the settings of a process
    command: Sequence[str],
    *,
    remedy: str,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | int | None = subprocess.PIPE,
    stderr: IO[bytes] | int | None = subprocess.PIPE,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group; the caller must `wait` for it or `end` it.

    Args:
        command: the program and its arguments.
        remedy: the remedy if it cannot be started.
        stdin: its standard input.
        stdout: its standard output; None for this process's own.
        stderr: its standard error; None for this process's own.
        environment: its environment variables; by default this process's own.
        folder: its working folder; by default this process's own.

    Raises:
        EdgeproofError: the program cannot be started.
    """
    try:
        # A signal must not come between the start of the program and its record in `_living`.
        with uninterrupted():
            process = subprocess.Popen(
                list(command),
                env=None if environment is None else dict(environment),
                cwd=folder,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            _living[process.pid] = process
    except OSError as error:
        raise EdgeproofError(
            f"it cannot be started ({error.strerror})", file=command[0], remedy=remedy
        ) from None
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and the processes of its group, unless `wait` has already returned for it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait for a program to end, or kill it after `seconds`; then kill the processes of its group.

    Returns:
        The exit status, negative for a signal; None if it had to be killed.
    """
    late = process.returncode is None and not _has_ended(process, seconds)
    kill(process)
    # Popen keeps its lock if an exception comes between two of its steps, and then waits in vain.
    with contextlib.suppress(subprocess.TimeoutExpired), uninterrupted():
        process.wait(_SECONDS_TO_DIE)
        _living.pop(process.pid, None)
    return None if late else process.returncode


def lives(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a program is still running."""
    return not _is_over(process)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


def end(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Ask a program to end, and wait for it; see `wait`."""
    terminate(process)
    return wait(process, seconds)


def terminate_all() -> None:
    """Ask every running program started here to end, without waiting."""
    for process in list(_living.values()):
        terminate(process)


def kill_all() -> None:
    """Kill every running program started here, without waiting."""
    if os.getpid() == _owner:
        for process in list(_living.values()):
            kill(process)


def _end_all() -> None:
    """End the programs that still run because a signal came before their callers ended them."""
    if os.getpid() == _owner:
        terminate_all()
        for process in list(_living.values()):
            wait(process, _SECONDS_TO_DIE)


def run(  # noqa: PLR0913 - the settings of a process, and its limits
    command: Sequence[str],
    *,
    seconds: float,
    remedy: str,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stderr: int | None = subprocess.PIPE,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: int = OUTPUT_BYTES,
    grace: float = 0.0,
) -> Ended:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        seconds: time limit in seconds.
        remedy: the remedy if it cannot be started or exceeds a limit.
        stdin: its standard input.
        stderr: its standard error; None for this process's own.
        environment: its environment variables; by default this process's own.
        folder: its working folder; by default this process's own.
        output: limit of its output in bytes.
        grace: seconds that it gets to end by itself if this process is interrupted; 0 kills it at
            once.

    Raises:
        Overrun: the program exceeded a limit and was killed.
        EdgeproofError: the program cannot be started.
    """
    deadline = time.monotonic() + seconds
    process = start(
        command,
        remedy=remedy,
        stdin=stdin,
        stderr=stderr,
        environment=environment,
        folder=folder,
    )
    try:
        printed = _read(process, deadline, output)
        remaining = max(deadline - time.monotonic(), 0.0)
        code = None if printed.too_much else wait(process, remaining)
    except BaseException:
        if grace:
            end(process, grace)
        raise
    finally:
        kill(process)
        wait(process, 0.0)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if code is None:
        excess = f"printed more than {output:,} bytes" if printed.too_much else ""
        problem = (
            f"{' '.join(command[:3])} {excess or f'took longer than {seconds:g} s'} and was killed"
        )
        raise Overrun(problem, remedy=remedy, stderr=_text(printed.stderr))
    return Ended(code, _text(printed.stdout), _text(printed.stderr))


class _Printed:
    """The output that a program has written so far, and whether it was too much."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.too_much = False


def _read(process: subprocess.Popen[bytes], deadline: float, most: int) -> _Printed:
    """Read both streams until they end, the deadline passes, or the output is too large."""
    printed = _Printed()
    with selectors.DefaultSelector() as waiting:
        for stream, block in ((process.stdout, printed.stdout), (process.stderr, printed.stderr)):
            if stream is not None:
                waiting.register(stream, selectors.EVENT_READ, block)
        while waiting.get_map() and (remaining := deadline - time.monotonic()) > 0:
            ready = waiting.select(min(remaining, _SECONDS_TO_DRAIN))
            if not ready and _has_ended(process, 0.0):
                break
            for key, _ in ready:
                piece = os.read(key.fd, PIECE)
                key.data.extend(piece)
                if not piece:
                    waiting.unregister(key.fileobj)
            del printed.stderr[:-TAIL_BYTES]
            if len(printed.stdout) > most:
                printed.too_much = True
                break
    return printed


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait up to `seconds` for a program to end; tell whether it has ended.

    The process id stays valid until `wait` is called.
    """
    deadline, pause = time.monotonic() + seconds, 0.0005
    while not _is_over(process):
        remaining = deadline - time.monotonic()
        if remaining <= 0.0:
            return False
        time.sleep(min(pause, remaining))
        pause = min(pause * 2, 0.05)
    return True


def _is_over(process: subprocess.Popen[bytes]) -> bool:
    if process.returncode is not None:
        return True
    try:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return True


def _text(block: bytearray) -> str:
    return block.decode("utf-8", "replace")


atexit.register(_end_all)
