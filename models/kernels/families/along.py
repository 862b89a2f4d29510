"""Draw operators along axes: reductions, softmax, cumulative sums, arg max."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_in, one_of, yes_or_no
from models.kernels.families.drawing import Sketch, bounded, shape_of
from models.kernels.graph import Quantization, Tensor
from models.kernels.values import floats, held, integers, quantization, zero_point
from models.kernels.writing import TYPES

if TYPE_CHECKING:
    from models.kernels.choices import Choices

_STATIC = ("int8", "int16")
_STORED = (*_STATIC, "uint8")
_WHOLE = 1000
# Scale and zero point of the output, from TFLite's quantization specification.
_PROBABILITIES = {"int8": (2.0**-8, -128), "int16": (2.0**-15, 0), "uint8": (2.0**-8, 0)}
_LOG_PROBABILITIES = {"int8": (2.0**-4, 127), "uint8": (2.0**-4, 255)}
# Values that masks add to hide a token.
_HIDDEN = (-1e4, -1e9)


def _drawn(kind: str) -> Any:
    if kind == "float32":
        return partial(floats, low=-8.0, high=8.0)
    if kind in _STORED:
        return partial(held, dtype=kind)
    return partial(integers, low=-_WHOLE, high=_WHOLE, dtype=kind)


def _reduction(choices: Choices, operator: str, kind: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    count = choices.integer(1, len(shape))
    axes = sorted(len(shape) - 1 - axis for axis in range(count))
    if yes_or_no(choices):
        axes = [choices.integer(0, len(shape) - 1)]
    keep = yes_or_no(choices)
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape)]
    after = tuple(size for axis, size in enumerate(sizes) if keep or axis not in axes)
    quantized = quantization(choices, kind) if kind in _STORED else None
    out = quantized
    if quantized is not None and operator != "REDUCE_MAX":
        ratio = one_of(choices, (1.0, 2.0, 0.5, 300.0, 0.01))
        wide = float(np.float32(float(quantized.scales[0]) * ratio))
        out = Quantization.of(wide, zero_point(choices, kind))
    place = sketch.input(Tensor(shape, kind, quantization=quantized), _drawn(kind))
    along = sketch.drawing.constant(np.array(axes, np.int32))
    answer = Tensor(after, kind, quantization=out)
    sketch.facts |= {"axes": axes, "rank": len(shape)}
    result = sketch.drawing.node(operator, [place, along], [answer], keep_dims=keep)
    return sketch.case(result, by_rows=0 not in axes)


def _softmax(choices: Choices, operator: str, kind: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    quantized = out = None
    if kind in _STORED:
        wide = one_of(choices, (0.1, 0.01, 1.0)) / (256 if kind == "int16" else 1)
        quantized = Quantization.of(float(np.float32(wide)), zero_point(choices, kind))
        fixed = _PROBABILITIES if operator == "SOFTMAX" else _LOG_PROBABILITIES
        out = Quantization.of(*fixed[kind])
        draw = _drawn(kind)
    else:
        draw = partial(_scores, hidden=one_in(choices, 4))
    place = sketch.input(Tensor(shape, kind, quantization=quantized), draw)
    options = {"beta": one_of(choices, (1.0, 0.5, 2.0))} if operator == "SOFTMAX" else {}
    answer = Tensor(shape, kind, quantization=out)
    sketch.facts["rank"] = len(shape)
    result = sketch.drawing.node(operator, [place], [answer], **options)
    return sketch.case(result, by_rows=True)


def _scores(choices: Choices, shape: tuple[int, ...], *, hidden: bool) -> Any:
    """Draw attention scores; with `hidden`, every second one is masked."""
    scores = floats(choices, shape, low=-20.0, high=20.0)
    if hidden:
        scores[..., 1::2] += np.float32(one_of(choices, _HIDDEN))
    return scores


def _arg_max(choices: Choices, kind: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    axis = choices.integer(0, len(shape) - 1)
    quantized = quantization(choices, kind) if kind in _STORED else None
    place = sketch.input(Tensor(shape, kind, quantization=quantized), _drawn(kind))
    along = sketch.drawing.constant(np.array(axis, np.int32))
    target = one_of(choices, ("int32", "int64"))
    sketch.facts["last_axis_by_four"] = axis < len(shape) - 1 or shape[axis] % 4 == 0
    answer = Tensor((*shape[:axis], *shape[axis + 1 :]), target)
    result = sketch.drawing.node("ARG_MAX", [place, along], [answer], type=TYPES[target])
    return sketch.case(result, by_rows=axis > 0)


def _cumsum(choices: Choices, kind: str) -> Case:
    sketch, shape = Sketch(choices), bounded(shape_of(choices))
    axis = choices.integer(-len(shape), len(shape) - 1)
    place = sketch.input(Tensor(shape, kind), _drawn(kind))
    along = sketch.drawing.constant(np.array(axis, np.int32))
    options = {"exclusive": yes_or_no(choices), "reverse": yes_or_no(choices)}
    sketch.facts |= {"ordinary": not any(options.values()), "axis_from_1": axis > 0}
    result = sketch.drawing.node("CUMSUM", [place, along], [Tensor(shape, kind)], **options)
    return sketch.case(result, by_rows=True)


_KINDS = {
    "MEAN": ("float32", *_STORED),
    "SUM": ("float32", "int32", *_STORED),
    "REDUCE_MAX": ("float32", "int32", *_STORED),
}
FAMILIES: list[Family] = [
    *(
        Family(operator, kind, partial(_reduction, operator=operator, kind=kind))
        for operator, kinds in _KINDS.items()
        for kind in kinds
    ),
    *(
        Family("SOFTMAX", kind, partial(_softmax, operator="SOFTMAX", kind=kind))
        for kind in ("float32", *_STORED)
    ),
    *(
        Family("LOG_SOFTMAX", kind, partial(_softmax, operator="LOG_SOFTMAX", kind=kind))
        for kind in ("float32", "int8", "uint8")
    ),
    *(
        Family("ARG_MAX", kind, partial(_arg_max, kind=kind))
        for kind in ("float32", "int32", "int8", "uint8")
    ),
    *(
        Family("CUMSUM", kind, partial(_cumsum, kind=kind))
        for kind in ("float32", "int32", "int64")
    ),
]
