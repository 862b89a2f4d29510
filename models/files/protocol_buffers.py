"""Read the fields of a protocol buffer without a schema and without copying.

All functions raise `ValueError` if the data is damaged; the message says where.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10

# A number, or bytes: a text, packed numbers, or a nested message.
Value = int | memoryview


class Message:
    """The fields of a message; a repeated field has its last value."""

    def __init__(self, content: bytes | Value) -> None:
        self._values = dict(fields(content))

    def integer(self, number: int, default: int) -> int:
        """Return the integer in a field; `default` if the field is missing."""
        value = self._values.get(number, default)
        if not isinstance(value, int):
            raise ValueError(f"field {number} is not an integer")  # noqa: TRY004 - the file is wrong, not a type in the code
        return value

    def bytes(self, number: int) -> bytes:
        """Return the bytes in a field; empty if the field is missing."""
        value = self._values.get(number, b"")
        if isinstance(value, int):
            raise ValueError(f"field {number} is not text")  # noqa: TRY004 - the file is wrong, not a type in the code
        return bytes(value)

    def float(self, number: int) -> float:
        """Return the float32 in a field; 0 if the field is missing."""
        value = self._values.get(number, bytes(4))
        if isinstance(value, int) or len(value) != struct.calcsize("<f"):
            raise ValueError(f"field {number} is not a number")
        (number_read,) = struct.unpack("<f", value)
        return float(number_read)


def fields(content: bytes | Value) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of each field of a message."""
    if isinstance(content, int):
        raise ValueError("a number stands in place of a message")  # noqa: TRY004 - the file is wrong, not a type in the code
    view, at = memoryview(content), 0
    while at < len(view):
        tag, at = _varint(view, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(view, at)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"byte {at} does not begin a field")
        if size > len(view) - at:
            raise ValueError("it was cut short")
        yield number, view[at : at + size]
        at += size


def integers(value: Value) -> list[int]:
    """Return the whole numbers in one value of a repeated field, which may pack several."""
    if isinstance(value, int):
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(signed(number))
    return numbers


def signed(value: int) -> int:
    """Return an int32 or int64 from its 64 bits of two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(content[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no continuation bit
            return value, at + place + 1
    raise ValueError(f"byte {at} does not begin a number, or the file was cut short")
