"""Draw the small patterns of transformers, written with single operators."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_of, yes_or_no
from models.kernels.families.drawing import Sketch
from models.kernels.graph import Tensor
from models.kernels.options import ACTIVATIONS
from models.kernels.values import FEW, booleans, floats

if TYPE_CHECKING:
    from models.kernels.choices import Choices

_WIDTHS = (1, 2, 3, 4, 7, 8, 9, 16, 31, 32, 33, 64)
# Coefficients from Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
_ERF_P = 0.3275911
_ERF_A = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)


class Pattern:
    """Builds a case of several operators on float32 tensors.

    Args:
        choices: the source of all random choices.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices, self.sketch = choices, Sketch(choices)
        self.draw = self.sketch.drawing

    def number(self, value: float) -> int:
        """Add a float32 constant with one value; return the index of its tensor."""
        return self.draw.constant(np.array(value, np.float32))

    def vector(self, size: int) -> int:
        """Add a constant vector of random values; return its index."""
        return self.draw.constant(floats(self.choices, (size,)))

    def to(self, operator: str, *inputs: int, shape: tuple[int, ...], **options: object) -> int:
        """Add an operator with one output; return the output's index."""
        return self.draw.node(operator, list(inputs), [Tensor(shape)], **options)


def _layer_normalization(choices: Choices) -> Case:
    """Draw a layer normalization of rows (Ba et al., arXiv 1607.06450)."""
    pattern = Pattern(choices)
    shape = one_of(choices, FEW), one_of(choices, FEW), one_of(choices, _WIDTHS)
    row = (*shape[:-1], 1)
    x = pattern.sketch.input(Tensor(shape), partial(floats, low=-4.0, high=4.0))
    axis = pattern.draw.constant(np.array([2], np.int32))
    mean = pattern.to("MEAN", x, axis, shape=row, keep_dims=True)
    squared = pattern.to("SQUARED_DIFFERENCE", x, mean, shape=shape)
    variance = pattern.to("MEAN", squared, axis, shape=row, keep_dims=True)
    epsilon = pattern.number(one_of(choices, (1e-5, 1e-12)))
    scale = pattern.to("RSQRT", pattern.to("ADD", variance, epsilon, shape=row), shape=row)
    factor = pattern.to("MUL", scale, pattern.vector(shape[-1]), shape=shape)
    shift = pattern.to("MUL", mean, factor, shape=shape)
    offset = pattern.to("SUB", pattern.vector(shape[-1]), shift, shape=shape)
    result = pattern.to("ADD", pattern.to("MUL", x, factor, shape=shape), offset, shape=shape)
    return pattern.sketch.case(result, by_rows=True)


def _attention(choices: Choices) -> Case:
    """Draw attention with a mask (Vaswani et al., arXiv 1706.03762)."""
    pattern = Pattern(choices)
    heads, length, width = (one_of(choices, sizes) for sizes in (FEW, _WIDTHS[:9], _WIDTHS[:9]))
    shape, scores = (1, heads, length, width), (1, heads, length, length)
    keys = (1, 1, 1, length)
    draw = partial(floats, low=-2.0, high=2.0)
    queries, key_rows, values = (pattern.sketch.input(Tensor(shape), draw) for _ in range(3))
    mask = pattern.sketch.input(Tensor(keys, "bool"), booleans)
    raw = pattern.to("BATCH_MATMUL", queries, key_rows, shape=scores, adj_y=True)
    scaled = pattern.to("MUL", raw, pattern.number(width**-0.5), shape=scores)
    hidden = pattern.number(one_of(choices, (-1e4, -1e9)))
    added = pattern.to("SELECT_V2", mask, pattern.number(0.0), hidden, shape=keys)
    masked = pattern.to("ADD", scaled, added, shape=scores)
    shares = pattern.to("SOFTMAX", masked, shape=scores, beta=1.0)
    result = pattern.to("BATCH_MATMUL", shares, values, shape=shape)
    return pattern.sketch.case(result, by_rows=True)


