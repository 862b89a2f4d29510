"""Turn the rows of a user's file into labelled texts; leave out unfit and duplicate rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from models.corpus.clean import normalized
from models.corpus.records import Record, read_records
from models.corpus.split import Candidate, split_texts
from models.corpus.texts import Corpus, LabelledText, LeftOut
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.subjects import Columns, CorpusTable

EMPTY = "empty text"
ON_PURPOSE = "label {!r} is left out on purpose"
DOUBLED = "copy of another text"
HALF = "an incomplete character, such as half of an emoji"
CONFLICTING = "copies with different labels"


def read_files(table: CorpusTable, path: Path) -> Corpus:
    """Read a file of labelled texts and split it.

    A row is left out, with the reason, if its text is empty, its label is mapped to "", its number
    of columns is wrong, or it contains half of a character. If a text about the same group occurs
    several times, the first copy is kept if all copies have the same label; otherwise none is kept.
    `split_texts` splits the remaining texts.

    Args:
        table: columns, polarities, encoding, counts and seed.
        path: CSV, TSV or JSON lines, plain or zipped.

    Raises:
        UsageMistake: the file or the table is wrong; the message says what to do about it.
    """
    left_out: list[LeftOut] = []
    labels = _label_of_value(table)
    records = read_records(table, path)
    assert table.columns is not None  # noqa: S101 - for mypy: read_records rejects a table without columns
    candidates = []
    for record in records:
        outcome = _candidate(record, table.columns, labels, path)
        if isinstance(outcome, LeftOut):
            left_out.append(outcome)
        else:
            candidates.append(outcome)
    unique = list(_without_copies(candidates, left_out))
    splits = split_texts(unique, table, path, left_out)
    return Corpus(labels=table.labels, splits=splits, left_out=tuple(left_out))


def _label_of_value(table: CorpusTable) -> dict[str, int | None]:
    """Return the label's index for each value of the label column; None leaves the text out."""
    if not table.polarities:
        return {label: at for at, label in enumerate(table.labels)}
    return {
        value: table.labels.index(label) if label else None
        for value, label in table.polarities.items()
    }


def _candidate(
    record: Record, columns: Columns, labels: dict[str, int | None], path: Path
) -> Candidate | LeftOut:
    """Return the text of a row, or the reason to leave it out."""
    values, location = record.values, f"line {record.line}"

    def value(column: str | None) -> str:
        return "" if column is None else values.get(column, "").strip()

    if record.unfit:
        return LeftOut("", location, record.unfit)
    names = (columns.text, columns.polarity, columns.entity, columns.id, columns.split)
    if not _is_whole("".join(map(value, names))):
        return LeftOut("", location, HALF)
    text_id = value(columns.id) or f"line-{record.line}"
    polarity, text = value(columns.polarity), value(columns.text)
    if polarity not in labels:
        raise UsageMistake(
            f"{location} has the label {polarity!r}, which the subject does not declare",
            file=path,
            key="corpus.polarities",
            remedy=f'Map this label to a declared one ({", ".join(labels)}), or to "" to '
            "skip these texts",
        )
    label = labels[polarity]
    if label is None:
        return LeftOut(text_id, location, ON_PURPOSE.format(polarity))
    if not text:
        return LeftOut(text_id, location, EMPTY)
    return Candidate(
        LabelledText(text_id, value(columns.entity), text, label), location, value(columns.split)
    )


def _is_whole(text: str) -> bool:
    """Tell whether a text can be encoded in UTF-8; lone surrogates, which JSON allows, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_copies(
    candidates: Iterable[Candidate], left_out: list[LeftOut]
) -> Iterable[Candidate]:
    """Yield one text of each set of copies with the same label; add all others to `left_out`."""
    copies: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        copies[candidate.row.group_id, normalized(candidate.row.text)].append(candidate)
    for group in copies.values():
        agree = len({candidate.row.label for candidate in group}) == 1
        if agree:
            yield group[0]
        reason = DOUBLED if agree else CONFLICTING
        left_out.extend(
            LeftOut(candidate.row.text_id, candidate.where, reason)
            for candidate in group[1 if agree else 0 :]
        )
