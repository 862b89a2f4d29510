"""Read recorded answers of an app, another runtime or any system.

A recording contains, for each text, its id in the corpus and the answer to it:

    column           content
    id               the text's id; texts of a corpus without an id column are "line-2" ...
    label            a label's name, or its index
    logits           a number for each label
    probabilities    a number for each label; they sum to 1
    ids              the token ids of the text, with or without padding
    latency_ms       the time of the answer; or latency_us, latency_ns, latency_s

In JSON lines, each line is an object with these keys. In CSV and TSV, lists are written as JSON,
for example `[0.1, 0.9]`. In an .npz, each column is an array with one row per text. Two things are
required: `id`, and at least one of `label`, `logits` and `probabilities`.
"""

from __future__ import annotations

import csv
import io
import json
import math
import reprlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.candidates.scores import logarithms, softmax
from models.errors import UsageMistake
from models.files.numpy_files import read_npz
from models.files.regular_files import read_regular, remedy_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KEY = "--edge-recorded"
# Largest file in bytes: enough for a million texts with 512 token ids each.
LARGEST_FILE = 1 << 30
# Largest cell in characters: far more than a thousand scores with all digits, or the ids of a long
# text.
LARGEST_CELL = 1 << 17
LATENCIES = {"latency_ns": 1e-9, "latency_us": 1e-6, "latency_ms": 1e-3, "latency_s": 1.0}
SCORES = ("logits", "probabilities")
COLUMNS = ("id", "label", *SCORES, "ids", *LATENCIES)
JSON_LINES = {".jsonl", ".ndjson", ".json"}
_SLACK = 0.01
_SHOWN = 5
# Maximum number of digits of a label's index.
_DIGITS = 4
# Largest token id: models store ids as int32.
_LARGEST_ID = (1 << 31) - 1


@dataclass(frozen=True, repr=False)
class Recording:
    """The answers to the texts of a corpus, in the order of the corpus.

    Attributes:
        labels: predicted labels [n], as indices.
        logits: logits [n, classes]; None if only labels were recorded.
        probabilities: probabilities [n, classes]; None if only labels were recorded.
        ids: token ids of each text without padding; None if not recorded.
        seconds: seconds for each answer [n]; None if not recorded.
        held: names of the scores in the file: logits, probabilities, both or none.
    """

    labels: NDArray[np.int64]
    logits: NDArray[np.float64] | None = field(default=None, repr=False)
    probabilities: NDArray[np.float64] | None = field(default=None, repr=False)
    ids: tuple[tuple[int, ...], ...] | None = field(default=None, repr=False)
    seconds: NDArray[np.float64] | None = field(default=None, repr=False)
    held: tuple[str, ...] = ()


def read_recording(
    file: Path,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    pad: int | None = None,
    key: str = KEY,
) -> Recording:
    """Read recorded answers, and sort them in the order of the corpus.

    Args:
        file: JSON lines, CSV, TSV or .npz.
        texts: ids of the texts in the corpus, without duplicates.
        labels: names of the labels, in the order of the scores.
        pad: the padding id, which is removed from both ends of each row.
        key: the option that contains the path, for messages.

    Raises:
        UsageMistake: a text has no answer or two answers, or is not in the corpus, or an answer is
            not valid.
    """
    source = _Source(file, key)
    rows = _read(source)
    by_id = _by_id(rows, texts, source)
    ordered = [by_id[text] for text in texts]
    scores = _scores(ordered, len(labels), source)
    labels_given = [_label(row, labels, source) for row in ordered]
    scored = scores.get("logits", scores.get("probabilities"))
    chosen = _labels(labels_given, scored, source)
    return Recording(
        labels=chosen,
        logits=_as_logits(scores),
        probabilities=_as_probabilities(scores),
        ids=_token_ids(ordered, pad, source),
        seconds=_seconds(ordered, source),
        held=tuple(scores),
    )


@dataclass(frozen=True)
class _Source:
    """The recording that is being read, and the option that names it, for error messages."""

    file: Path
    key: str

    def unfit(
        self, problem: str, remedy: str = "See docs/my-app.md for the format of a recording"
    ) -> UsageMistake:
        return UsageMistake(problem, file=self.file, key=self.key, remedy=remedy)


@dataclass(frozen=True)
class _Row:
    where: str
    values: Mapping[str, Any]


