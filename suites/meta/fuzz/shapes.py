"""Provide shapes and sizes that no real file has, and paths that are not files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZES = (
    *(0, 1, 2, 3, -1, -2, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53),
    *(2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(2**31), -(2**63), 0x41414141),
)
_COUNTS = (1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 1000, 20_000)
SHAPES: tuple[tuple[int, ...], ...] = (
    (),
    *((size,) for size in SIZES),
    *((size, size) for size in SIZES),
    *((0, size, size) for size in (2**31, 2**62, 2**63, 10**30)),
    *((size, 0) for size in (2**31, 2**62, 2**63, -1)),
    *((2**16,) * count for count in (2, 3, 4, 8)),
    *((2,) * count for count in (2, 3, 8, 31, 32, 62, 63, 64, 100)),
    *((1,) * count for count in _COUNTS),
    *((0,) * count for count in _COUNTS),
    *((0x41414141,) * count for count in (33, 64, 100)),
)


def no_files() -> Iterator[tuple[str, bytes | Callable[[Path], None]]]:
    """Yield useless files by name: their bytes, or functions that put something else at a path."""
    yield "a FIFO", os.mkfifo
    yield "a folder", lambda path: path.mkdir()
    yield "a device", lambda path: path.symlink_to("/dev/zero")
    yield "a link to nowhere", lambda path: path.symlink_to("nowhere")
    yield "a link to itself", lambda path: path.symlink_to(path)
    yield "a file of the kernel", lambda path: path.symlink_to("/proc/self/maps")
    yield "an empty file", b""
    yield "a byte", b"\0"
    yield "zeros", bytes(1 << 20)
    yield "ones", b"\xff" * (1 << 16)
    yield "text", "\n\u0430\u0301\ud83d\x1b[2J::error::x\n".encode("utf-8", "surrogatepass") * 99


def later(build: Callable[..., bytes], *arguments: Any, **options: Any) -> Callable[[Path], None]:
    """Return a function that makes a large file at a path, only when it is called."""

    def write(path: Path) -> None:
        path.write_bytes(build(*arguments, **options))

    return write
