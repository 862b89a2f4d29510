"""Read the operators of a FlatBuffer, each as a graph of its own, with its weights and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import as_array
from models.flatbuffers.calls import reached
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import content_of_buffer, read_contents
from models.kernels.graph import ABSENT, Graph, Node, Quantization, Tensor
from models.kernels.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.flatbuffers.structure import Contents, Operator
    from models.flatbuffers.structure import Tensor as Held

_FIRST_SLOT, _SLOT_BYTES = 4, 2
_BITS_OF_INT4 = 4
# Types of constants that numpy supports.
_DTYPES = frozenset(
    {"bool", "complex64", "complex128", "float16", "float32", "float64"}
    | {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
)


@dataclass(frozen=True, eq=False)
class Instance:
    """One operator of a file, as a graph of its own.

    Attributes:
        operator: the operator as the file stores it.
        graph: a graph that contains only this operator.
        given: the indices, in the file, of the tensors that are inputs of `graph`.
    """

    operator: Operator
    graph: Graph
    given: tuple[int, ...]


class Instances:
    """The operators of the graphs that a runtime computes when it runs a file.

    These are the first graph, the graphs of signatures, and the graphs that operators call.

    Args:
        path: the path of the file.

    Attributes:
        data: the bytes of the file.
        contents: the graphs, tensors and operators of the file.
        graphs: the graphs that the file computes, each before the graphs that it calls.
        cycle: graphs that call each other in a cycle; () if there is no cycle.
        operators: the operators of `graphs`, in execution order.

    Raises:
        UsageMistake: the file is not a FlatBuffer, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - only where a file is read

        self.data = read_flatbuffer(path)
        self.contents: Contents = read_contents(path, self.data)
        self.graphs, self.cycle = reached(self.contents)
        self.operators = [
            operator
            for graph in self.graphs
            for operator in self.contents.operators
            if operator.subgraph == graph
        ]
        self._model = Model.GetRootAs(self.data, 0)

    def __iter__(self) -> Iterator[Instance | None]:
        """Yield each operator as a graph of its own; see `instance`."""
        for operator in self.operators:
            yield self.instance(operator)

    def instance(
        self, operator: Operator, shapes: Mapping[int, tuple[int, ...]] | None = None
    ) -> Instance | None:
        """Return an operator as a graph of its own.

        Args:
            operator: one of `operators`.
            shapes: by tensor index, the shapes that the file does not fix.

        Returns:
            None if the options or shapes of the operator, or the dtype of a constant, are unknown.
        """
        open_shapes = shapes or {}
        used = [tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None]
        open_ = any(any(tensor.dynamic) and tensor.index not in open_shapes for tensor in used)
        if operator.name not in OPTIONS or open_ or not all(map(self.readable, used)):
            return None
        places: dict[int, int] = {}
        tensors: list[Tensor] = []
        for tensor in used:
            if tensor.index not in places:
                places[tensor.index] = len(tensors)
                shape = open_shapes.get(tensor.index, tensor.shape)
                tensors.append(self._tensor(tensor, shape, operator.subgraph))
        inputs = tuple(
            ABSENT if tensor is None else places[tensor.index] for tensor in operator.inputs
        )
        outputs = tuple(places[tensor.index] for tensor in operator.outputs)
        node = Node(operator.name, inputs, outputs, self._options(operator), operator.version)
        fed = tuple(
            dict.fromkeys(
                place
                for place in inputs
                if place != ABSENT and tensors[place].data is None and not tensors[place].variable
            )
        )
        indices = {place: index for index, place in places.items()}
        graph = Graph(tuple(tensors), (node,), fed, outputs)
        return Instance(operator, graph, tuple(indices[place] for place in fed))

    def _options(self, operator: Operator) -> dict[str, Any]:
        graph = self._model.Subgraphs(operator.subgraph)
        table = graph.Operators(operator.index).BuiltinOptions()
        if table is None:
            return {}
        options: dict[str, Any] = {}
        for name, (slot, kind) in OPTIONS[operator.name][1].items():
            at = table.Offset(_FIRST_SLOT + _SLOT_BYTES * slot)
            if at and kind.endswith("s"):
                options[name] = [
                    int(np.frombuffer(table.Bytes, "<i4", 1, table.Vector(at) + 4 * item)[0])  # noqa: TID251 - `read_contents` has checked the file
                    for item in range(table.VectorLen(at))
                ]
            elif at:
                options[name] = _number(table, at + table.Pos, kind)
        return options

    def _tensor(self, tensor: Held, shape: tuple[int, ...], graph: int) -> Tensor:
        quantized = tensor.quantization
        quantization = None
        if quantized is not None and quantized.block is None and quantized.scales:
            zeros = quantized.zero_points or (0,)
            quantization = Quantization(
                np.array(quantized.scales, np.float32),
                np.broadcast_to(np.array(zeros, np.int64), len(quantized.scales)).copy(),
                axis=quantized.axis or 0,
            )
        elif quantized is not None and quantized.block is not None:
            quantization = self._blocks(tensor, quantized.block, graph)
        data = self.constant(tensor) if tensor.constant_bytes else None
        return Tensor(shape, tensor.dtype, data, quantization, tensor.variable)

    def readable(self, tensor: Held) -> bool:
        """Return whether a tensor's constant has a dtype that numpy or this module can read."""
        return not tensor.constant_bytes or tensor.dtype == "int4" or tensor.dtype in _DTYPES

    def constant(self, tensor: Held) -> NDArray[Any]:
        """Return the values of a `readable` constant; four-bit ones as int8."""
        raw = content_of_buffer(self.data, self._model.Buffers(tensor.buffer))
        if tensor.dtype != "int4":
            return as_array(raw, np.dtype(tensor.dtype), tensor.shape)
        halves = as_array(raw, np.dtype(np.int8), [len(raw)])
        pairs = np.stack([halves << _BITS_OF_INT4 >> _BITS_OF_INT4, halves >> _BITS_OF_INT4], -1)
        values: NDArray[Any] = pairs.reshape(-1)[: int(np.prod(tensor.shape))]
        return values.reshape(tensor.shape)

    def _blocks(self, tensor: Held, block: int, graph: int) -> Quantization:
        """Return the scales of blocks, which are stored in another tensor."""
        tensors = self._model.Subgraphs(graph).Tensors
        details = tensors(tensor.index).Quantization().Details()
        scales = int(_number(details, details.Offset(_FIRST_SLOT) + details.Pos, "Int32"))
        stored = tensors(scales)
        shape = tuple(int(stored.Shape(axis)) for axis in range(stored.ShapeLength()))
        raw = content_of_buffer(self.data, self._model.Buffers(stored.Buffer()))
        values = as_array(raw, np.dtype(np.float16), shape).astype(np.float32)
        return Quantization(values, np.zeros(shape, np.int64), block=block)


def _number(table: Any, at: int, kind: str) -> Any:
    from flatbuffers import number_types  # noqa: PLC0415 - only where a file is read

    return table.Get(getattr(number_types, f"{kind}Flags"), at)
