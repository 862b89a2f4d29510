"""Start and reach runners: each transport starts a local process with three pipes.

A transport over ssh starts the system's ssh client, and an emulated one starts qemu; the client
uses the same `Channel` in every case.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, ClassVar, Protocol

from models.processes import programs
from models.runtime import assembling
from models.runtime.alarms import Alarms
from models.runtime.interpreters import interpreter_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

# Environment variables of every runner on every machine, so that measurements are comparable.
RUNNER_ENVIRONMENT = {
    # Waiting threads must sleep: if cores are shared, a spinning thread slows the measured one.
    "KMP_BLOCKTIME": "0",
    "OMP_WAIT_POLICY": "PASSIVE",
    # Threads of numpy would only use memory; the runtime gets its threads with each request.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
}

HERE = "this machine"
_STDERR_BYTES = 16_384
_ALARMS = Alarms()


class Channel:
    """A started runner: the streams to and from it, and the end of its stderr.

    Args:
        command: the command, as a list of arguments.
        environment: the whole environment of the process.
        machine: name of the machine, for messages.

    Raises:
        EdgeproofError: the command cannot be started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], machine: str = HERE
    ) -> None:
        self.where = machine
        # A process group of its own, so that killing it also ends the processes that a wrapper
        # started.
        self._process = programs.start(
            command,
            environment=environment,
            stdin=subprocess.PIPE,
            remedy="Check that the command exists and may be executed",
        )
        self.requests = _pipe(self._process.stdin)
        self.answers = _pipe(self._process.stdout)
        self._stderr = _pipe(self._process.stderr)
        self._tail = bytearray()
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        self._drain.start()

    def _read_stderr(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            while piece := os.read(self._stderr.fileno(), 4096):
                self._tail += piece
                del self._tail[:-_STDERR_BYTES]

    @property
    def pid(self) -> int:
        """Return the process id of the started command, which over ssh is not the runner's."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Return whether the process is still running."""
        return programs.lives(self._process)

    def terminate(self) -> None:
        """Send the process the signal that asks it to end."""
        programs.terminate(self._process)

    def kill(self) -> None:
        """Kill the process and all processes that it started."""
        programs.kill(self._process)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of the process, and kill it after `seconds`.

        Returns:
            The exit status, negative for a signal; None if the process had to be killed.
        """
        return programs.wait(self._process, seconds)

    def lost_connection(self, status: int | None) -> bool:  # noqa: ARG002 - subclasses use it
        """Return whether an exit status means that the connection ended, but not the runner."""
        return False

    def last_lines(self, count: int = 5) -> str:
        """Return the last lines that the runner wrote to stderr."""
        self._drain.join(timeout=1)
        lines = bytes(self._tail).decode("utf-8", errors="replace").splitlines()
        return "\n".join([line for line in lines if line.strip()][-count:])

    def read_line(self, seconds: float, most: int) -> bytes:
        """Return the next line of the process's output.

        Args:
            seconds: time limit, after which the process is killed, so that the output ends.
            most: largest number of bytes; of a longer line, only the beginning is returned.

        Returns:
            The line, without a newline if the output ended before it; b"" at the end of the output.
        """
        with watchdog(self, seconds), contextlib.suppress(OSError):
            return self.answers.readline(most)
        return b""

    def close(self) -> None:
        """Close the pipes of an ended process."""
        self._drain.join(timeout=1)
        for stream in (self.requests, self.answers, self._stderr):
            # Bytes that were written for a runner cannot be flushed after its end.
            with contextlib.suppress(OSError):
                stream.close()


@contextlib.contextmanager
def watchdog(channel: Channel, seconds: float) -> Iterator[Callable[[], bool]]:
    """Kill a channel's process after `seconds`.

    Yield a function that returns whether the process was killed.
    """
    expired = threading.Event()

    def kill() -> None:
        expired.set()
        channel.kill()

    alarm = _ALARMS.set(seconds, kill)
    try:
        yield expired.is_set
    finally:
        _ALARMS.cancel(alarm)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("every stream of a channel is a pipe")
    return stream


class Transport(Protocol):
    """The interface of a transport, which starts runners and provides their files.

    Attributes:
        patience: factor by which time limits of requests are multiplied; 1 for a real processor.
    """

    patience: ClassVar[float]

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:
        """Start the runner.

        Args:
            arguments: arguments of the runner's command line.
            runtime: import name of the runtime, for machines on which a runtime has its own Python.
        """
        ...

    def place(self, file: Path) -> str:
        """Make a file on this machine readable for the runner; return its path on the target."""
        ...

    def within(self, wrapper: Sequence[str]) -> Transport:
        """Return a transport that starts runners with a command such as `("unshare", "--net")`."""
        ...

    def describe(self) -> str:
        """Return where the runner runs, for messages and reports: one short phrase."""
        ...


@dataclass(frozen=True, kw_only=True)
class LocalTransport:
    """A transport that starts the runner as a subprocess on this machine.

    Args:
        python: the interpreter that has numpy and the runtime; by default see `interpreter_for`.
        wrapper: a command that starts the runner, e.g. `("unshare", "--net", "--map-root-user")`.
        environment: variables in addition to `RUNNER_ENVIRONMENT`.
        program: module to start in place of the runner.
    """

    patience: ClassVar[float] = 1.0

    python: str | None = None
    wrapper: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Path | None = None

    def start(self, arguments: Sequence[str], runtime: str | None = None) -> Channel:
        """Start the runner with command-line arguments, in the Python that has the runtime."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        python = self.python or interpreter_for(runtime).python
        command = [*self.wrapper, python, str(self.program or assembling.runner_file()), *arguments]
        return Channel(command, {**own, **RUNNER_ENVIRONMENT, **self.environment})

    def place(self, file: Path) -> str:
        """Return the file's path, because the runner reads the same files."""
        return str(file.resolve())

    def within(self, wrapper: Sequence[str]) -> LocalTransport:
        """Return the same transport, with a command that starts the runner as its `wrapper`."""
        return replace(self, wrapper=tuple(wrapper))

    def describe(self) -> str:
        """Return the name of this machine, with the wrapper if there is one."""
        return f"{HERE} (within {' '.join(self.wrapper)})" if self.wrapper else HERE
