"""Define graphs as plain values; `writing` writes them as files, `reference` computes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSENT = -1
# Range of each integer type that can represent quantized real numbers.
RANGES = {
    "int4": (-8, 7),
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


@dataclass(frozen=True, eq=False)
class Quantization:
    """The meaning of integers as real numbers: real = (integer - zero) * scale.

    Attributes:
        scales: one scale, or one for each slice along `axis`; with `block`, an array [rows,
            blocks].
        zeros: the zero points, one for each scale; all 0 with `block`.
        axis: the dimension whose slices have their own scales.
        block: the number of values along the last dimension that share a scale; 0 if not blockwise.
    """

    scales: NDArray[np.float32]
    zeros: NDArray[np.int64]
    axis: int = 0
    block: int = 0

    @classmethod
    def of(cls, scale: float, zero: int = 0) -> Quantization:
        """Return the quantization of a whole tensor by one scale and one zero point."""
        return cls(np.array([scale], np.float32), np.array([zero], np.int64))

    def along(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return scales and zero points in a shape that broadcasts with values of `shape`."""
        scales, zeros = self.scales.astype(np.float64), self.zeros
        if self.block:
            every = np.repeat(scales, self.block, axis=-1)[..., : shape[-1]]
            return every.reshape(shape), np.zeros(shape, np.int64)
        if scales.size == 1:
            return scales.reshape(()), zeros.reshape(())
        along = [1] * len(shape)
        along[self.axis] = -1
        return scales.reshape(along), zeros.reshape(along)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a graph.

    Attributes:
        data: the values of a constant, in the dtype's numpy type (int8 for int4); None otherwise.
        variable: whether the runtime saves its value from one run to the next, starting with 0.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    data: NDArray[Any] | None = None
    quantization: Quantization | None = None
    variable: bool = False

    @property
    def quantized(self) -> bool:
        """Return whether the integers of the tensor represent real numbers."""
        return self.quantization is not None and self.dtype in RANGES

    def real(self) -> NDArray[np.float64]:
        """Return the real numbers that a constant represents.

        Raises:
            ValueError: the tensor is not a constant.
        """
        if self.data is None:
            raise ValueError("the tensor is not a constant")
        return dequantized(self.data, self)


def dequantized(values: NDArray[Any], tensor: Tensor) -> NDArray[np.float64]:
    """Return the real numbers that a tensor's values represent; floats represent themselves."""
    if tensor.quantization is None or tensor.dtype not in RANGES:
        return np.asarray(values, np.float64)
    scales, zeros = tensor.quantization.along(np.shape(values))
    return np.asarray((np.asarray(values, np.int64) - zeros) * scales, np.float64)


@dataclass(frozen=True)
class Node:
    """An operator of a graph.

    Attributes:
        operator: the name of the operator in the schema.
        inputs: the indices of the tensors that it reads; `ABSENT` for an absent optional one.
        outputs: the indices of the tensors that it writes.
        options: the options of the operator by name.
        version: the version to declare; 0 for the one that the operands need.
    """

    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    version: int = 0


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of operators.

    Attributes:
        tensors: all tensors; other attributes refer to them by index.
        nodes: the operators in execution order.
        inputs: the indices of the input tensors.
        outputs: the indices of the output tensors.
        bodies: the graphs that control-flow operators call, numbered from 1.
    """

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    bodies: tuple[Graph, ...] = ()


class Drawing:
    """A graph under construction, in which a tensor is identified by its index."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.inputs: list[int] = []

    def tensor(self, tensor: Tensor) -> int:
        """Add a tensor; return its index."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, tensor: Tensor) -> int:
        """Add an input tensor; return its index."""
        self.inputs.append(self.tensor(tensor))
        return self.inputs[-1]

    def constant(
        self, data: Any, dtype: str | None = None, quantization: Quantization | None = None
    ) -> int:
        """Add a constant; return its index."""
        array = np.asarray(data)
        return self.tensor(Tensor(array.shape, dtype or array.dtype.name, array, quantization))

    def node(self, operator: str, inputs: list[int], outputs: list[Tensor], **options: Any) -> int:
        """Add an operator that writes new tensors; return the index of the first one."""
        places = tuple(self.tensor(tensor) for tensor in outputs)
        self.nodes.append(Node(operator, tuple(inputs), places, options))
        return places[0]

    def graph(self, *outputs: int, bodies: tuple[Graph, ...] = ()) -> Graph:
        """Return all that was added as a graph with these outputs."""
        return Graph(tuple(self.tensors), tuple(self.nodes), tuple(self.inputs), outputs, bodies)
