"""Choose the channel scales with which an integer product is most accurate.

A product x @ W.T stays the same if channel c of x is divided by s[c], and column c of W multiplied
by s[c]. All of x has one quantization step, and each row of W has one: a larger s makes the range
of x smaller and the range of W larger (Xiao et al. 2023, SmoothQuant, eq. 4). SmoothQuant fixes the
exponent in the formula for s. This module uses the exponent with the smallest error on calibration
texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

EXPONENTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
_ROWS = 600
_STEPS = 255
_LARGEST_WEIGHT = 127
_TINY = 1e-5
# Smallest assumed range of a channel: the median of all channels divided by this.
_SMALLEST = 20


@dataclass(frozen=True)
class Choice:
    """The scales that were chosen for the channels of a dense product's input.

    Attributes:
        scales: [channels], positive.
        loss: squared error of the integer product divided by the product's variance, averaged over
            the outputs.
        by_token: whether each token is also divided by its largest value.
    """

    scales: Array
    loss: float
    by_token: bool


def largest(values: Array) -> Array:
    """Return the largest magnitude of each channel [channels] of `values` [n, channels].

    The result is at least 1/20 of the median. A channel that is nearly always 0 would otherwise get
    such a large scale that its values on another text would exceed the range.
    """
    reach: Array = np.abs(values).max(axis=0)
    typical = np.median(reach[reach > 0]) if reach.any() else 1.0
    return np.asarray(np.maximum(reach, typical / _SMALLEST), np.float64)


def even(scales: Array) -> Array:
    """Return scales divided by their geometric mean, so that their product is 1."""
    divided: Array = scales / np.exp(np.log(scales).mean())
    return divided


def choose(inputs: Array, weights: Array, *, by_token: bool = False) -> Choice:
    """Return the scales with which the integer product is most accurate.

    Args:
        inputs: inputs on calibration texts [n, channels].
        weights: weights [outputs, channels].
        by_token: whether each token is divided by its largest value before rounding.
    """
    if len(inputs) > _ROWS:
        inputs = inputs[np.linspace(0, len(inputs) - 1, _ROWS).astype(int)]
    exact = inputs @ weights.T
    variance = exact.var(axis=0) + _TINY**2
    reach, columns = largest(inputs), largest(weights)
    candidates = [np.ones_like(reach)]
    candidates += [even(reach**power / columns ** (1 - power)) for power in EXPONENTS]
    tried = []
    for scales in candidates:
        error = _integer_product(inputs / scales, weights * scales, by_token=by_token) - exact
        # The mean error is ignored: it moves all tokens equally, with little effect on the labels.
        tried.append(float(np.mean(error.var(axis=0) / variance)))
    best = int(np.argmin(tried))
    return Choice(candidates[best], tried[best], by_token)


def _integer_product(inputs: Array, weights: Array, *, by_token: bool) -> Array:
    tokens = np.abs(inputs).max(axis=1, keepdims=True) if by_token else np.ones((1, 1))
    inputs = inputs / tokens
    low, high = min(inputs.min(), 0.0), max(inputs.max(), 0.0)
    step = max(high - low, _TINY) / _STEPS
    rounded = np.round(inputs / step) * step
    steps = np.maximum(np.abs(weights).max(axis=1, keepdims=True), _TINY) / _LARGEST_WEIGHT
    product: Array = (rounded @ (np.round(weights / steps) * steps).T) * tokens
    return product
