"""Compute element-wise operators of one or two operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.arithmetic import current
from models.kernels.graph import RANGES
from models.kernels.reference.calls import HALF_STEP, requantized, stepped, stored
from models.kernels.rounded import (
    ANYTHING,
    Rounded,
    clamped,
    constant,
    flushed,
    function,
    gamma,
    quotient,
    rounded,
    settled,
    spread_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.reference.calls import Call, Reference

    Unary = Callable[[Rounded], Rounded]
    Binary = Callable[[Rounded, Rounded], Rounded]


def _special(name: str) -> Callable[[Any], Any]:
    """Return a function of scipy, which is imported at the first call to keep start-up short."""

    def apply(value: Any) -> Any:
        from scipy import special  # noqa: PLC0415 - see the docstring

        return getattr(special, name)(value)

    return apply


_EXPIT, _ERF = _special("expit"), _special("erf")
_ONE = Rounded.exact(1.0)
_HALF = Rounded.exact(0.5)


def exponential(number: Rounded) -> Rounded:
    """Compute e to the power of the number."""
    return function("exp", np.exp, number)


def logistic(number: Rounded) -> Rounded:
    """Compute 1 / (1 + exp(-x)), with the errors of an exp, a sum and a division."""
    ulps = current().ulps
    if not current().shading:
        return function(None, _EXPIT, number, ulps["exp"] + 1.0 + ulps["div"])
    return _inherited(_EXPIT, number, lambda x: quotient(_ONE, _ONE + exponential(_minus(x))))


def hyperbolic(number: Rounded) -> Rounded:
    """Compute tanh; WGSL allows the error of sinh / cosh, or a fixed error if that is larger."""
    plain = function("tanh", np.tanh, number)
    if not current().shading:
        return plain

    def by_exponentials(x: Rounded) -> Rounded:
        up, down = exponential(x), exponential(_minus(x))
        return quotient((up - down) * _HALF, (up + down) * _HALF)

    inherited = _inherited(np.tanh, number, by_exponentials)
    return settled(plain.value, np.maximum(plain.error, inherited.error))


def root(number: Rounded) -> Rounded:
    """Compute the square root; WGSL allows the error of 1 / inverseSqrt(x)."""
    if not current().shading:
        return function("sqrt", np.sqrt, number)
    return _inherited(np.sqrt, number, lambda x: quotient(_ONE, inverse_root(x)))


def inverse_root(number: Rounded) -> Rounded:
    """Compute 1 / sqrt(x)."""
    return function("rsqrt", lambda x: 1.0 / np.sqrt(x), number)


def _minus(number: Rounded) -> Rounded:
    return Rounded(-number.value, number.error)


def _inherited(
    apply: Callable[[Any], Any], number: Rounded, formula: Callable[[Rounded], Rounded]
) -> Rounded:
    """Apply a monotone function with the error of a formula (WGSL: "inherited from")."""
    with np.errstate(all="ignore"):
        value, error = apply(number.value), formula(Rounded.exact(number.value)).error
        return settled(value, error + spread_of(apply, number))


def gelu_by_erf(number: Rounded) -> Rounded:
    """Compute x / 2 (1 + erf(x / sqrt 2)) (Hendrycks and Gimpel, arXiv 1606.08415)."""
    argument = number * constant(np.sqrt(0.5))
    return _HALF * number * (_ONE + function("erf", _ERF, argument))


def gelu_by_tanh(number: Rounded) -> Rounded:
    """Compute x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (arXiv 1606.08415)."""
    cube = number * number * number * constant(0.044715)
    argument = (number + cube) * constant(np.sqrt(2.0 / np.pi))
    return _HALF * number * (_ONE + hyperbolic(argument))


def power(base: Rounded, exponent: Rounded) -> Rounded:
    """Raise to a power; if the base is inexact, only whole exponents from 0 on have a bound.

    WGSL bounds the error by that of exp2(y log2(x)).
    """
    if current().shading:
        by_logarithm = exponent * function("log", np.log2, base)
        with np.errstate(all="ignore"):
            powers = np.power(base.value, exponent.value)
            return settled(powers, function("exp", np.exp2, by_logarithm).error)
    with np.errstate(all="ignore"):
        value = np.power(base.value, exponent.value)
        # |(x + e)^n - x^n| <= (|x| + e)^n - |x|^n for every integer n >= 0.
        size = np.abs(base.value)
        spread = np.power(size + base.error, exponent.value) - np.power(size, exponent.value)
    is_whole = (exponent.value == np.trunc(exponent.value)) & (exponent.value >= 0.0)
    spread = np.where(is_whole & (exponent.error == 0.0), spread, ANYTHING)
    exact = (base.error == 0.0) & (exponent.error == 0.0)
    return rounded(Rounded(value, np.where(exact, 0.0, spread)), current().ulps["pow"])


def squared_difference(left: Rounded, right: Rounded) -> Rounded:
    """Compute (left - right) squared."""
    difference = left - right
    return difference * difference


def _selected(choose: Callable[[Any, Any], Any]) -> Binary:
    """Return a function that selects one of two numbers; its result for NaN is unspecified."""

    def select(left: Rounded, right: Rounded) -> Rounded:
        value = choose(left.value, right.value)
        error = np.maximum(*np.broadcast_arrays(left.error, right.error))
        return Rounded(value, np.where(np.isnan(value), ANYTHING, error))

    return select


_UNARY: dict[str, Unary] = {
    "ABS": lambda x: Rounded(np.abs(x.value), x.error),
    "EXP": exponential,
    "FLOOR": lambda x: Rounded(np.floor(x.value), np.ceil(x.error)),
    "LOGISTIC": logistic,
    "NEG": lambda x: Rounded(-x.value, x.error),
    "RELU": lambda x: clamped(x, 0.0, np.inf),
    "RELU6": lambda x: clamped(x, 0.0, 6.0),
    "RSQRT": inverse_root,
    "SQRT": root,
    "TANH": hyperbolic,
}
_BINARY: dict[str, Binary] = {
    "ADD": lambda a, b: a + b,
    "DIV": quotient,
    "MAXIMUM": _selected(np.maximum),
    "MINIMUM": _selected(np.minimum),
    "MUL": lambda a, b: a * b,
    "POW": power,
    "SQUARED_DIFFERENCE": squared_difference,
    "SUB": lambda a, b: a - b,
}
_INTEGER: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": np.add,
    # C rounds the quotient toward zero.
    "DIV": lambda a, b: np.where(
        b == 0, 0, np.sign(a) * np.sign(b) * (abs(a) // np.maximum(abs(b), 1))
    ),
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "POW": np.power,
    "SQUARED_DIFFERENCE": lambda a, b: (a - b) ** 2,
    "SUB": np.subtract,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQUAL": np.equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "NOT_EQUAL": np.not_equal,
}
_LOGICAL: dict[str, Callable[[Any, Any], Any]] = {
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
}
# Operators that work on the stored integers, because operands and result have the same scale.
_ORDER = {"MAXIMUM", "MINIMUM"}


def _unary(apply: Unary) -> Reference:
    def reference(call: Call) -> list[Rounded]:
        operand = call.operand(0)
        if operand.number.value.dtype == np.int64 and not operand.tensor.quantized:
            plain = apply(Rounded(operand.number.value, operand.number.error))
            return [Rounded(plain.value, operand.number.error)]
        return stored(call, apply(operand.real))

    return reference


def _binary(name: str, apply: Binary) -> Reference:
    def reference(call: Call) -> list[Rounded]:
        left, right = call.operand(0), call.operand(1)
        plain = not left.tensor.quantized and left.number.value.dtype == np.int64
        if plain or (name in _ORDER and left.tensor.quantized):
            value = _INTEGER[name](left.number.value, right.number.value)
            low, high = call.limits if plain else (-np.inf, np.inf)
            value = np.clip(value, low, high).astype(np.int64)
            return [Rounded(value, np.zeros(value.shape))]
        return stored(call, apply(left.real, right.real))

    return reference


def _logical(apply: Callable[[Any, Any], Any]) -> Reference:
    def reference(call: Call) -> list[Rounded]:
        left, right = call.operand(0).number, call.operand(1).number
        value = apply(left.value, right.value)
        if not current().shading or left.value.dtype.kind != "f":
            return [Rounded(value, np.zeros(value.shape))]
        # Numbers that were flushed to 0 or stored with fewer bits may have become equal.
        left, right = flushed(left), flushed(right)
        with np.errstate(all="ignore"):
            apart = np.abs(left.value - right.value) > left.error + right.error
        same = (left.value == right.value) & (left.error + right.error == 0.0)
        return [Rounded(value, np.where(apart | same, 0.0, ANYTHING))]

    return reference


def _gelu(call: Call) -> list[Rounded]:
    apply = gelu_by_tanh if call.option("approximate") else gelu_by_erf
    return stored(call, apply(call.operand(0).real))


def _not(call: Call) -> list[Rounded]:
    return [Rounded.exact(~call.operand(0).number.value)]


def _select(call: Call) -> list[Rounded]:
    return _chosen(call, call.operand(0).number.value)


def _chosen(call: Call, condition: NDArray[np.bool_]) -> list[Rounded]:
    left, right = call.operand(1).number, call.operand(2).number
    value = np.where(condition, left.value, right.value)
    error = np.where(condition, left.error, right.error)
    return [Rounded(value, np.broadcast_to(error, value.shape))]


def _select_rows(call: Call) -> list[Rounded]:
    """Choose between two tensors of the same shape, value by value or row by row."""
    condition, left = call.operand(0).number.value, call.operand(1).number.value
    if condition.ndim == 1 < left.ndim:
        condition = condition.reshape(-1, *[1] * (left.ndim - 1))
    return _chosen(call, condition)


def _cast(call: Call) -> list[Rounded]:
    """Convert to the output's type: truncate floats; results out of its range are unspecified."""
    number, target = call.operand(0).number, call.output.dtype
    if target == "bool":
        return [Rounded.exact(number.value != 0)]
    if target in RANGES:
        low, high = RANGES[target]
        value = np.trunc(np.asarray(number.value, np.float64))
        fits = np.isfinite(value) & (value >= low) & (value <= high)
        representable = np.where(fits, value, 0)
        if number.value.dtype.kind != "f":
            representable = number.value
        return [Rounded(representable.astype(np.int64), np.where(fits, 0.0, ANYTHING))]
    real = Rounded(number.value.astype(np.float64), number.error)
    if target == "float16":
        return [half_precision(real)]
    return [real if number.value.dtype.kind == "f" else rounded(real)]


