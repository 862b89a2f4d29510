"""Read the rows of a user's CSV, TSV or JSON lines, each with its line number."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from models.corpus.open_file import JSON_LINES, TABULAR, open_text
from models.errors import UsageMistake
from models.files.json_documents import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.subjects import CorpusTable

# Longest field in characters, far above any text: a field without a closing quote exceeds it, which
# is reported.
_FIELD_LIMIT = 1_000_000
_LONE_RETURN = re.compile(r"\r(?!\n)")


class Record(NamedTuple):
    """One row of a file of labelled texts.

    Attributes:
        line: the line on which the row begins, from 1 on.
        values: the values of the row by column.
        unfit: why the row cannot be used; "" if it can.
        nested: a column that is read, but holds a list or an object; None if there is none.
    """

    line: int
    values: dict[str, str]
    unfit: str = ""
    nested: str | None = None


def read_records(table: CorpusTable, path: Path) -> list[Record]:
    """Read every row; mark rows with a wrong number of columns as unfit.

    Args:
        table: encoding, columns and, for a file without a header line, the header.
        path: the file.

    Raises:
        UsageMistake: the file cannot be read in the format of its suffix, or a column is missing.
    """
    content = open_text(path, table.encoding, table.fallback_encoding)
    suffix = PurePosixPath(content.name).suffix.lower()
    if suffix in JSON_LINES or (suffix == ".txt" and content.text.lstrip().startswith("{")):
        records = list(_json_records(content.text, path, _columns_read(table)))
        columns = list(dict.fromkeys(name for record in records for name in record.values))
    else:
        rows = _csv_rows(content.text, _delimiter(suffix, content.text), path)
        header = list(table.header) if table.header else next(rows, (1, []))[1]
        columns = [name.strip() for name in header]
        records = [_csv_record(columns, line, row) for line, row in rows if any(row)]
    _check_columns(table, columns, path)
    if not records:
        raise UsageMistake(
            "holds a header and no texts", file=path, remedy="Give a file with labelled texts"
        )
    return records


def _delimiter(suffix: str, text: str) -> str:
    """Return the character that separates the columns of a file.

    This is the one that the suffix stands for, if the first line contains it; otherwise the tab,
    comma or semicolon that occurs most often in the first line.
    """
    expected = "\t" if suffix in TABULAR else ","
    first_line = text.lstrip().partition("\n")[0]
    return expected if expected in first_line else max(("\t", ",", ";"), key=first_line.count)


def _csv_rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line on which it begins; quoted texts may contain line ends."""
    csv.field_size_limit(_FIELD_LIMIT)
    stand_in = _stand_in(text)
    if stand_in:
        text = _LONE_RETURN.sub(stand_in, text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, [value.replace(stand_in, "\r") for value in row] if stand_in else row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageMistake(
            f"the row that begins on line {begins} cannot be read ({error})",
            file=path,
            remedy="Close the row's quotes, and double the quotes inside a value",
        ) from None


def _stand_in(text: str) -> str:
    """Return a placeholder for carriage returns inside texts; "" if carriage returns end lines.

    If line feeds end lines, a text may contain a lone carriage return: many writers, among them
    Python's csv before 3.13, do not quote such a text, and a csv reader would end the row there.
    """
    first_line_feed = text.find("\n")
    ends_lines = (
        first_line_feed < 0 or _LONE_RETURN.search(text, 0, first_line_feed + 1) is not None
    )
    return "" if ends_lines or "\0" in text else "\0"


def _csv_record(header: list[str], line: int, row: list[str]) -> Record:
    if len(row) == len(header):
        return Record(line, dict(zip(header, row, strict=True)))
    return Record(line, {}, f"a row of {len(row)} columns where {len(header)} are expected")


def _json_records(text: str, path: Path, used: frozenset[str]) -> Iterator[Record]:
    # Split only at "\n": str.splitlines would also split at a U+2028 inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except ValueError as error:
            raise UsageMistake(
                f"line {number} is not JSON ({error})",
                file=path,
                remedy="Write one JSON object on each line, each key once",
            ) from None
        if not isinstance(value, dict):
            raise UsageMistake(
                f"line {number} is not a JSON object",
                file=path,
                remedy="Write one JSON object on each line",
            )
        nested = [name for name in value if isinstance(value[name], dict | list)]
        values = {name: "" if name in nested else _as_text(item) for name, item in value.items()}
        inside = used.intersection(nested)
        unfit = (
            f"{min(inside)!r} holds a list or an object, but a text is expected" if inside else ""
        )
        yield Record(number, values, unfit, min(inside, default=None))


def _columns_read(table: CorpusTable) -> frozenset[str]:
    """Return the names of the columns that the subject's table reads from its file."""
    columns = table.columns
    names = [] if columns is None else [getattr(columns, key) for key in columns.__struct_fields__]
    return frozenset(name for name in names if name is not None)


def _as_text(value: Any) -> str:
    """Return a JSON value as it would be written in a CSV file: "" for null, "1" for 1."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check_columns(table: CorpusTable, columns: list[str], path: Path) -> None:
    if table.columns is None:
        raise UsageMistake(
            "the subject does not name the columns",
            key="corpus.columns",
            remedy='Write columns = { text = "...", polarity = "..." }; columns found: '
            f"{_listed(columns)}",
        )
    for key in table.columns.__struct_fields__:
        name = getattr(table.columns, key)
        if name is not None and name not in columns:
            raise UsageMistake(
                f"there is no column {name!r}",
                file=path,
                key=f"corpus.columns.{key}",
                remedy=f"Name one of the file's columns: {_listed(columns)}",
            )
        if name is not None and columns.count(name) > 1:
            raise UsageMistake(
                f"the header names the column {name!r} {columns.count(name)} times",
                file=path,
                key=f"corpus.columns.{key}",
                remedy="Rename all but one of these columns",
            )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
