"""Draw dense layers and matrix products, in every way that converters quantize them."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_in, one_of, yes_or_no
from models.kernels.families.drawing import Sketch, activation
from models.kernels.graph import ABSENT, Quantization, Tensor
from models.kernels.values import (
    FEW,
    INNER_SIZES,
    SIZES,
    channel_scales,
    floats,
    held,
    scale,
    weights,
    zero_point,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.choices import Choices

_BLOCKS = (32, 64, 128)
_BLOCKWISE_SIZES = (32, 64, 96, 128, 256)
_BIAS_STEPS = 2000
_ACTIVATIONS = ("NONE", "RELU", "RELU6")
# Sizes of sums with very many products. A 32-bit accumulator can add 66,310 products of the largest
# weight and the activation farthest from its zero point: 127 * 255 * 66,310 < 2**31. With one
# product less, a bias of 2000 steps fits too.
_LARGE_SIZES = (4096, 16384)
_MOST_PRODUCTS = 66_309
# uint8 weights can be farther from their zero point: 254 * 255 * 33,000 + 2000 < 2**31.
_MOST_PRODUCTS_OF_UINT8 = 33_000


def _sizes(choices: Choices, most: int = _MOST_PRODUCTS) -> tuple[tuple[int, ...], int]:
    """Draw the shape of a dense layer's input, and its number of outputs.

    Some cases have enough work for several threads, or sums of very many products.
    """
    if one_in(choices, 12):
        inner = most if one_in(choices, 4) else one_of(choices, _LARGE_SIZES)
        return (one_of(choices, FEW[:2]), inner), one_of(choices, FEW)
    if one_in(choices, 6):
        inner, outputs = one_of(choices, (64, 96)), one_of(choices, (64, 100))
        return (one_of(choices, (32, 40)), inner), outputs
    outer = tuple(one_of(choices, FEW) for _ in range(choices.integer(1, 2)))
    return (*outer, one_of(choices, INNER_SIZES)), one_of(choices, SIZES)


def _float_weights(sketch: Sketch, shape: tuple[int, int], dtype: str) -> int:
    values = floats(sketch.choices, shape)
    if dtype == "float32":
        return sketch.drawing.constant(values)
    # As converters write it: stored as float16 and converted to float32 by an operator.
    place = sketch.drawing.constant(values.astype(np.float16))
    return sketch.drawing.node("DEQUANTIZE", [place], [Tensor(shape)])


def quantized_weights(
    sketch: Sketch, shape: tuple[int, ...], dtype: str, scales: str, axis: int = 0
) -> int:
    """Add constant integer weights, and return their index.

    They have one scale, or one for each channel or block. The zero point is 0, except in the older
    scheme (uint8), in which it can be any weight.
    """
    choices = sketch.choices
    base = one_of(choices, (0.01, 1.0, 1e-5))
    if scales == "block":
        block = next(size for size in _BLOCKS if shape[1] % size == 0)
        scales_of_blocks = channel_scales(choices, shape[0] * shape[1] // block, base)
        scales_of_blocks = (
            scales_of_blocks.reshape(shape[0], -1).astype(np.float16).astype(np.float32)
        )
        quantized = Quantization(
            scales_of_blocks, np.zeros(scales_of_blocks.shape, np.int64), block=block
        )
    else:
        count = shape[axis] if scales == "channel" else 1
        scales_of_channels = channel_scales(choices, count, base)
        zero = max(zero_point(choices, dtype), 1) if dtype == "uint8" else 0
        quantized = Quantization(scales_of_channels, np.full(count, zero, np.int64), axis=axis)
    return sketch.drawing.constant(weights(choices, shape, dtype), dtype, quantized)


def _dense_float(choices: Choices, dtype: str) -> Case:
    sketch, (shape, outputs) = Sketch(choices), _sizes(choices)
    special = one_in(choices, 4)
    source = sketch.input(Tensor(shape), partial(floats, special=special))
    place = _float_weights(sketch, (outputs, shape[-1]), dtype)
    return _dense_case(sketch, source, place, shape, outputs)


def _dense_hybrid(choices: Choices, dtype: str, scales: str) -> Case:
    sketch, (shape, outputs) = Sketch(choices), _sizes(choices)
    if scales == "block":
        inner = shape[-1] if shape[-1] in _LARGE_SIZES else one_of(choices, _BLOCKWISE_SIZES)
        shape = (*shape[:-1], inner)
    source = sketch.input(Tensor(shape), partial(floats, low=-4.0, high=4.0))
    place = quantized_weights(sketch, (outputs, shape[-1]), dtype, scales)
    asymmetric = dtype == "int8" and scales == "tensor" and one_in(choices, 3)
    more = {"asymmetric_inputs": True} if asymmetric else {}
    return _dense_case(sketch, source, place, shape, outputs, **more)


def _dense_case(
    sketch: Sketch, source: int, place: int, shape: tuple[int, ...], outputs: int, **more: Any
) -> Case:
    choices = sketch.choices
    bias = sketch.drawing.constant(floats(choices, (outputs,))) if yes_or_no(choices) else ABSENT
    keep = len(shape) > 2 or yes_or_no(choices)  # noqa: PLR2004 - a matrix has two
    options = {"activation": activation(choices), "keep_num_dims": keep, **more}
    answer = Tensor((*shape[:-1], outputs) if keep else (int(np.prod(shape[:-1])), outputs))
    result = sketch.drawing.node("FULLY_CONNECTED", [source, place, bias], [answer], **options)
    sketch.facts |= {"inner": shape[-1], "outputs": outputs, "bias": bias != ABSENT}
    # Weights that a DEQUANTIZE writes are not a constant, so a resize would change their number of
    # rows.
    by_rows = sketch.drawing.tensors[place].data is not None
    return sketch.case(result, by_rows=by_rows)


def _dense_integers(choices: Choices, dtype: str, stored: str, scales: str) -> Case:
    most = _MOST_PRODUCTS_OF_UINT8 if dtype == "uint8" else _MOST_PRODUCTS
    sketch, (shape, outputs) = Sketch(choices), _sizes(choices, most)
    quantized = Quantization.of(scale(choices), zero_point(choices, dtype))
    source = sketch.input(Tensor(shape, dtype, quantization=quantized), partial(held, dtype=dtype))
    place = quantized_weights(sketch, (outputs, shape[-1]), stored, scales)
    fine = sketch.drawing.tensors[place].quantization
    if fine is None:
        raise AssertionError("integer weights have scales")
    steps = (quantized.scales[0] * fine.scales).astype(np.float32)
    bias = ABSENT
    if yes_or_no(choices):
        kind = "int64" if dtype == "int16" else "int32"
        drawn = np.rint(floats(choices, (outputs,)) * _BIAS_STEPS).astype(kind)
        zeros = np.zeros(steps.size, np.int64)
        bias = sketch.drawing.constant(drawn, kind, Quantization(steps, zeros))
    after = _answer(choices, dtype, float(steps.max()), shape[-1])
    options = {"activation": activation(choices, _ACTIVATIONS), "keep_num_dims": True}
    answer = Tensor((*shape[:-1], outputs), dtype, quantization=after)
    result = sketch.drawing.node("FULLY_CONNECTED", [source, place, bias], [answer], **options)
    sketch.facts |= {"inner": shape[-1], "outputs": outputs, "bias": bias != ABSENT}
    return sketch.case(result, by_rows=True)


def _answer(choices: Choices, dtype: str, step: float, inner: int) -> Quantization:
    """Choose an output scale for sums of `inner` products, which saturate if it is small."""
    room = 1.0 if dtype == "int16" else 64.0
    wide = step * room * np.sqrt(inner) * one_of(choices, (1.0, 4.0, 0.25))
    if one_in(choices, 6):
        # Now even the largest possible sum does not saturate.
        wide = step * 2.0 * (254.0 if dtype == "uint8" else 127.0) * inner
    return Quantization.of(float(np.float32(wide)), zero_point(choices, dtype))


# Maximum number of rows of the second matrices in all batches together: more do not fit into the
# textures of some GPUs.
_MANY_ROWS = 32_768


def _operands(choices: Choices) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Choose the shapes of two operands, [..., m, n] and [..., n, k], and of their product."""
    if one_in(choices, 4):
        m, n, k = (one_of(choices, sizes) for sizes in ((32, 40), (32, 64), (64, 80)))
    else:
        m, n, k = (one_of(choices, sizes) for sizes in (SIZES, INNER_SIZES[:18], SIZES))
    if one_in(choices, 16):
        m, n, k = one_of(choices, FEW[:2]), one_of(choices, _LARGE_SIZES), one_of(choices, FEW[:2])
    batch = tuple(one_of(choices, FEW[:3]) for _ in range(choices.integer(0, 2)))
    kind = choices.integer(0, 3)
    # Broadcast nothing, all batch dimensions of the second matrix, or its first one.
    second_batch = batch if kind <= 1 else (tuple(1 for _ in batch) if kind == 2 else batch[1:])  # noqa: PLR2004 - one of four choices
    return (*batch, m, n), (*second_batch, n, k), (*batch, m, k)


