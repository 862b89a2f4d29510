"""Draw the values, sizes and quantization parameters at which kernels are likely to fail.

An array is drawn by choosing a pattern and a seed: hypothesis shrinks two choices faster than many
numbers, and the simplest pattern is all ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.choices import one_in, one_of
from models.kernels.graph import RANGES, Quantization

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.kernels.choices import Choices

    Floats = NDArray[np.float32]
    Pattern = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]

# Sizes of dimensions: around multiples of a vector's width, which kernels handle specially.
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33)
# Lengths of sums, including long ones.
INNER_SIZES = (*SIZES, 63, 64, 65, 127, 128, 255, 256, 511, 1000)
FEW = (1, 2, 3, 5)
THREADS = (1, 2, 4)
SCALES = (1.0, 0.5, 0.0078125, 0.1, 0.003, 37.5, 1e-8, 1e3)
_SEEDS = 1 << 16
_SUBNORMAL = 1e-40

# Patterns of numbers from -1 to 1; the simplest pattern comes first.
_PATTERNS: tuple[Pattern, ...] = (
    lambda _, shape: np.ones(shape),
    lambda draw, shape: draw.integers(-2, 3, shape) / 2.0,
    lambda draw, shape: draw.uniform(-1.0, 1.0, shape),
    lambda draw, shape: np.clip(draw.normal(0.0, 0.3, shape), -1.0, 1.0),
    # Magnitudes that differ widely: small ones are lost in a sum beside the largest of a row.
    lambda draw, shape: draw.choice([-1.0, 1.0], shape) * 10.0 ** draw.uniform(-6.0, 0.0, shape),
    lambda draw, shape: draw.uniform(0.0, 1.0, shape),
    lambda draw, shape: draw.choice([-1.0, 1.0], shape),
    lambda draw, shape: draw.choice([-0.0, 0.0, 0.25], shape),
)
_SPECIAL = (np.nan, np.inf, -np.inf, -0.0, _SUBNORMAL, -_SUBNORMAL)


def generator(choices: Choices) -> np.random.Generator:
    """Return a random generator of numpy with a chosen seed."""
    return np.random.default_rng(choices.integer(0, _SEEDS))


def floats(
    choices: Choices,
    shape: tuple[int, ...],
    *,
    low: float = -1.0,
    high: float = 1.0,
    special: bool = False,
) -> Floats:
    """Choose an array of float32 values.

    Args:
        choices: the source of all random choices.
        shape: the shape of the array.
        low: the smallest value.
        high: the largest value.
        special: whether one in six arrays contains NaN, infinities, subnormals or negative zeros.
    """
    pattern, draw = one_of(choices, _PATTERNS), generator(choices)
    values = pattern(draw, shape)
    # If the range includes 0, scale each side separately, so that both signs and numbers near 0
    # occur.
    values = (
        np.where(values < 0.0, -values * low, values * high)
        if low < 0.0
        else (low + np.abs(values) * (high - low))
    )
    array = values.astype(np.float32)
    if special and array.size and one_in(choices, 6):
        count = int(draw.integers(1, 3))
        array.reshape(-1)[draw.integers(0, array.size, count)] = draw.choice(_SPECIAL, count)
    return array


def integers(
    choices: Choices, shape: tuple[int, ...], low: int, high: int, dtype: str
) -> NDArray[Any]:
    """Choose integers from `low` to `high`: small ones, the two extremes, or any."""
    kind, draw = choices.integer(0, 3), generator(choices)
    if kind == 0:
        values = draw.integers(max(low, min(0, high)), min(high, max(3, low)), shape, endpoint=True)
    elif kind == 1:
        values = draw.choice([low, high], shape)
    else:
        values = draw.integers(low, high, shape, endpoint=True)
    return np.asarray(values).astype(dtype)


def booleans(choices: Choices, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Choose truth values: all true, half of them true on average, or none."""
    return generator(choices).random(shape) < one_of(choices, (1.1, 0.5, 0.0))


def held(choices: Choices, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Choose stored values of a quantized tensor: over the whole range of its dtype."""
    low, high = RANGES[dtype]
    return integers(choices, shape, low, high, "int8" if dtype == "int4" else dtype)


def weights(choices: Choices, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Choose weights, without the smallest integer of the type.

    Symmetric weights lie between -high and high. Weights of the older scheme, uint8, are never 0:
    kernels convert them to int8, where 0 becomes -128, and without -128 the sum of two products
    fits into 16 bits (Jacob et al. 2017, Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, 3.1 and appendix B).
    """
    high = RANGES[dtype][1]
    if dtype == "uint8":
        return integers(choices, shape, 1, high, dtype)
    return integers(choices, shape, -high, high, "int8")


def zero_point(choices: Choices, dtype: str) -> int:
    """Choose a zero point: 0, the extremes, or a value between them; always 0 for int16."""
    low, high = RANGES[dtype]
    middle = 128 if dtype == "uint8" else 0
    if dtype == "int16":
        return one_of(choices, (0,))
    return one_of(choices, (middle, low, high, middle + 3, middle - 7))


def scale(choices: Choices) -> float:
    """Choose a quantization scale, one of `SCALES`."""
    return float(np.float32(one_of(choices, SCALES)))


def quantization(choices: Choices, dtype: str) -> Quantization:
    """Choose a scale and a zero point for a tensor."""
    return Quantization.of(scale(choices), zero_point(choices, dtype))


def channel_scales(choices: Choices, count: int, base: float) -> Floats:
    """Choose scales [count]: from `base` down to about a third, or down to a hundredth, of it."""
    draw, spread = generator(choices), one_of(choices, (0.5, 2.0))
    return (base * 10.0 ** draw.uniform(-spread, 0.0, count)).astype(np.float32)
