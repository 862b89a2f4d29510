"""Compute with bounds: each number has a bound on the error of a correct kernel.

The value is computed in float64. The error grows by the standard model of floating-point
arithmetic, fl(a op b) = (a op b)(1 + d), |d| <= u (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd edition, section 2.2). u and the errors of functions are those of the current
arithmetic (`models/kernels/arithmetic.py`). A kernel may compute the operator's formula by any
sequence of operations: its result lies within the error. All bounds are derived, none is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Floats = NDArray[np.float64]

ANYTHING = np.inf


@dataclass(frozen=True, eq=False)
class Rounded:
    """Numbers with their error bounds.

    Attributes:
        value: the numbers as float64, or as int64 or bool for integers and booleans.
        error: their error bounds, float64 of the same shape; `ANYTHING` where the result is
            unspecified.
    """

    value: Array
    error: Floats

    @classmethod
    def exact(cls, value: Any) -> Rounded:
        """Return numbers with an error bound of 0."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        return cls(array, np.zeros(array.shape))

    def moved(self, move: Callable[[Array], Array]) -> Rounded:
        """Return the same numbers in another order or shape."""
        return Rounded(move(self.value), move(self.error))

    def __add__(self, other: Rounded) -> Rounded:
        return _rounded_once(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Rounded) -> Rounded:
        return _rounded_once(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Rounded) -> Rounded:
        error = (
            _size(self.value) * other.error
            + _size(other.value) * self.error
            + self.error * other.error
        )
        return _rounded_once(self.value * other.value, error)

    def __truediv__(self, other: Rounded) -> Rounded:
        return quotient(self, other)


def _size(value: Array) -> Floats:
    """Return magnitudes; 0 for NaN and infinity, because their errors have no meaning."""
    return np.where(np.isfinite(value), np.abs(value), 0.0)


def settled(value: Array, error: Array) -> Rounded:
    """Return numbers with their final bounds: 0 for NaN and infinity, which are specified exactly.

    For a shader, neither NaN and infinity nor the result of an overflow are specified, so the bound
    is `ANYTHING`. It is also `ANYTHING` for a finite number whose error is NaN, because such an
    error was computed from an error of `ANYTHING`.
    """
    finite = np.isfinite(value)
    open_ = np.isposinf(error) | (np.isnan(error) & finite)
    arithmetic = current()
    if arithmetic.shading:
        open_ |= ~(np.abs(value) + error < arithmetic.largest)
    return Rounded(np.asarray(value), np.where(open_, ANYTHING, np.where(finite, error, 0.0)))


def _rounded_once(value: Array, propagated: Array, ulps: Any = None) -> Rounded:
    """Return the result of one rounded operation, within `ulps` units in the last place.

    Args:
        value: the exact result of the operation on the operands' values.
        propagated: the error that follows from the operands' errors.
        ulps: the operation's own error; None for the rounding of a sum, difference or product.
    """
    arithmetic = current()
    relative = arithmetic.unit if ulps is None else ulps * arithmetic.ulp
    with np.errstate(all="ignore"):
        error = propagated + relative * (_size(value) + propagated) + arithmetic.smallest
    return settled(value, error)


def rounded(number: Rounded, ulps: float | None = None) -> Rounded:
    """Return numbers with their error bounds after one more rounding."""
    return _rounded_once(number.value, number.error, ulps)


def flushed(number: Rounded) -> Rounded:
    """Return operands with larger errors, because a kernel may treat a subnormal number as zero.

    XNNPACK (PTHREADPOOL_FLAG_DISABLE_DENORMALS) and Arm's 32-bit NEON compute in this way, and WGSL
    allows it. For a shader, results of NaN and infinity are unspecified.
    """
    arithmetic, sizes = current(), np.abs(number.value)
    error = number.error + np.where(sizes < arithmetic.smallest, sizes, 0.0)
    if arithmetic.shading:
        error = np.where(sizes <= arithmetic.largest, error, ANYTHING)
    return Rounded(number.value, error)


def stored_narrowly(number: Rounded) -> Rounded:
    """Return floats as a kernel reads them: rounded once more if tensors are stored in float16."""
    return rounded(number) if current().narrow else number


def constant(value: float) -> Rounded:
    """Return a constant that a kernel stores in float32."""
    return _rounded_once(np.asarray(value, np.float64), np.zeros(()))


def quotient(top: Rounded, bottom: Rounded) -> Rounded:
    """Divide numbers, and bound the error of the quotients.

    A kernel may instead multiply by a reciprocal: the two roundings are within the ULPs of `div`.
    WGSL specifies no result for divisors above 2**126 or below the smallest normal number.
    """
    with np.errstate(all="ignore"):
        value = np.true_divide(top.value, bottom.value)
        least_divisor = np.abs(bottom.value) - bottom.error
        spread = (top.error + _size(value) * bottom.error) / least_divisor
        exact = (top.error == 0.0) & (bottom.error == 0.0)
        spread = np.where(exact, 0.0, np.where(least_divisor > 0.0, spread, ANYTHING))
        if current().shading:
            spread = np.where(_divides(bottom), spread, ANYTHING)
    return _rounded_once(value, spread, current().ulps["div"])


def _divides(bottom: Rounded) -> Array:
    """Return for which divisors WGSL specifies the division, as booleans."""
    smallest, sizes = current().smallest, np.abs(bottom.value)
    in_range: Array = (sizes - bottom.error >= smallest) & (sizes + bottom.error <= 1.0 / smallest)
    return in_range


