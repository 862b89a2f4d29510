"""Arithmetic with bounds: each number carries how far a right kernel's may be from it.

The value is computed in float64. The error grows by the standard model of floating-point
arithmetic, fl(a op b) = (a op b)(1 + d), |d| <= u (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd edition, section 2.2), with u = 2**-24 for float32. Whatever sequence of operations
a kernel chooses that the operator's formula allows, its result lies within the error. Nothing here
is observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Floats = NDArray[np.float64]

# Unit roundoff of float32; a unit in the last place of x is at most 2 u |x|.
U = 2.0**-24
ULP = 2.0 * U
# The smallest normal float32. Arm's 32-bit NEON flushes what is below it to zero (Arm ARM, A2.7.3).
SMALLEST = 2.0**-126
LARGEST = float(np.finfo(np.float32).max)
# Units in the last place that a library function may be off: "Relative Error as ULPs" of
# the OpenCL C specification 3.0 (7.4), single precision, which CPUs and GPUs alike are held to.
ULPS = {
    "div": 2.5,
    "erf": 16.0,
    "exp": 3.0,
    "log": 3.0,
    "pow": 16.0,
    "rsqrt": 2.0,
    "sqrt": 3.0,
    "tanh": 5.0,
}
ANYTHING = np.inf


@dataclass(frozen=True, eq=False)
class Rounded:
    """Numbers, and how far off each may be.

    Attributes:
        value: float64; int64 or bool where the numbers are those.
        error: float64 of the same shape; `ANYTHING` where nothing is specified.
    """

    value: Array
    error: Floats

    @classmethod
    def exact(cls, value: Any) -> Rounded:
        """Return numbers that cannot be off."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        return cls(array, np.zeros(array.shape))

    def moved(self, move: Callable[[Array], Array]) -> Rounded:
        """Return the same numbers at other places."""
        return Rounded(move(self.value), move(self.error))

    def __add__(self, other: Rounded) -> Rounded:
        return _once(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Rounded) -> Rounded:
        return _once(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Rounded) -> Rounded:
        error = (
            _size(self.value) * other.error
            + _size(other.value) * self.error
            + self.error * other.error
        )
        return _once(self.value * other.value, error)

    def __truediv__(self, other: Rounded) -> Rounded:
        return quotient(self, other)


def _size(value: Array) -> Floats:
    """Return magnitudes; 0 for what is not finite, whose errors mean nothing."""
    return np.where(np.isfinite(value), np.abs(value), 0.0)


def settled(value: Array, error: Array) -> Rounded:
    """Return numbers whose error is 0 where they are NaN or infinite: those are specified.

    An error of NaN comes of one that was `ANYTHING`.
    """
    finite = np.isfinite(value)
    open_ = np.isposinf(error) | (np.isnan(error) & finite)
    return Rounded(np.asarray(value), np.where(open_, ANYTHING, np.where(finite, error, 0.0)))


def _once(value: Array, propagated: Array, ulps: float = 0.5) -> Rounded:
    """Return what one operation rounds, by so many units in the last place."""
    error = propagated + ulps * ULP * (_size(value) + propagated) + SMALLEST * (ulps > 0)
    return settled(value, error)


def rounded(number: Rounded, ulps: float = 0.5) -> Rounded:
    """Return numbers after one more rounding."""
    return _once(number.value, number.error, ulps)


def flushed(number: Rounded) -> Rounded:
    """Return operands of arithmetic: a subnormal one may be taken for zero.

    XNNPACK computes so (PTHREADPOOL_FLAG_DISABLE_DENORMALS), and Arm's 32-bit NEON.
    """
    sizes = np.abs(number.value)
    return Rounded(number.value, number.error + np.where(sizes < SMALLEST, sizes, 0.0))


def constant(value: float) -> Rounded:
    """Return a constant that a kernel holds in float32."""
    return _once(np.asarray(value, np.float64), np.zeros(()))


