"""Compute sums of products: dense layers, matrix products, convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.options import PADDINGS
from models.kernels.reference.calls import requantized, stored, within_range
from models.kernels.rounded import ANYTHING, Rounded, flushed, product

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.reference.calls import Call, Operand, Reference

_SYMMETRIC_STEPS, _ASYMMETRIC_STEPS = 127, 255
# Factor by which the error may exceed a step, because a value is scaled to at most 255 steps with
# three roundings before the final one.
_SCALING = 1.0 + 2.0**-14
# Number of roundings that are allowed after an integer sum: for its conversion to float, two
# scales, the correction of a zero point, and the bias.
_HYBRID_ROUNDINGS = 8


def quantized_activations(number: Rounded) -> Rounded:
    """Return activations as a hybrid kernel rounds them: to eight bits, row by row.

    Source: TFLite's dynamic range quantization. A symmetric step is the largest magnitude / 127;
    its error is at most half a step. An asymmetric step is the range including 0 / 255; its
    error is at most a whole step, because the zero point is rounded too. A kernel may choose either
    of the two, or compute with the floats.
    """
    value = number.value
    if not value.size:
        return number
    high = np.maximum(value.max(axis=-1, keepdims=True), 0.0)
    low = np.minimum(value.min(axis=-1, keepdims=True), 0.0)
    half = np.maximum(high, -low) / (2 * _SYMMETRIC_STEPS)
    step = np.maximum(half, (high - low) / _ASYMMETRIC_STEPS) * _SCALING
    # The scale of a row with NaN or infinity is not specified.
    step = np.where(np.isfinite(step), step, ANYTHING)
    return Rounded(value, number.error + step + 2.0 * number.error)


def fully_connected(call: Call) -> list[Rounded]:
    """Return source @ weights.T + bias, with weights [outputs, inputs]."""
    source, weights, bias = call.operand(0), call.operand(1), call.optional(2)
    rows = source.number.moved(lambda a: a.reshape(-1, weights.tensor.shape[-1]))
    result = _multiplied(call, source, rows, _SecondOperand(weights, np.transpose), bias)
    return [output.moved(lambda a: a.reshape(call.output.shape)) for output in result]


def batch_matmul(call: Call) -> list[Rounded]:
    """Return left @ right over broadcast batches; options transpose the operands."""
    left, right = call.operand(0), call.operand(1)
    x = left.number.moved(_turning(call.option("adj_x")))
    return _multiplied(call, left, x, _SecondOperand(right, _turning(call.option("adj_y"))), None)


def _turning(adjoint: Any) -> Callable[[NDArray[Any]], NDArray[Any]]:
    return (lambda a: np.swapaxes(a, -1, -2)) if adjoint else (lambda a: a)


class _SecondOperand:
    """The second operand of a matrix product, in the layout [..., n, k] of the multiplication.

    Args:
        operand: the operand in its stored layout.
        turn: the function that converts an array to the layout of the multiplication.
    """

    def __init__(self, operand: Operand, turn: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self.operand = operand
        self.number = operand.number.moved(turn)
        # The scales are moved together with the values.
        self.real = operand.real.moved(turn)


def _multiplied(
    call: Call, source: Operand, x: Rounded, weights: _SecondOperand, bias: Operand | None
) -> list[Rounded]:
    """Multiply stored x [..., m, n] and weights [..., n, k], and add a bias [k]."""
    if source.tensor.quantized:
        return [_integers(call, source, x, weights.operand, weights.number, bias)]
    added = None if bias is None else bias.real
    if weights.operand.tensor.quantized:
        x = quantized_activations(x)
        result = product(x, weights.real, added, extra=_HYBRID_ROUNDINGS)
        # The scale of a row with NaN or infinity is unknown.
        result = Rounded(result.value, np.where(np.isfinite(result.value), result.error, ANYTHING))
    else:
        result = product(flushed(x), weights.real, added)
    return stored(call, result)


def _integers(  # noqa: PLR0913, PLR0917 - operands as stored and as laid out
    call: Call,
    source: Operand,
    x: Rounded,
    weights: Operand,
    y: Rounded,
    bias: Operand | None,
) -> Rounded:
    """Multiply integers exactly, and rescale the sums.

    Source: TFLite's quantization specification. With the scales sx and sy and the zero points zx
    and zy of the operands, real = (sum of (x - zx)(y - zy) + bias) sx sy. It is stored as
    real / s + z, with the scale s and the zero point z of the output. A bias has the scale sx sy.
    """
    quantizations = (
        source.tensor.quantization,
        weights.tensor.quantization,
        call.output.quantization,
    )
    if quantizations[0] is None or quantizations[1] is None or quantizations[2] is None:
        raise ValueError("an operand or the output is not quantized")
    centered = x.value - quantizations[0].zeros[0], y.value - quantizations[1].zeros[0]
    total = centered[0] @ centered[1]
    if bias is not None:
        total = total + bias.number.value
    multiplier = (
        float(quantizations[0].scales[0])
        * quantizations[1].scales.astype(np.float64)
        / float(quantizations[2].scales[0])
    )
    multiplier = multiplier if multiplier.size > 1 else multiplier[0]
    scaled = total * multiplier
    wide = source.tensor.dtype == "int16"
    spread = (x.error @ np.abs(centered[1])) * multiplier
    error = spread + requantized(scaled, multiplier, bits=15 if wide else 31)
    return within_range(
        Rounded(scaled + float(quantizations[2].zeros[0]), error), call.output, *call.limits
    )


def convolution(call: Call) -> list[Rounded]:
    """Convolve a source [batch, height, width, in] with weights [out, height, width, in]."""
    source, weights, bias = call.operand(0), call.operand(1), call.optional(2)
    padding = 0
    if source.tensor.quantization is not None:
        padding = int(source.tensor.quantization.zeros[0])
    shape = weights.tensor.shape
    windows = Rounded(
        _windows(call, source.number.value, shape, padding),
        _windows(call, source.number.error, shape, 0),
    )
    flat = windows.moved(lambda a: a.reshape(-1, a.shape[-1]))
    # Each row of the weights is an output channel.
    kernel = _SecondOperand(weights, lambda a: a.reshape(len(a), -1).T)
    if weights.tensor.quantized and not source.tensor.quantized:
        # A convolution quantizes a whole image with one step, and not each row with its own.
        image = quantized_activations(source.number.moved(lambda a: a.reshape(len(a), -1)))
        step = np.repeat(image.error.max(axis=1), len(flat.value) // len(image.value))
        rows = Rounded(flat.value, flat.error + step[:, None])
        added = None if bias is None else bias.real
        answers = stored(call, product(rows, kernel.real, added, extra=_HYBRID_ROUNDINGS))
    else:
        answers = _multiplied(call, source, flat, kernel, bias)
    return [output.moved(lambda a: a.reshape(call.output.shape)) for output in answers]


def _windows(call: Call, image: NDArray[Any], shape: tuple[int, ...], padding: int) -> NDArray[Any]:
    """Return the inputs of each position of a convolution: [batch, height, width, window]."""
    _, height, width, _ = shape
    axes = []
    for size, kernel, stride, dilation in (
        (image.shape[1], height, call.option("stride_h", 1), call.option("dilation_h", 1)),
        (image.shape[2], width, call.option("stride_w", 1), call.option("dilation_w", 1)),
    ):
        reach = (kernel - 1) * dilation + 1
        same = call.option("padding") == PADDINGS["SAME"]
        places = -(-size // stride) if same else (size - reach) // stride + 1
        missing = max((places - 1) * stride + reach - size, 0) if same else 0
        axes.append((places, kernel, stride, dilation, missing))
    borders = [(missing // 2, missing - missing // 2) for *_, missing in axes]
    wide = np.pad(image, [(0, 0), *borders, (0, 0)], constant_values=padding)
    picks = [
        np.arange(places)[:, None] * stride + np.arange(kernel)[None] * dilation
        for places, kernel, stride, dilation, _ in axes
    ]
    windows = wide[:, picks[0][:, None, :, None], picks[1][None, :, None, :], :]
    return windows.reshape(*windows.shape[:3], -1)


REFERENCES: dict[str, Reference] = {
    "BATCH_MATMUL": batch_matmul,
    "CONV_2D": convolution,
    "FULLY_CONNECTED": fully_connected,
}
