"""Define correct kernels that differ in the order of sums and in rounding, as is allowed.

They share no arithmetic with the reference: they compute in float32 or float16, and rescale
integers as gemmlowp does. Every deviation that is reported for them is a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.asking import Answer
from models.kernels.graph import ABSENT, RANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.kernels.case import Case
    from models.kernels.graph import Graph, Node

F = np.float32
# Orders of summing n terms: from the front, from the back, in blocks of eight, in pairs.
ORDERS = ("forward", "backward", "blocked", "pairwise")


@dataclass(frozen=True)
class RightKernel:
    """A kernel that computes in numpy's float32 or float16.

    Attributes:
        order: order of its sums, one of `ORDERS`.
        twice: whether it rounds a rescaled integer twice, as gemmlowp does; otherwise it rounds
            once, to the nearest, with ties to even.
        dtype: dtype of its tensors and sums.
    """

    order: str = "forward"
    twice: bool = False
    dtype: Any = F

    def answer(self, case: Case) -> Answer:
        """Return the answers to a case whose operators are all supported."""
        with np.errstate(all="ignore"):
            runs = enumerate(case.runs)
            return Answer("computed", [self._computed(case.graph_of(i), run) for i, run in runs])

    def has(self, graph: Graph) -> bool:
        """Tell whether the kernel supports all operators of a graph with their operands."""
        return all(self._has(node, graph) for node in graph.nodes)

    @staticmethod
    def _has(node: Node, graph: Graph) -> bool:
        tensors = [graph.tensors[place] for place in (*node.inputs, *node.outputs) if place >= 0]
        if node.operator == "FULLY_CONNECTED" and tensors[0].dtype == "int8":
            return all(tensor.dtype in {"int8", "int32"} for tensor in tensors)
        kinds = {tensor.dtype for tensor in tensors[:1]} | {tensors[-1].dtype}
        return node.operator in _OPERATORS and kinds <= {"float32", "bool"}

    def _computed(self, graph: Graph, inputs: Any) -> list[Any]:
        values: dict[int, Any] = dict(zip(graph.inputs, map(self._stored, inputs), strict=True))
        has_integers = any(graph.tensors[place].dtype == "int8" for place in graph.inputs)
        for place, tensor in enumerate(graph.tensors):
            if tensor.data is not None:
                # A correct kernel may convert weights to floats and multiply them as floats.
                floats = tensor.quantized and not has_integers
                values[place] = self._stored(tensor.real().astype(F) if floats else tensor.data)
        for node in graph.nodes:
            operands: list[Any] = [
                None if place == ABSENT else values[place] for place in node.inputs
            ]
            if node.operator == "FULLY_CONNECTED" and operands[0].dtype == np.int8:
                values[node.outputs[0]] = self._integers(graph, node, operands)
                continue
            result = _OPERATORS[node.operator](self, node, *operands)
            shape = graph.tensors[node.outputs[0]].shape
            stored = result if result.dtype == np.bool_ else result.astype(self.dtype)
            values[node.outputs[0]] = _activated(node, stored).reshape(shape)
        answers = [values[place] for place in graph.outputs]
        return [answer.astype(F) if answer.dtype == self.dtype else answer for answer in answers]

    def _stored(self, array: Any) -> Any:
        return array.astype(self.dtype) if array.dtype == F else array

    def total(self, terms: Any) -> Any:
        """Sum terms [..., n] along the last axis, in the kernel's order."""
        if self.order == "pairwise":
            return terms.sum(axis=-1, dtype=self.dtype)
        if self.order == "blocked":
            parts = [terms[..., at : at + 8] for at in range(0, terms.shape[-1], 8)]
            backward = RightKernel("backward", dtype=self.dtype)
            return self._summed(backward.total(part) for part in parts)
        places = range(terms.shape[-1])
        if self.order == "backward":
            return self._summed(terms[..., place] for place in reversed(places))
        return self._summed(terms[..., place] for place in places)

    def _summed(self, terms: Iterator[Any]) -> Any:
        total = next(terms)
        for term in terms:
            total = (total + term).astype(self.dtype)
        return total

    def product(self, left: Any, right: Any) -> Any:
        """Multiply matrices [..., m, n] and [..., n, k]."""
        return self.total(left[..., :, None, :] * np.swapaxes(right, -1, -2)[..., None, :, :])

    def _integers(self, graph: Graph, node: Node, operands: list[Any]) -> Any:
        """Compute an exact sum of products and rescale the sum."""
        # Every quantized tensor has its own scales and zero points.
        hows: list[Any] = [
            graph.tensors[place].quantization for place in (*node.inputs[:2], node.outputs[0])
        ]
        x = operands[0].astype(np.int64) - hows[0].zeros[0]
        total = x.reshape(-1, x.shape[-1]) @ operands[1].astype(np.int64).T
        if operands[2] is not None:
            total += operands[2]
        multiplier = float(hows[0].scales[0]) * hows[1].scales.astype(float) / hows[2].scales[0]
        multiplier = np.broadcast_to(multiplier, total.shape[-1:])
        scaled = _gemmlowp(total, multiplier) if self.twice else np.rint(total * multiplier)
        low, high = RANGES["int8"]
        zero, scale = int(hows[2].zeros[0]), float(hows[2].scales[0])
        if node.options["activation"]:
            low = max(low, zero)
        if node.options["activation"] == 3:
            high = min(high, zero + int(np.floor(6.0 / scale + 0.5)))
        answer = np.clip(scaled + zero, low, high).astype(np.int8)
        return answer.reshape(graph.tensors[node.outputs[0]].shape)


