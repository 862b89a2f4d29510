"""Write bad `.npy` and `.npz` files, and bad messages of a runner."""

from __future__ import annotations

import io
import itertools
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from models.runner.framing import MAGIC, write_message
from suites.meta.fuzz.mutations import VALUES, dumped, mutated, mutated_archive, mutated_json
from suites.meta.fuzz.shapes import SHAPES, SIZES, later, no_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_DTYPES = (
    *("<f4", "|b1", "<i8", "<U3", "<U9999999", "<U0", "|O", "<f4,<f4", ">f4", "=f4", "f4"),
    *("<M8[ns]", "|V8", "<f16", "<c8", "|S3", "<f3", "", "\\x00", "object", "<i4" * 50),
)
NAMES = ("float32", "int8", "bool", "object", "str", "complex64", "", "float32 ", "U99999", "V8")


def npy(shape: str, descr: str = "'<f4'", order: str = "False", values: bytes = bytes(24)) -> bytes:
    """Return a `.npy` file with an arbitrary header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()[:65_534]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + values


def npy_files() -> Iterator[bytes]:
    """Yield good `.npy` files."""
    for array in (
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array(np.arange(6).reshape(2, 3), order="F"),
        np.array("a history"),
        np.zeros((0, 4), np.int32),
    ):
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield buffer.getvalue()


def bad_npy_files() -> Iterator[tuple[str, Any]]:
    """Yield bad `.npy` files."""
    yield from no_files()
    for shape, dtype in itertools.product(SHAPES, _DTYPES[:6]):
        yield f"{dtype} of {len(shape)}", npy(str(shape)[:60_000], f"'{dtype}'")
    for dtype, order in itertools.product(_DTYPES, ("False", "True", "1", "None", "'x'")):
        yield f"{dtype} {order}", npy("(2, 3)", f"'{dtype}'", order)
    for shape in ("3", "[3]", "(3)", "None", "(3,,)", "(1e3,)", "(True,)", "('3',)", "(0x3,)"):
        yield f"shape {shape}", npy(shape)
    for text in ("(" * 9000, "[" * 9000 + "]" * 9000, "-" * 9000 + "1", "{" * 200, "9" * 9000):
        yield "deep nesting", npy(text)
    yield "code", npy("(__import__('os').system('true'),)")
    for descr in ("[('a', '<f4')]", "[('a', 'O')]", "('<f4', (2,))", "'<f4'" * 99, "{}", "b'<f4'"):
        yield f"descr {descr}", npy("(2, 3)", descr)
    for version in range(8):
        yield f"version {version}", b"\x93NUMPY" + bytes((version, 0)) + npy("(2, 3)")[8:]
    for length in (0, 1, 65_535, 10, 80):
        intact = npy("(2, 3)")
        yield f"a header of {length}", intact[:8] + struct.pack("<H", length) + intact[10:]


def npz_files() -> Iterator[bytes]:
    """Yield good `.npz` files."""
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, ids=np.arange(60, dtype=np.int32).reshape(6, 10), labels=np.arange(6))
        yield buffer.getvalue()


def bad_npz_files() -> Iterator[tuple[str, Any]]:
    """Yield bad `.npz` files: bad arrays in good archives, and bad archives."""
    for name, content in bad_npy_files():
        yield (name, zipped({"a.npy": content})) if isinstance(content, bytes) else (name, content)
    yield from bad_archives(npy("(2, 3)"), "a.npy")


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def bad_archives(content: bytes, name: str) -> Iterator[tuple[str, Any]]:
    """Yield archives with a wrong header of a member, or with too much content."""
    good = zipped({name: content})
    deflated = zipped({name: content}, zipfile.ZIP_DEFLATED)
    for label, archive in (("stored", good), ("deflated", deflated)):
        local, central = archive.index(b"PK\x03\x04"), archive.index(b"PK\x01\x02")
        # Offsets of the sizes, the method, the flags and the name's length in both headers.
        for at, width in ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)):
            for base in (local + at, central + at + 2):
                for value in (0, 1, 2, 8, 12, 99, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
                    changed = bytearray(archive)
                    changed[base : base + width] = (value % (1 << 8 * width)).to_bytes(
                        width, "little"
                    )
                    yield f"{label}, {value} at {base}", bytes(changed)
        end = archive.index(b"PK\x05\x06")
        for at, width in ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)):
            for value in (0, 1, 2, 60_000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
                changed = bytearray(archive)
                changed[end + at : end + at + width] = (value % (1 << 8 * width)).to_bytes(
                    width, "little"
                )
                yield f"{label}, {value} in the end record at {at}", bytes(changed)
    yield "128 MB of zeros", later(_bomb, name)
    yield "30,000 members", later(_many, name)
    for evil in ("../a.npy", "/a.npy", "a\\..\\a.npy", "a" * 60_000, ".", "\x1b[2J", "a/"):
        yield f"a member called {evil[:9]!r}", zipped({evil: content, name: content})


def _bomb(name: str) -> bytes:
    zeros = bytes(1 << 27)
    return zipped({name: npy(f"({len(zeros)},)", "'|u1'", values=zeros)}, zipfile.ZIP_DEFLATED)


def _many(name: str) -> bytes:
    return zipped({f"{name}{at}": b"" for at in range(30_000)})


def messages() -> Iterator[bytes]:
    """Yield good messages of a runner."""
    arrays = {"logits": np.arange(6, dtype=np.float32).reshape(2, 3), "ns": np.arange(2)}
    for header, arrays_held in (
        ({"age_ns": 3}, arrays),
        ({"error": {"kind": "x", "message": "y"}}, {}),
    ):
        buffer = io.BytesIO()
        write_message(buffer, header, arrays_held)
        yield buffer.getvalue()


def message(header: bytes, behind: bytes = bytes(64)) -> bytes:
    """Return a message with an arbitrary header."""
    return MAGIC + struct.pack(">I", len(header)) + header + behind


def bad_messages() -> Iterator[tuple[str, Any]]:
    """Yield bad messages of a runner."""
    for shape, dtype in itertools.product(SHAPES, NAMES[:6]):
        header = dumped({"arrays": [["x", dtype, list(shape)]]})
        yield f"{dtype} of {len(shape)}", message(header)
    for value, place in itertools.product(VALUES, range(5)):
        entry: list[Any] = ["x", "int8", [1]]
        if place < 3:
            entry[place] = value
        yield (
            f"{type(value).__name__} {place}",
            message(dumped({"arrays": [[entry], value, {"x": value}][max(place - 2, 0)]})),
        )
    for value in VALUES:
        yield f"a header that is {type(value).__name__}", message(dumped(value))
    for length in (0, 1, 2**16, 2**24, 2**26, 2**31, 2**32 - 1):
        yield f"a header of {length}", MAGIC + struct.pack(">I", length) + b"{}"
    for deep in (100, 1000, 10_000, 100_000, 1_000_000):
        for start, end in ((b"[", b"]"), (b'{"a":', b"}")):
            yield f"{deep} deep", message(start * deep + b"1" + end * deep)
    yield (
        "many arrays",
        message(dumped({"arrays": [[f"x{at}", "int8", [0]] for at in range(9999)]})),
    )
    yield "one name", message(dumped({"arrays": [["x", "int8", [1]]] * 60}))
    yield "large lists", message(b'{"arrays": [], "x": [' + b"[]," * 1_000_000 + b"[]]}")
    yield "a long number", message(b'{"arrays": [], "x": ' + b"9" * 100_000 + b"}")
    for size in SIZES:
        yield f"{size} as a float", message(dumped({"arrays": [["x", "int8", [float(size)]]]}))
    yield "twice", message(b'{"arrays": [["x", "int8", [1]]], "arrays": []}')
    yield "no UTF-8", message(b'{"arrays": [], "x": "\xff\xfe"}')


def mutated_npz(random: Random, data: bytes) -> bytes:
    """Change a member of an archive, or the archive."""
    return mutated_archive(random, data)


def mutated_message(random: Random, data: bytes) -> bytes:
    """Change a message's JSON header and correct its length, or change the message's bytes."""
    if random.random() < 0.5:
        return mutated(random, data)
    (length,) = struct.unpack(">I", data[4:8])
    document = json.loads(data[8 : 8 + length])
    return message(dumped(mutated_json(random, document)), data[8 + length :])
