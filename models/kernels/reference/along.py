"""Compute operators along axes: sums, means, maxima, softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.kernels.arithmetic import current
from models.kernels.reference.calls import stored
from models.kernels.reference.pointwise import exponential
from models.kernels.rounded import (
    ANYTHING,
    Rounded,
    constant,
    flushed,
    function,
    gamma,
    largest,
    quotient,
    settled,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.reference.calls import Call, Reference

    Reduction = Callable[[Rounded, tuple[int, ...]], Rounded]


def softmax(number: Rounded, beta: float = 1.0) -> Rounded:
    """Compute exp(b x) / sum of exp(b x) along the last axis, after subtracting the maximum."""
    power = exponential((number - largest(number, -1)) * constant(beta))
    # The largest element contributes exp(0) = 1 to the sum, even if a kernel flushes all other
    # terms to 0.
    return quotient(power, total(power, -1))


def log_softmax(number: Rounded) -> Rounded:
    """Compute x - log of the sum of exp(x) along the last axis, after subtracting the maximum."""
    shifted = number - largest(number, -1)
    return shifted - function("log", np.log, total(exponential(shifted), -1))


def mean(number: Rounded, axes: tuple[int, ...]) -> Rounded:
    """Compute the mean: the sum divided by the number of elements."""
    summed = total(number, axes)
    count = number.value.size // max(summed.value.size, 1)
    return quotient(summed, Rounded.exact(float(count)))


def _largest(number: Rounded, axes: tuple[int, ...]) -> Rounded:
    return largest(number, axes)


def _reducing(reduce: Reduction, *, exact: bool = False) -> Reference:
    def reference(call: Call) -> list[Rounded]:
        operand, axes = call.operand(0), tuple(call.operand(1).integers)
        plain = operand.number.value.dtype == np.int64 and not operand.tensor.quantized
        if exact and operand.number.value.dtype == np.int64:
            return [operand.number.moved(lambda a: a.max(axis=axes).reshape(call.output.shape))]
        if plain:
            value = operand.number.value.sum(axis=axes).reshape(call.output.shape)
            return [Rounded.exact(value)]
        reduced = reduce(operand.real, axes).moved(lambda a: a.reshape(call.output.shape))
        return stored(call, reduced)

    return reference


def _softmax(call: Call) -> list[Rounded]:
    return stored(call, softmax(call.operand(0).real, float(call.option("beta", 1.0))))


def _log_softmax(call: Call) -> list[Rounded]:
    return stored(call, log_softmax(call.operand(0).real))


def _arg_max(call: Call) -> list[Rounded]:
    """Return the positions of the maxima along an axis.

    If several numbers may be the maximum within their errors, any position is right.
    """
    number, (axis,) = call.operand(0).number, call.operand(1).integers
    value = number.value.argmax(axis=axis)
    among = number.value.max(axis=axis, keepdims=True) - number.value
    reach = number.error + number.error.max(axis=axis, keepdims=True)
    several = (~(among > reach)).sum(axis=axis) != 1
    return [Rounded(value.astype(np.int64), np.where(several, ANYTHING, 0.0))]


def _cumsum(call: Call) -> list[Rounded]:
    """Sum the numbers up to each position, with or without its own number, from either end."""
    number, (axis,) = call.operand(0).number, call.operand(1).integers

    def summed(array: np.ndarray) -> np.ndarray:
        turned = np.flip(array, axis) if call.option("reverse") else array
        sums = np.cumsum(turned, axis=axis)
        if call.option("exclusive"):
            sums = np.roll(sums, 1, axis=axis)
            first = [slice(None)] * sums.ndim
            first[axis] = slice(0, 1)
            sums[tuple(first)] = 0
        return np.flip(sums, axis) if call.option("reverse") else sums

    value = summed(number.value)
    if number.value.dtype == np.int64:
        return [Rounded.exact(value)]
    number, count = flushed(number), number.value.shape[axis]
    sizes = summed(np.where(np.isfinite(number.value), np.abs(number.value), 0.0) + number.error)
    return [settled(value, summed(number.error) + gamma(count) * sizes + current().smallest)]


REFERENCES: dict[str, Reference] = {
    "ARG_MAX": _arg_max,
    "CUMSUM": _cumsum,
    "LOG_SOFTMAX": _log_softmax,
    "MEAN": _reducing(mean),
    "REDUCE_MAX": _reducing(_largest, exact=True),
    "SOFTMAX": _softmax,
    "SUM": _reducing(total),
}
