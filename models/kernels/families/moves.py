"""Draw operators that move values: in every dtype, with all kinds of axes, masks and positions."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_in, one_of, yes_or_no
from models.kernels.families.drawing import Sketch, bounded, shape_of
from models.kernels.graph import RANGES, Tensor
from models.kernels.values import (
    FEW,
    booleans,
    channel_scales,
    floats,
    generator,
    held,
    integers,
    quantization,
    weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.choices import Choices
    from models.kernels.graph import Quantization

    Shape = tuple[int, ...]

KINDS = ("float32", "float16", "int32", "int64", "int8", "int16", "uint8", "bool")
# BROADCAST_TO supports only these kinds; PACK supports one more.
_FEWER = tuple(kind for kind in KINDS if kind not in {"float16", "uint8"})
_QUANTIZED = {"int8", "int16", "int4"}
_WHOLE = 1_000_000


class Mover:
    """Builds a case of an operator that moves the values of its first input.

    Args:
        choices: the source of all random choices.
        kind: the kind of the values.
    """

    def __init__(self, choices: Choices, kind: str) -> None:
        self.choices, self.kind = choices, kind
        self.sketch = Sketch(choices)
        self.quantization: Quantization | None = (
            quantization(choices, kind) if kind in _QUANTIZED else None
        )

    def tensor(self, shape: Shape) -> Tensor:
        """Return a tensor of this shape, with the dtype and quantization of this case's values."""
        return Tensor(tuple(map(int, shape)), self.kind, quantization=self.quantization)

    def input(self, shape: Shape) -> int:
        """Add an input with the dtype and quantization of this case's values; return its index."""
        return self.sketch.input(self.tensor(shape), self.values)

    def values(self, choices: Choices, shape: Shape) -> Any:
        """Draw an array of this shape, with the dtype of this case's values."""
        if self.kind in {"float32", "float16"}:
            # Float16 numbers are drawn as float32 and rounded; moving does not change either.
            return floats(choices, shape, special=True).astype(self.kind)
        if self.kind == "bool":
            return booleans(choices, shape)
        if self.kind in _QUANTIZED:
            return held(choices, shape, self.kind)
        low, high = RANGES[self.kind]
        return integers(choices, shape, max(low, -_WHOLE), min(high, _WHOLE), self.kind)

    def whole(self, numbers: Any) -> int:
        """Add a constant of int32 numbers; return the index of its tensor."""
        return self.sketch.drawing.constant(np.asarray(numbers, np.int32))

    def done(
        self,
        operator: str,
        inputs: list[int],
        *shapes: Shape,
        by_rows: bool = False,
        **options: Any,
    ) -> Case:
        """Add the operator, with outputs of these shapes, and return the finished case."""
        outputs = [self.tensor(shape) for shape in shapes]
        first = self.sketch.drawing.node(operator, inputs, outputs, **options)
        return self.sketch.case(*range(first, first + len(outputs)), by_rows=by_rows)


def _axis(choices: Choices, rank: int) -> int:
    """Choose an axis, sometimes counted from the end."""
    axis = choices.integer(0, rank - 1)
    return axis - rank if one_in(choices, 3) else axis


def _reshape(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    kinds = (
        (math.prod(shape),),
        (1, *shape),
        shape[::-1],
        (*shape[:-2], math.prod(shape[-2:])),
    )
    after = one_of(mover.choices, kinds)
    return mover.done("RESHAPE", [mover.input(shape), mover.whole(after)], after, shape=list(after))


def _transpose(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices, 2, 4))
    order = generator(mover.choices).permutation(len(shape))
    after = tuple(shape[axis] for axis in order)
    inputs = [mover.input(shape), mover.whole(order)]
    return mover.done("TRANSPOSE", inputs, after, by_rows=bool(order[0] == 0))


