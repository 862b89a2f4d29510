"""Run a builder in a background process: start it, read its messages, wait for it, stop it."""

from __future__ import annotations

import os
import queue
import selectors
import sys
import threading
import time
from typing import TYPE_CHECKING

from models.build import ENVIRONMENT, SECONDS_TO_STOP
from models.building import helpers
from models.errors import EdgeproofError
from models.processes import programs
from models.store import PROJECT, SECONDS_OF_A_BUILD

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

# Seconds for the builder to remove its drafts, after its own time to stop is over.
_SECONDS_TO_CLEAR = 5.0
# Seconds to read the rest of the output. It has arrived by then, unless a process that the builder
# left behind keeps the streams open.
_SECONDS_TO_READ = 2.0
_RUN_AGAIN = "Run again: the builder resumes after the last completed epoch"


class BuilderProcess:
    """A builder that makes artefacts in the background.

    The builder stops when this process ends, because its stdin is closed then.

    Args:
        arguments: arguments of `python -m models.build`.

    Raises:
        EdgeproofError: the builder cannot be started.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "models.build", *arguments, "--until-stdin-ends"]
        read_end, self._write_end = os.pipe()
        try:
            with os.fdopen(read_end, "rb") as stdin:
                self._process = programs.start(
                    command,
                    remedy=_RUN_AGAIN,
                    stdin=stdin,
                    # The builder would otherwise restart itself to set these variables.
                    environment=os.environ | ENVIRONMENT,
                    folder=PROJECT,
                )
        except EdgeproofError:
            os.close(self._write_end)
            raise
        self._deadline = time.monotonic() + SECONDS_OF_A_BUILD
        self._stopped = False
        self._output = _OutputReader(self._process)

    def lines(self) -> list[str]:
        """Return the builder's new messages since the last call."""
        return self._output.lines()

    def lives(self) -> bool:
        """Tell whether the builder is running; stop it if it has taken too long.

        Raises:
            EdgeproofError: the builder has failed or has taken too long.
        """
        if self._stopped:
            return False
        if programs.lives(self._process):
            if time.monotonic() < self._deadline:
                return True
            self.stop()
            hours = SECONDS_OF_A_BUILD / 3600
            raise EdgeproofError(f"the builder took longer than {hours:g} h", remedy=_RUN_AGAIN)
        code = self._end(0.0)
        if code:
            raise helpers.failure_of(programs.Ended(code, self._output.document(), ""))
        return False

    def stop(self) -> None:
        """Ask the builder to stop, and wait until it has; the current epoch is lost."""
        if not self._stopped:
            programs.terminate(self._process)
            self._end(SECONDS_TO_STOP + _SECONDS_TO_CLEAR)

    def _end(self, seconds: float) -> int:
        self._stopped = True
        os.close(self._write_end)
        code = programs.wait(self._process, seconds)
        self._output.close(_SECONDS_TO_READ)
        return -9 if code is None else code


class _OutputReader:
    """Reads both streams of a process in a thread, so that the process never blocks on a pipe.

    Args:
        process: a process whose stdout and stderr are pipes.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._document = bytearray()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, name="builder", daemon=True)
        self._thread.start()

    def lines(self) -> list[str]:
        """Return the new lines of stderr since the last call."""
        return [self._lines.get_nowait() for _ in range(self._lines.qsize())]

    def document(self) -> str:
        """Return the text that the process has written to stdout."""
        return self._document.decode("utf-8", "replace")

    def close(self, seconds: float) -> None:
        """Wait until the rest of the output is read, but at most `seconds`."""
        self._thread.join(seconds)

    def _read(self) -> None:
        begun_line = bytearray()
        with selectors.DefaultSelector() as waiting:
            for stream in (self._process.stdout, self._process.stderr):
                waiting.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type] # both streams are pipes, never None
            while waiting.get_map():
                for key, _ in waiting.select():
                    piece = os.read(key.fd, programs.PIECE)
                    if key.fileobj is self._process.stdout:
                        # A builder's document is never longer than this, so the rest is not kept.
                        self._document += piece[: programs.OUTPUT_BYTES - len(self._document)]
                    else:
                        begun_line += piece
                        *lines, unfinished = begun_line.split(b"\n")
                        for line in lines:
                            self._lines.put(line.decode("utf-8", "replace"))
                        begun_line = unfinished[-programs.TAIL_BYTES :]
                    if not piece:
                        waiting.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr] # an open file, not a descriptor
