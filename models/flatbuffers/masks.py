"""Clip attention masks to values that integers and float16 can hold.

A mask is added to the attention scores before softmax, or replaces them. PyTorch's mask value is
the smallest float32, -3.4e38. In float16 it becomes -infinity, and 0 * infinity is NaN. In eight
bits, a range that includes it rounds all scores to one integer. Any value is low enough for softmax
if its exponential vanishes next to that of the largest score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.observing import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.observing import Samples

# Magnitude of a clipped mask: within float16's range, and far larger than any score.
LIMIT = 1e4
# Difference to the largest score from which a token's weight in softmax is negligible: exp(-12) is
# 6e-6, so the whole padding of a text gets a weight of less than a thousandth.
VANISHES = 12.0
# Operators between a mask and its softmax.
_PASSES = (
    *(CODES.ADD, CODES.BROADCAST_TO, CODES.MAXIMUM, CODES.MINIMUM, CODES.MUL, CODES.RESHAPE),
    *(CODES.SELECT, CODES.SELECT_V2, CODES.SUB, CODES.TRANSPOSE),
)


def clip_masks(flatbuffer: bytes, limit: float = LIMIT) -> bytes:
    """Return the file with the constants of its attention masks clipped to ±`limit`.

    Constants within the limit stay unchanged, and so does a file without softmax.
    """
    graph = Graph(flatbuffer)
    clipped: dict[int, int] = {}
    for operator in list(_before_softmax(graph)):
        inputs = [int(tensor) for tensor in operator.inputs]
        changed = [_clipped(graph, tensor, limit, clipped) for tensor in inputs]
        if changed != inputs:
            operator.inputs = changed
    return graph.pack() if clipped else flatbuffer


def needed_mask_range(flatbuffer: bytes, samples: Samples) -> tuple[float, dict[str, float]]:
    """Return the limit for masks, and the lower end of the range of each softmax's input.

    Args:
        flatbuffer: a file whose masks `clip_masks` has clipped.
        samples: calibration texts.

    Returns:
        The limit for masks, and by the name of each softmax's input the lower end of its range:
        scores at or below this end have a negligible weight for every token.
    """
    graph = Graph(flatbuffer)
    names = {graph.name(int(operator.inputs[0])) for operator in graph.operators(CODES.SOFTMAX)}
    ends, highest = dict.fromkeys(names, np.inf), dict.fromkeys(names, 0.0)
    for values in Observer(flatbuffer).each(samples, names):
        for name, scores in values.items():
            largest = scores.max(axis=-1)
            highest[name] = max(highest[name], float(largest.max()))
            ends[name] = min(ends[name], float(largest.min()) - VANISHES)
    # A mask of this depth lowers even the highest score to the end of the range. The highest score
    # is at least 0, because some masks replace the score instead of being added.
    depth = max((highest[name] - ends[name] for name in names), default=LIMIT)
    return depth, ends


def _before_softmax(graph: Graph) -> Iterator[Any]:
    """Yield the operators before each softmax that may add or pass on a mask."""
    writers = {
        int(tensor): operator for operator in graph.operators() for tensor in operator.outputs
    }
    waiting = [int(operator.inputs[0]) for operator in graph.operators(CODES.SOFTMAX)]
    visited = set()
    while waiting:
        operator = writers.get(waiting.pop())
        if operator is None or id(operator) in visited or graph.code(operator) not in _PASSES:
            continue
        visited.add(id(operator))
        yield operator
        waiting += [int(tensor) for tensor in operator.inputs]


def _clipped(graph: Graph, tensor: int, limit: float, clipped: dict[int, int]) -> int:
    """Return the index of a tensor, or of the clipped copy if it is a constant beyond `limit`."""
    values = graph.constant(tensor)
    if values is None or np.abs(values).max() <= limit:
        return tensor
    if tensor not in clipped:
        # Not changed in place: other operators may read this constant for another purpose.
        name = f"{graph.name(tensor)}/clipped"
        clipped[tensor] = graph.new_constant(name, np.clip(values, -limit, limit))
    return clipped[tensor]
