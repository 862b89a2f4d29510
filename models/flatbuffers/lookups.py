"""Find the table that an input indexes, and its number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.flatbuffers.structure import Operator, Tensor

# Positions of the table and the indices among the operands of each lookup.
_PLACES = {"GATHER": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}
# Operators that may stand between ids and a lookup. ADD and SELECT wrap negative ids, MAXIMUM and
# MINIMUM limit their range, and the others move or convert them.
_PASS = frozenset(
    {
        *("ADD", "CAST", "CONCATENATION", "DEQUANTIZE", "EXPAND_DIMS", "MAXIMUM", "MINIMUM"),
        *("QUANTIZE", "RESHAPE", "SELECT", "SELECT_V2", "SLICE", "SQUEEZE", "STRIDED_SLICE"),
        "TRANSPOSE",
    }
)
_MATRIX = 2


def rows_looked_up(source: Tensor, operators: Iterable[Operator]) -> int | None:
    """Return the number of rows of the smallest table that an input indexes; None if there is none.

    Args:
        source: an input of the graph.
        operators: the operators of that graph, in execution order.
    """
    reached = {source.index}
    rows = []
    for operator in operators:
        places = _PLACES.get(operator.name)
        if places is not None and max(places) < len(operator.inputs):
            table, indices = (operator.inputs[place] for place in places)
            if _is_table(table) and indices is not None and indices.index in reached:
                rows.append(table.shape[0])
        elif operator.name in _PASS and _reads(operator, reached):
            reached |= {output.index for output in operator.outputs}
    return min(rows, default=None)


def _is_table(tensor: Tensor | None) -> TypeGuard[Tensor]:
    return tensor is not None and len(tensor.shape) == _MATRIX and not tensor.dynamic[0]


def _reads(operator: Operator, reached: set[int]) -> bool:
    return any(tensor is not None and tensor.index in reached for tensor in operator.inputs)
