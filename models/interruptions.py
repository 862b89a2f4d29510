"""Defer the exception of a signal to the end of a step that must be completed."""

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
    """Raise the exception of a signal only when the block has ended.

    Do not nest these blocks: the end of the inner one would end the deferral. Python handles
    signals in the main thread, so a block in another thread is never interrupted.
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