def half_precision(number: Rounded) -> Rounded:
    """Round to float16, and add the largest possible rounding error to the bound."""
    largest, step = float(np.finfo(np.float16).max), 2.0**-24
    error = number.error + np.maximum(np.abs(number.value) * 2.0**-11, step / 2.0)
    # Numbers above the largest float16 become infinity or the largest float16.
    fits = np.abs(number.value) <= largest
    return settled(number.value, np.where(fits, error, ANYTHING))


def _quantize(call: Call) -> list[Rounded]:
    """Round real numbers, or integers of another scale, to the nearest step."""
    source, tensor = call.operand(0), call.output
    if tensor.quantization is None:
        raise ValueError("the output is not quantized")
    if source.tensor.quantization is None:
        # Three roundings: a division (or a reciprocal and a product), and the addition of the zero
        # point.
        steps = source.real.value / float(tensor.quantization.scales[0])
        sizes = np.where(np.isfinite(steps), np.abs(steps), 0.0)
        zero = abs(int(tensor.quantization.zeros[0]))
        return [stepped(source.real, tensor, HALF_STEP + 3.0 * current().unit * (sizes + zero))]
    multiplier = float(source.tensor.quantization.scales[0]) / float(tensor.quantization.scales[0])
    scaled = np.asarray(source.centered * multiplier, np.float64)
    value = scaled + float(tensor.quantization.zeros[0])
    number = Rounded(value, requantized(scaled, multiplier) + source.number.error * multiplier)
    return [_saturated(number, call)]


