"""Define readers that fail in every way that fuzzing must detect."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from models.errors import EdgeproofError
from suites.meta.fuzz.reader import READERS, reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["READERS"]


def _good() -> Iterator[bytes]:
    yield b"good"


def _bad() -> Iterator[tuple[str, bytes]]:
    yield from ((name, name.encode()) for name in ("first", "second", "third"))


planted = reader("file", seeds=_good, crafted=_bad)


def _second(path: Path) -> bool:
    return path.read_bytes() == b"second"


@planted
def sound(path: Path) -> None:
    """Refuse a bad file in one message."""
    if path.read_bytes() != b"good":
        raise EdgeproofError("is bad", file=path, remedy="Give another")


@planted
def raising(path: Path) -> None:
    """Raise an unexpected exception."""
    if _second(path):
        raise KeyError("dtype")


@planted
def dying(path: Path) -> None:
    """Crash like native code."""
    if _second(path):
        os.kill(os.getpid(), signal.SIGSEGV)


@planted
def ending(path: Path) -> None:
    """End the process."""
    if _second(path):
        os._exit(7)


@planted
def slow(path: Path) -> None:
    """Compute for too long."""
    stop = time.process_time() + 2.2
    while _second(path) and time.process_time() < stop:
        pass


@planted
def large(path: Path) -> None:
    """Take too much memory."""
    if _second(path):
        len(b"x" * (1100 << 20))


class _ManyLinesError(EdgeproofError):
    def __str__(self) -> str:
        return "one\n::error::two"


@planted
def talkative(path: Path) -> None:
    """Print more than one line."""
    if _second(path):
        raise _ManyLinesError("x", remedy="y")


@planted
def warning(path: Path) -> None:
    """Emit a warning, which prints unexpectedly."""
    if _second(path):
        import warnings  # noqa: PLC0415 - only this reader needs it

        warnings.warn("invalid value", RuntimeWarning, stacklevel=1)


@planted
def picky(path: Path) -> None:
    """Refuse a good file."""
    raise EdgeproofError("is bad", file=path, remedy="Give another")
