"""Read the operators of a FlatBuffer, each as a graph of its own, with its weights and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.arrays import as_array
from models.flatbuffers.calls import reached
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import held_by, read_contents
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
# What numpy has of the dtypes that a constant may have.
_DTYPES = frozenset(
    {"bool", "complex64", "complex128", "float16", "float32", "float64"}
    | {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
)


@dataclass(frozen=True, eq=False)
class Instance:
    """One operator of a file.

    Attributes:
        operator: as the file holds it.
        graph: the operator alone.
        given: tensors of the file that the graph's inputs stand for.
    """

    operator: Operator
    graph: Graph
    given: tuple[int, ...]


class Instances:
    """The operators of the graphs that a file computes: its first, its signatures', those called.

    Args:
        path: the file.

    Attributes:
        data: its bytes.
        contents: what it holds.
        graphs: that are computed, those that call before those that are called.
        cycle: graphs that call each other in a circle; () where none do.
        operators: of `graphs`, in execution order.

    Raises:
        UsageMistake: it is no FlatBuffer, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - only where a file is read

        self.data = read_flatbuffer(path)
        self.contents: Contents = read_contents(path, self.data)
        self.graphs, self.cycle = reached(self.contents)
        self.operators = [
            one for graph in self.graphs for one in self.contents.operators if one.subgraph == graph
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
            shapes: of tensors that the file leaves open, by index.

        Returns:
            None where its options or its shapes are not known, or a constant's dtype is none.
        """
        known = shapes or {}
        held = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
        open_ = any(any(each.dynamic) and each.index not in known for each in held)
        if operator.name not in OPTIONS or open_ or not all(map(self.readable, held)):
            return None
        places: dict[int, int] = {}
        tensors: list[Tensor] = []
        for each in held:
            if each.index not in places:
                places[each.index] = len(tensors)
                shape = known.get(each.index, each.shape)
                tensors.append(self._tensor(each, shape, operator.subgraph))
        inputs = tuple(ABSENT if one is None else places[one.index] for one in operator.inputs)
        outputs = tuple(places[one.index] for one in operator.outputs)
        node = Node(operator.name, inputs, outputs, self._options(operator), operator.version)
        given = tuple(
            dict.fromkeys(
                place
                for place in inputs
                if place != ABSENT and tensors[place].data is None and not tensors[place].variable
            )
        )
        indices = {place: index for index, place in places.items()}
        graph = Graph(tuple(tensors), (node,), given, outputs)
        return Instance(operator, graph, tuple(indices[place] for place in given))

    def _options(self, operator: Operator) -> dict[str, Any]:
        graph = self._model.Subgraphs(operator.subgraph)
        table = graph.Operators(operator.index).BuiltinOptions()
        if table is None:
            return {}
        found: dict[str, Any] = {}
        for name, (slot, kind) in OPTIONS[operator.name][1].items():
            at = table.Offset(_FIRST_SLOT + _SLOT_BYTES * slot)
            if at and kind.endswith("s"):
                found[name] = [
                    int(np.frombuffer(table.Bytes, "<i4", 1, table.Vector(at) + 4 * each)[0])  # noqa: TID251 - in a file that was found sound
                    for each in range(table.VectorLen(at))
                ]
            elif at:
                found[name] = _number(table, at + table.Pos, kind)
        return found

    def _tensor(self, held: Held, shape: tuple[int, ...], graph: int) -> Tensor:
        how = held.quantization
        quantization = None
        if how is not None and how.block is None and how.scales:
            zeros = how.zero_points or (0,)
            quantization = Quantization(
                np.array(how.scales, np.float32),
                np.broadcast_to(np.array(zeros, np.int64), len(how.scales)).copy(),
                axis=how.axis or 0,
            )
        elif how is not None and how.block is not None:
            quantization = self._blocks(held, how.block, graph)
        data = self.constant(held) if held.constant_bytes else None
        return Tensor(shape, held.dtype, data, quantization, held.variable)

    def readable(self, held: Held) -> bool:
        """Tell whether a tensor is no constant, or one whose dtype numpy or this module has."""
        return not held.constant_bytes or held.dtype == "int4" or held.dtype in _DTYPES

    def constant(self, held: Held) -> NDArray[Any]:
        """Return the values of a constant that is `readable`; those of four bits as int8."""
        raw = held_by(self.data, self._model.Buffers(held.buffer))
        if held.dtype != "int4":
            return as_array(raw, np.dtype(held.dtype), held.shape)
        halves = as_array(raw, np.dtype(np.int8), [len(raw)])
        pairs = np.stack([halves << _BITS_OF_INT4 >> _BITS_OF_INT4, halves >> _BITS_OF_INT4], -1)
        values: NDArray[Any] = pairs.reshape(-1)[: int(np.prod(held.shape))]
        return values.reshape(held.shape)

    def _blocks(self, held: Held, block: int, graph: int) -> Quantization:
        """Return the scales of blocks, which another tensor of the graph holds."""
        tensors = self._model.Subgraphs(graph).Tensors
        given = tensors(held.index).Quantization().Details()
        scales = int(_number(given, given.Offset(_FIRST_SLOT) + given.Pos, "Int32"))
        kept = tensors(scales)
        shape = tuple(int(kept.Shape(axis)) for axis in range(kept.ShapeLength()))
        raw = held_by(self.data, self._model.Buffers(kept.Buffer()))
        values = as_array(raw, np.dtype(np.float16), shape).astype(np.float32)
        return Quantization(values, np.zeros(shape, np.int64), block=block)


def _number(table: Any, at: int, kind: str) -> Any:
    from flatbuffers import number_types  # noqa: PLC0415 - only where a file is read

    return table.Get(getattr(number_types, f"{kind}Flags"), at)
