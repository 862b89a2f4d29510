"""Inspect a FlatBuffer from the file alone, without importing a runtime."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from models.flatbuffers.arithmetic import UNCOUNTED, arithmetic, multiply_accumulates
from models.flatbuffers.dtypes import BITS, packed_bytes
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import read_contents
from models.flatbuffers.structure import Arithmetic, FlatBufferReport, census

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.flatbuffers.structure import Contents, Operator, Tensor

_CHUNK = 1 << 20


def inspect(path: Path) -> FlatBufferReport:
    """Read a TFLite FlatBuffer and describe its contents.

    Raises:
        EdgeproofError: the file cannot be read, is not a TFLite FlatBuffer, or is damaged.
    """
    data = read_flatbuffer(path)
    return report_of(path, data, read_contents(path, data))


def report_of(path: Path, data: bytes, contents: Contents) -> FlatBufferReport:
    """Return a file's contents, with the properties that are derived from them.

    Args:
        path: the path of the file.
        data: the bytes of the file.
        contents: the result of `read_contents` for `data`.
    """
    kinds, macs = _computing(contents.operators)
    return FlatBufferReport(
        **vars(contents),
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        flatbuffer_bytes=len(data),
        flatbuffer_zipped=_zipped_bytes(data),
        weight_census=census(_weight_bytes(contents.tensors)),
        activation_census=census(_activation_bytes(contents.operators)),
        arithmetic=kinds,
        integer_macs=macs["integer"],
        hybrid_macs=macs["hybrid"],
        float_macs=macs["float"],
        uncounted_operators=tuple(
            sorted({op.name for op in contents.operators if op.custom or op.name in UNCOUNTED})
        ),
    )


def _zipped_bytes(data: bytes) -> int:
    zipper = zlib.compressobj(9)
    chunks = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    return sum(len(zipper.compress(chunk)) for chunk in chunks) + len(zipper.flush())


def _computing(
    operators: Iterable[Operator],
) -> tuple[dict[Arithmetic, int], Counter[Arithmetic]]:
    """Return the number of operators, and of multiply-accumulates, by arithmetic."""
    kinds: dict[Arithmetic, int] = {"integer": 0, "hybrid": 0, "float": 0, "neutral": 0}
    macs: Counter[Arithmetic] = Counter()
    for operator in operators:
        kind = arithmetic(operator)
        kinds[kind] += 1
        macs[kind] += multiply_accumulates(operator)
    return kinds, macs


def _weight_bytes(tensors: Iterable[Tensor]) -> list[tuple[str, int]]:
    weights = {tensor.buffer: tensor for tensor in tensors if tensor.weight}
    return [(tensor.dtype, tensor.constant_bytes) for tensor in weights.values()]


def _activation_bytes(operators: Iterable[Operator]) -> list[tuple[str, int]]:
    activations = {
        (operator.subgraph, tensor.index): tensor
        for operator in operators
        for tensor in operator.outputs
    }
    return [
        (tensor.dtype, packed_bytes(tensor.shape, BITS.get(tensor.dtype, 0)))
        for tensor in activations.values()
    ]