def _read(source: _Source) -> list[_Row]:
    if source.file.suffix.lower() == ".npz":
        return _answers(_from_arrays(source), source)
    try:
        data = read_regular(source.file, LARGEST_FILE)
    except OSError as error:
        raise source.unfit(
            f"cannot be read ({error.strerror or error})",
            remedy=remedy_for(error, "Give the path of a readable file"),
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.unfit(
            f"is not UTF-8 (byte {error.start})", remedy="Save it as UTF-8"
        ) from None
    is_json = source.file.suffix.lower() in JSON_LINES
    rows = _from_json(text, source) if is_json else _from_csv(text, source)
    return _answers(list(rows), source)


def _answers(rows: list[_Row], source: _Source) -> list[_Row]:
    if not rows:
        raise source.unfit("contains no answers", remedy="Record one answer for each text")
    return rows


def _from_json(text: str, source: _Source) -> Iterable[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            raise source.unfit(f"line {number} is not a JSON object ({error})") from None
        if not isinstance(value, dict):
            raise source.unfit(f"line {number} is not a JSON object")
        yield _Row(f"line {number}", value)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the object has the key {twice!r} twice")
    return values


def _from_csv(text: str, source: _Source) -> Iterable[_Row]:
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first else ","
    # Set the limit here, because it is global, and other CSV readers in this process set other
    # limits.
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        if len(set(header)) != len(header):
            twice = Counter(header).most_common(1)[0][0]
            raise source.unfit(f"the header has the column {twice!r} twice")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise source.unfit(
                    f"line {reader.line_num} has {len(row)} columns, but the header "
                    f"has {len(header)}"
                )
            values = dict(zip(header, row, strict=True))
            location = f"line {reader.line_num}"
            yield _Row(location, {n: _cell(n, v, location, source) for n, v in values.items() if v})
    except StopIteration:
        return
    except csv.Error as error:
        raise source.unfit(f"cannot be read as CSV ({error})") from None


def _cell(name: str, text: str, location: str, source: _Source) -> Any:
    """Parse a cell: lists and numbers are JSON, id and label are text."""
    if name not in {*SCORES, "ids", *LATENCIES}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise source.unfit(f"{location}: {name} is {text[:60]!r}, not JSON") from None


def _from_arrays(source: _Source) -> list[_Row]:
    remedy = "Write the file with numpy.savez, with numbers and texts only"
    members = read_npz(source.file, remedy=remedy, kind=UsageMistake)
    arrays = {name: array for name, array in members.items() if name in COLUMNS}
    counts = {array.shape[0] if array.ndim else -1 for array in arrays.values()}
    if "id" not in arrays or len(counts) != 1 or -1 in counts:
        raise source.unfit(
            "lacks an array called id, or its arrays do not all have one row for each text"
        )
    lists = {name: array.tolist() for name, array in arrays.items()}
    return [
        _Row(f"row {row}", {name: values[row] for name, values in lists.items()})
        for row in range(counts.pop())
    ]


def _by_id(rows: Sequence[_Row], texts: Sequence[str], source: _Source) -> dict[str, _Row]:
    row_of: dict[str, _Row] = {}
    every_text = set(texts)
    for row in rows:
        if "id" not in row.values:
            raise source.unfit(f"{row.where} has no id")
        text = str(row.values["id"])
        if text not in every_text:
            raise source.unfit(
                f"{row.where} answers the text {reprlib.repr(text)}, which is not in the corpus",
                remedy="Record the answers to the corpus that is judged, with the ids of its texts",
            )
        if text in row_of:
            raise source.unfit(
                f"{row_of[text].where} and {row.where} both answer the text {reprlib.repr(text)}",
                remedy="Keep one answer for each text",
            )
        row_of[text] = row
    missing = [text for text in texts if text not in row_of]
    if missing:
        shown = ", ".join(map(reprlib.repr, missing[:_SHOWN]))
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise source.unfit(
            f"lacks answers for {len(missing)} of {len(texts)} texts: {shown}{more}",
            remedy="Record one answer for each text of the corpus",
        )
    return row_of


def _scores(rows: Sequence[_Row], classes: int, source: _Source) -> dict[str, NDArray[np.float64]]:
    """Return the recorded scores [n, classes] by name: logits, probabilities, both or none."""
    matrices = {}
    for name in SCORES:
        values = [row.values.get(name) for row in rows]
        present = [value is not None for value in values]
        if not any(present):
            continue
        if not all(present):
            row = rows[present.index(False)]
            raise source.unfit(f"{row.where} has no {name}, but other rows have")
        matrix = np.array(
            [_numbers(v, classes, r, name, source) for v, r in zip(values, rows, strict=True)]
        )
        matrices[name] = matrix
    probabilities = matrices.get("probabilities")
    if probabilities is not None:
        _check_probabilities(probabilities, rows, source)
    if len(matrices) > 1:
        _check_largest(matrices, rows, source)
    return matrices


def _check_largest(
    matrices: Mapping[str, NDArray[np.float64]], rows: Sequence[_Row], source: _Source
) -> None:
    """Check that a row's largest logit and its largest probability belong to the same label."""
    logits, probabilities = (matrices[name] for name in SCORES)
    chosen = logits.argmax(axis=1)[:, None]
    # Rounded probabilities can have several maxima; the label with the largest logit must be one of
    # them.
    below_largest = np.take_along_axis(probabilities, chosen, 1)[:, 0] < probabilities.max(axis=1)
    # If several labels share the largest logit, a row cannot contradict itself.
    tied = (logits == logits.max(axis=1, keepdims=True)).sum(axis=1) > 1
    wrong = np.flatnonzero(below_largest & ~tied)
    if len(wrong):
        raise source.unfit(
            f"{rows[wrong[0]].where}: the largest logit and the largest probability "
            "belong to different labels",
            remedy="Record logits and probabilities of the same output, or only one of the two",
        )


def _numbers(value: Any, classes: int, row: _Row, name: str, source: _Source) -> list[float]:
    if not isinstance(value, list) or len(value) != classes:
        count = len(value) if isinstance(value, list) else "no list of"
        raise source.unfit(
            f"{row.where}: {name} has {count} numbers, but there are {classes} labels"
        )
    for number in value:
        if not isinstance(number, int | float) or isinstance(number, bool):
            raise source.unfit(
                f"{row.where}: {name} contains {reprlib.repr(number)}, which is not a number"
            )
    return [_finite(number, row, name, source) for number in value]


def _finite(value: float, row: _Row, name: str, source: _Source) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise source.unfit(
            f"{row.where}: {name} contains {reprlib.repr(value)}, which is not a finite number"
        )
    return number


def _check_probabilities(
    values: NDArray[np.float64], rows: Sequence[_Row], source: _Source
) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        sums = values.sum(axis=1)
    inside = (values >= -_SLACK) & (values <= 1.0 + _SLACK)
    outside = ~np.asarray(inside.all(axis=1))
    wrong = outside | (np.abs(sums - 1.0) > _SLACK)
    if wrong.any():
        at = int(wrong.argmax())
        problem = "are not all between 0 and 1" if outside[at] else f"sum to {sums[at]:.3f}"
        raise source.unfit(f"{rows[at].where}: the probabilities {problem}")


def _label(row: _Row, labels: Sequence[str], source: _Source) -> int | None:
    value = row.values.get("label")
    if value is None or value == "":
        return None
    if isinstance(value, str) and value in labels:
        return list(labels).index(value)
    index = value if type(value) is int else -1
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        index = int(value)
    if index >= 0 and _are_numbered_otherwise(labels):
        raise source.unfit(
            f"{row.where} has the label {reprlib.repr(value)}, which may be a name or an index of "
            f"{_some(labels)}",
            remedy="Record the label's name, as text",
        )
    if not 0 <= index < len(labels):
        raise source.unfit(
            f"{row.where} has the label {reprlib.repr(value)}, which is not one of {_some(labels)}",
            remedy="Record a label's name, or its index in this order",
        )
    return index


def _are_numbered_otherwise(labels: Sequence[str]) -> bool:
    """Tell whether a label's name is a number other than its index, such as "1" to "5" stars."""
    return any(name.isdecimal() and name != str(at) for at, name in enumerate(labels))


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:_SHOWN]) + (", ..." if len(labels) > _SHOWN else "")


