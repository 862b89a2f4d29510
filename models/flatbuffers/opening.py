"""Open a TFLite FlatBuffer, and recognize other kinds of files.

A file that was never downloaded, or that a tool changed as if it were text, still has its name and
often its identifier. Runtimes crash on such a file, or only report that it is corrupt. This module
finds the cause.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import EdgeproofError, UsageMistake
from models.files.regular_files import read_regular, remedy_for

if TYPE_CHECKING:
    from pathlib import Path

IDENTIFIER = "TFL3"
# Largest file in bytes. FlatBuffer offsets have 32 bits, but files above 2 GB store their weights
# behind the FlatBuffer.
_LARGEST = 16 << 30
_FETCH = "Fetch it again as a binary file, and compare its sha256 with its author's"
_TEXT_MODE = "Mark it in .gitattributes as `*.tflite binary`, and add the original again"
_BEGINNINGS = (
    (b"PK\x03\x04", "archive", "is a zip archive", "Unpack it, and give the .tflite inside"),
    (b"\x1f\x8b", "archive", "is compressed by gzip", "Unpack it, and give the .tflite inside"),
    (b"\x89HDF", "other-format", "is a Keras file (HDF5)", "Convert it to a .tflite first"),
    (b"GGUF", "other-format", "is a GGUF file", "Convert the model to a .tflite first"),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = b"/annex/objects/"
_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml")
# Longest text file that may stand in for a model, in bytes.
_LONGEST_PLACEHOLDER = 4096
# Minimum number of line ends from which to conclude that a file was changed; fewer may form a
# pattern by chance.
_ENOUGH = 4
# The same for missing carriage returns, or for missing pairs of carriage return and line feed.
_ENOUGH_EXPECTED = 12
_REPLACED = "�".encode()


@dataclass(frozen=True)
class Damage:
    """The kind of a file that is not a FlatBuffer.

    Attributes:
        id: the name of the kind.
        what: the predicate of a sentence whose subject is the file.
    """

    id: str
    what: str
    remedy: str


class Damaged(EdgeproofError):  # noqa: N818 - named after the state of the file
    """The file is not a sound FlatBuffer.

    Args:
        damage: the kind of the file.
        file: the path of the file.
    """

    def __init__(self, damage: Damage, file: Path) -> None:
        super().__init__(damage.what, file=file, remedy=damage.remedy)
        self.damage = damage


def read_flatbuffer(path: Path) -> bytes:
    """Return all bytes of a file.

    Raises:
        UsageMistake: the path does not exist, cannot be read, or is a folder, a pipe or a device.
    """
    try:
        return read_regular(path, _LARGEST)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        remedy = remedy_for(error, "Check the path")
        raise UsageMistake(f"cannot be read ({problem})", file=path, remedy=remedy) from None


def foreign(data: bytes) -> Damage | None:
    """Return the kind of a file that lacks the identifier of a FlatBuffer; otherwise None."""
    if not data:
        return Damage("empty", "is empty", _FETCH)
    if data[4:8] == IDENTIFIER.encode():
        return None
    start = data[:512]
    for beginning, kind, problem, remedy in _BEGINNINGS:
        if start.startswith(beginning):
            return Damage(kind, problem, remedy)
    if start.startswith(_LFS):
        remedy = "Run `git lfs pull` where it was cloned, and give the file again"
        return Damage("lfs-pointer", "is a pointer of Git LFS, not the file itself", remedy)
    if _ANNEX in start:
        remedy = "Run `git annex get` where it was cloned, and give the file again"
        return Damage("lfs-pointer", "is a pointer of git-annex, not the file itself", remedy)
    return _text(data, start) or Damage(
        "not-a-flatbuffer",
        "is not a TFLite FlatBuffer: its identifier is "
        f"{data[4:8].decode('latin-1')!r} instead of {IDENTIFIER!r}",
        "Give the .tflite file that the conversion wrote",
    )


def _text(data: bytes, start: bytes) -> Damage | None:
    """Return what a text file is, such as a web page; None if the file is not text."""
    if IDENTIFIER.encode() in start[:16]:
        return damage_of(data)
    bare = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if bare.lower().startswith(_HTML):
        remedy = "Download the file itself by its raw link; log in first if the site asks for it"
        return Damage("html-page", "is a web page, not the file itself", remedy)
    return _plain_text(bare, len(data)) if _readable(data) else None


def _plain_text(bare: bytes, size: int) -> Damage:
    if _is_base64(bare):
        return Damage("base64", "is a FlatBuffer written as base64", "Decode it (`base64 -d`)")
    if bare.startswith((b"{", b"[")):
        remedy = "Give the .tflite file: this may be what a server answered in its place"
        return Damage("json-document", "is a JSON document, not a FlatBuffer", remedy)
    if size > _LONGEST_PLACEHOLDER:
        return Damage("text", "is a text, not a FlatBuffer", "Give the .tflite file")
    return Damage(
        "placeholder",
        f"is a text of {size} bytes in place of a model",
        "Put the .tflite file in its place",
    )


def _readable(data: bytes) -> bool:
    """Return whether a file is text: UTF-8 without control characters other than white space."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(ord(character) >= ord(" ") or character in "\t\r\n\f" for character in set(text))


def _is_base64(bare: bytes) -> bool:
    try:
        return base64.b64decode(bare[:16], validate=True)[4:8] == IDENTIFIER.encode()
    except (binascii.Error, ValueError):
        return False


def damage_of(data: bytes) -> Damage | None:
    """Return the cause of damage in a file with the right identifier; None if none is found."""
    return _mangled(data) or _line_ends(data) or _cut_off(data)


def _mangled(data: bytes) -> Damage | None:
    """Describe the damage if an editor saved the file as UTF-8; otherwise return None.

    An undamaged FlatBuffer is never valid UTF-8 by chance.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if text.isascii():
        return None
    lost = data.count(_REPLACED)
    trace = f"{lost} bytes were replaced by U+FFFD" if lost else "its bytes were written as UTF-8"
    return Damage("text-mode", f"went through a tool that treated it as text: {trace}", _TEXT_MODE)


def _line_ends(data: bytes) -> Damage | None:
    returns, feeds, pairs = data.count(b"\r"), data.count(b"\n"), data.count(b"\r\n")
    if pairs == feeds >= _ENOUGH:
        trace = f"each of its {feeds} line feeds has a carriage return before it"
    elif returns == 0 and feeds >= _ENOUGH_EXPECTED:
        trace = f"it has {feeds} line feeds and no carriage return"
    elif pairs == 0 and returns * feeds / len(data) >= _ENOUGH_EXPECTED:
        trace = "no line feed has a carriage return before it"
    else:
        return None
    return Damage("text-mode", f"went through a copy in text mode: {trace}", _TEXT_MODE)


def _cut_off(data: bytes) -> Damage | None:
    zeros = len(data) - len(data.rstrip(b"\0"))
    if zeros < max(_LONGEST_PLACEHOLDER, len(data) // 8):
        return None
    problem = f"is a download that was cut off: its last {zeros} bytes are zeros"
    return Damage("cut-off", problem, _FETCH)