def _turned(shape: tuple[int, ...], *, turn: bool) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2]) if turn else shape


def _product(choices: Choices, kind: str) -> Case:
    sketch = Sketch(choices)
    left, right, answer = _operands(choices)
    adj = yes_or_no(choices), yes_or_no(choices)
    left, right = _turned(left, turn=adj[0]), _turned(right, turn=adj[1])
    options: dict[str, Any] = {"adj_x": adj[0], "adj_y": adj[1]}
    constant = one_in(choices, 3)
    if kind == "float32":
        x = sketch.input(Tensor(left), floats)
        y = sketch.operand(Tensor(right), floats, constant=constant)
        out = Tensor(answer)
    elif kind.startswith("hybrid"):
        constant = True
        x = sketch.input(Tensor(left), partial(floats, low=-4.0, high=4.0))
        axis = len(right) - (2 if adj[1] else 1)
        scales = "channel" if kind.endswith("channel") else "tensor"
        y = quantized_weights(sketch, right, "int8", scales, axis)
        out = Tensor(answer)
    else:
        quantizations = [
            Quantization.of(scale(choices), zero_point(choices, kind)) for _ in range(2)
        ]
        draw = partial(held, dtype=kind)
        x = sketch.input(Tensor(left, kind, quantization=quantizations[0]), draw)
        y = sketch.operand(
            Tensor(right, kind, quantization=quantizations[1]), draw, constant=constant
        )
        step = float(quantizations[0].scales[0]) * float(quantizations[1].scales[0])
        step *= 100.0 if kind == "int16" else 1.0
        inner = left[-2] if adj[0] else left[-1]
        sketch.facts["second_zero"] = int(quantizations[1].zeros[0])
        out = Tensor(answer, kind, quantization=_answer(choices, kind, step, inner))
    result = sketch.drawing.node("BATCH_MATMUL", [x, y], [out], **options)
    batches = left[:-2], right[:-2]
    by_rows = bool(batches[0]) and batches[0] == batches[1] and not constant
    by_rows = by_rows or (len(batches[0]) == 1 and not batches[1] and constant)
    several = sum(size > 1 for size in left[:-2]) > 1
    sketch.facts |= {
        "adj_x": adj[0],
        "adj_y": adj[1],
        "constant": constant,
        "rank": len(left),
        "transposed": any(adj),
        "many_rows": math.prod(right[:-2]) * right[-1 if adj[1] else -2] > _MANY_ROWS,
        "two_batches": several,
        "broadcast": math.prod(left[:-2]) != math.prod(right[:-2]),
    }
    return sketch.case(result, by_rows=by_rows)