def _concatenation(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    axis, count = _axis(mover.choices, len(shape)), mover.choices.integer(1, 4)
    sizes = [one_of(mover.choices, FEW) for _ in range(count)]
    parts = [_with(shape, axis, size) for size in sizes]
    places = [mover.input(part) for part in parts]
    after = _with(shape, axis, sum(sizes))
    mover.sketch.facts |= {"parts": count, "one_row": after[0] == 1}
    return mover.done("CONCATENATION", places, after, by_rows=axis % len(shape) > 0, axis=axis)


def _with(shape: Shape, axis: int, size: int) -> Shape:
    sizes = list(shape)
    sizes[axis] = size
    return tuple(sizes)


def _split(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    axis, count = _axis(mover.choices, len(shape)), mover.choices.integer(1, 3)
    size = one_of(mover.choices, FEW)
    source = mover.input(_with(shape, axis, size * count))
    parts = [_with(shape, axis, size)] * count
    mover.sketch.facts["parts"] = count
    by_rows = axis % len(shape) > 0
    return mover.done("SPLIT", [mover.whole(axis), source], *parts, by_rows=by_rows, splits=count)


def _slice(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    begins = [mover.choices.integer(0, size - 1) for size in shape]
    sizes = [
        mover.choices.integer(1, size - begin) for size, begin in zip(shape, begins, strict=True)
    ]
    lengths = [
        -1 if begin + size == extent and one_in(mover.choices, 3) else size
        for begin, size, extent in zip(begins, sizes, shape, strict=True)
    ]
    inputs = [mover.input(shape), mover.whole(begins), mover.whole(lengths)]
    return mover.done("SLICE", inputs, tuple(sizes))


def _strided_slice(mover: Mover) -> Case:
    choices, shape = mover.choices, bounded(shape_of(mover.choices))
    ranges, masks, after = [], {"begin": 0, "end": 0, "shrink_axis": 0}, []
    for axis, size in enumerate(shape):
        stride = one_of(choices, (1, 2, -1, 3))
        begin = choices.integer(0, size - 1)
        end = choices.integer(begin + 1, size) if stride > 0 else size - size - 1 - size
        if axis and one_in(choices, 4):
            masks["shrink_axis"] |= 1 << axis
            ranges.append((begin, begin + 1, 1))
            continue
        for name in ("begin", "end"):
            masks[name] |= (1 << axis) * one_in(choices, 4)
        ranges.append((begin, end, stride))
        first = None if masks["begin"] >> axis & 1 else begin
        last = None if masks["end"] >> axis & 1 else end
        after.append(len(range(*slice(first, last, stride).indices(size))))
    lists = [mover.whole(list(numbers)) for numbers in zip(*ranges, strict=True)]
    options: dict[str, Any] = {f"{name}_mask": mask for name, mask in masks.items()}
    return mover.done("STRIDED_SLICE", [mover.input(shape), *lists], tuple(after), **options)


def _pad(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    widths = [[mover.choices.integer(0, 3) for _ in range(2)] for _ in shape]
    after = tuple(size + sum(width) for size, width in zip(shape, widths, strict=True))
    inputs = [mover.input(shape), mover.whole(widths)]
    one_row = shape[0] == 1
    mover.sketch.facts |= {"rank": len(shape), "one_row": one_row}
    mover.sketch.facts |= {"one_row_padded": one_row and any(widths[0])}
    return mover.done("PAD", inputs, after, by_rows=not any(widths[0]))


def _pack(mover: Mover) -> Case:
    shape, count = bounded(shape_of(mover.choices, 1, 3)), mover.choices.integer(1, 4)
    axis = mover.choices.integer(0, len(shape))
    after = (*shape[:axis], count, *shape[axis:])
    places = [mover.input(shape) for _ in range(count)]
    return mover.done("PACK", places, after, by_rows=axis > 0, count=count, axis=axis)


def _unpack(mover: Mover) -> Case:
    shape, count = bounded(shape_of(mover.choices, 1, 3)), mover.choices.integer(1, 4)
    axis = mover.choices.integer(0, len(shape))
    source = mover.input((*shape[:axis], count, *shape[axis:]))
    parts, by_rows = [shape] * count, axis > 0
    return mover.done("UNPACK", [source], *parts, by_rows=by_rows, count=count, axis=axis)


def _expand_dims(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices, 1, 3))
    axis = mover.choices.integer(0, len(shape))
    after = (*shape[:axis], 1, *shape[axis:])
    inputs = [mover.input(shape), mover.whole(axis)]
    return mover.done("EXPAND_DIMS", inputs, after, by_rows=axis > 0)


def _squeeze(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices, 1, 3))
    axis = mover.choices.integer(0, len(shape))
    source = mover.input((*shape[:axis], 1, *shape[axis:]))
    return mover.done("SQUEEZE", [source], shape, by_rows=axis > 0, dims=[axis])


def _broadcast_to(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices))
    small = tuple(size if yes_or_no(mover.choices) else 1 for size in shape)
    inputs = [mover.input(small), mover.whole(shape)]
    return mover.done("BROADCAST_TO", inputs, shape)


def _tile(mover: Mover) -> Case:
    shape = bounded(shape_of(mover.choices, 1, 3))
    times = [mover.choices.integer(1, 3) for _ in shape]
    after = tuple(size * count for size, count in zip(shape, times, strict=True))
    return mover.done("TILE", [mover.input(shape), mover.whole(times)], after)


def _ids(mover: Mover, shape: Shape, below: int) -> int:
    draw = partial(integers, low=0, high=below - 1, dtype="int32")
    return mover.sketch.input(Tensor(shape, "int32"), draw)


def _gather(mover: Mover) -> Case:
    choices, shape = mover.choices, bounded(shape_of(mover.choices, 1, 3))
    batches = 1 if len(shape) > 1 and one_in(choices, 3) else 0
    axis = choices.integer(batches, len(shape) - 1)
    looked = tuple(one_of(choices, FEW) for _ in range(choices.integer(1, 2)))
    ids = _ids(mover, (*shape[:batches], *looked), shape[axis])
    after = (*shape[:axis], *looked, *shape[axis + 1 :])
    if mover.kind == "int4":
        data = mover.values(choices, shape)
        place = mover.sketch.drawing.constant(data, "int4", mover.quantization)
    else:
        place = mover.input(shape)
    options: dict[str, Any] = {"axis": axis, "batch_dims": batches}
    if mover.kind != "int4":
        return mover.done("GATHER", [place, ids], after, **options)
    mover.sketch.facts["odd_row"] = bool(math.prod(shape[axis + 1 :]) % 2)
    # As converters write it: a DEQUANTIZE converts the four-bit result to float32.
    rows = mover.sketch.drawing.node("GATHER", [place, ids], [mover.tensor(after)], **options)
    return mover.sketch.case(mover.sketch.drawing.node("DEQUANTIZE", [rows], [Tensor(after)]))


def _gather_nd(mover: Mover) -> Case:
    choices, shape = mover.choices, bounded(shape_of(mover.choices, 1, 3))
    depth, count = choices.integer(1, len(shape)), one_of(choices, FEW)
    below = min(shape[:depth])
    ids = _ids(mover, (count, depth), below)
    return mover.done("GATHER_ND", [mover.input(shape), ids], (count, *shape[depth:]))


def _embedding_lookup(choices: Choices, kind: str) -> Case:
    """Draw a table of floats, or of integers with one scale or one for each row.

    The rows of a uint8 table are returned as stored integers. Float rows of such a table are not
    drawn, because kernels would read it as int8, without its zero point.
    """
    mover = Mover(choices, "uint8" if kind == "uint8" else "float32")
    rows, width, count = (one_of(choices, sizes) for sizes in (FEW, (1, 2, 3, 8, 33), FEW))
    dtype, _, fine = kind.partition("_")
    shape = (rows, width)
    if dtype == "float32":
        place = mover.sketch.drawing.constant(floats(choices, shape))
    elif dtype == "uint8":
        mover.quantization = quantization(choices, dtype)
        place = mover.sketch.drawing.constant(
            held(choices, shape, dtype), dtype, mover.quantization
        )
    else:
        scales = channel_scales(choices, rows if fine else 1, 0.1)
        quantized = type(quantization(choices, "int8"))(scales, np.zeros(scales.size, np.int64))
        place = mover.sketch.drawing.constant(weights(choices, shape, dtype), dtype, quantized)
    ids = _ids(mover, (count,), rows)
    mover.sketch.facts["odd_row"] = bool(width % 2)
    return mover.done("EMBEDDING_LOOKUP", [ids, place], (count, width))


def _of(draw: Callable[[Mover], Case], kind: str, choices: Choices) -> Case:
    return draw(Mover(choices, kind))


_MOVERS: dict[str, tuple[Callable[[Mover], Case], tuple[str, ...]]] = {
    "BROADCAST_TO": (_broadcast_to, _FEWER),
    "CONCATENATION": (_concatenation, KINDS),
    "EXPAND_DIMS": (_expand_dims, KINDS),
    "GATHER": (_gather, (*KINDS, "int4")),
    "GATHER_ND": (_gather_nd, KINDS),
    "PACK": (_pack, (*_FEWER, "uint8")),
    "PAD": (_pad, KINDS),
    "RESHAPE": (_reshape, KINDS),
    "SLICE": (_slice, KINDS),
    "SPLIT": (_split, ("float32", "int32", "int64", "int8", "int16", "uint8")),
    "SQUEEZE": (_squeeze, KINDS),
    "STRIDED_SLICE": (_strided_slice, KINDS),
    "TILE": (_tile, KINDS),
    "TRANSPOSE": (_transpose, KINDS),
    "UNPACK": (_unpack, KINDS),
}
FAMILIES: list[Family] = [
    *(
        Family(operator, kind, partial(_of, draw, kind))
        for operator, (draw, kinds) in _MOVERS.items()
        for kind in kinds
    ),
    *(
        Family("EMBEDDING_LOOKUP", kind, partial(_embedding_lookup, kind=kind))
        for kind in ("float32", "int8", "int8_row", "uint8", "int4", "int4_row")
    ),
]