def _gemmlowp(total: Any, multiplier: Any) -> Any:
    """Multiply by 31 bits, rounded, then shift right, rounded again (gemmlowp, fixedpoint.h)."""
    fraction, exponent = np.frexp(multiplier)
    mantissa = np.rint(fraction * 2.0**31).astype(object)
    shifted = [
        [_shifted(int(value), int(w), int(e)) for value, w, e in zip(row, mantissa, exponent)]  # noqa: B905 - numpy's shapes are equal
        for row in total
    ]
    return np.array(shifted, np.int64)


def _shifted(value: int, mantissa: int, exponent: int) -> int:
    left, right = max(exponent, 0), max(-exponent, 0)
    high = ((value << left) * mantissa + (1 << 30)) >> 31
    return (high + (1 << right >> 1)) >> right


def _activated(node: Node, value: Any) -> Any:
    limits = {1: (0.0, np.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}.get(
        node.options.get("activation", 0)
    )
    return value if limits is None else np.clip(value, F(limits[0]), F(limits[1]))


def _softmax(kernel: RightKernel, node: Node, x: Any) -> Any:
    beta = F(node.options.get("beta", 1.0))
    powers = np.exp((x - x.max(axis=-1, keepdims=True)) * beta)
    return powers / kernel.total(powers)[..., None]


def _mean(kernel: RightKernel, node: Node, x: Any, axes: Any) -> Any:
    total = _along(kernel, node, x, axes)
    return total / F(x.size // total.size)


def _along(kernel: RightKernel, _: Node, x: Any, axes: Any) -> Any:
    remaining = [axis for axis in range(x.ndim) if axis not in set(axes.reshape(-1) % x.ndim)]
    flat = np.transpose(x, [*remaining, *(axis for axis in range(x.ndim) if axis not in remaining)])
    return kernel.total(flat.reshape(*[x.shape[axis] for axis in remaining], -1))


def _dense(kernel: RightKernel, _: Node, x: Any, weights: Any, bias: Any = None) -> Any:
    result = kernel.product(x.reshape(-1, x.shape[-1]), weights.T)
    return result if bias is None else result + bias


def _matmul(kernel: RightKernel, node: Node, x: Any, y: Any) -> Any:
    x = np.swapaxes(x, -1, -2) if node.options.get("adj_x") else x
    y = np.swapaxes(y, -1, -2) if node.options.get("adj_y") else y
    return kernel.product(x, y)


def _one(apply: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _kernel, _node, *operands: apply(*operands)


def _gelu(_kernel: RightKernel, node: Node, x: Any) -> Any:
    if node.options["approximate"]:
        cube = (x * x * x) * F(0.044715)
        return F(0.5) * x * (F(1.0) + np.tanh((x + cube) * F(0.7978845608)))
    from scipy import special  # noqa: PLC0415 - slow to import

    return F(0.5) * x * (F(1.0) + special.erf(x * F(0.70710678)).astype(F))


_OPERATORS: dict[str, Callable[..., Any]] = {
    "ABS": _one(np.abs),
    "ADD": _one(np.add),
    "BATCH_MATMUL": _matmul,
    "DIV": _one(np.divide),
    "EXP": _one(np.exp),
    "FULLY_CONNECTED": _dense,
    "GELU": _gelu,
    "GREATER_EQUAL": _one(np.greater_equal),
    "LOGISTIC": _one(lambda x: F(1.0) / (F(1.0) + np.exp(-x))),
    "MEAN": _mean,
    "MUL": _one(np.multiply),
    "NEG": _one(np.negative),
    "POW": _one(np.power),
    "RSQRT": _one(lambda x: F(1.0) / np.sqrt(x)),
    "SELECT_V2": _one(np.where),
    "SOFTMAX": _softmax,
    "SQRT": _one(np.sqrt),
    "SQUARED_DIFFERENCE": _one(lambda a, b: (a - b) * (a - b)),
    "SUB": _one(np.subtract),
    "SUM": _along,
    "TANH": _one(np.tanh),
}
