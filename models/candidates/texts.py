"""Read a user's file of labelled texts as the test split.

Only a test set is needed. Rows keep their order, and copies are not removed, so that the results
are those of the user's test set.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import field

from models.corpus.records import Record, read_records
from models.errors import UsageMistake
from models.files.paths import absolute
from models.files.toml_tables import Table
from models.subjects import Columns, CorpusTable, Counts, check_encoding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY = "--edge-corpus"
COLUMNS_OPTION = "--edge-columns"
# Separators between several labels of a text in one cell.
_SEVERAL = re.compile(r"\s*[,;|]\s*")
_SHOWN = 10
# Keys whose values are names of columns.
_COLUMNS = ("text", "label", "second", "group", "id", "ids")


class TextsTable(Table, frozen=True, kw_only=True):
    """The table `[corpus]` of candidates: a file of labelled texts, and the use of its columns.

    Attributes:
        file: CSV, TSV or JSON lines, plain or zipped.
        text: column of the text.
        label: column of the label.
        second: column of the second text, if texts are pairs.
        group: column of the group, if scores are averaged over groups.
        id: column of the text's id; without it, line numbers are used.
        ids: column of token ids, separated by blanks or commas, if there is no tokenizer.
        values: for each value in the label column, its label; "" to skip such texts.
        encoding: encoding of the file.
        fallback_encoding: encoding of lines that cannot be decoded with `encoding`.
        header: names of the columns, for a file without a header line.
    """

    file: str
    text: str = "text"
    label: str = "label"
    second: str | None = None
    group: str | None = None
    id: str | None = None
    ids: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    header: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        # Mistakes in the table itself are reported before any text is read.
        for use in _COLUMNS:
            column = getattr(self, use)
            if column is not None and not column.strip():
                raise ValueError(f"`{use}` = {column!r} is not a column")
            if column is not None and self.header is not None and self.header.count(column) != 1:
                times = self.header.count(column)
                raise ValueError(f"`{use}` = {column!r} occurs {times} times in `header`")
        for key in ("encoding", "fallback_encoding"):
            check_encoding(key, getattr(self, key))

    def columns(self) -> list[str]:
        """Return the names of the columns that are read."""
        names = (getattr(self, use) for use in _COLUMNS)
        return [name for name in names if name is not None]


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of the file of labelled texts.

    Attributes:
        id: id of the text in the file, or "line-N".
        parts: the text, or both texts of a pair.
        value: value of the label column.
        group: group of the text; "" without groups.
        ids: token ids from the file; None without a column of ids.
        where: position in the file, for messages.
    """

    id: str
    parts: tuple[str, ...]
    value: str
    group: str
    ids: tuple[int, ...] | None
    where: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The labelled texts that are judged.

    Attributes:
        rows: rows in the file's order.
        labels: label of each row, as an index.
        left_out: number of rows that are not judged, by reason.
        copies: number of rows with the same text as an earlier row.
    """

    rows: tuple[TextRow, ...]
    labels: tuple[int, ...]
    left_out: dict[str, int]
    copies: int


def parse_columns(file: Path, option: str | None) -> TextsTable:
    """Parse the option's value, such as `text=review,label=sentiment`.

    Raises:
        UsageMistake: the value does not have this form, or names an unknown use of a column.
    """
    columns: dict[str, str] = {}
    for part in option.split(",") if option else ():
        use, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or use not in _COLUMNS or use in columns:
            raise UsageMistake(
                f"{option!r} is not of the form text=COLUMN,label=COLUMN",
                key=COLUMNS_OPTION,
                remedy=f"Write each of {', '.join(_COLUMNS)} at most once; text and label "
                "are required",
            )
        columns[use] = column
    return TextsTable(file=str(file), **columns)  # type: ignore[arg-type] # the values are names of columns


def read_rows(table: TextsTable, folder: Path | None = None) -> tuple[TextRow, ...]:
    """Read every row of a file of labelled texts.

    Args:
        table: the file and its columns.
        folder: folder of relative paths.

    Raises:
        UsageMistake: the file cannot be read, lacks a column, has two texts with the same id, or
            contains no text.
    """
    path = absolute(table.file, folder=folder, key=KEY)
    _refuse_one_column_for_two(table, path)
    if not path.exists():
        raise UsageMistake("no such file", file=path, key=KEY, remedy="Check the path")
    records = _records(table, path)
    broken = [record for record in records if record.unfit]
    rows = tuple(_row(record, table, path) for record in records if not record.unfit)
    if broken and broken[0].nested == table.label:
        raise _several_labels(f"line {broken[0].line}", "a list", path)
    if broken:
        raise UsageMistake(
            f"line {broken[0].line}: {broken[0].unfit}"
            + (f"; {len(broken) - 1} more rows cannot be used" if len(broken) > 1 else ""),
            file=path,
            key=KEY,
            remedy="Correct these rows, or remove them",
        )
    _refuse_repeated(rows, table, path)
    return rows


def _refuse_one_column_for_two(table: TextsTable, path: Path) -> None:
    for column, times in Counter(table.columns()).items():
        if times > 1:
            raise UsageMistake(
                f"the column {column!r} is named for {times} different uses",
                file=path,
                key=COLUMNS_OPTION,
                remedy="Name a different column for each use, and leave out uses without a column",
            )


def labelled(
    rows: Sequence[TextRow], labels: Sequence[str], table: TextsTable, path: Path | str
) -> Texts:
    """Return the rows to judge with the indices of their labels; leave out the other rows.

    Raises:
        UsageMistake: a row's value is not a label, or a row has several labels.
    """
    index = {label: at for at, label in enumerate(labels)}
    for value, label in table.values.items():
        if label and label not in index:
            raise UsageMistake(
                f"{label!r} is not one of the labels",
                file=path,
                key=f"corpus.values.{value}",
                remedy=f'Use one of {_listed(labels)}, or "" to skip these texts',
            )
    labelled_rows, numbers, left_out = [], [], Counter[str]()
    for row in rows:
        label = table.values.get(row.value, row.value)
        if row.value in table.values and not label:
            left_out[f"label {row.value!r} is left out on purpose"] += 1
        elif not any(part.strip() for part in row.parts) and row.ids is None:
            left_out["empty text"] += 1
        elif label in index:
            labelled_rows.append(row)
            numbers.append(index[label])
        else:
            raise _no_label(row, labels, path)
    if not labelled_rows:
        raise UsageMistake(
            "contains no labelled text",
            file=path,
            key=KEY,
            remedy="Give a file with labelled texts",
        )
    copies = len(labelled_rows) - len({(row.parts, row.group, row.ids) for row in labelled_rows})
    return Texts(tuple(labelled_rows), tuple(numbers), dict(left_out), copies)


def values_of(rows: Sequence[TextRow], table: TextsTable) -> list[str]:
    """Return the distinct values of the label column, in order of appearance."""
    values = dict.fromkeys(table.values.get(row.value, row.value) for row in rows)
    return [value for value in values if value]


def _records(table: TextsTable, path: Path) -> list[Record]:
    columns = Columns(text=table.text, polarity=table.label)
    more = {"entity": table.group, "id": table.id}
    corpus = CorpusTable(
        source="files",
        labels=("a", "b"),
        counts=Counts(validation=1, calibration=1, test=1),
        seed=0,
        columns=Columns(text=columns.text, polarity=columns.polarity, **more),
        encoding=table.encoding,
        fallback_encoding=table.fallback_encoding,
        header=table.header,
    )
    try:
        records = read_records(corpus, path)
    except UsageMistake as mistake:
        raise _in_our_words(mistake) from None
    column_names = dict.fromkeys(name for record in records for name in record.values)
    for use in ("second", "ids"):
        column = getattr(table, use)
        if column is not None and column not in column_names:
            raise _column_mistake(
                f"there is no column {column!r}",
                path,
                use,
                f"Name one of the file's columns: {', '.join(map(repr, column_names))}",
            )
    return records


# Maps the keys of `corpus.columns`, which the common corpus reader uses in its errors, to the keys
# that users write.
_USES = {"polarity": "label", "entity": "group", "text": "text", "id": "id"}


def _in_our_words(mistake: UsageMistake) -> UsageMistake:
    place, _, column = (mistake.key or "").rpartition(".")
    if place != "corpus.columns" or mistake.file is None:
        return mistake
    return _column_mistake(mistake.what, mistake.file, _USES[column], mistake.remedy)


def _column_mistake(problem: str, path: Path | str, use: str, remedy: str) -> UsageMistake:
    return UsageMistake(
        problem,
        file=path,
        key=f"corpus.{use}",
        remedy=f"{remedy}; {COLUMNS_OPTION}={use}=NAME names it, or {use} = ... under [corpus]",
    )


def _row(record: Record, table: TextsTable, path: Path) -> TextRow:
    values, location = record.values, f"line {record.line}"

    def value(column: str | None) -> str:
        return "" if column is None else values.get(column, "").strip()

    parts = [value(table.text)] + ([value(table.second)] if table.second else [])
    return TextRow(
        id=value(table.id) or f"line-{record.line}",
        parts=tuple(parts),
        value=value(table.label),
        group=value(table.group),
        ids=_ids(value(table.ids), location, table.ids, path) if table.ids else None,
        where=location,
    )


def _ids(text: str, location: str, column: str, path: Path) -> tuple[int, ...]:
    """Parse the token ids of a row, separated by blanks or commas, in brackets or not."""
    pieces = re.split(r"[\s,]+", text.strip().strip("[]").strip())
    if not all(piece.isascii() and piece.isdigit() and len(piece) < 10 for piece in pieces):  # noqa: PLR2004 - the number of digits of the largest int32
        raise UsageMistake(
            f"{location}: {text[:60]!r} is not a row of token ids",
            file=path,
            key=column,
            remedy="Write whole numbers from 0 on, separated by blanks or commas",
        )
    return tuple(int(piece) for piece in pieces)


def _refuse_repeated(rows: Sequence[TextRow], table: TextsTable, path: Path) -> None:
    if table.id is None:
        return
    first: dict[str, TextRow] = {}
    for row in rows:
        if row.id in first:
            raise UsageMistake(
                f"{first[row.id].where} and {row.where} have the same id, {row.id!r}",
                file=path,
                key=table.id,
                remedy="Give each text a different id, or leave out the id column",
            )
        first[row.id] = row


def _no_label(row: TextRow, labels: Sequence[str], path: Path | str) -> UsageMistake:
    parts = _SEVERAL.split(row.value.strip("[] "))
    several = len(parts) > 1 and all(part.strip("'\" ") in {*labels, "0", "1"} for part in parts)
    if several:
        return _several_labels(row.where, repr(row.value[:60]), path)
    return UsageMistake(
        f"{row.where} has the label {row.value[:60]!r}, which is not one of the "
        f"labels, {_listed(labels)}",
        file=path,
        key="label",
        remedy="If --edge-labels is wrong, correct it (same order as the model's "
        f'outputs). Otherwise add {row.value[:60]!r} = "LABEL" under '
        f'[corpus.values] in the TOML file, or {row.value[:60]!r} = "" to skip '
        "these texts",
    )


def _several_labels(location: str, shown: str, path: Path | str) -> UsageMistake:
    return UsageMistake(
        f"{location} has several labels: {shown}",
        file=path,
        key="label",
        remedy="edgeproof needs one label per text: multi-label classification cannot be "
        "judged. Judge one label at a time, with yes and no as the labels",
    )


def _listed(labels: Sequence[str]) -> str:
    first = ", ".join(map(repr, labels[:_SHOWN]))
    return first if len(labels) <= _SHOWN else f"{first} and {len(labels) - _SHOWN} more"