def _saturated(number: Rounded, call: Call) -> Rounded:
    """Saturate integers at the limits of the output's type."""
    low, high = RANGES[call.output.dtype]
    return Rounded(np.clip(number.value, low, high), number.error)


def _dequantize(call: Call) -> list[Rounded]:
    source = call.operand(0)
    if source.tensor.dtype == "float16" or source.tensor.quantization is None:
        return [source.real]
    # Three roundings, as (q - z) s or as q s - z s, whose terms may cancel.
    scales, zeros = source.tensor.quantization.along(source.number.value.shape)
    sizes = (np.abs(source.number.value) + np.abs(zeros)) * scales
    real = source.real
    return [settled(real.value, real.error + gamma(3) * sizes + current().smallest)]


REFERENCES: dict[str, Reference] = {
    **{name: _unary(apply) for name, apply in _UNARY.items()},
    **{name: _binary(name, apply) for name, apply in _BINARY.items()},
    **{name: _logical(apply) for name, apply in (_COMPARISONS | _LOGICAL).items()},
    "CAST": _cast,
    "DEQUANTIZE": _dequantize,
    "GELU": _gelu,
    "LOGICAL_NOT": _not,
    "QUANTIZE": _quantize,
    "SELECT": _select_rows,
    "SELECT_V2": _select,
}
