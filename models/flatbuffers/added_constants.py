"""Store large constants of additions as integers.

No converter quantizes the constant of an addition that stays float32. The table of positions is
such a constant, and in a small network it is a large part of the file. This module stores it as
int8, with all columns scaled to one range as in other tables. A runtime unpacks it on loading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.scales import largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Minimum number of elements of a constant to store as int8: for fewer, the two additional operators
# take more bytes than they save.
LARGE = 4096
LAST = 127


def store_added_constants(flatbuffer: bytes) -> bytes:
    """Return the file with the large float32 constants of its additions stored as int8."""
    graph = Graph(flatbuffer)
    changed = [_unpack_constant(graph, operator) for operator in graph.operators(CODES.ADD)]
    if not any(changed):
        return flatbuffer
    graph.settle()
    return graph.pack()


def _unpack_constant(graph: Graph, addition: Any) -> bool:
    """Store the large constant that an ADD reads as int8; return False if it reads none."""
    for place, tensor in enumerate(map(int, addition.inputs)):
        table = graph.constant(tensor)
        if table is not None and table.size >= LARGE:
            inputs = list(addition.inputs)
            inputs[place] = _unpacked(graph, addition, graph.name(tensor), table)
            addition.inputs = inputs
            return True
    return False


def _unpacked(graph: Graph, addition: Any, name: str, table: NDArray[np.float32]) -> int:
    """Store a table as int8, and insert DEQUANTIZE and MUL before the addition that reads it.

    MUL multiplies each column by its range. Return the index of its output.
    """
    reach = largest(table.reshape(-1, table.shape[-1]).astype(np.float64))
    steps = np.rint(table / reach * LAST).astype(np.int8)
    stored = graph.new_integers(f"{name}/integers", steps, scale=1 / LAST)
    plain = graph.before(addition, CODES.DEQUANTIZE, [stored], f"{name}/unpacked")
    by = graph.new_constant(f"{name}/by", reach)
    return graph.before(addition, CODES.MUL, [plain, by], f"{name}/leveled")
