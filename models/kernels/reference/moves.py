"""Compute operators that move numbers without changing them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.rounded import Rounded, rounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.reference.calls import Call, Reference

    Array = NDArray[Any]


def _moving(move: Callable[[Call, Array], Array]) -> Reference:
    """Return the reference of an operator that only moves the first operand's stored numbers."""

    def reference(call: Call) -> list[Rounded]:
        return [call.operand(0).number.moved(lambda array: move(call, array))]

    return reference


def _slice(call: Call, array: Array) -> Array:
    begins, sizes = call.operand(1).integers, call.operand(2).integers
    picks = [
        slice(begin, None if size < 0 else begin + size)
        for begin, size in zip(begins, sizes, strict=True)
    ]
    cut: Array = array[tuple(picks)]
    return cut


def _strided_slice(call: Call, array: Array) -> Array:
    """Return a strided slice of an array, as numpy does.

    If bit i of `begin_mask` or `end_mask` is set, the begin or the end of axis i is ignored. If
    bit i of `shrink_axis_mask` is set, axis i is dropped.
    """
    ranges = zip(*(call.operand(place).integers for place in (1, 2, 3)), strict=True)
    masks = [int(call.option(f"{name}_mask")) for name in ("begin", "end", "shrink_axis")]
    picks: list[Any] = []
    for axis, (begin, end, stride) in enumerate(ranges):
        if masks[2] >> axis & 1:
            picks.append(begin)
            continue
        first = None if masks[0] >> axis & 1 else begin
        last = None if masks[1] >> axis & 1 else end
        picks.append(slice(first, last, stride))
    cut: Array = array[tuple(picks)]
    return cut


def _pad(call: Call) -> list[Rounded]:
    """Pad with 0, which a quantized tensor stores as its zero point."""
    source = call.operand(0)
    widths = call.operand(1).number.value.tolist()
    quantization = call.output.quantization
    zero = 0 if quantization is None else int(quantization.zeros[0])
    value = np.pad(source.number.value, widths, constant_values=zero)
    return [Rounded(value, np.pad(source.number.error, widths))]


def _joined(join: Callable[[list[Array], int], Array]) -> Reference:
    def reference(call: Call) -> list[Rounded]:
        numbers = [call.operand(place).number for place in range(len(call.operands))]
        axis = int(call.option("axis"))
        value = join([number.value for number in numbers], axis)
        return [Rounded(value, join([number.error for number in numbers], axis))]

    return reference


def _split(call: Call) -> list[Rounded]:
    (axis,), number = call.operand(0).integers, call.operand(1).number
    count = int(call.option("splits"))
    values = np.split(number.value, count, axis), np.split(number.error, count, axis)
    return [Rounded(*part) for part in zip(*values, strict=True)]


def _unpack(call: Call) -> list[Rounded]:
    number, axis = call.operand(0).number, int(call.option("axis"))
    count = number.value.shape[axis]
    return [number.moved(partial(np.take, indices=i, axis=axis)) for i in range(count)]


def _gather(call: Call) -> list[Rounded]:
    """Take slices along an axis, with the same ids for all batches or with ids for each batch."""
    table, ids = call.operand(0), call.operand(1).number.value
    axis, batches = int(call.option("axis")), int(call.option("batch_dims"))

    def take(array: Array) -> Array:
        if not batches:
            return np.take(array, ids, axis=axis)
        flat = array.reshape(-1, *array.shape[batches:])
        places = ids.reshape(-1, *ids.shape[batches:])
        gathered = [
            np.take(rows, at, axis=axis - batches) for rows, at in zip(flat, places, strict=True)
        ]
        return np.stack(gathered).reshape(*array.shape[:batches], *gathered[0].shape)

    return [_looked_up(call, table.number, table.real, take)]


def _embedding_lookup(call: Call) -> list[Rounded]:
    ids, table = call.operand(0).number.value, call.operand(1)
    return [_looked_up(call, table.number, table.real, lambda array: array[ids])]


def _looked_up(
    call: Call, stored: Rounded, real: Rounded, take: Callable[[Array], Array]
) -> Rounded:
    """Take rows of a table: the stored values, or the real numbers if the output is float."""
    floats = call.output.dtype == "float32" and stored.value.dtype == np.int64
    return rounded(real.moved(take)) if floats else stored.moved(take)


def _gather_nd(call: Call) -> list[Rounded]:
    places = call.operand(1).number.value
    picks = tuple(np.moveaxis(places, -1, 0))
    return [call.operand(0).number.moved(lambda array: array[picks])]


def _as_output(call: Call, array: Array) -> Array:
    return array.reshape(call.output.shape)


REFERENCES: dict[str, Reference] = {
    "BROADCAST_TO": _moving(lambda call, a: np.broadcast_to(a, call.operand(1).integers)),
    "CONCATENATION": _joined(np.concatenate),
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "EXPAND_DIMS": _moving(lambda call, a: np.expand_dims(a, call.operand(1).integers[0])),
    "GATHER": _gather,
    "GATHER_ND": _gather_nd,
    "PACK": _joined(np.stack),
    "PAD": _pad,
    "RESHAPE": _moving(_as_output),
    "SLICE": _moving(_slice),
    "SPLIT": _split,
    "SQUEEZE": _moving(_as_output),
    "STRIDED_SLICE": _moving(_strided_slice),
    "TILE": _moving(lambda call, a: np.tile(a, call.operand(1).integers)),
    "TRANSPOSE": _moving(lambda call, a: np.transpose(a, call.operand(1).integers)),
    "UNPACK": _unpack,
}
