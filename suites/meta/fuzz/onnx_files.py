"""Write ONNX files for fuzzing: good ones of several shapes, and bad ones by rule or by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.candidates.declaration import NOTHING
from models.candidates.onnx_reference import bind_onnx
from models.onnx.reading import read_onnx
from suites.meta.fuzz.shapes import no_files
from suites.meta.fuzz.systematic import each_cut, each_field, fields, message_of
from suites.meta.onnx_writer import classifier, endless, of_operator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_GRAPH, _NODE, _INITIALIZER, _INPUT, _OUTPUT = 7, 1, 5, 11, 12
# Distance in bytes between the places at which a file is cut: small enough that every message is
# cut somewhere.
_STEP = 7


def good_files() -> Iterable[bytes]:
    """Return files that can be read completely."""
    return [
        classifier(),
        classifier(names=("input_ids",), shape=(1, 8), end=("Softmax",)),
        classifier(names=("ids",), dtype="float32", end=("Mul2",)),
    ]


def bad_files() -> Iterator[tuple[str, Any]]:
    """Yield files with one wrong field, truncated files, and other bad ones."""
    yield from no_files()
    yield "an operator of its maker", of_operator("NGramHash", "com.own")
    yield "an end that says nothing", endless()
    yield "weights in its parent", classifier(external={"location": "../up"})
    yield "weights in itself", classifier(external={"location": "given.onnx", "length": "9" * 19})
    good = classifier(names=("input_ids",), shape=(1, 8))
    yield from each_cut(good, _STEP)
    parts = fields(good)
    yield from each_field(good, range(len(parts)))
    (at,) = (place for place, part in enumerate(parts) if part[0] == _GRAPH)
    graph = parts[at][2]
    for label, changed in _of_graph(graph):
        yield label, message_of([*parts[:at], (_GRAPH, 2, changed), *parts[at + 1 :]])


def read(path: Path) -> object:
    """Read a file and find its inputs and its output."""
    return bind_onnx(read_onnx(path), NOTHING)


def _of_graph(graph: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield graphs with one wrong field in the first part of each kind."""
    parts, numbers = fields(graph), set()
    yield from each_field(graph, range(len(parts)))
    for at, (number, kind, value) in enumerate(parts):
        if number in numbers or number not in {_NODE, _INITIALIZER, _INPUT, _OUTPUT}:
            continue
        numbers.add(number)
        for label, changed in each_field(value, range(len(fields(value)))):
            changed_parts = [*parts[:at], (number, kind, changed), *parts[at + 1 :]]
            yield f"part {number}: {label}", message_of(changed_parts)
