"""Derive bad files by rule: change each value, each byte, or each field in turn."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from suites.meta.fuzz.mutations import INTEGERS, VALUES, dumped
from suites.meta.fuzz.tf1_files import held, number, varint

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes that end a text, a line, a cell or a number, or that occur in no valid text.
_BYTES = b'\x00\xff\xc3\x1b\n\r\t ",:9-[{'
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_WIDTHS = {_EIGHT: 8, _FOUR: 4}
# A field of a protobuf message: its number, its type, and its value.
Field = tuple[int, int, Any]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a document; of a list, only the path of its first item."""
    keys = list(value) if isinstance(value, dict) else range(min(1, len(value)))
    for key in keys:
        yield (*path, key)
        if isinstance(value[key], dict | list):
            yield from places(value[key], (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a document with another value at a place."""
    changed = copy.deepcopy(document)
    _holder(changed, path)[path[-1]] = value
    return changed


def without(document: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of a document without the value at a place."""
    changed = copy.deepcopy(document)
    del _holder(changed, path)[path[-1]]
    return changed


def each_value(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield documents in which one value is missing or replaced."""
    for path in places(document):
        yield f"{path} is missing", without(document, path)
        for at, value in enumerate(VALUES):
            yield f"{path} is value {at}", replaced(document, path, value)


def each_json(document: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of `each_value` as JSON, and JSON that is not an object."""
    for name, changed in each_value(document):
        yield name, dumped(changed)
    for at, value in enumerate(VALUES):
        yield f"all of it is value {at}", dumped(value)


def each_cut(data: bytes, step: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield truncated files, one for each multiple of `step` bytes, with their names."""
    for at in range(1, len(data), step):
        yield f"cut at {at}", data[:at]


def each_byte(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield files with one byte removed or replaced."""
    for at in range(len(data)):
        yield f"byte {at} is missing", data[:at] + data[at + 1 :]
        for byte in _BYTES:
            if data[at] != byte:
                yield f"byte {at} is {byte:#x}", data[:at] + bytes((byte,)) + data[at + 1 :]


def fields(data: bytes) -> list[Field]:
    """Return the fields of a protobuf message."""
    parts: list[Field] = []
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag % 8
        if kind == _VARINT:
            value, at = _varint(data, at)
            parts.append((tag // 8, kind, value))
            continue
        size = _WIDTHS.get(kind)
        if size is None:
            size, at = _varint(data, at)
        parts.append((tag // 8, kind, data[at : at + size]))
        at += size
    return parts


def message_of(parts: list[Field]) -> bytes:
    """Return a protobuf message with these fields."""
    return b"".join(map(_field, parts))


def each_field(data: bytes, chosen: range) -> Iterator[tuple[str, bytes]]:
    """Yield messages in which one field is removed, repeated or changed.

    Args:
        data: a good message.
        chosen: places of the fields to change.
    """
    parts = fields(data)
    for at in chosen:
        before, (name, kind, value), behind = parts[:at], parts[at], parts[at + 1 :]
        start, end = message_of(before), message_of(behind)
        label = f"field {name} at {at}"
        yield f"{label} is missing", start + end
        yield f"{label} is there twice", start + _field(parts[at]) * 2 + end
        yield f"{label} is text", start + held(name, b"\xff\x00a") + end
        yield f"{label} is empty", start + held(name, b"") + end
        yield f"{label} is of no type", start + varint(8 * name + 7) + end
        for value_of_field in INTEGERS:
            yield f"{label} is {value_of_field}", start + number(name, value_of_field) + end
        if kind == _LENGTH:
            for size in (0, 1, len(value) - 1, len(value) + 1, 2**31, 2**32, 2**63, 2**64 - 1):
                wrong = varint(8 * name + kind) + varint(size) + value
                yield f"{label} has a length of {size}", start + wrong + end
        for width, size in _WIDTHS.items():
            for byte in (b"\x00", b"\xff", b"\x7f"):
                wrong = varint(8 * name + width) + byte * size
                yield f"{label} is {size} bytes of {byte!r}", start + wrong + end


def _field(part: Field) -> bytes:
    name, kind, value = part
    if kind == _VARINT:
        return number(name, value)
    return held(name, value) if kind == _LENGTH else varint(8 * name + kind) + value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        # The highest bit of a byte states that another byte follows.
        if data[at - 1] < 0x80:
            return value, at


def _holder(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document
