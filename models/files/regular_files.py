"""Read files named by users, if they are regular and small enough; write files atomically.

Reading a FIFO could block forever, and reading a device such as /dev/zero would never end. The
functions raise `OSError`, whose `strerror` says what is wrong.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from models.files.unfinished_files import draft_of

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}
_READABLE = 0o644
_FEWER = "Let this process open more files (`ulimit -n`), or close some, and run again"
# Remedies for errors of the machine, which do not depend on the file.
_REMEDIES: dict[object, str] = {
    errno.EMFILE: _FEWER,
    errno.ENFILE: _FEWER,
    errno.ENOMEM: "Free memory, and run again",
    errno.EIO: "Check the disk or the share that holds the file, or copy the file from elsewhere",
    errno.ESTALE: "Mount the file's share again, and run again",
}
_PIECE = 1 << 20
# Largest table or settings file in bytes: people write these by hand, so a larger one is a mistake.
LARGEST_TABLE = 1 << 20
# Largest document that edgeproof itself writes, such as results.json, in bytes: a thousand times
# the size of a usual one.
LARGEST_DOCUMENT = 1 << 28


class NotRegularError(OSError):
    """The path is a FIFO, a device, a socket or a folder."""


def remedy_for(error: Exception, otherwise: str) -> str:
    """Return the remedy for an error of the operating system.

    Args:
        error: the error that was raised when a file was opened or read.
        otherwise: the remedy if the error concerns the file itself.
    """
    return _REMEDIES.get(getattr(error, "errno", None), otherwise)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading, following links.

    Raises:
        NotRegularError: the path is not a regular file, and is not opened.
        OSError: the file is missing, or cannot be opened.
    """
    # Opening a device can act on it, so the type is checked before opening. The file may be
    # replaced in between, so the type is checked again afterwards.
    _require_regular(path, os.stat(path).st_mode)  # noqa: PTH116 - os.open follows, and both must use the same path
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        _require_regular(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes.

    Raises:
        NotRegularError: the path is not a regular file.
        OSError: the file is missing, cannot be read or is larger.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > most else file.read(size + 1)
        # Kernel files (as in /proc) report a size of 0, and other files grow: only the bytes read
        # count.
        while size < len(data) <= most:
            piece = file.read(_PIECE)
            if not piece:
                break
            data += piece
    size = max(size, len(data))
    if size > most:
        raise OSError(
            errno.EFBIG, f"the file holds {size:,} bytes, but at most {most:,} are read", str(path)
        )
    return data


def read_text(path: Path, most: int) -> str:
    """Return the text of a regular UTF-8 file of at most `most` bytes.

    Raises:
        OSError: see `read_regular`.
        UnicodeDecodeError: the file is not UTF-8.
    """
    return read_regular(path, most).decode("utf-8")


@contextmanager
def write_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield an open file that becomes `path` once it is written and synced.

    If writing fails, `path` is unchanged and the temporary file is removed.

    Raises:
        OSError: the file cannot be written.
    """
    # Refuse to replace a FIFO, a device or a folder.
    if path.exists():
        _require_regular(path, path.stat().st_mode)
    with draft_of(path) as draft, draft.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        draft.chmod(_READABLE)
        draft.replace(path)


def kind_of(mode: int) -> str:
    """Return the kind of file in a mode of `os.stat`, with its article: "a folder", "a FIFO"."""
    return _KINDS.get(stat.S_IFMT(mode), "a file" if stat.S_ISREG(mode) else "a special file")


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise NotRegularError(number, f"it is {kind_of(mode)}, not a file", str(path))
