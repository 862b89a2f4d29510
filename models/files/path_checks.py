"""Check, when a run starts, that it can read and write its folders."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.regular_files import kind_of

if TYPE_CHECKING:
    from pathlib import Path


def check_output_file(path: Path, key: str) -> None:
    """Check that a file can be written, without changing it.

    Args:
        path: the file.
        key: the option that named it.

    Raises:
        UsageMistake: the path is a folder, a FIFO or a device, or its folder cannot be written.
    """
    try:
        _reject_non_file(path, key, "Give the path of a file")
        if not path.parent.is_dir():
            raise UsageMistake(
                "the folder of this file does not exist",
                file=path,
                key=key,
                remedy=f"Create {path.parent} first",
            )
        _try_to_write(path.parent)
    except OSError as error:
        raise _not_writable(path, key, error) from None


def check_output_folder(path: Path, key: str, *names: str) -> None:
    """Check that files can be written into a folder, which may not exist yet.

    Args:
        path: the folder.
        key: the option that named it.
        names: names of the files, if they are known.

    Raises:
        UsageMistake: the path is not a folder, cannot be made, or cannot be written; or one of the
            names belongs to something other than a file.
    """
    try:
        _try_to_write(_nearest_folder(path, key))
        for name in names:
            _reject_non_file(path / name, key, "Remove the existing one, or give another folder")
    except OSError as error:
        raise _not_writable(path, key, error) from None


def check_input_folder(path: Path, key: str) -> None:
    """Check that an input path is a folder, or does not exist yet.

    Args:
        path: the folder.
        key: the option or key that named it.

    Raises:
        UsageMistake: the path or one of its parents is not a folder, or cannot be read.
    """
    try:
        _nearest_folder(path, key)
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})",
            file=path,
            key=key,
            remedy="Make it readable for this user",
        ) from None


def _nearest_folder(path: Path, key: str) -> Path:
    """Return a folder, or its nearest parent that exists."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    if not existing.is_dir():
        problem = f"{existing} is {kind_of(existing.stat().st_mode)}, not a folder"
        raise UsageMistake(problem, file=path, key=key, remedy="Give the path of a folder")
    return existing


def _reject_non_file(path: Path, key: str, remedy: str) -> None:
    if path.exists() and not path.is_file():
        problem = f"is {kind_of(path.stat().st_mode)}, but edgeproof would write a file there"
        raise UsageMistake(problem, file=path, key=key, remedy=remedy)


def _try_to_write(folder: Path) -> None:
    """Write to a temporary file without a name, which is removed at once."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
        file.flush()


def _not_writable(path: Path, key: str, error: OSError) -> UsageMistake:
    return UsageMistake(
        f"cannot be written ({error.strerror})",
        file=path,
        key=key,
        remedy="Free space on its disk, make the path writable, or give another path",
    )
