"""Handle stdout and stderr that are closed, full, or no longer read."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = 0, 1, 2


class OutputLost(EdgeproofError):  # noqa: N818 - named for a state
    """The output of a command cannot be written.

    Args:
        error: the error of the operating system.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"cannot write to stdout ({error.strerror})",
            remedy="Redirect stdout to a file on a disk with free space, or to a program "
            "that reads all of it",
        )
        # A reader such as `head` closes the pipe on purpose, so the lost output needs no message.
        self.silent = error.errno == errno.EPIPE


class _Output(io.FileIO):
    """An output that calls `on_lost` once if it cannot be written, and drops all further output."""

    def __init__(
        self, descriptor: int, on_lost: Callable[[OSError], None], *, closed: bool
    ) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._tell = on_lost
        self._was_closed = closed
        self._lost = False

    def write(self, block: ReadableBuffer, /) -> int:
        """Write a block, or report why it cannot be written."""
        if self._was_closed:
            self._report_once(OSError(errno.EBADF, "it is closed"))
        while not self._lost:
            try:
                return super().write(block) or 0
            except OSError as error:
                self._report_once(error)
        return memoryview(block).nbytes

    def _report_once(self, error: OSError) -> None:
        already_lost, self._lost = self._lost, True
        if not already_lost:
            self._tell(error)


def open_output(
    descriptor: int, on_lost: Callable[[OSError], None], *, closed: bool = False
) -> io.TextIOWrapper:
    """Return a text stream to a descriptor.

    Args:
        descriptor: descriptor of an open file.
        on_lost: called once with the error if it cannot be written.
        closed: whether the stream was closed when the process started, so that /dev/null is open in
            its place.
    """
    raw = _Output(descriptor, on_lost, closed=closed)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        # A character that the terminal's encoding lacks must not end a command.
        errors="backslashreplace",
        line_buffering=raw.isatty(),
        write_through=descriptor == STDERR,
    )


def raise_lost(error: OSError) -> None:
    """Raise `OutputLost` for an error of stdout."""
    raise OutputLost(error)


def open_closed_streams() -> set[int]:
    """Replace closed standard streams by /dev/null; return which were closed.

    Otherwise a file that is opened later would get one of these descriptors, and the output that
    native code writes there.
    """
    closed = {descriptor for descriptor in (STDIN, STDOUT, STDERR) if not _is_open(descriptor)}
    silence(closed)
    return closed


def silence(descriptors: Iterable[int]) -> None:
    """Redirect descriptors to /dev/null, also for child processes."""
    for descriptor in descriptors:
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing == descriptor:
            os.set_inheritable(descriptor, True)
        else:
            os.dup2(nothing, descriptor)
            os.close(nothing)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
