"""How many ids a file has vectors for: the rows of the table that its ids look up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.flatbuffers.contents import Operator, Tensor

# Of each operator that looks up: the place of its table and of its ids.
_LOOK_UPS = {"GATHER": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}
# What passes ids on.
_PASSING = {"CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "QUANTIZE", "MAXIMUM", "MINIMUM"}


def table_rows(operators: Sequence[Operator], ids: Tensor) -> int | None:
    """Return the rows of the table that the ids look up; None where no table is seen.

    Args:
        operators: of the graph, in execution order.
        ids: the input that takes them.
    """
    known = {ids.index}
    unpacked: dict[int, Tensor] = {}
    rows = []
    for one in operators:
        given = [tensor.index for tensor in one.inputs if tensor is not None]
        if one.name == "DEQUANTIZE" and one.inputs[0] is not None:
            unpacked[one.outputs[0].index] = one.inputs[0]
        if one.name in _PASSING and known.intersection(given):
            known.update(tensor.index for tensor in one.outputs)
        if one.name in _LOOK_UPS and len(one.inputs) > 1:
            table, looked_up = (one.inputs[place] for place in _LOOK_UPS[one.name])
            if table is None or looked_up is None or looked_up.index not in known:
                continue
            table = unpacked.get(table.index, table)
            if table.constant_bytes and table.shape:
                rows.append(table.shape[0])
    return min(rows, default=None)
