"""Find the tensor axes that run over the tokens of a text.

Values at padding do not affect answers, but would widen the range of every tensor. The size of an
axis does not determine whether it runs over tokens: 32 may be the tokens of a text or the channels
of a head. So each axis is followed from the inputs, which are [1, tokens], through the operators.
If an operator may change the axis, the axis is dropped.

Axes of masks and booleans are not followed: the range must include the values computed from them,
also at padding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from models.flatbuffers.signature import NAMES
from models.input_roles import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from models.flatbuffers.graph import Graph

    Axes = frozenset[int]
    # By tensor index: the axes that run over tokens.
    Known = dict[int, Axes]

NONE: Axes = frozenset()
# Operators that keep elements in place, or broadcast them along leading axes.
_ALIGNED = frozenset(
    {
        *("ABS", "ADD", "CAST", "CONCATENATION", "DEQUANTIZE", "DIV", "ELU", "EXP", "GELU"),
        *("HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "MAXIMUM", "MINIMUM", "MUL", "NEG", "PAD"),
        *("PADV2", "POW", "QUANTIZE", "RELU", "RELU6", "RSQRT", "SELECT", "SELECT_V2", "SLICE"),
        *("SOFTMAX", "SPLIT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB"),
        *("TANH",),
    }
)
# Operators that may have added a mask. Quantization ranges must include the mask's values at hidden
# keys, so in a matrix of tokens by tokens only the first axis counts as a token axis.
_MASKING = frozenset({"ADD", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2", "SOFTMAX", "SUB"})
_REDUCING = frozenset({"MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"})
_RESHAPING = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE"})


def token_axes(graph: Graph) -> dict[int, Axes]:
    """Return, by tensor index, the axes that run over tokens.

    Args:
        graph: a graph with inputs [1, tokens], and with the mask's name in
            `models.flatbuffers.signature`.
    """
    texts = [tensor for name, tensor in graph.inputs().items() if name != NAMES[MASK]]
    axes_of: Known = {tensor: frozenset({len(graph.shape(tensor)) - 1}) for tensor in texts}
    sizes = {graph.shape(tensor)[-1] for tensor in texts}
    for operator in graph.operators():
        for output in map(int, operator.outputs):
            shape = graph.shape(output)
            axes = NONE
            if not graph.holds_truth(output):
                axes = _passed_on(graph, operator, output, axes_of)
            axes_of[output] = frozenset(
                axis for axis in axes if axis < len(shape) and shape[axis] in sizes
            )
    return axes_of


def _passed_on(graph: Graph, operator: Any, output: int, axes_of: Known) -> Axes:
    kind = graph.kind(operator)
    if kind in _ALIGNED:
        return _aligned(graph, operator, output, axes_of, masking=kind in _MASKING)
    if kind in _RESHAPING:
        source = int(operator.inputs[0])
        return _regrouped(graph.shape(source), graph.shape(output), axes_of.get(source, NONE))
    if kind in _REDUCING:
        return _reduced(graph, operator, axes_of)
    rule = _RULES.get(kind)
    return NONE if rule is None else rule(graph, operator, output, axes_of)


def _aligned(graph: Graph, operator: Any, output: int, axes_of: Known, *, masking: bool) -> Axes:
    rank = len(graph.shape(output))
    axes: set[int] = set()
    for tensor in map(int, operator.inputs):
        shift = rank - len(graph.shape(tensor)) if tensor >= 0 else 0
        axes |= {axis + shift for axis in axes_of.get(tensor, NONE)}
    return frozenset({min(axes)}) if masking and axes else frozenset(axes)


def _regrouped(before: tuple[int, ...], after: tuple[int, ...], axes: Iterable[int]) -> Axes:
    """Return the new positions of axes after a reshape.

    An axis remains if its size and the product of the sizes before it do not change.
    """
    places = {
        (math.prod(after[:axis]), size): axis for axis, size in reversed(list(enumerate(after)))
    }
    regrouped = (places.get((math.prod(before[:axis]), before[axis])) for axis in axes)
    return frozenset(axis for axis in regrouped if axis is not None)


def _reduced(graph: Graph, operator: Any, axes_of: Known) -> Axes:
    source = int(operator.inputs[0])
    rank = len(graph.shape(source))
    reduced = graph.integers(int(operator.inputs[1]))
    gone = (
        set(range(rank)) if reduced is None else {int(axis) % rank for axis in reduced.reshape(-1)}
    )
    remaining = axes_of.get(source, NONE) - gone
    if _option(operator, "keepDims"):
        return remaining
    return frozenset(axis - sum(lost < axis for lost in gone) for axis in remaining)


def _transposed(graph: Graph, operator: Any, _: int, axes_of: Known) -> Axes:
    source, order = map(int, operator.inputs)
    axes, places = axes_of.get(source, NONE), graph.integers(order)
    if places is None:
        return NONE
    return frozenset(place for place, axis in enumerate(map(int, places)) if axis in axes)


def _dense(graph: Graph, operator: Any, output: int, axes_of: Known) -> Axes:
    source = int(operator.inputs[0])
    before, after = graph.shape(source)[:-1], graph.shape(output)[:-1]
    axes = axes_of.get(source, NONE) - {len(before)}
    return _regrouped(before, after, axes)


def _multiplied(graph: Graph, operator: Any, output: int, axes_of: Known) -> Axes:
    left, right = (int(tensor) for tensor in operator.inputs[:2])
    rank = len(graph.shape(output))
    turns = _option(operator, "adjX"), _option(operator, "adjY")
    axes = set()
    # The product sums over the other one of the last two axes.
    for tensor, turned, place in ((left, turns[0], -2), (right, turns[1], -1)):
        own = len(graph.shape(tensor))
        stays = (-3 - place if turned else place) + own
        for axis in axes_of.get(tensor, NONE):
            if axis == stays:
                axes.add(rank + place)
            elif axis < own - 2:
                axes.add(axis + rank - own)
    return frozenset(axes)


def _looked_up(_: Graph, operator: Any, __: int, axes_of: Known) -> Axes:
    return axes_of.get(int(operator.inputs[0]), NONE)


def _gathered(graph: Graph, operator: Any, _: int, axes_of: Known) -> Axes:
    table, indices = (int(tensor) for tensor in operator.inputs[:2])
    axis = _option(operator, "axis") % len(graph.shape(table))
    longer = len(graph.shape(indices)) - 1
    positions = {
        position + longer * (position > axis)
        for position in axes_of.get(table, NONE)
        if position != axis
    }
    return frozenset(positions | {position + axis for position in axes_of.get(indices, NONE)})


def _option(operator: Any, name: str) -> int:
    """Return an option of an operator; 0 if the file omits it."""
    return int(getattr(operator.builtinOptions, name, 0))


_RULES: dict[str, Callable[[Graph, Any, int, Known], Axes]] = {
    "BATCH_MATMUL": _multiplied,
    "EMBEDDING_LOOKUP": _looked_up,
    "FULLY_CONNECTED": _dense,
    "GATHER": _gathered,
    "TRANSPOSE": _transposed,
}
