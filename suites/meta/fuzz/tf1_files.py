"""Write TensorFlow checkpoints without TensorFlow, good and bad, with correct checksums.

The reader gets the path of the index file. The values are in a second file of the same
folder, which `write_values` writes once; every index in the folder refers to it.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.meta.fuzz.mutations import INTEGERS, mutated
from suites.meta.fuzz.shapes import SHAPES, SIZES, later, no_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

INDEX, SHARD = "model.ckpt.index", "model.ckpt.data-00000-of-00001"
NAME = "bert/encoder/layer_0/output/dense/kernel"
WANTED = ("encoder.layer.0.output.dense.weight", "b.bias", "absent")
_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_HEADER = bytes.fromhex("08011a020801")
_KERNEL = np.arange(12, dtype=np.float32).tobytes()
_VALUES = np.array([1, 2], np.float16).tobytes() + _KERNEL
_CASTAGNOLI = 0x82F63B78


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)  # noqa: PLW2901 - the loop shifts it bit by bit
        table.append(byte)
    return table


_TABLE = _crc_table()


def checksum(data: bytes) -> int:
    """Return the masked CRC-32C of bytes, as LevelDB and TensorFlow store it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    """Return an integer with seven bits per byte; negative integers have 64 bits."""
    value &= (1 << 64) - 1
    raw = bytearray()
    while value > 0x7F:
        raw.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*raw, value))


def number(field: int, value: int) -> bytes:
    """Return a field of a protobuf message that contains an integer."""
    return varint(8 * field) + varint(value)


def held(field: int, value: bytes) -> bytes:
    """Return a field of a protobuf message that contains bytes."""
    return varint(8 * field + 2) + varint(len(value)) + value


def record(  # noqa: PLR0913, PLR0917 - one parameter per field of a record
    dtype: int = 1,
    shape: tuple[int, ...] = (3, 4),
    shard: int = 0,
    offset: int = 4,
    size: int = 48,
    values: bytes = _KERNEL,
    more: bytes = b"",
) -> bytes:
    """Return the record of a variable."""
    sizes = b"".join(held(2, number(1, dimension)) for dimension in shape)
    crc = varint(8 * 6 + 5) + struct.pack("<I", checksum(values))
    numbers = number(3, shard) + number(4, offset) + number(5, size)
    return number(1, dtype) + held(2, sizes) + numbers + crc + more


def index(*records: tuple[bytes, bytes], header: bytes = _HEADER) -> bytes:
    """Return an index of records by name."""
    entries = b"".join(
        varint(0) + varint(len(name)) + varint(len(value)) + name + value
        for name, value in ((b"", header), *records)
    )
    return indexed(entries)


def indexed(entries: bytes) -> bytes:
    """Return an index file whose only block of records contains these entries."""
    restarts = struct.pack("<II", 0, 1)
    index = bytearray()
    handles = []

    def add(block: bytes) -> None:
        content = block + restarts
        handles.append(varint(len(index)) + varint(len(content)))
        index.extend(content + b"\0" + struct.pack("<I", checksum(content + b"\0")))

    add(entries)
    add(b"")
    add(varint(0) + varint(1) + varint(len(handles[0])) + b"z" + handles[0])
    footer = (handles[1] + handles[2]).ljust(40, b"\0") + _MAGIC
    return bytes(index) + footer


def write_values(folder: Path) -> None:
    """Write the file of values into the folder of an index."""
    shard = folder / SHARD
    if not shard.is_file():
        shard.write_bytes(_VALUES)


def good_files() -> Iterator[bytes]:
    """Yield good indices."""
    bias = record(19, (2,), offset=0, size=4, values=_VALUES[:4])
    yield index((b"bert/b/bias", bias), (NAME.encode(), record()))


def bad_files() -> Iterator[tuple[str, Any]]:
    """Yield bad indices."""
    yield from no_files()
    name = NAME.encode()
    for shape, size in itertools.product(SHAPES, (48, 0, 2**62, -1)):
        yield f"{len(shape)} dimensions, {size} bytes", index((name, record(1, shape, size=size)))
    for dtype in (*range(26), 100, 101, 103, 2**31, -1):
        yield f"type {dtype}", index((name, record(dtype)))
        yield f"type {dtype} of none", index((name, record(dtype, (0,), size=0)))
    for value in (*SIZES, *INTEGERS):
        yield f"shard {value}", index((name, record(shard=value)))
        yield f"offset {value}", index((name, record(offset=value)))
        yield f"size {value}", index((name, record(size=value)))
        yield f"{value} shards", index((name, record()), header=number(1, value))
        yield (
            f"handle {value}",
            index((name, record()))[:-48] + ((varint(value) * 4)[:40].ljust(40, b"\0") + _MAGIC),
        )
    extra = (held(7, b"\x0a\x00"), held(7, b""), number(9, 1), number(1, 1), held(2, b""), b"\x0b")
    for more in extra:
        yield f"more: {more.hex()}", index((name, record(more=more)))
    unknown = number(1, 1) + held(2, number(3, 1)) + number(5, 48)
    yield "an unknown rank", index((name, unknown))
    yield "a name twice", index((name, record()), (name, record()))
    yield "names out of order", index((b"z", record()), (b"a", record()))
    yield "no text", index((b"\xff\xfe", record()))
    yield "a long name", index((b"x" * 100_000, record()))
    yield "many names", later(_many)
    yield "a record of nothing", index((name, b""))
    for parts in itertools.product((0, 1, 200, 2**31, 2**63), repeat=3):
        yield f"lengths of {parts}", indexed(b"".join(map(varint, parts)) + b"x" * 300)
    intact = next(good_files())
    for cut in range(0, len(intact), 3):
        yield f"cut at {cut}", intact[:cut]


def _many() -> bytes:
    held_by_all = record()
    return index(*((f"{at:09d}".encode(), held_by_all) for at in range(30_000)))


def mutated_index(random: Random, data: bytes) -> bytes:
    """Change the entries and correct the checksums, or change the bytes."""
    if random.random() < 0.3:
        return mutated(random, data)
    size = len(data) - 48
    # The records are in one block at the start of the file; two small blocks follow.
    entries = data[: data.index(struct.pack("<II", 0, 1), 0, size)]
    return indexed(mutated(random, entries))
