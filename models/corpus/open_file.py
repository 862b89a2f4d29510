"""Read a user's file as text: unzip it, decode it, and explain errors."""

from __future__ import annotations

import codecs
import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from models.corpus.foreign import Foreign, foreign, foreign_archive
from models.errors import UsageMistake
from models.files.archives import Archive, Limits, open_archive
from models.files.regular_files import NotRegularError, read_regular, remedy_for

TABULAR = {".tsv", ".tab", ".dat"}
JSON_LINES = {".jsonl", ".ndjson", ".json"}
_FITTING = {".csv", ".txt"} | TABULAR | JSON_LINES

_ENCODING_KEY = "corpus.encoding"
# Largest file in bytes: more than a million texts. In memory, rows take several times the size of
# their texts.
_LARGEST = 256 << 20
# Only one member is read, but a zip archive of a data set also contains a few readmes.
_LIMITS = Limits(members=1_000, member=_LARGEST, total=4 * _LARGEST)
_ZIP_AGAIN = (
    "Give the file with the texts unpacked, or in a zip archive that contains only this file"
)


# UTF-32 comes first, because its little-endian mark begins with the mark of UTF-16.
_MARKS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


class Content(NamedTuple):
    """A decoded file; `name` is that of the file, or of the member of a zip archive."""

    name: str
    text: str


def open_text(path: Path, encoding: str, fallback: str | None) -> Content:
    """Read a file, or the one suitable member of a zip, as text without a byte order mark.

    Args:
        path: the file.
        encoding: the encoding of the file.
        fallback: the encoding of lines that `encoding` cannot decode; None to reject such lines.

    Raises:
        UsageMistake: the file is missing, empty, not a regular file, an unsuitable zip archive,
            cannot be decoded, or holds no text.
    """
    name, data = _read_bytes(path)
    _check_mark(data, encoding, path)
    try:
        text = data.decode(encoding)
    except ValueError as error:
        text = _decode_lines(data, encoding, fallback, path, error)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UsageMistake("is empty", file=path, remedy="Give a file with labelled texts")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageMistake(
            f"line {line} holds a NUL character, so the file is not in the declared encoding",
            file=path,
            key=_ENCODING_KEY,
            remedy='Set `encoding`; files in "utf-16-le" or "utf-32-le" hold NUL characters',
        )
    return Content(name, text)


def _check_mark(data: bytes, encoding: str, path: Path) -> None:
    """Reject a byte order mark that contradicts the declared encoding."""
    declared = codecs.lookup(encoding).name
    for family, marks in _MARKS.items():
        if data.startswith(marks):
            if not declared.startswith(family):
                raise UsageMistake(
                    f"begins with the byte order mark of {family}, not {encoding}",
                    file=path,
                    key=_ENCODING_KEY,
                    remedy=f'Write encoding = "{family}"',
                )
            return


def _read_bytes(path: Path) -> tuple[str, bytes]:
    """Return the name and the bytes of a file, or of the only suitable member of a zip archive."""
    try:
        data = read_regular(path, _LARGEST)
    except FileNotFoundError:
        raise UsageMistake(
            "no such file", file=path, remedy="Check the path of --edge-corpus"
        ) from None
    except NotRegularError as error:
        raise UsageMistake(
            f"is not a file: {error.strerror}", file=path, remedy="Give one file, plain or zipped"
        ) from None
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror or error})",
            file=path,
            remedy=remedy_for(error, f"Make it a readable file of at most {_LARGEST:,} bytes"),
        ) from None
    if zipfile.is_zipfile(io.BytesIO(data)):
        with open_archive(io.BytesIO(data), _LIMITS, remedy=_ZIP_AGAIN, name=path) as archive:
            _reject_format(foreign_archive(archive.members), path)
            return _read_member(archive)
    _reject_format(foreign(data), path)
    if path.suffix.lower() == ".zip":
        raise UsageMistake(
            "is not a zip archive", file=path, remedy="Download the file or zip it again"
        )
    return path.name, data


def _reject_format(format_found: Foreign | None, path: Path, member: str | None = None) -> None:
    """Reject a file that was recognized as another format; do nothing for `format_found` None."""
    if format_found is not None:
        raise UsageMistake(format_found.problem, file=path, key=member, remedy=format_found.remedy)


def _read_member(archive: Archive) -> tuple[str, bytes]:
    member = _only_member_of_texts(list(archive.members), archive.file)
    data = archive.read(member)
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise archive.refusal("is a zip archive inside a zip archive", member)
    _reject_format(foreign(data), archive.file, member)
    return PurePosixPath(member).name, data


def _only_member_of_texts(names: list[str], path: Path) -> str:
    """Return the name of the only member, or of the only one with a suffix in `_FITTING`."""
    # macOS adds a hidden companion of each file.
    names = [name for name in names if not name.startswith("__MACOSX/")]
    fitting = [name for name in names if PurePosixPath(name).suffix.lower() in _FITTING]
    for choice in (names, fitting):
        if len(choice) == 1:
            return choice[0]
    raise UsageMistake(
        f"must hold exactly one file of texts, but {len(fitting)} members could be "
        f"that file ({', '.join(names) or 'none'})",
        file=path,
        remedy="Zip only one CSV, TSV or JSON lines file",
    )


def _decode_lines(
    data: bytes, encoding: str, fallback: str | None, path: Path, first_error: ValueError
) -> str:
    """Decode a file line by line; use `fallback` for lines that `encoding` cannot decode."""
    first_reason = getattr(first_error, "reason", first_error)
    if codecs.lookup(encoding).name.startswith(tuple(_MARKS)):
        # In these encodings the byte of "\n" can be part of another character, so the file cannot
        # be decoded line by line.
        raise UsageMistake(
            f"is not {encoding} ({first_reason})",
            file=path,
            key=_ENCODING_KEY,
            remedy="Set `encoding`, or save the file as UTF-8",
        )
    lines = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            lines.append(line.decode(encoding))
        except ValueError as error:
            if fallback is None:
                raise UsageMistake(
                    f"line {number} is not {encoding} ({first_reason})",
                    file=path,
                    key=_ENCODING_KEY,
                    remedy="Set `encoding` under [corpus] in the TOML file of "
                    '--edge-subject, or add fallback_encoding = "cp1252" there; or '
                    "save the file as UTF-8",
                ) from None
            reason = str(getattr(error, "reason", error))
            lines.append(_decode_fallback(line, fallback, number, path, reason))
    return "\n".join(lines)


def _decode_fallback(line: bytes, fallback: str, number: int, path: Path, reason: str) -> str:
    try:
        return line.decode(fallback)
    except ValueError as error:
        raise UsageMistake(
            f"line {number} can be decoded neither with `encoding` ({reason}) nor "
            f"with the fallback {error}",
            file=path,
            key="corpus.fallback_encoding",
            remedy='Set another `fallback_encoding`; "latin-1" decodes every byte',
        ) from None
