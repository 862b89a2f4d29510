"""Write bad checkpoints of PyTorch and safetensors."""

from __future__ import annotations

import itertools
import json
import pickle
import pickletools
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from suites.meta.fuzz.arrays import bad_archives, zipped
from suites.meta.fuzz.mutations import VALUES, dumped, mutated, mutated_archive, mutated_json
from suites.meta.fuzz.shapes import SHAPES, SIZES, later, no_files
from suites.meta.networks import torch_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from numpy.typing import NDArray

NAME = "encoder.layer.0.output.dense.weight"
VALUES_HELD: dict[str, NDArray[Any]] = {
    NAME: np.arange(12, dtype=np.float32).reshape(3, 4),
    "half": np.array([1.5, -2.0], np.float16),
    "steps": np.array(7, np.int64),
}
WANTED = (*VALUES_HELD, "absent")
_DTYPES = ("F32", "F64", "BF16", "I8", "BOOL", "F8_E4M3", "F4", "C64", "", "f32", "U64")


def torch_checkpoints() -> Iterator[bytes]:
    """Yield good `.bin` files, in both formats."""
    yield torch_files.archive(VALUES_HELD, transposed=(NAME,))
    yield torch_files.legacy(VALUES_HELD)


def mutated_torch(random: Random, data: bytes) -> bytes:
    """Change the pickle in the archive, another member, or the bytes."""
    return mutated_archive(random, data) if data.startswith(b"PK") else mutated(random, data)


def text(value: str) -> bytes:
    """Return the instruction of a pickle that puts a text on the stack."""
    raw = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """Return the instruction of a pickle that puts an integer on the stack."""
    raw = pickle.encode_long(value)
    if len(raw) > 255:
        return pickle.LONG4 + struct.pack("<i", len(raw)) + raw
    return pickle.LONG1 + bytes((len(raw),)) + raw


def named(module: str, name: str) -> bytes:
    """Return the instruction that names a function or a class."""
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def tuple_of(parts: bytes) -> bytes:
    """Return the instructions for a tuple of the values that `parts` leaves on the stack."""
    return pickle.MARK + parts + pickle.TUPLE


def storage(key: bytes = text("0"), size: bytes = number(4), kind: str = "FloatStorage") -> bytes:
    """Return the instructions that refer to a storage."""
    parts = text("storage") + named("torch", kind) + key + text("cpu") + size
    return tuple_of(parts) + pickle.BINPERSID


def tensor(shape: bytes, strides: bytes, offset: bytes = number(0), stored: bytes = b"") -> bytes:
    """Return the instructions that make a tensor."""
    parts = (stored or storage()) + offset + shape + strides + pickle.NEWFALSE + pickle.NONE
    return named("torch._utils", "_rebuild_tensor_v2") + tuple_of(parts) + pickle.REDUCE


def table(value: bytes, key: bytes = text(NAME)) -> bytes:
    """Return a checkpoint whose pickle is a table of one value."""
    return around(pickle.EMPTY_DICT + key + value + pickle.SETITEM)


def around(instructions: bytes) -> bytes:
    """Return a checkpoint whose pickle consists of these instructions."""
    document = pickle.PROTO + b"\x02" + instructions + pickle.STOP
    return torch_files.zipped(document, {"0": bytes(16)})


def sizes(values: tuple[int, ...]) -> bytes:
    """Return the instructions for a tuple of integers."""
    return tuple_of(b"".join(map(number, values)))


