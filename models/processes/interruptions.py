"""Defer the exception of a signal until a step is done that must not be left half-way."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_deferring = False
_deferred: list[BaseException] = []


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let the block end before the exception of a signal is raised; the blocks must not be nested.

    Python handles signals in the main thread, so a block in another thread is not interrupted.
    """
    global _deferring  # noqa: PLW0603 - a process handles its signals in one place
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _deferring = True
    try:
        yield
    finally:
        _deferring = False
        if _deferred:
            raise _deferred.pop() from None


def raise_when_allowed(exception: BaseException) -> None:
    """Raise the exception of a signal, or defer it to the end of the block `uninterrupted`."""
    if not _deferring:
        raise exception
    _deferred.append(exception)
