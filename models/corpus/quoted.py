"""Read RepLab's files: tab-separated, quoted, with a header line; tolerate damaged copies.

Copies of the package were made by many downloaders and editors: some begin with a byte order mark,
some are encoded in latin-1, and in some a quote inside a text is not doubled or a value is not
quoted at all.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, NamedTuple

from models.errors import UsageMistake
from models.files.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A byte order mark, and its form in a file that was read as latin-1 and written as UTF-8.
_MARKS = ("\ufeff", "ï»¿")
# Beginning of a row in each of the files: the id of a tweet or of an entity.
_ROW_BEGINS = re.compile(r'"?(?:\d{6,}|RL2013D\d{2}E\d{3})"?\t')

Record = tuple[int, list[str]]


class Row(NamedTuple):
    """One row: the line it begins on (1-based), and its values by column."""

    line: int
    values: dict[str, str]


class Sheet(NamedTuple):
    """The rows of a file, and the line numbers of unreadable rows."""

    rows: list[Row]
    broken: list[int]


def read_quoted(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Sheet:
    """Read the named columns of one of RepLab's files.

    Args:
        path: the file.
        required: columns that the file must have, in any order.
        optional: columns whose values are "" if the file does not have them.

    Raises:
        UsageMistake: the file cannot be read, is empty, or lacks a column.
    """
    lines = _lines(path)
    records = _parse_strictly(lines)
    broken: list[int] = []
    if records is None:
        records, broken = _parse_line_by_line(lines)
    if not records:
        raise UsageMistake(
            "is empty",
            file=path,
            remedy="Copy the file again from the package, with its header line",
        )
    header = [name.strip().lower() for name in records[0][1]]
    for name in required:
        if name not in header:
            raise UsageMistake(
                f"has no column {name!r}, only {', '.join(map(repr, header))}",
                file=path,
                remedy=f"The header line must name {', '.join(required)}, separated by tabs",
            )
    for name in (*required, *optional):
        if header.count(name) > 1:
            raise UsageMistake(
                f"the header names the column {name!r} {header.count(name)} times",
                file=path,
                remedy="Copy the file again from the package, or rename all but one of "
                "these columns",
            )
    positions = {name: header.index(name) for name in (*required, *optional) if name in header}
    blank = dict.fromkeys(optional, "")
    rows = [
        Row(line, blank | {name: values[at] for name, at in positions.items()})
        for line, values in records[1:]
    ]
    return Sheet(rows, broken)


def _lines(path: Path) -> list[str]:
    """Return the file's lines with their ends; decode a line that is not UTF-8 as latin-1."""
    try:
        # In binary mode only "\n" ends a line; a text may contain U+2028 and other separators.
        with open_regular(path) as file:
            lines = [_decoded(line) for line in file]
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})", file=path, remedy="Check the path"
        ) from None
    for mark in _MARKS:
        lines[:1] = [first.removeprefix(mark) for first in lines[:1]]
    return lines


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _parse_strictly(lines: list[str]) -> list[Record] | None:
    """Return all records of a file; None if the file breaks the strict format.

    The format is broken if a record is quoted incorrectly, has another number of values than the
    others, or contains a line that begins like a record. The last case occurs if a text begins with
    a quote that is part of the text.
    """
    records: list[Record] = []
    reader = csv.reader(lines, delimiter="\t", strict=True)
    begins = 1
    try:
        for values in reader:
            if any(_ROW_BEGINS.match(line) for line in lines[begins : reader.line_num]):
                return None
            if values:
                records.append((begins, values))
            begins = reader.line_num + 1
    except csv.Error:
        return None
    return records if len({len(values) for _, values in records}) <= 1 else None


def _parse_line_by_line(lines: list[str]) -> tuple[list[Record], list[int]]:
    """Return the records of a file with incorrect quotes, and the line numbers of unreadable ones.

    The header determines the number of values; further tabs belong to the last value. A line that
    does not begin like a record continues the previous one if its quote is still open.
    """
    records: list[Record] = []
    broken: list[int] = []
    width = len(lines[0].split("\t"))
    at = 0
    while at < len(lines):
        begins = at + 1
        record, at = _record_at(lines, at)
        values = record.rstrip("\r\n").split("\t", width - 1)
        if len(values) == width:
            records.append((begins, [_unquoted(value) for value in values]))
        elif record.strip():
            broken.append(begins)
    return records, broken


def _record_at(lines: list[str], at: int) -> tuple[str, int]:
    """Return the text of the record that begins at line `at`, and the index of the next line.

    Each line is read only once, even if a record has many lines: the quotes of the record's last
    value so far decide whether the record ends with this line.
    """
    parts = [lines[at]]
    value = _last_value(lines[at], "")
    at += 1
    while at < len(lines) and _is_open(value) and not _ROW_BEGINS.match(lines[at]):
        parts.append(lines[at])
        # Only the first and last characters of a value decide whether it is open, so the middle is
        # dropped.
        value = _last_value(lines[at], value[:1])
        at += 1
    return "".join(parts), at


def _last_value(line: str, value_before: str) -> str:
    """Return the last value of a record after the record is extended by a line.

    This is the text after the last tab of the line; without a tab, it is `value_before` and the
    line.
    """
    text = line.rstrip("\r\n")
    return text.rpartition("\t")[2] if "\t" in text else value_before + text


def _is_open(value: str) -> bool:
    """Tell whether a value begins with a quote and does not end with one."""
    return value.startswith('"') and (value == '"' or not value.endswith('"'))


def _unquoted(value: str) -> str:
    return value.removeprefix('"').removesuffix('"').replace('""', '"')
