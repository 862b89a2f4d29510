"""Compute a graph with bounds: each operator by its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import current
from models.kernels.graph import ABSENT
from models.kernels.reference import along, moves, pointwise, products, recurrent
from models.kernels.reference.calls import Call, Operand
from models.kernels.rounded import ANYTHING, Rounded, stored_narrowly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.kernels.graph import Graph
    from models.kernels.reference.calls import Reference

REFERENCES: dict[str, Reference] = {
    **along.REFERENCES,
    **moves.REFERENCES,
    **pointwise.REFERENCES,
    **products.REFERENCES,
    **recurrent.REFERENCES,
}


def evaluate(graph: Graph, runs: Sequence[Sequence[NDArray[Any]]]) -> list[list[Rounded]]:
    """Return the exact outputs of a graph with their bounds, run by run.

    Args:
        graph: the graph; all of its operators must be in `REFERENCES`.
        runs: the inputs of each run, by position, as stored values.

    Returns:
        The outputs of each run, as stored values; integers are not rounded yet.
    """
    memory = {
        place: Rounded.exact(np.zeros(tensor.shape))
        for place, tensor in enumerate(graph.tensors)
        if tensor.variable
    }
    return [_computed(graph, [_read(array) for array in run], memory) for run in runs]


def _read(array: NDArray[Any]) -> Rounded:
    """Return numbers with their error bounds as a kernel reads them.

    In a shader, the results for NaN and infinity are unspecified.
    """
    number = Rounded.exact(array)
    if number.value.dtype != np.float64 or not current().shading:
        return number
    error = np.where(np.isfinite(number.value), number.error, ANYTHING)
    return stored_narrowly(Rounded(number.value, error))


def _computed(graph: Graph, inputs: list[Rounded], memory: dict[int, Rounded]) -> list[Rounded]:
    values: dict[int, Rounded] = dict(zip(graph.inputs, inputs, strict=True)) | memory
    for place, tensor in enumerate(graph.tensors):
        if tensor.data is not None:
            values[place] = _read(tensor.data)

    for node in graph.nodes:
        operands = [
            None if place == ABSENT else Operand(graph.tensors[place], values[place])
            for place in node.inputs
        ]
        call = Call(
            node=node,
            operands=operands,
            outputs=[graph.tensors[place] for place in node.outputs],
            memory=memory,
            bodies=graph.bodies,
            compute=lambda body, inputs: _computed(body, inputs, {}),
        )
        values.update(zip(node.outputs, REFERENCES[node.operator](call), strict=True))
    return [values[place] for place in graph.outputs]
