"""Resolve paths and names written by people, in the same way for every process."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable

TOML = ".toml"
# A name that may become a file or a folder: it cannot lead elsewhere and is not hidden.
_NAME = re.compile(r"\w(?:[\w .+-]{0,62}[\w+-])?")
# Device names of Windows, with any suffix. Results and baselines with such a name could be neither
# copied to Windows nor checked out there.
_WINDOWS_DEVICES = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
NAMES = (
    "Use up to 64 letters, digits, '_', '-', '+', '.' and spaces; begin with a letter, a digit or "
    "'_', do not end with '.' or a space; con, prn, aux, nul, com1 to com9 and lpt1 to lpt9 are "
    "names that Windows reserves for devices"
)
# Beginnings that mark a path; a name without them may be a model's id on the hub.
_PATH_BEGINS = (".", "/", "~")


def absolute(path_text: str | Path, *, folder: Path | None = None, key: str | None = None) -> Path:
    """Return an absolute path, which means the same file in every process.

    Args:
        path_text: the path; "~" is the home folder.
        folder: the folder from which a relative path starts, such as that of the file that holds
            the path; None for the current folder, as for paths of a command line.
        key: the option or key that holds the path, for messages.

    Raises:
        UsageMistake: the path is empty or invalid, or starts from a folder that was removed.
    """
    text = str(path_text)
    if not text.strip():
        raise UsageMistake("is empty, but a path is needed", key=key, remedy="Give a path")
    try:
        expanded = Path(text).expanduser()
        start = folder or (expanded if expanded.is_absolute() else current_folder())
        path = _resolved(start / expanded)
        # Each call finds errors that the other misses: `resolve` accepts names that are too long,
        # `exists` accepts zero bytes.
        path.resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageMistake(
            f"{text[:80]!r} cannot be a path ({getattr(error, 'strerror', None) or error})",
            key=key,
            remedy="Give the path of a file or a folder",
        ) from None
    return path


def current_folder() -> Path:
    """Return the folder that relative paths of a command line start from.

    Raises:
        UsageMistake: the current folder was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageMistake(
            f"the current folder no longer exists ({error.strerror})",
            remedy="Change to an existing folder (`cd`), and run again",
        ) from None


def _resolved(path: Path) -> Path:
    """Return an absolute path with links to folders resolved.

    A link to a file is kept, because files are also looked for beside it: the hub's cache holds
    links to files with other names in another folder.
    """
    return path.resolve() if path.name == ".." else path.parent.resolve() / path.name


def name_or_file(option: str, *, folder: Path | None = None, key: str | None = None) -> str:
    """Return the absolute path of a TOML file, or any other name unchanged; see `absolute`."""
    if Path(option).suffix != TOML:
        return option
    return str(absolute(option, folder=folder, key=key))


def id_or_folder(option: str, *, folder: Path | None = None, key: str | None = None) -> str:
    """Return the absolute path of a folder, or a hub id unchanged; see `absolute`.

    The option is a folder if this folder exists, or if the option begins like a path
    (`_PATH_BEGINS`).
    """
    path = absolute(option, folder=folder, key=key)
    return str(path) if path.is_dir() or option.startswith(_PATH_BEGINS) else option


def is_name(name: str) -> bool:
    """Tell whether a name is safe as the name of a file or folder on every system."""
    fits = _NAME.fullmatch(name) and not _WINDOWS_DEVICES.fullmatch(name)
    return bool(fits) and unicodedata.is_normalized("NFC", name)


def require_name(name: str, *, file: Path | str | None = None, key: str | None = None) -> str:
    """Return a name after checking that files and folders can have it.

    Raises:
        UsageMistake: the name could lead to another folder, is hidden, is reserved by Windows, or
            has several Unicode forms.
    """
    if not is_name(name):
        raise UsageMistake(f"{name[:80]!r} cannot name a file", file=file, key=key, remedy=NAMES)
    return name


def common_form(name: str) -> str:
    """Return the common form of names that differ only in case, spaces or equal-looking letters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def find_lookalikes(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two names that look the same; None if all differ."""
    earlier: dict[str, str] = {}
    for name in names:
        if (form := common_form(name)) in earlier:
            return earlier[form], name
        earlier[form] = name
    return None
