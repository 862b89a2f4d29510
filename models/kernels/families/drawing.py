"""Build the cases of all families: shapes, constant operands, runs, threads, resizing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.case import Case
from models.kernels.choices import one_in, one_of
from models.kernels.graph import Drawing
from models.kernels.options import ACTIVATIONS
from models.kernels.values import FEW, SIZES, THREADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.choices import Choices
    from models.kernels.graph import Graph, Tensor

    Values = Callable[[Choices, tuple[int, ...]], NDArray[Any]]

_MOST_VALUES = 6000
_MOST_RUNS = 3
# Numbers of rows after a resize: more or fewer than before, and some that are not multiples of a
# vector's width.
_ROWS = (2, 3, 5, 7, 17)


class Sketch:
    """An unfinished case: a graph, and a function for each input that draws its values.

    Args:
        choices: the source of all random choices.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.drawing = Drawing()
        self._values: list[tuple[Tensor, Values]] = []
        self.facts: dict[str, Any] = {}

    def input(self, tensor: Tensor, values: Values) -> int:
        """Add an input tensor, with the function that draws its values; return its index."""
        self._values.append((tensor, values))
        return self.drawing.input(tensor)

    def operand(self, tensor: Tensor, values: Values, *, constant: bool) -> int:
        """Add an input, or a constant; `values` draws its values. Return its index."""
        if not constant:
            return self.input(tensor, values)
        data = values(self.choices, tensor.shape)
        return self.drawing.constant(data, tensor.dtype, tensor.quantization)

    def case(self, *outputs: int, bodies: tuple[Graph, ...] = (), by_rows: bool = False) -> Case:
        """Return the finished case: one to three runs, with one, two or four threads.

        Args:
            outputs: the indices of the output tensors.
            bodies: the graphs that control-flow operators call.
            by_rows: whether each row of the inputs is computed independently, so that the number of
                rows may change between two runs.
        """
        graph = self.drawing.graph(*outputs, bodies=bodies)
        threads = one_of(self.choices, THREADS)
        count = _MOST_RUNS if one_in(self.choices, 5) else 1
        resized = None
        if by_rows and has_rows(graph) and one_in(self.choices, 6):
            resized, count = with_rows(graph, one_of(self.choices, _ROWS)), _MOST_RUNS
        graphs = [graph, *[resized or graph] * (count - 1)]
        runs = tuple(self._run(graph) for graph in graphs)
        facts = {"threads": threads, "runs": count, "special": _special(runs)} | self.facts
        return Case(graph, runs, threads, facts | {"resized": resized is not None}, resized)

    def _run(self, graph: Graph) -> tuple[NDArray[Any], ...]:
        """Draw an array for each input of the graph, for one run."""
        draws = (values for _, values in self._values)
        shapes = (graph.tensors[place].shape for place in graph.inputs)
        return tuple(draw(self.choices, shape) for draw, shape in zip(draws, shapes, strict=True))


def has_rows(graph: Graph) -> bool:
    """Return whether all tensors of a graph except constants have the same first dimension."""
    rows = {tensor.shape[:1] for tensor in graph.tensors if tensor.data is None}
    return len(rows) == 1 and rows != {()}


def with_rows(graph: Graph, rows: int) -> Graph:
    """Return a graph whose tensors have this many rows; constants stay unchanged."""
    tensors = tuple(
        tensor if tensor.data is not None else replace(tensor, shape=(rows, *tensor.shape[1:]))
        for tensor in graph.tensors
    )
    return replace(graph, tensors=tensors)


def _special(runs: tuple[tuple[NDArray[Any], ...], ...]) -> bool:
    """Return whether an input contains NaN, infinity, a negative zero or a subnormal number."""
    arrays = [array for run in runs for array in run if array.dtype.kind == "f"]
    return any(
        bool(
            (
                ~np.isfinite(array)
                | (
                    (np.abs(array) < np.finfo(array.dtype).smallest_normal)
                    & (np.signbit(array) | (array != 0))
                )
            ).any()
        )
        for array in arrays
    )


def shape_of(choices: Choices, least: int = 1, most: int = 4) -> tuple[int, ...]:
    """Choose a shape: small leading sizes, and a last one around multiples of a vector's width."""
    rank = choices.integer(least, most)
    outer = [one_of(choices, FEW) for _ in range(rank - 1)]
    return (*outer, one_of(choices, SIZES)) if rank else ()


def broadcast_pair(choices: Choices) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Choose two shapes, and the shape that they broadcast to."""
    larger = shape_of(choices)
    kind = choices.integer(0, 4)
    if kind <= 1:
        return larger, larger, larger
    axes = choices.integer(0, len(larger))
    # The smaller operand has fewer dimensions, a single value, or ones among its sizes.
    part = larger[len(larger) - axes :]
    if kind == 4:  # noqa: PLR2004 - one of five choices
        part = tuple(size if choices.integer(0, 1) else 1 for size in larger)
    return (larger, part, larger) if choices.integer(0, 1) == 0 else (part, larger, larger)


def activation(choices: Choices, names: tuple[str, ...] = tuple(ACTIVATIONS)) -> int:
    """Choose a fused activation, in most cases none; return its code in the schema."""
    return ACTIVATIONS[one_of(choices, names)] if one_in(choices, 3) else 0


def bounded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Halve the leading dimensions of a shape until it has at most `_MOST_VALUES` values."""
    sizes = list(shape)
    for axis in range(len(sizes) - 1):
        while sizes[axis] > 1 and _product(sizes) > _MOST_VALUES:
            sizes[axis] = max(sizes[axis] // 2, 1)
    return tuple(sizes)


def _product(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
