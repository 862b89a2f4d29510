"""Track unfinished files and folders, and remove them however the program ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models.interruptions import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

# Attempts to remove a folder: a thread that still writes into it can leave it non-empty.
_TRIES = 3
_SHORT = Path("/tmp")  # noqa: S108 - only this user can access the folder that is made there

_drafts: set[Path] = set()
_owner = os.getpid()


def new_folder(prefix: str, *, longest: int | None = None) -> Path:
    """Make an empty folder that is removed when the process ends.

    Args:
        prefix: beginning of the folder's name.
        longest: largest length of the folder's path in bytes; if its path in the system's temporary
            folder would be longer, the folder is made in /tmp.
    """
    path = _new_path(prefix, Path(tempfile.gettempdir()))
    if longest is not None and len(os.fsencode(path)) > longest:
        path = _SHORT / path.name
    _drafts.add(path)
    path.mkdir(mode=0o700)
    return path


@contextlib.contextmanager
def drafting(path: Path) -> Iterator[Path]:
    """Remove a file or folder at the end of the block, unless the block has renamed it.

    The path is recorded before the block makes it and until it is removed, because a signal may
    come between any two steps. What is left then is removed when the process ends.
    """
    _drafts.add(path)
    try:
        yield path
    finally:
        _remove(path)
        _drafts.discard(path)


@contextlib.contextmanager
def scratch_folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that is removed at the end of the block, however it ends.

    Args:
        prefix: beginning of its name.
        within: the folder in which it is made; by default the system's temporary folder.
    """
    with drafting(_new_path(prefix, within or Path(tempfile.gettempdir()))) as path:
        path.mkdir(mode=0o700)
        yield path


def draft_of(path: Path) -> AbstractContextManager[Path]:
    """Yield the path of a new file beside `path`, for a block that renames it to `path`."""
    return drafting(_new_path(f".{path.name}.", path.parent))


def remove_drafts() -> None:
    """Remove all unfinished files and folders, because the process ends inside their blocks."""
    if os.getpid() == _owner:
        for path in list(_drafts):
            _remove(path)


def _new_path(prefix: str, folder: Path) -> Path:
    return folder / f"{prefix}{secrets.token_hex(8)}"


def _remove(path: Path) -> None:
    with uninterrupted():
        for _ in range(_TRIES):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
            if not path.exists():
                return


atexit.register(remove_drafts)
