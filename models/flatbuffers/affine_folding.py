"""Fold the affine operators of a FlatBuffer's graph: additions, scales and reshapes.

Converters move scales and shifts: they fold a norm into the next dense layer, fold the scale of the
queries into their weights, and drop scales of 1 and shifts of 0. The graph that is built here is
the same with and without these steps: it consists of dense layers, sums, products and lookups, with
affine forms between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import MOST_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.flatbuffers.constants import Constants
    from models.flatbuffers.structure import Operator, Tensor

    Array = NDArray[np.float32]

# Operators that rearrange values or change their type, but change no value.
_MOVES = {
    "CAST",
    "DEQUANTIZE",
    "EXPAND_DIMS",
    "QUANTIZE",
    "RESHAPE",
    "SLICE",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
}
# Operators that compute the statistics of a layer normalization. Values computed from them have the
# form scale * x + shift, where x is the sum to normalize.
_STATISTICS = {"MEAN", "POW", "RSQRT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SUM"}
_ELEMENTWISE = {"ADD", "DIV", "MUL", "SUB"}


@dataclass(frozen=True, eq=False)
class Form:
    """An affine form of a node's output: scale * output + shift.

    Attributes:
        node: the index of the node.
        scale: one number, or one for each element of the last dimension.
        shift: as for `scale`.
    """

    node: int
    scale: Array = field(default_factory=lambda: np.ones((), np.float32))
    shift: Array = field(default_factory=lambda: np.zeros((), np.float32))

    @property
    def plain(self) -> bool:
        """Return whether the form is the node itself, without scale and shift."""
        return bool((self.scale == 1.0).all() and (self.shift == 0.0).all())


@dataclass(frozen=True, eq=False)
class Node:
    """An input, or an operator that is not an affine function of a single operand.

    Attributes:
        number: the position of the node in execution order.
        sources: the forms that the node reads.
    """

    number: int
    sources: tuple[Form, ...]


@dataclass(frozen=True, eq=False)
class Dense(Node):
    """A dense layer: kernel [outputs, inputs] @ source + bias, then the fused activation."""

    kernel: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Sum(Node):
    """A node that adds two sources."""


@dataclass(frozen=True, eq=False)
class Product(Node):
    """A node that multiplies two sources as matrices."""


@dataclass(frozen=True, eq=False)
class Lookup(Node):
    """Rows of a table, indexed by the source; without a source, all rows: one for each token."""

    table: Array


@dataclass(frozen=True, eq=False)
class Other(Node):
    """A node of any other operator, or of an input of the graph."""

    name: str


def affine_graph(operators: tuple[Operator, ...], constants: Constants) -> list[Node]:
    """Return the nodes of a FlatBuffer's first subgraph; `number` is a node's index in them.

    Raises:
        ValueError: a constant is stored in a way that is not supported.
    """
    builder = _Builder(constants)
    for operator in operators:
        if operator.subgraph == 0:
            builder.add(operator)
    return builder.nodes


class _Builder:
    def __init__(self, constants: Constants) -> None:
        self.nodes: list[Node] = []
        self._constants = constants
        self._values: dict[int, Form | Array] = {}
        self._special: dict[str, Callable[[Operator, list[Any]], Form | None]] = {
            "FULLY_CONNECTED": self._fully_connected,
            "CONV_2D": self._fully_connected,
            "BATCH_MATMUL": self._product,
            "GATHER": self._gather,
            "EMBEDDING_LOOKUP": self._lookup,
        }

    def add(self, operator: Operator) -> None:
        """Add the operator that is next in execution order."""
        values = [self._value(tensor) for tensor in operator.inputs if tensor]
        result = self._result(operator, values)
        for output in operator.outputs:
            self._values[output.index] = result

    def _value(self, tensor: Tensor) -> Form | Array:
        if tensor.index not in self._values:
            constant = self._constants.of(tensor)
            self._values[tensor.index] = (
                self._node(Other, (), name="INPUT") if constant is None else constant
            )
        return self._values[tensor.index]

    def _of_constants(self, operator: Operator, values: list[Array]) -> Array | None:
        """Return the result of an operator on constants, which some converters do not fold."""
        first = values[0]
        if operator.name == "TRANSPOSE" and len(values) > 1:
            return np.transpose(first, _indices(values[1]))
        if operator.name == "GATHER" and len(values) > 1 and first.ndim:
            # Indices may repeat rows, so the result can be far larger than both constants.
            self._constants.allow(values[1].size * (first.size // max(len(first), 1)))
            if values[1].ndim + first.ndim - 1 > MOST_DIMENSIONS:
                raise ValueError(f"a constant has more than {MOST_DIMENSIONS} dimensions")
            return np.asarray(first[_indices(values[1])])
        if operator.name not in _MOVES or not operator.outputs:
            return None
        shape = operator.outputs[0].shape
        return first.reshape(shape) if first.size == math.prod(shape) else None

    def _node(self, kind: type[Node], sources: tuple[Form, ...], **fields: Any) -> Form:
        self.nodes.append(kind(len(self.nodes), sources, **fields))
        return Form(len(self.nodes) - 1)

    def _result(self, operator: Operator, values: list[Any]) -> Form | Array:
        name = operator.name
        if values and all(isinstance(value, np.ndarray) for value in values):
            constant = self._of_constants(operator, values)
            return self._node(Other, (), name=name) if constant is None else constant
        special = self._special.get(name)
        result = special(operator, values) if special else self._simple(name, values)
        if result is not None:
            return result
        sources = tuple(value for value in values if isinstance(value, Form))
        return self._node(Other, sources, name=name)

    def _simple(self, name: str, values: list[Any]) -> Form | None:
        first = values[0] if values else None
        if name in _MOVES and isinstance(first, Form):
            return first
        if name in _STATISTICS and isinstance(first, Form):
            nodes = {value.node for value in values if isinstance(value, Form)}
            return Form(first.node) if len(nodes) == 1 else None
        if name not in _ELEMENTWISE:
            return None
        left, right = (self._by_token(value) for value in values)
        if not (isinstance(left, Form) and isinstance(right, Form)):
            return self._kept(_with_constant(name, left, right))
        if left.node == right.node:
            return self._kept(_within(name, left, right))
        return self._node(Sum, (left, right)) if name == "ADD" else None

    def _kept(self, form: Form | None) -> Form | None:
        """Return a form unchanged, after counting the memory of its scales and shifts.

        Each operator creates a form, so many operators could take too much memory.
        """
        if form is not None:
            self._constants.allow(form.scale.size + form.shift.size)
        return form

    def _by_token(self, value: Form | Array) -> Form | Array:
        """Return a constant that differs between tokens as a node, because it is no scale or shift.

        Forms and other constants are returned unchanged, except for leading dimensions of size 1.
        """
        if isinstance(value, Form):
            return value
        rank = _rank(value)
        value = value.reshape(value.shape[value.ndim - rank :])
        return value if rank < 2 else self._node(Lookup, (), table=value)  # noqa: PLR2004 - the rank of a matrix

    def _fully_connected(self, _: Operator, values: list[Any]) -> Form | None:
        source, kernel, *bias = values
        if not isinstance(source, Form) or isinstance(kernel, Form) or not kernel.ndim:
            return None
        outputs = len(kernel)
        if kernel.size != outputs * kernel.shape[-1]:
            return None  # a convolution over several positions
        kernel = kernel.reshape(outputs, -1)
        added = bias[0] if bias else self._zeros(outputs)
        if isinstance(added, Form) or added.shape != (outputs,):
            return None  # a computed bias, or one of another size
        return self._node(Dense, (source,), kernel=kernel, bias=added)

    def _zeros(self, size: int) -> Array:
        self._constants.allow(size)
        return np.zeros(size, np.float32)

    def _product(self, operator: Operator, values: list[Any]) -> Form | None:
        left, right = values
        if isinstance(left, Form) and isinstance(right, Form):
            return self._node(Product, (left, right))
        if not isinstance(left, Form) or right.size != right.shape[-1] * right.shape[-2]:
            return None
        kernel = right.reshape(right.shape[-2:])
        kernel = kernel if operator.transposed[1] else kernel.T
        return self._node(Dense, (left,), kernel=kernel, bias=self._zeros(len(kernel)))

    def _gather(self, _: Operator, values: list[Any]) -> Form | None:
        table, ids = values
        if isinstance(table, Form):
            return table if isinstance(ids, np.ndarray) else None  # one token selected from many
        return self._node(Lookup, (ids,), table=table)

    def _lookup(self, _: Operator, values: list[Any]) -> Form | None:
        ids, table = values
        return self._node(Lookup, (ids,), table=table)


def _rank(value: Array) -> int:
    """Return the number of dimensions, without leading dimensions of size 1."""
    sizes = [axis for axis, size in enumerate(value.shape) if size > 1]
    return value.ndim - sizes[0] if sizes else 0


def _indices(values: Array) -> NDArray[np.int64]:
    """Return the values of a constant as integer indices.

    Raises:
        ValueError: the constant contains NaN or infinity.
    """
    if not np.isfinite(values).all():
        raise ValueError("a constant of indices holds NaN or infinity")
    return values.astype(np.int64)


def _with_constant(name: str, left: Any, right: Any) -> Form | None:
    reversed_ = not isinstance(left, Form)
    form, constant = (right, left) if reversed_ else (left, right)
    if name == "MUL":
        return Form(form.node, form.scale * constant, form.shift * constant)
    if name == "ADD":
        return Form(form.node, form.scale, form.shift + constant)
    if name == "SUB" and reversed_:
        return Form(form.node, -form.scale, constant - form.shift)
    if name == "SUB":
        return Form(form.node, form.scale, form.shift - constant)
    return None if reversed_ else Form(form.node, form.scale / constant, form.shift / constant)


def _within(name: str, left: Form, right: Form) -> Form | None:
    """Combine two forms of one node, as in a layer normalization.

    Return None if the result has no such form.
    """
    if name in ("MUL", "DIV"):
        if left.shift.any() or right.shift.any():
            return None
        return Form(left.node, left.scale * right.scale)
    # In x * factor + (shift - mean * factor), the operand without a shift is x * factor, so it has
    # the scale of the result.
    scale = right.scale if left.shift.any() and not right.shift.any() else left.scale
    shift = left.shift + (right.shift if name == "ADD" else -right.shift)
    return Form(left.node, scale, shift)