def _gelu_by_tanh(choices: Choices) -> Case:
    pattern, shape = Pattern(choices), (one_of(choices, FEW), one_of(choices, _WIDTHS))
    x = pattern.sketch.input(Tensor(shape), partial(floats, low=-6.0, high=6.0))
    if yes_or_no(choices):
        square = pattern.to("MUL", x, x, shape=shape)
        cube = pattern.to("MUL", square, x, shape=shape)
    else:
        cube = pattern.to("POW", x, pattern.number(3.0), shape=shape)
    inner = pattern.to("MUL", cube, pattern.number(0.044715), shape=shape)
    total = pattern.to("ADD", x, inner, shape=shape)
    argument = pattern.to("MUL", total, pattern.number(np.sqrt(2.0 / np.pi)), shape=shape)
    curve = pattern.to("TANH", argument, shape=shape)
    share = pattern.to("ADD", curve, pattern.number(1.0), shape=shape)
    half = pattern.to("MUL", x, pattern.number(0.5), shape=shape)
    return pattern.sketch.case(pattern.to("MUL", half, share, shape=shape), by_rows=True)


def _erf(pattern: Pattern, x: int, shape: tuple[int, ...]) -> int:
    """Add operators that approximate erf(x), by a polynomial of 1 / (1 + p |x|) and exp(-x^2)."""
    size = pattern.to("ABS", x, shape=shape)
    one = pattern.number(1.0)
    slope = pattern.to("MUL", size, pattern.number(_ERF_P), shape=shape)
    t = pattern.to("DIV", one, pattern.to("ADD", slope, one, shape=shape), shape=shape)
    total = pattern.to("MUL", t, pattern.number(_ERF_A[0]), shape=shape)
    for factor in _ERF_A[1:]:
        total = pattern.to("ADD", total, pattern.number(factor), shape=shape)
        total = pattern.to("MUL", total, t, shape=shape)
    square = pattern.to("NEG", pattern.to("MUL", x, x, shape=shape), shape=shape)
    decayed = pattern.to("MUL", total, pattern.to("EXP", square, shape=shape), shape=shape)
    curve = pattern.to("SUB", one, decayed, shape=shape)
    positive = pattern.draw.node("GREATER_EQUAL", [x, pattern.number(0.0)], [Tensor(shape, "bool")])
    return pattern.to(
        "SELECT_V2", positive, curve, pattern.to("NEG", curve, shape=shape), shape=shape
    )


def _erf_alone(choices: Choices) -> Case:
    pattern, shape = Pattern(choices), (one_of(choices, FEW), one_of(choices, _WIDTHS))
    x = pattern.sketch.input(Tensor(shape), partial(floats, low=-4.0, high=4.0))
    return pattern.sketch.case(_erf(pattern, x, shape), by_rows=True)


def _gelu_by_erf(choices: Choices) -> Case:
    pattern, shape = Pattern(choices), (one_of(choices, FEW), one_of(choices, _WIDTHS))
    x = pattern.sketch.input(Tensor(shape), partial(floats, low=-4.0, high=4.0))
    argument = pattern.to("MUL", x, pattern.number(np.sqrt(0.5)), shape=shape)
    share = pattern.to("ADD", _erf(pattern, argument, shape), pattern.number(1.0), shape=shape)
    half = pattern.to("MUL", x, pattern.number(0.5), shape=shape)
    return pattern.sketch.case(pattern.to("MUL", half, share, shape=shape), by_rows=True)


def _bottleneck(choices: Choices) -> Case:
    """Draw MobileBERT's feed-forward part: dense layers, a residual, NoNorm (arXiv 2004.02984)."""
    pattern = Pattern(choices)
    rows, width, inner = (one_of(choices, sizes) for sizes in (FEW, _WIDTHS, _WIDTHS))
    narrow, wide = (rows, width), (rows, inner)
    x = pattern.sketch.input(Tensor(narrow), floats)
    weights = [
        pattern.draw.constant(floats(choices, shape)) for shape in ((inner, width), (width, inner))
    ]
    relu = ACTIVATIONS["RELU"]
    first = pattern.to(
        "FULLY_CONNECTED", x, weights[0], pattern.vector(inner), shape=wide, activation=relu
    )
    second = pattern.to("FULLY_CONNECTED", first, weights[1], pattern.vector(width), shape=narrow)
    summed = pattern.to("ADD", second, x, shape=narrow)
    scaled = pattern.to("MUL", summed, pattern.vector(width), shape=narrow)
    result = pattern.to("ADD", scaled, pattern.vector(width), shape=narrow)
    return pattern.sketch.case(result, by_rows=True)


FAMILIES: list[Family] = [
    Family("ATTENTION", "float32", _attention),
    Family("BOTTLENECK_NO_NORM", "float32", _bottleneck),
    Family("ERF", "float32", _erf_alone),
    Family("GELU_BY_ERF", "float32", _gelu_by_erf),
    Family("GELU_BY_TANH", "float32", _gelu_by_tanh),
    Family("LAYER_NORMALIZATION", "float32", _layer_normalization),
]
