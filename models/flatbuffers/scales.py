"""Choose the channel scales with which an integer product is most accurate.

A product x @ W.T stays the same when channel c of x is divided by s[c] and column c of W is
multiplied by it. One step serves all of x, one step each row of W: the larger s, the smaller the
range of x and the larger that of W (Xiao et al. 2023, SmoothQuant, eq. 4, where the exponent
below is fixed; here it is the one that loses least on calibration texts).
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
    """Scales of the channels of an input.

    Attributes:
        scales: [channels], positive.
        loss: squared error of the integer product over the product's variance, mean over outputs.
        by_token: whether each token is divided by its own largest value too.
    """

    scales: Array
    loss: float
    by_token: bool


def largest(values: Array) -> Array:
    """Return the largest magnitude of each channel [channels] of `values` [n, channels].

    A channel that is nearly dead counts as a small one: its scale would be as large as it is small,
    and the least that goes through it on another text would leave every range.
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
        inputs: [n, channels], as calibration texts give them.
        weights: [outputs, channels].
        by_token: divide each token by its own largest value before it is rounded.
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
