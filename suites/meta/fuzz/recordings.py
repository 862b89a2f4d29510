"""Write recorded answers for fuzzing: good ones with each content, and handmade bad ones."""

from __future__ import annotations

import csv
import io
import itertools
import json
from typing import TYPE_CHECKING, Any

from models.candidates.recorded import read_recording
from suites.meta.fuzz.mutations import VALUES, dumped
from suites.meta.fuzz.shapes import no_files
from suites.meta.fuzz.systematic import each_byte, each_cut, each_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TEXTS, LABELS = ("t1", "t2"), ("bad", "good")
_GOOD = (
    {"label": "bad", "ids": [2, 5, 3, 0], "latency_ms": 4.5},
    {"logits": [0.25, -1.5], "latency_s": 1e-3},
    {"probabilities": [0.25, 0.75], "label": 1},
)


def good_files() -> Iterable[bytes]:
    """Return good recordings in JSON lines, one for each kind of content."""
    return [_lines(*({"id": text} | row for text in TEXTS)) for row in _GOOD]


def bad_files() -> Iterator[tuple[str, Any]]:
    """Yield recordings with one wrong value or byte, truncated ones, and other bad ones."""
    yield from no_files()
    yield "nested", b'{"id": "t1", "label": ' + b"[" * 50_000
    yield "deep but closed", b'{"id": "t1", "label": ' + b"[" * 900 + b"]" * 900 + b"}\n"
    yield "a number of a thousand digits", _lines({"id": "t1", "logits": [10**1000, 0]})
    yield "a number of ten thousand digits", b'{"id": "t1", "label": ' + b"9" * 10_000 + b"}\n"
    yield "half an emoji for an id", b'{"id": "\\ud83d", "label": 0}\n'
    yield "a zero byte", b'{"id": "t1\\u0000", "label": 0}\n'
    yield "no texts", b"\n\n"
    for number, row in enumerate(_GOOD):
        for name, changed in each_json({"id": "t1"} | row):
            yield f"row {number}, {name}", changed + b"\n" + _lines({"id": "t2"} | row)
        line = _lines({"id": "t1"} | row)
        for name, content in (*each_cut(line), *each_byte(line)):
            yield f"row {number}, {name}", content


def good_tables() -> Iterable[bytes]:
    """Return good recordings in CSV tables."""
    return [
        b"id,label,latency_ms\r\nt1,bad,4\r\nt2,good,5\r\n",
        b'id,logits,ids\nt1,"[0.5, 1]","[2, 3]"\nt2,"[1, 0]","[]"\n',
    ]


def bad_tables() -> Iterator[tuple[str, Any]]:
    """Yield tables with one wrong cell or byte, truncated ones, and other bad ones."""
    yield from no_files()
    yield "nothing", b""
    yield "a quotation mark without end", b'id,label\n"t1,bad\n'
    yield "a zero byte", b"id,label\nt1\x00,bad\n"
    yield "a cell of a megabyte", b"id,label\nt1," + b"x" * (1 << 20)
    yield "a header of a million names", b"id," * 1_000_000
    yield "nested", b'id,logits\nt1,"' + b"[" * 50_000 + b'"\n'
    for number, data in enumerate(good_tables()):
        for name, changed in (*_each_cell(data), *each_cut(data), *each_byte(data)):
            yield f"table {number}, {name}", changed


def read(path: Path) -> object:
    """Read a recording."""
    return read_recording(path, TEXTS, LABELS, pad=0)


def _lines(*rows: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _each_cell(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield tables with one replaced cell in the header or in the first row."""
    rows = list(csv.reader(io.StringIO(data.decode())))
    for line, column in itertools.product((0, 1), range(len(rows[0]))):
        for at, value in enumerate(VALUES):
            changed = [list(row) for row in rows]
            changed[line][column] = value if isinstance(value, str) else dumped(value).decode()
            text = io.StringIO()
            csv.writer(text).writerows(changed)
            content = text.getvalue().encode("utf-8", "surrogatepass")
            yield f"line {line}, column {column} is value {at}", content
