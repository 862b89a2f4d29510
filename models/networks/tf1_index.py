"""Check the index of a TensorFlow checkpoint before TensorFlow reads it.

An index is a sorted table with one record for each variable and one for the whole checkpoint
(tensor_bundle.proto), in LevelDB's format: blocks of keys and values, an index block, a footer.
TensorFlow does not check the records: a negative dimension crashes its process. So each record is
read here first, in the one form that TensorFlow writes, and compared with the files of values.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.files.arrays import check_shape, whole_number
from models.files.regular_files import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Largest index in bytes; the 1,200 variables of BERT-large with Adam's moments need 100 kB.
_LARGEST_INDEX = 1 << 23
_MOST_VARIABLES = 20_000
_MOST_SHARDS = 1000
_LONGEST_NAME = 500
_FOOTER, _MAGIC = 48, struct.pack("<Q", 0xDB4775248B80FB57)
# Number of bytes after each block (its compression, and a checksum that TensorFlow verifies), and
# the number for an uncompressed block.
_TRAILER, _NOT_PACKED = 5, 0
_LONGEST_VARINT = 10
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
# Bytes per value, by the numbers in TensorFlow's DataType: numpy's types and bfloat16.
_ITEM_BYTES = {
    **dict.fromkeys((2, 9, 23), 8),  # float64, int64, uint64
    **dict.fromkeys((1, 3, 22), 4),  # float32, int32, uint32
    **dict.fromkeys((5, 14, 17, 19), 2),  # int16, bfloat16, uint16, float16
    **dict.fromkeys((4, 6, 10), 1),  # uint8, int8, bool
}
_STRING = 7


@dataclass
class _Record:
    """The entry of a variable in an index."""

    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0


class _Bytes:
    """Bytes that are read once, from the first to the last."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > len(self._data) - self._at:
            raise ValueError("its index is cut off")
        self._at += count
        return self._data[self._at - count : self._at]

    def varint(self) -> int:
        """Return the next integer, of which each byte holds seven bits."""
        value = 0
        for at in range(_LONGEST_VARINT):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << 7 * at
            if byte < 0x80:  # noqa: PLR2004 - the last byte has no continuation bit
                return value
        raise ValueError("its index holds a number that is too long")


def check_index(path: Path) -> None:
    """Check the index of a checkpoint against the files that hold the values.

    Raises:
        ValueError: the file is not an index, or contradicts itself or the files of values.
        OSError: the index cannot be read, or a file beside it is missing.
    """
    records = dict(_records(read_regular(path, _LARGEST_INDEX)))
    shards = _shards(path, records.pop("", b""))
    for name, record in records.items():
        _check(name, _parsed(record), shards)


def _check(name: str, record: _Record, shards: list[int]) -> None:
    shown_name = name[:100]
    if record.shard >= len(shards):
        raise ValueError(f"{shown_name} lies in shard {record.shard} of {len(shards)}")
    room = shards[record.shard]
    if record.offset + record.size > room:
        raise ValueError(f"{shown_name} lies beyond the end of its file")
    if record.dtype == _STRING:  # TensorFlow stores only its own metadata as strings, never weights
        check_shape(record.shape, 1, record.size)
        return
    if record.dtype not in _ITEM_BYTES:
        raise ValueError(f"{shown_name} is of an unknown type, {record.dtype}")
    sizes = check_shape(record.shape, _ITEM_BYTES[record.dtype], record.size)
    needed = _ITEM_BYTES[record.dtype]
    for size in sizes:
        needed *= size
    if needed != record.size:
        raise ValueError(f"{shown_name} of shape {list(sizes)} takes {record.size:,} bytes")


