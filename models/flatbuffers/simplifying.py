"""Operators that a converter writes and a simpler one replaces, older and faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import CODES, Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray


def simplify(flatbuffer: bytes) -> bytes:
    """Return the file with a RESHAPE for each GATHER_ND that takes every element in order.

    litert-torch broadcasts an attention mask so. A GATHER_ND of truth values needs TFLite 2.16; the
    rest of an encoder runs in 2.14. The file answers the same.
    """
    graph = Graph(flatbuffer)
    found = [one for one in graph.operators(CODES.GATHER_ND) if _takes_all(graph, one)]
    for operator in found:
        source, output = int(operator.inputs[0]), int(operator.outputs[0])
        shape = graph.new_constant(f"{graph.name(output)}/shape", list(graph.shape(output)))
        graph.become(operator, CODES.RESHAPE, [source, shape])
    return graph.pack() if found else flatbuffer


def _takes_all(graph: Graph, operator: Any) -> bool:
    source, places = (int(tensor) for tensor in operator.inputs)
    indices: NDArray[np.int32] | None = graph.integers(places)
    shape = graph.shape(source)
    if indices is None or indices.shape[-1] != len(shape):
        return False  # slices, not elements
    everything = np.indices(shape).reshape(len(shape), -1).T
    taken = indices.reshape(-1, len(shape))
    return np.array_equal(taken, everything)