def function(
    name: str | None, apply: Callable[[Floats], Floats], number: Rounded, ulps: float | None = None
) -> Rounded:
    """Apply a monotone function, and bound the error of its results.

    Args:
        name: the name of the function, to look its error bound up in the arithmetic; None if `ulps`
            is the bound.
        apply: computes the function in float64. The function is monotone, so its error is largest
            at the ends of the argument's interval.
        number: the argument.
        ulps: the error bound in units in the last place; used only without a name.
    """
    arithmetic = current()
    with np.errstate(all="ignore"):
        value, spread = apply(number.value), spread_of(apply, number)
        if name is None:
            return _rounded_once(value, spread, ulps)
        low, high = number.value - number.error, number.value + number.error
        result = _rounded_once(
            value, spread, arithmetic.ulps_of(name, np.maximum(np.abs(low), np.abs(high)))
        )
        least = spread + arithmetic.absolute_of(name, low, high)
    return settled(value, np.maximum(result.error, least))


def spread_of(apply: Callable[[Floats], Floats], number: Rounded) -> Floats:
    """Return the error of a monotone function that follows from its argument's error."""
    with np.errstate(all="ignore"):
        value = apply(number.value)
        ends = [apply(number.value + sign * number.error) for sign in (-1, 1)]
        spread = np.maximum(*(np.abs(end - value) for end in ends))
        # No bound exists for the root of a number that may be negative or a negative zero.
        same = [(end == value) | (np.isnan(end) & np.isnan(value)) for end in ends]
        spread = np.where(np.isfinite(spread), spread, ANYTHING)
        spread = np.where((number.error > 0.0) & ~(same[0] & same[1]), spread, 0.0)
    return np.where(np.isposinf(number.error), ANYTHING, spread)


def gamma(count: int) -> float:
    """Return gamma_n = n u / (1 - n u), the error of n roundings (Higham, lemma 3.1).

    The formula holds for n u < 1; beyond it, the bound is `ANYTHING`.
    """
    total = count * current().unit
    return total / (1.0 - total) if total < 1.0 else ANYTHING


def _unless_parts_overflow(value: Floats, error: Floats, sizes: Floats) -> Floats:
    """Return the error of sums; `ANYTHING` if a partial sum may overflow in some order.

    Bounds of rounding hold where nothing overflows (Higham, section 2.2). Terms of one sign
    overflow in every order, or in none.

    Args:
        value: the sums.
        error: their errors from rounding.
        sizes: the sums of the magnitudes of the terms.
    """
    arithmetic = current()
    overflow = sizes >= arithmetic.largest * (1.0 - arithmetic.unit)
    parts = overflow & (np.abs(value) < sizes * (1.0 - arithmetic.ulp))
    return np.where(parts, ANYTHING, error)


def total(number: Rounded, axis: Any, *, keepdims: bool = True) -> Rounded:
    """Sum along axes, in any order: |error| <= gamma_(n-1) * sum of magnitudes (Higham, 4.4)."""
    value = number.value.sum(axis=axis, keepdims=keepdims)
    count = max(number.value.size // max(value.size, 1), 1)
    sizes = (_size(number.value) + number.error).sum(axis=axis, keepdims=keepdims)
    error = number.error.sum(axis=axis, keepdims=keepdims)
    error = error + gamma(count) * sizes + current().smallest
    return settled(value, _unless_parts_overflow(value, error, sizes))


def product(
    left: Rounded, right: Rounded, bias: Rounded | None = None, *, extra: int = 1
) -> Rounded:
    """Multiply matrices, each sum in any order, with or without fused multiply-adds.

    |error| <= gamma_n |left| |right| (Higham, 3.5), plus the error that follows from the operands'
    errors. A bias is one more term of the sum: a kernel may begin with it.

    Args:
        left: [..., m, n].
        right: [..., n, k].
        bias: [k].
        extra: roundings besides those of the n products.
    """
    count = left.value.shape[-1] + extra
    sizes = _size(left.value) + left.error, _size(right.value) + right.error
    with np.errstate(all="ignore"):
        value = left.value @ right.value
        error = _matmul(left.error, sizes[1]) + _matmul(_size(left.value), right.error)
        total_size = sizes[0] @ sizes[1]
        if bias is not None:
            value = value + bias.value
            error = error + bias.error
            total_size = total_size + _size(bias.value) + bias.error
            count += 1
    error = error + gamma(count) * total_size + count * current().smallest
    return settled(value, _unless_parts_overflow(value, error, total_size))


def _matmul(left: Floats, right: Floats) -> Any:
    """Multiply matrices; skip the product if one of them is all zeros, as errors often are."""
    return left @ right if left.any() and right.any() else 0.0


def largest(number: Rounded, axis: Any) -> Rounded:
    """Return the maximum along an axis, which keeps size 1; the result for NaN is unspecified."""
    value = number.value.max(axis=axis, keepdims=True)
    error = number.error.max(axis=axis, keepdims=True)
    return Rounded(value, np.where(np.isnan(value), ANYTHING, error))


def clamped(number: Rounded, low: float, high: float) -> Rounded:
    """Clamp numbers, which increases no error; the result for NaN is unspecified."""
    value = np.clip(number.value, low, high)
    return Rounded(value, np.where(np.isnan(number.value), ANYTHING, number.error))
