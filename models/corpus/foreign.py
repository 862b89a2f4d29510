"""Recognize files without texts: by their first bytes, or by the contents of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Foreign(NamedTuple):
    """A message about a file without texts, which follows the file's name, and the remedy."""

    problem: str
    remedy: str


_NOT_TEXTS = ", but texts are read from CSV, TSV or JSON lines"
_AS_CSV = "Save its rows as CSV in UTF-8, with a header"
_UNPACK = (
    "Unpack it and give the file with the texts, or a zip archive that contains only this file"
)
_TEXTS = "Give the file with the texts"
_TABLES = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\xff\xff\xff\xff": "an Arrow stream",
    b"FEA1": "a Feather file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an Excel spreadsheet",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "an array of numpy",
    **{b"\x80" + bytes([protocol]): "a Python pickle" for protocol in range(2, 6)},
}
_PACKED = {
    b"\x1f\x8b": "compressed by gzip",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
}
_OTHERS = {
    b"%PDF-": "a PDF",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF87a": "a picture",
    b"GIF89a": "a picture",
    b"\x7fELF": "a program",
}
_DOWNLOADS = {
    b"version https://git-lfs.github.com/spec/": (
        "a pointer of Git LFS, not the file itself",
        "Run `git lfs pull` in the repository that the file is from",
    ),
    b"/annex/objects/": (
        "a pointer of git-annex, not the file itself",
        "Run `git annex get` in the repository that the file is from",
    ),
}
# Members that show that an office program wrote a zip archive.
_OFFICE = {"[Content_Types].xml", "mimetype", "Index/Document.iwa"}
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")
# Positions of the signatures that are not at the beginning of a file, by format.
_TAR, _FLATBUFFER, _BZIP2, _ORC = slice(257, 262), slice(4, 8), slice(4, 10), slice(-4, -1)
_LONGEST_START = 512


def foreign(data: bytes) -> Foreign | None:
    """Return the kind of a file without texts; None if it may hold texts."""
    for beginnings, remedy in ((_TABLES, _AS_CSV), (_PACKED, _UNPACK), (_OTHERS, _TEXTS)):
        for start, kind in beginnings.items():
            if data.startswith(start):
                return Foreign(f"is {kind}{_NOT_TEXTS}", remedy)
    return _recognize_by_two_signs(data) or _recognize_download(data)


def _recognize_by_two_signs(data: bytes) -> Foreign | None:
    """Return the kind of a file that two byte sequences identify; None if they are not both there.

    One of the two alone could be part of a text.
    """
    if data.startswith(b"BZh") and data[_BZIP2] == b"1AY&SY":
        return Foreign(f"is compressed by bzip2{_NOT_TEXTS}", _UNPACK)
    if data.startswith(b"ORC") and data[_ORC] == b"ORC":
        return Foreign(f"is an ORC file{_NOT_TEXTS}", _AS_CSV)
    if data[_TAR] == b"ustar" and b"\0" in data[: _TAR.start]:
        return Foreign(f"is a tar archive{_NOT_TEXTS}", _UNPACK)
    if data[_FLATBUFFER] == b"TFL3" and b"\0" in data[: _FLATBUFFER.start]:
        return Foreign(f"is a TFLite FlatBuffer{_NOT_TEXTS}", _TEXTS)
    return None


def _recognize_download(data: bytes) -> Foreign | None:
    """Return the kind of a file that people download by mistake, such as a web page, or None."""
    for start, (kind, remedy) in _DOWNLOADS.items():
        if data.startswith(start):
            return Foreign(f"is {kind}", remedy)
    if data[:_LONGEST_START].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        return Foreign(
            "is a web page, or an error message of a server",
            "Download the file itself (the raw link); sign in if the server requires it",
        )
    return None


def foreign_archive(names: Iterable[str]) -> Foreign | None:
    """Return the kind of a zip archive without texts; None if it may hold texts."""
    members = set(names)
    if _OFFICE.isdisjoint(members):
        return None
    document = any(name.startswith(("word/", "ppt/")) for name in members)
    kind = "a document of an office program" if document else "a spreadsheet"
    return Foreign(f"is {kind}{_NOT_TEXTS}", _AS_CSV)
