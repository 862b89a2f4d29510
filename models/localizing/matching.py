"""Match the tensors of two FlatBuffers by name, or by the order of the operators.

A converter that quantizes a file preserves the names of its tensors. Files from separate
conversions may have other names; then operators of the same kind and width are matched in order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from models.flatbuffers.dtypes import FLOAT_DTYPES

if TYPE_CHECKING:
    from models.flatbuffers.structure import Contents, Tensor

# Operators that conversion inserts, so that they have no counterpart in the other file.
_BETWEEN = {"QUANTIZE", "DEQUANTIZE"}
# Operators with one purpose, under one name: converters write an embedding lookup as either.
_LOOKUPS = {"EMBEDDING_LOOKUP": "GATHER"}


@dataclass(frozen=True)
class Written:
    """A tensor of a file, and the operator that writes it.

    Attributes:
        operator: kind of the operator.
        tensor: the tensor that the operator writes.
    """

    operator: str
    tensor: Tensor

    @property
    def shown(self) -> str:
        """Return the tensor's name, or its index if it has none."""
        return self.tensor.name or f"tensor {self.tensor.index}"


@dataclass(frozen=True)
class Matched:
    """The tensors that two files have in common.

    Attributes:
        pairs: pairs of a tensor of the reference and one of the candidate, in the candidate's
            execution order.
        by: how the pairs were found.
    """

    pairs: tuple[tuple[Written, Written], ...]
    by: Literal["name", "order"]


def written_by(contents: Contents) -> list[Written]:
    """Return the tensors that operators of a file's main graph write, in execution order."""
    return [
        Written(operator.name, tensor)
        for operator in contents.operators
        if operator.subgraph == 0
        for tensor in operator.outputs
    ]


def match(reference: Contents, candidate: Contents) -> Matched:
    """Return the tensors that two files have in common.

    Tensors are matched by name, unless that gives less than half as many pairs as their order.
    """
    floats = [entry for entry in written_by(reference) if entry.tensor.dtype in FLOAT_DTYPES]
    quantized = written_by(candidate)
    named, ordered = _by_name(floats, quantized), _by_order(floats, quantized)
    if 2 * len(named) >= len(ordered):
        return Matched(tuple(named), "name")
    return Matched(tuple(ordered), "order")


def _by_name(reference: list[Written], candidate: list[Written]) -> list[tuple[Written, Written]]:
    by_name = _unique(reference)
    again = _unique(candidate)
    return [
        (by_name[name], written)
        for name, written in again.items()
        if name in by_name and _width(by_name[name]) == _width(written)
    ]


def _unique(entries: list[Written]) -> dict[str, Written]:
    times = Counter(entry.tensor.name for entry in entries)
    return {
        entry.tensor.name: entry
        for entry in entries
        if entry.tensor.name and times[entry.tensor.name] == 1
    }


def _by_order(reference: list[Written], candidate: list[Written]) -> list[tuple[Written, Written]]:
    left, right = (
        [entry for entry in entries if entry.operator not in _BETWEEN]
        for entries in (reference, candidate)
    )
    blocks = SequenceMatcher(None, list(map(_kind, left)), list(map(_kind, right)), autojunk=False)
    return [
        (left[first + at], right[second + at])
        for first, second, size in blocks.get_matching_blocks()
        for at in range(size)
    ]


def _kind(written: Written) -> tuple[str, int]:
    return _LOOKUPS.get(written.operator, written.operator), _width(written)


def _width(written: Written) -> int:
    """Return the size of the last dimension; 0 for a scalar, or if the dimension is dynamic."""
    tensor = written.tensor
    return 0 if not tensor.shape or tensor.dynamic[-1] else tensor.shape[-1]