def _labels(
    labels: Sequence[int | None], scores: NDArray[np.float64] | None, source: _Source
) -> NDArray[np.int64]:
    """Return the recorded labels; without them, the labels of the largest scores."""
    if all(label is not None for label in labels):
        return np.array(labels, np.int64)
    if any(label is not None for label in labels):
        raise source.unfit("some answers have a label, but others have none")
    if scores is None:
        raise source.unfit("the answers have neither labels nor scores")
    return np.asarray(scores.argmax(axis=1), np.int64)


def _as_logits(scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
    if "logits" in scores:
        return scores["logits"]
    if "probabilities" in scores:
        return logarithms(scores["probabilities"])
    return None


def _as_probabilities(scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
    if "probabilities" in scores:
        return scores["probabilities"]
    if "logits" in scores:
        return softmax(scores["logits"])
    return None


def _token_ids(
    rows: Sequence[_Row], pad: int | None, source: _Source
) -> tuple[tuple[int, ...], ...] | None:
    if all(row.values.get("ids") is None for row in rows):
        return None
    rows_of_ids = []
    for row in rows:
        ids = row.values.get("ids")
        if not isinstance(ids, list) or not all(_is_id(number) for number in ids):
            raise source.unfit(f"{row.where}: ids is not a list of whole numbers from 0 on")
        rows_of_ids.append(without_padding(ids, pad))
    return tuple(rows_of_ids)


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_ID


def without_padding(ids: Sequence[int], pad: int | None) -> tuple[int, ...]:
    """Return the ids of a text without the padding before and after them."""
    unpadded = list(ids)
    while pad is not None and unpadded and unpadded[-1] == pad:
        unpadded.pop()
    start = 0
    while pad is not None and start < len(unpadded) and unpadded[start] == pad:
        start += 1
    return tuple(unpadded[start:])


def _seconds(rows: Sequence[_Row], source: _Source) -> NDArray[np.float64] | None:
    names = {name for name in LATENCIES for row in rows if row.values.get(name) is not None}
    if not names:
        return None
    if len(names) > 1:
        raise source.unfit(f"has latencies in several columns: {', '.join(sorted(names))}")
    (name,) = names
    seconds = []
    for row in rows:
        value = row.values.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise source.unfit(f"{row.where}: {name} is {reprlib.repr(value)}, not a number")
        number = _finite(value, row, name, source) * LATENCIES[name]
        if number <= 0:
            raise source.unfit(f"{row.where}: {name} is {reprlib.repr(value)}, not above 0")
        seconds.append(number)
    return np.array(seconds)
