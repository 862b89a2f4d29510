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

if TYPE_CHECKING:
    from collections.abc import Iterator

# Attempts to remove a folder: a thread that still writes into it can leave it non-empty.
_TRIES = 3
_SHORT = Path("/tmp")  # noqa: S108 - only this user can access the folder that is made there

_drafts: set[Path] = set()
_owner = os.getpid()


def new_folder(prefix: str, *, longest: int | None = None) -> Path:
    """Make an empty folder that is removed when the process ends, or before.

    The folder is recorded before it is made, because a signal may come between any two steps.

    Args:
        prefix: beginning of the folder's name.
        longest: largest length of the folder's path in bytes; if its path in the system's temporary
            folder would be longer, the folder is made in /tmp.
    """
    name = f"{prefix}{secrets.token_hex(8)}"
    path = Path(tempfile.gettempdir()) / name
    if longest is not None and len(os.fsencode(path)) > longest:
        path = _SHORT / name
    _drafts.add(path)
    atexit.register(_remove, path)
    path.mkdir(mode=0o700)
    return path


@contextlib.contextmanager
def drafting(path: Path) -> Iterator[Path]:
    """Remove a file or folder if a signal ends the process inside the block.

    If the block ends in another way, the caller cleans up.
    """
    _drafts.add(path)
    try:
        yield path
    finally:
        _drafts.discard(path)


@contextlib.contextmanager
def scratch_folder(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that is removed at the end of the block, however it ends.

    Args:
        prefix: beginning of its name.
        within: the folder in which it is made; by default the system's temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, dir=within) as name, drafting(Path(name)):
        yield Path(name)


def remove_drafts() -> None:
    """Remove all unfinished files and folders, because the process ends inside their blocks."""
    if os.getpid() == _owner:
        for path in list(_drafts):
            _remove(path)


def _remove(path: Path) -> None:
    for _ in range(_TRIES):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
        if not path.exists():
            return