def bad_torch_checkpoints() -> Iterator[tuple[str, Any]]:
    """Yield bad `.bin` files."""
    yield from no_files()
    for shape in SHAPES:
        for stride in (0, 1, -1, 2**62, 2**63):
            yield (
                f"{len(shape)} dimensions, strides of {stride}",
                table(tensor(sizes(shape), sizes((stride,) * len(shape)))),
            )
    for offset, shape in itertools.product(SIZES, ((), (1,), (0,), (4,), (2, 2))):
        steps = sizes((1,) * len(shape))
        yield f"offset {offset}", table(tensor(sizes(shape), steps, number(offset)))
    for size in SIZES:
        yield (
            f"storage of {size}",
            table(tensor(sizes((4,)), sizes((1,)), stored=storage(size=number(size)))),
        )
    wrong_values = (pickle.NONE, pickle.NEWTRUE, pickle.EMPTY_LIST, text("x"), pickle.EMPTY_DICT)
    for at, wrong_value in itertools.product(range(3), wrong_values):
        parts = [sizes((4,)), sizes((1,)), number(0)]
        parts[at] = wrong_value
        yield f"part {at} is another", table(tensor(*parts))
    for kind in ("OrderedDict", "Tensor", "ByteStorage", "BFloat16Storage", "QInt8Storage"):
        yield (
            f"a storage of {kind}",
            table(tensor(sizes((4,)), sizes((1,)), stored=storage(kind=kind))),
        )
    yield from _bad_pickles()
    yield from bad_archives(pickle.dumps({}), "a/data.pkl")
    for intact in torch_checkpoints():
        for cut in range(0, len(intact), max(len(intact) // 40, 1)):
            yield f"cut at {cut}", intact[:cut]
    yield "a storage of zeros, packed", later(_bomb)


def _bomb() -> bytes:
    good = pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + text(NAME)
    good += tensor(sizes((1 << 25,)), sizes((1,)), stored=storage(size=number(1 << 25)))
    members = {"a/data.pkl": good + pickle.SETITEM + pickle.STOP, "a/data/0": bytes(1 << 27)}
    return zipped(members, zipfile.ZIP_DEFLATED)


def _bad_pickles() -> Iterator[tuple[str, bytes]]:
    for opcode in pickletools.opcodes:
        for argument in (b"", b"\x00", b"\xff" * 8, b"1\n2\n", struct.pack("<q", 2**40)):
            raw = opcode.code.encode("latin-1") + argument
            yield f"{opcode.name} alone", around(raw)
            yield f"{opcode.name} below", around(pickle.EMPTY_DICT + text("x") + raw)
    for depth in (30, 1000, 50_000):
        double = pickle.DUP + pickle.TUPLE2
        yield f"doubled {depth} times", table(pickle.NONE, pickle.EMPTY_TUPLE + double * depth)
        memoized = pickle.BINPUT + b"\0" + pickle.BINGET + b"\0" + pickle.TUPLE2
        nested = pickle.EMPTY_TUPLE + memoized * depth
        yield f"kept {depth} times, a key", table(pickle.NONE, nested)
        yield f"kept {depth} times, a value", table(nested)
        yield (
            f"kept {depth} times, a storage's key",
            table(tensor(sizes((4,)), sizes((1,)), stored=storage(key=nested))),
        )
        pairs = (
            pickle.EMPTY_LIST + pickle.MARK + nested + pickle.NONE + pickle.TUPLE2 + pickle.APPENDS
        )
        yield (
            f"kept {depth} times, in a list of pairs",
            around(named("collections", "OrderedDict") + pairs + pickle.TUPLE1 + pickle.REDUCE),
        )
        yield f"{depth} deep", around(pickle.EMPTY_LIST * depth + pickle.APPEND * (depth - 1))
        yield f"{depth} deep tuples", around(pickle.NONE + pickle.TUPLE1 * depth)
    for function in ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_tensor"):
        for arguments in (pickle.EMPTY_TUPLE, pickle.NONE, sizes((1, 2, 3, 4, 5, 6, 7))):
            yield (
                f"{function} of others",
                table(named("torch._utils", function) + arguments + pickle.REDUCE),
            )
        state = pickle.EMPTY_DICT + text("__code__") + pickle.NONE + pickle.SETITEM
        yield f"{function} is built", table(named("torch._utils", function) + state + pickle.BUILD)
    state = pickle.EMPTY_DICT + text("shape") + sizes((2**40,)) + pickle.SETITEM
    yield "a tensor is built", table(tensor(sizes((4,)), sizes((1,))) + state + pickle.BUILD)
    long = pickle.EMPTY_LIST + pickle.BINPUT + b"\0" + pickle.MARK + pickle.NONE * 50_000
    call = (
        named("collections", "OrderedDict") + pickle.BINGET + b"\0" + pickle.TUPLE1 + pickle.REDUCE
    )
    yield "one long list, many tables", around(long + pickle.APPENDS + call * 20_000)
    long_shape = sizes((1,) * 50_000) + pickle.BINPUT + b"\0" + pickle.EMPTY_LIST + pickle.MARK
    tensor_again = tensor(pickle.BINGET + b"\0", pickle.BINGET + b"\0")
    yield "one long shape, many tensors", around(long_shape + tensor_again * 3_000 + pickle.APPENDS)
    yield "millions of instructions", around(pickle.NONE * 3_000_000)
    yield "a long number", around(number(2 ** (8 * 1_000_000)))
    yield "a long text", table(pickle.NONE, text("x" * 3_000_000))
    for value in SIZES:
        yield (
            f"memo {value}",
            around(pickle.NONE + pickle.LONG_BINPUT + struct.pack("<I", value % 2**32)),
        )


def safetensors_files() -> Iterator[bytes]:
    """Yield good safetensors files."""
    yield save(VALUES_HELD)
    yield save({}, {"format": "pt"})


def safetensors(header: bytes, values: bytes = bytes(64)) -> bytes:
    """Return a safetensors file with an arbitrary table."""
    return struct.pack("<Q", len(header)) + header + values


def mutated_safetensors(random: Random, data: bytes) -> bytes:
    """Change the JSON table and correct its length, or change the file's bytes."""
    (length,) = struct.unpack("<Q", data[:8])
    if random.random() < 0.5:
        return mutated(random, data)
    document = mutated_json(random, json.loads(data[8 : 8 + length]))
    return safetensors(dumped(document), data[8 + length :])


def bad_safetensors_files() -> Iterator[tuple[str, Any]]:
    """Yield bad safetensors files."""
    yield from no_files()
    for shape, dtype in itertools.product(SHAPES, _DTYPES):
        entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, 64]}
        yield f"{dtype} of {len(shape)}", safetensors(dumped({NAME: entry}))
    for start, end in itertools.product(SIZES, SIZES[:12]):
        entry = {"dtype": "F32", "shape": [16], "data_offsets": [start, end]}
        yield f"from {start} to {end}", safetensors(dumped({NAME: entry}))
    good = {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}
    for key, value in itertools.product(good, VALUES):
        changed = dumped({NAME: good | {key: value}})
        yield f"{key} is {type(value).__name__}", safetensors(changed)
    for value in VALUES:
        yield f"a table that is {type(value).__name__}", safetensors(dumped(value))
        yield f"metadata of {type(value).__name__}", safetensors(dumped({"__metadata__": value}))
    intact = save(VALUES_HELD)
    for length in SIZES:
        yield f"a table of {length}", struct.pack("<Q", length % 2**64) + intact[8:]
    for deep in (100, 10_000, 1_000_000):
        yield f"{deep} deep", safetensors(b"[" * deep + b"]" * deep)
        yield f"{deep} deep objects", safetensors(b'{"a":' * deep + b"1" + b"}" * deep)
    yield "twice", safetensors(dumped({NAME: good})[:-1] + b", " + dumped({NAME: good})[1:])
    overlapping = {f"x{at}": good for at in range(50_000)}
    yield "many of one place", safetensors(dumped({NAME: good} | overlapping))
    empty = {f"x{at}": good | {"shape": [0], "data_offsets": [0, 0]} for at in range(60_000)}
    yield "many empty", safetensors(dumped(empty), b"")
    for cut in range(0, len(intact), 7):
        yield f"cut at {cut}", intact[:cut]
