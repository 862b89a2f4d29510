"""Record what a file computes of real texts: the values of the tensors between its operators.

A copy of the file gives them out: its first graph names them as its outputs. No runtime is imported
here, and whatever can answer the file can be asked, on a board, too.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from models.flatbuffers.contents import Contents, Operator
    from models.flatbuffers.contents import Tensor as Held
    from models.kernels.asking import AskedBackend
    from models.kernels.reading import Instances
    from models.runtime.binding import Binding

    # Of each text what the file's inputs take, by position.
    Texts = Sequence[Sequence[NDArray[Any]]]
    # Of each tensor what it holds, text by text.
    Values = dict[int, list[NDArray[Any]]]

_FIRST_SLOT, _SLOT_BYTES = 4, 2
# Fields of the schema: a subgraph's outputs, a model's signatures.
_OUTPUTS, _SIGNATURES = 2, 7
_ALIGNMENT = 4
# A message of the runner holds 64 arrays; what an operator reads and writes is some five of them.
MOST_TENSORS = 56
_RECORDED = frozenset(
    {"bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"}
)
_MOST_BYTES = 64_000_000


def showing(flatbuffer: bytes, tensors: Sequence[int]) -> bytes:
    """Return a file whose first graph gives out these tensors, in place of its own outputs.

    The list of outputs is written behind the file, and the offset of the old one is replaced. The
    list of signatures, which name the old outputs, is made empty.
    """
    from tflite.Model import Model  # noqa: PLC0415 - only where a file is read

    model = Model.GetRootAs(flatbuffer, 0)
    graph, root = model.Subgraphs(0)._tab, model._tab  # noqa: SLF001 - where the fields lie
    shown = bytearray(flatbuffer)
    at = graph.Pos + graph.Offset(_FIRST_SLOT + _SLOT_BYTES * _OUTPUTS)
    shown += bytes(-len(shown) % _ALIGNMENT)
    struct.pack_into("<I", shown, at, len(shown) - at)
    shown += struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)
    signatures = root.Offset(_FIRST_SLOT + _SLOT_BYTES * _SIGNATURES)
    if signatures:
        struct.pack_into("<I", shown, root.Vector(signatures) - _ALIGNMENT, 0)
    return bytes(shown)


def by_position(
    contents: Contents, binding: Binding, rows: Mapping[str, NDArray[Any]], count: int
) -> list[list[NDArray[Any]]]:
    """Return what the first graph of a file takes of some texts, by position.

    Args:
        contents: the file's.
        binding: how it is fed.
        rows: of the texts [n, tokens], by role.
        count: how many of the texts.
    """
    inputs = contents.subgraphs[0].inputs
    named = {one.key: one.inputs for one in contents.signatures}
    signature = named.get(binding.signature or next(iter(named), ""), {})
    roles: dict[int, str] = {}
    for one in binding.inputs:
        tensor = inputs[one.tensor] if isinstance(one.tensor, int) else signature[one.tensor]
        roles[tensor.index] = one.role
    return [
        [_fitting(rows[roles[tensor.index]][row], tensor) for tensor in inputs]
        for row in range(min(count, *map(len, rows.values())))
    ]


def _fitting(row: NDArray[Any], tensor: Held) -> NDArray[Any]:
    """Return a row as a tensor takes it; its length where the file leaves it open."""
    flat = row.reshape(-1)
    if any(tensor.dynamic):
        shape = [1] * (len(tensor.shape) - 1) + [flat.size]
    else:
        shape = list(tensor.shape)
    return flat[: math.prod(shape)].reshape(shape).astype(tensor.dtype)


class Recorder:
    """Records the activations of a file, a part of its operators at a time.

    Args:
        instances: the file.
        texts: what it is given.
        backend: what answers.
        threads: of the kernels.
        why_not: why there are no texts, where there are none.

    Attributes:
        why_not: why nothing is recorded any more; "" where it is.
    """

    def __init__(
        self,
        instances: Instances,
        texts: Texts = (),
        backend: AskedBackend | None = None,
        threads: int = 1,
        why_not: str = "no texts were given",
    ) -> None:
        self._file, self._texts = instances, texts
        self._inputs = [one.index for one in instances.contents.subgraphs[0].inputs]
        self._backend, self._threads = backend, threads
        self.why_not = "" if texts and backend is not None else why_not

    @property
    def recorded(self) -> int:
        """How many texts' activations are there."""
        return 0 if self.why_not else len(self._texts)

    def parts(self) -> Iterator[tuple[list[Operator], Values]]:
        """Yield the operators in their order, and what the tensors beside them hold."""
        part: list[Operator] = []
        beside: dict[int, int] = {}
        for operator in self._file.operators:
            own = {one.index: _bytes(one) for one in _activations(operator)}
            if len(own) > MOST_TENSORS:
                own = {}
            both = beside | own
            if part and (len(both) > MOST_TENSORS or sum(both.values()) > _MOST_BYTES):
                yield part, self._values(beside)
                part, both = [], own
            part.append(operator)
            beside = both
        yield part, self._values(beside)

    def _values(self, tensors: Mapping[int, int]) -> Values:
        if self.why_not or self._backend is None or not tensors:
            return {}
        values: Values = {index: [] for index in tensors}
        # What comes in is known, and no output of every backend.
        asked = [index for index in tensors if index not in self._inputs]
        shown = showing(self._file.data, asked)
        for text in self._texts:
            answer = self._backend.compute(shown, [text], self._threads)
            if answer.kind != "computed":
                self.why_not = answer.said
                return {}
            known = dict(zip(self._inputs, text, strict=True))
            known |= dict(zip(asked, answer.runs[0], strict=True))
            for index, held in values.items():
                held.append(known[index])
        return values


def _activations(operator: Operator) -> list[Held]:
    """Return the tensors that an operator reads and writes, without constants and variables."""
    beside = (one for one in (*operator.inputs, *operator.outputs) if one is not None)
    return [
        one
        for one in beside
        if one.dtype in _RECORDED and not one.constant_bytes and not one.variable
    ]


def _bytes(tensor: Held) -> int:
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