def _families(operator: str, kinds: dict[str, Callable[[Choices], Case]]) -> list[Family]:
    return [Family(operator, kind, draw) for kind, draw in kinds.items()]


FAMILIES = [
    *_families(
        "FULLY_CONNECTED",
        {
            "float32": partial(_dense_float, dtype="float32"),
            "float16_weights": partial(_dense_float, dtype="float16"),
            "hybrid_int8": partial(_dense_hybrid, dtype="int8", scales="tensor"),
            "hybrid_int8_channel": partial(_dense_hybrid, dtype="int8", scales="channel"),
            "hybrid_int4_channel": partial(_dense_hybrid, dtype="int4", scales="channel"),
            "hybrid_int4_block": partial(_dense_hybrid, dtype="int4", scales="block"),
            "int8": partial(_dense_integers, dtype="int8", stored="int8", scales="tensor"),
            "int8_channel": partial(_dense_integers, dtype="int8", stored="int8", scales="channel"),
            "int8_int4_channel": partial(
                _dense_integers, dtype="int8", stored="int4", scales="channel"
            ),
            "uint8": partial(_dense_integers, dtype="uint8", stored="uint8", scales="tensor"),
            "int16_int8": partial(_dense_integers, dtype="int16", stored="int8", scales="tensor"),
            "int16_int8_channel": partial(
                _dense_integers, dtype="int16", stored="int8", scales="channel"
            ),
        },
    ),
    *_families(
        "BATCH_MATMUL",
        {
            kind: partial(_product, kind=kind)
            for kind in ("float32", "hybrid_int8", "hybrid_int8_channel", "int8", "int16")
        },
    ),
]
