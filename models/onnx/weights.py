"""Read the external files that hold the weights of an ONNX file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.files.protocol_buffers import Message

KEY = "external_data"
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
# Maximum number of digits of a 64-bit size.
_DIGITS = 19
_MOST_SHOWN = 80


@dataclass(frozen=True)
class External:
    """The place of one tensor's values outside of the ONNX file.

    Attributes:
        location: path of the file, relative to the folder of the ONNX file.
        end: smallest possible size of that file in bytes.
    """

    location: str
    end: int


def external_of(entries: Sequence[Message]) -> External:
    """Return where a tensor's values are stored, from the entries of its `external_data`.

    Raises:
        ValueError: the tensor names no file, or an invalid offset or length.
    """
    values = {
        entry.bytes(_ENTRY_KEY).decode(): entry.bytes(_ENTRY_VALUE).decode() for entry in entries
    }
    if not values.get("location"):
        raise ValueError("its weights are in another file, but it does not say where")
    return External(values["location"], _size(values, "offset") + _size(values, "length"))


def hash_external(file: Path, digest: str, external: Sequence[External]) -> str:
    """Return one hash over an ONNX file and its weight files; `digest` is that of the ONNX file.

    Raises:
        UsageMistake: a file with weights is missing, too short, or not below the ONNX file's
            folder.
    """
    if not external:
        return digest
    needed: dict[str, int] = {}
    for place in external:
        needed[place.location] = max(needed.get(place.location, 0), place.end)
    digest_of_all = hashlib.sha256(digest.encode())
    for location, size in sorted(needed.items()):
        path = _inside(file, location)
        digest_of_all.update(f"{location}\0{_hash(file, path, size)}\0".encode())
    return digest_of_all.hexdigest()


def _size(values: dict[str, str], key: str) -> int:
    text = values.get(key, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ValueError(f"the {key} of weights in another file is {text[:_MOST_SHOWN]!r}")
    return int(text)


def _inside(file: Path, location: str) -> Path:
    """Return the path of a weight file, which must lie below the ONNX file's folder."""
    for kind in (PurePosixPath, PureWindowsPath):
        parsed = kind(location)
        if parsed.is_absolute() or parsed.drive or ".." in parsed.parts:
            raise _mistake(
                file,
                f"its weights would be read from {location[:_MOST_SHOWN]!r}, which is outside of "
                "its folder",
                "Put the file with the weights into the model's folder, and save the model again",
            )
    return file.parent / location


def _hash(file: Path, path: Path, size: int) -> str:
    try:
        with open_regular(path) as opened:
            size_held = os.fstat(opened.fileno()).st_size
            own_digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise _mistake(
            file,
            f"the model's weights are in {path.name!r}, which cannot be read ({problem})",
            f"Put {path.name} into the same folder, as the export wrote both files",
        ) from None
    if size_held < size:
        raise _mistake(
            file,
            f"its weights are in {path.name!r}, which holds {size_held:,} bytes of {size:,}: it is "
            "a pointer of Git LFS, or was cut short",
            f"Fetch {path.name} again as a binary file (`git lfs pull`)",
        )
    return own_digest


def _mistake(file: Path, problem: str, remedy: str) -> UsageMistake:
    return UsageMistake(problem, file=file, key=KEY, remedy=remedy)
