"""Read the operators of a FlatBuffer, each as a graph of its own, with its weights and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.arrays import as_array
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import held_by, read_contents
from models.kernels.graph import ABSENT, Graph, Node, Quantization, Tensor
from models.kernels.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from models.flatbuffers.contents import Contents, Operator
    from models.flatbuffers.contents import Tensor as Held

_FIRST_SLOT, _SLOT_BYTES = 4, 2
_BITS_OF_INT4 = 4


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
    """The operators of a file's first subgraph.

    Args:
        path: the file.

    Attributes:
        data: its bytes.
        contents: what it holds.
        operators: those of its first subgraph, in execution order.

    Raises:
        UsageMistake: it is no FlatBuffer, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - only where a file is read

        self.data = read_flatbuffer(path)
        self.contents: Contents = read_contents(path, self.data)
        self.operators = [one for one in self.contents.operators if one.subgraph == 0]
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
            None where its options or its shapes are not known.
        """
        known = shapes or {}
        held = [each for each in (*operator.inputs, *operator.outputs) if each is not None]
        open_ = any(any(each.dynamic) and each.index not in known for each in held)
        if operator.name not in OPTIONS or open_:
            return None
        places: dict[int, int] = {}
        tensors: list[Tensor] = []
        for each in held:
            if each.index not in places:
                places[each.index] = len(tensors)
                tensors.append(self._tensor(each, known.get(each.index, each.shape)))
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
        table = self._model.Subgraphs(0).Operators(operator.index).BuiltinOptions()
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

    def _tensor(self, held: Held, shape: tuple[int, ...]) -> Tensor:
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
            quantization = self._blocks(held, how.block)
        data = self._values(held) if held.constant_bytes else None
        return Tensor(shape, held.dtype, data, quantization, held.variable)

    def _values(self, held: Held) -> NDArray[Any]:
        raw = held_by(self.data, self._model.Buffers(held.buffer))
        if held.dtype != "int4":
            return as_array(raw, np.dtype(held.dtype), held.shape)
        halves = as_array(raw, np.dtype(np.int8), [len(raw)])
        pairs = np.stack([halves << _BITS_OF_INT4 >> _BITS_OF_INT4, halves >> _BITS_OF_INT4], -1)
        values: NDArray[Any] = pairs.reshape(-1)[: int(np.prod(held.shape))]
        return values.reshape(held.shape)

    def _blocks(self, held: Held, block: int) -> Quantization:
        """Return the scales of blocks, which another tensor holds."""
        given = self._model.Subgraphs(0).Tensors(held.index).Quantization().Details()
        scales = int(_number(given, given.Offset(_FIRST_SLOT) + given.Pos, "Int32"))
        kept = self._model.Subgraphs(0).Tensors(scales)
        shape = tuple(int(kept.Shape(axis)) for axis in range(kept.ShapeLength()))
        raw = held_by(self.data, self._model.Buffers(kept.Buffer()))
        values = as_array(raw, np.dtype(np.float16), shape).astype(np.float32)
        return Quantization(values, np.zeros(shape, np.int64), block=block)


def _number(table: Any, at: int, kind: str) -> Any:
    from flatbuffers import number_types  # noqa: PLC0415 - only where a file is read

    return table.Get(getattr(number_types, f"{kind}Flags"), at)