def quotient(top: Rounded, bottom: Rounded, ulps: float = ULPS["div"]) -> Rounded:
    """Divide; a kernel may multiply by a reciprocal: two roundings, within the ULPs of `div`."""
    with np.errstate(all="ignore"):
        value = np.true_divide(top.value, bottom.value)
        left = np.abs(bottom.value) - bottom.error
        spread = (top.error + _size(value) * bottom.error) / left
        exact = (top.error == 0.0) & (bottom.error == 0.0)
        spread = np.where(exact, 0.0, np.where(left > 0.0, spread, ANYTHING))
    return _once(value, spread, ulps)


def function(
    name: str | None, apply: Callable[[Floats], Floats], number: Rounded, ulps: float | None = None
) -> Rounded:
    """Apply a monotone function.

    Args:
        name: of its entry in `ULPS`; None where `ulps` says how far off it may be.
        apply: computes it in float64. Being monotone, it is farthest off at the ends of what its
            argument may be.
        number: the argument.
        ulps: in place of the table's.
    """
    allowed = ULPS[name] if name is not None else (ulps or 0.0)
    with np.errstate(all="ignore"):
        value = apply(number.value)
        ends = [apply(number.value + sign * number.error) for sign in (-1, 1)]
        spread = np.maximum(*(np.abs(end - value) for end in ends))
        # A root of what may be negative says nothing, nor that of what may be a negative zero.
        same = [(end == value) | (np.isnan(end) & np.isnan(value)) for end in ends]
        spread = np.where(np.isfinite(spread), spread, ANYTHING)
        spread = np.where((number.error > 0.0) & ~(same[0] & same[1]), spread, 0.0)
    return _once(value, np.where(np.isposinf(number.error), ANYTHING, spread), allowed)


def gamma(count: int) -> float:
    """Return gamma_n = n u / (1 - n u): what n roundings amount to (Higham, lemma 3.1)."""
    return count * U / (1.0 - count * U)


def _unless_parts_overflow(value: Floats, error: Floats, sizes: Floats) -> Floats:
    """Return the error of sums; `ANYTHING` where the order decides whether a part overflows.

    Bounds of rounding hold where nothing overflows (Higham, section 2.2). Terms of one sign
    overflow in every order, or in none.

    Args:
        value: the sums.
        error: what rounding makes them off.
        sizes: the sums of magnitudes.
    """
    parts = (sizes >= LARGEST * (1.0 - U)) & (np.abs(value) < sizes * (1.0 - ULP))
    return np.where(parts, ANYTHING, error)


def total(number: Rounded, axis: Any, *, keepdims: bool = True) -> Rounded:
    """Sum in any order: |error| <= gamma_(n-1) times the sum of magnitudes (Higham, 4.4)."""
    value = number.value.sum(axis=axis, keepdims=keepdims)
    count = max(number.value.size // max(value.size, 1), 1)
    sizes = (_size(number.value) + number.error).sum(axis=axis, keepdims=keepdims)
    error = number.error.sum(axis=axis, keepdims=keepdims)
    error = error + gamma(count) * sizes + SMALLEST
    return settled(value, _unless_parts_overflow(value, error, sizes))


def product(
    left: Rounded, right: Rounded, bias: Rounded | None = None, *, extra: int = 1
) -> Rounded:
    """Multiply matrices, each sum in any order, with or without fused multiply-adds.

    |error| <= gamma_n |left| |right| (Higham, 3.5), and what the operands were off. A bias is one
    more term of the sum: a kernel may begin with it.

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
    error = error + gamma(count) * total_size + count * SMALLEST
    return settled(value, _unless_parts_overflow(value, error, total_size))


def _matmul(left: Floats, right: Floats) -> Any:
    """Multiply matrices of which one often is all zeros: what is read from a file is exact."""
    return left @ right if left.any() and right.any() else 0.0


def largest(number: Rounded, axis: Any) -> Rounded:
    """Take the largest along an axis, kept; which NaN counts as is not specified."""
    value = number.value.max(axis=axis, keepdims=True)
    error = number.error.max(axis=axis, keepdims=True)
    return Rounded(value, np.where(np.isnan(value), ANYTHING, error))


def clamped(number: Rounded, low: float, high: float) -> Rounded:
    """Clamp, which moves no two numbers apart; what NaN becomes is not specified."""
    value = np.clip(number.value, low, high)
    return Rounded(value, np.where(np.isnan(number.value), ANYTHING, number.error))
