"""Write a graph as a FlatBuffer, without TensorFlow and without a converter."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.dtypes import SCHEMA_DTYPES
from models.flatbuffers.writing import Scalar, Table, Vector, i32, pack, u8, u32
from models.kernels.options import OPTIONS
from models.kernels.versions import version_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.kernels.graph import Graph, Node, Quantization, Tensor

TYPES = {name: number for number, (name, _) in SCHEMA_DTYPES.items()}
_SCHEMA = 3
# Largest operator code that fits into the older field of the schema.
_OLDEST_FIELD = 127
_BLOCKWISE = 2


def write(graph: Graph, *, open_rows: bool = False) -> bytes:
    """Return the FlatBuffer of a graph; `bodies` become its second and later subgraphs.

    Args:
        graph: the graph.
        open_rows: whether the first dimension of every tensor that is not a constant is dynamic, so
            that every runtime can resize it.
    """
    file = _File(open_rows=open_rows)
    subgraphs = [file.subgraph(part, number) for number, part in enumerate((graph, *graph.bodies))]
    root = {
        0: u32(_SCHEMA),
        1: file.codes(),
        2: subgraphs,
        3: "edgeproof",
        4: [Table({0: content} if content else {}) for content in file.buffers],
    }
    return pack(Table(root), b"TFL3")


def stored(tensor: Tensor) -> bytes:
    """Return a constant's bytes as stored in a file: two four-bit values share a byte."""
    values = np.asarray(tensor.data)
    if tensor.dtype == "int4":
        return packed_int4(values.reshape(-1))
    return np.ascontiguousarray(values.astype(tensor.dtype)).tobytes()


def packed_int4(values: NDArray[Any]) -> bytes:
    """Return packed four-bit values: the first of two is in the lower half of a byte."""
    halves = np.zeros(-(-values.size // 2) * 2, np.uint8)
    halves[: values.size] = values.astype(np.int8).view(np.uint8) & 0xF
    return (halves[::2] | halves[1::2] << 4).astype(np.uint8).tobytes()


class _File:
    """A file under construction: its subgraphs share buffers and operator codes."""

    def __init__(self, *, open_rows: bool) -> None:
        self._open_rows = open_rows
        self.buffers: list[bytes] = [b""]
        self._kinds: list[tuple[int, int]] = []

    def codes(self) -> list[Table]:
        """Return the operator codes of all subgraphs, as tables of the schema."""
        return [
            Table({0: Scalar("Int8", min(number, _OLDEST_FIELD)), 2: i32(version), 3: i32(number)})
            for number, version in self._kinds
        ]

    def subgraph(self, graph: Graph, number: int) -> Table:
        """Return a graph as the schema's table of a subgraph."""
        tensors: list[Table] = []
        hidden: list[Table] = []
        for place, tensor in enumerate(graph.tensors):
            scales_at = len(graph.tensors) + len(hidden)
            tensors.append(self._tensor(tensor, f"t{place}", scales_at))
            if tensor.quantization is not None and tensor.quantization.block:
                hidden.append(self._block_scales(tensor.quantization, f"t{place}_scales"))
        fields = {
            0: [*tensors, *hidden],
            1: Vector("Int32", graph.inputs),
            2: Vector("Int32", graph.outputs),
            3: [self._operator(node, graph) for node in graph.nodes],
            4: f"graph_{number}",
        }
        return Table(fields)

    def _tensor(self, tensor: Tensor, name: str, scales_at: int) -> Table:
        buffer = 0
        if tensor.data is not None:
            self.buffers.append(stored(tensor))
            buffer = len(self.buffers) - 1
        fields: dict[int, Any] = {
            0: Vector("Int32", tensor.shape),
            1: Scalar("Int8", TYPES[tensor.dtype]),
            2: u32(buffer),
            3: name,
        }
        if tensor.quantization is not None:
            fields[4] = _quantization(tensor.quantization, scales_at)
        if self._open_rows and tensor.data is None:
            fields[7] = Vector("Int32", (-1, *tensor.shape[1:]))
        if tensor.variable:
            fields[5] = Scalar("Bool", value=True)
        # `has_rank`: without this field, the empty shape of a scalar would mean an unknown shape.
        fields[8] = Scalar("Bool", value=True)
        return Table(fields)

    def _block_scales(self, quantization: Quantization, name: str) -> Table:
        self.buffers.append(quantization.scales.astype(np.float16).tobytes())
        return Table(
            {
                0: Vector("Int32", quantization.scales.shape),
                1: Scalar("Int8", TYPES["float16"]),
                2: u32(len(self.buffers) - 1),
                3: name,
                8: Scalar("Bool", value=True),
            }
        )

    def _operator(self, node: Node, graph: Graph) -> Table:
        kind = operator_number(node.operator), node.version or version_of(node, graph)
        if kind not in self._kinds:
            self._kinds.append(kind)
        fields: dict[int, Any] = {
            0: u32(self._kinds.index(kind)),
            1: Vector("Int32", node.inputs),
            2: Vector("Int32", node.outputs),
        }
        table, options = OPTIONS[node.operator]
        if table:
            fields[3] = u8(_table_number(table))
            fields[4] = Table(
                {
                    options[name].slot: _option(options[name].kind, value)
                    for name, value in node.options.items()
                }
            )
        return Table(fields)


def _option(kind: str, value: Any) -> Scalar | Vector:
    if kind.endswith("s"):
        return Vector(kind[:-1], value)
    return Scalar(kind, value)


def _quantization(quantization: Quantization, scales_at: int) -> Table:
    if quantization.block:
        details = Table({0: i32(scales_at), 1: i32(-1), 2: i32(quantization.block)})
        return Table({4: u8(_BLOCKWISE), 5: details})
    return Table(
        {
            2: Vector("Float32", quantization.scales.tolist()),
            3: Vector("Int64", quantization.zeros.tolist()),
            6: i32(quantization.axis),
        }
    )


@cache
def operator_number(name: str) -> int:
    """Return a built-in operator's code in the schema."""
    from tflite.BuiltinOperator import BuiltinOperator  # noqa: PLC0415 - only for writing

    return int(getattr(BuiltinOperator, name))


@cache
def _table_number(name: str) -> int:
    from tflite.BuiltinOptions import BuiltinOptions  # noqa: PLC0415 - only for writing, too

    return int(getattr(BuiltinOptions, name))