def _records(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each variable's name and record, and the record of the whole checkpoint under ""."""
    footer = data[-_FOOTER:]
    if len(footer) < _FOOTER or not footer.endswith(_MAGIC):
        raise ValueError("its index lacks the footer at its end")
    handles = _Bytes(footer)
    handles.varint(), handles.varint()  # skips the handle of a block that is always empty
    previous_key, count = b"", 0
    for _, handle in _block(data, handles.varint(), handles.varint()):
        location = _Bytes(handle)
        for key, record in _block(data, location.varint(), location.varint()):
            count += 1
            if (
                (key <= previous_key and count > 1)
                or len(key) > _LONGEST_NAME
                or count > _MOST_VARIABLES
            ):
                raise ValueError("its index lists names twice, out of order, or too many")
            previous_key = key
            yield key.decode("utf-8"), record


def _block(data: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block.

    A key is stored without the prefix that it shares with the previous key.
    """
    end = start + size
    if end + _TRAILER > len(data) - _FOOTER or size < 4:  # noqa: PLR2004 - the bytes of the number of restarts
        raise ValueError("its index refers to a block outside of the file")
    if data[end] != _NOT_PACKED:
        raise ValueError("its index is compressed")
    (restarts,) = struct.unpack_from("<I", data, end - 4)
    entries = end - 4 * (1 + restarts)
    if entries < start:
        raise ValueError("its index has a block that is cut off")
    block, key = _Bytes(data[start:entries]), b""
    while block:
        shared, added, length = block.varint(), block.varint(), block.varint()
        if shared > len(key):
            raise ValueError("its index has a name that repeats more than the previous name holds")
        key = key[:shared] + block.take(added)
        yield key, block.take(length)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a protobuf message.

    A repeated field is an error, except field 2 with bytes: a shape has one for each dimension.
    """
    remaining, numbers = _Bytes(message), set()
    while remaining:
        number, kind = divmod(remaining.varint(), 8)
        value: int | bytes
        if kind == _VARINT:
            value = remaining.varint()
        elif kind == _BYTES:
            value = remaining.take(remaining.varint())
        elif kind in {_FOUR_BYTES, _EIGHT_BYTES}:
            value = remaining.take(4 if kind == _FOUR_BYTES else 8)
        else:
            raise ValueError("its index has an invalid record")
        if (number, kind) in numbers and (number, kind) != (2, _BYTES):
            raise ValueError("its index repeats a field of a variable")
        numbers.add((number, kind))
        yield number, value


def _parsed(record: bytes) -> _Record:
    """Return dtype, shape and place of a variable's values from its record, a BundleEntryProto."""
    parsed = _Record()
    names = {1: "dtype", 3: "shard", 4: "offset", 5: "size"}
    for number, value in _fields(record):
        if number == 2 and isinstance(value, bytes):  # noqa: PLR2004 - the field of a TensorShapeProto
            if parsed.shape:
                raise ValueError("its index gives two shapes for one variable")
            parsed.shape = _shape(value)
        elif number in names and isinstance(value, int):
            setattr(parsed, names[number], whole_number(value, "a number"))
        elif number != 6:  # noqa: PLR2004 - the field of the checksum, which TensorFlow compares
            raise ValueError("its index has a variable in slices, or of an unsupported kind")
    return parsed


def _shape(message: bytes) -> list[int]:
    sizes = []
    for number, dimension in _fields(message):
        if number != 2 or not isinstance(dimension, bytes):  # noqa: PLR2004 - the field of a dimension
            raise ValueError("its index has a variable without a shape")
        size = 0
        for key, value in _fields(dimension):
            if key != 1 or not isinstance(value, int):
                raise ValueError("its index has a dimension that is not a number")
            size = value
        sizes.append(size)
    return sizes


def _shards(path: Path, header: bytes) -> list[int]:
    """Return the size in bytes of each file of values; the header states the number of files.

    The header is a BundleHeaderProto.
    """
    fields = dict(_fields(header))
    count = fields.get(1, 0)
    if fields.get(2, 0) != 0:
        raise ValueError("its values are big-endian")
    if not isinstance(count, int) or not 0 < count <= _MOST_SHARDS:
        raise ValueError("its index does not say how many files hold the values")
    sizes = []
    for number in range(count):
        with open_regular(path.with_suffix(f".data-{number:05d}-of-{count:05d}")) as file:
            sizes.append(os.fstat(file.fileno()).st_size)
    return sizes
