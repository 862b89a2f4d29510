"""Round a whole network's weights to the grid of few-bit integers. Imports TensorFlow.

The layers are rounded in the order of the network. Each is rounded for the inputs that the rounded
layers before it give. A dense layer whose output is normalized is first fitted such that the sum
before the normalization equals that of the network before rounding, so that it corrects the errors
of the layers before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.shrinking.inherit import WORDS
from models.shrinking.rounding import round_dense, round_rows
from models.shrinking.running import Network, Running, Sums, dense_of

if TYPE_CHECKING:
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BITS = {"int4": 4}
# Number of texts to observe. Their 54,000 tokens must determine more than a million moments of
# 1,536 inputs. A last layer that computes only the first token sees one token per text.
WATCHED = 2048


def round_weights(network: Network, rounding: str) -> Values:
    """Return the weights rounded to the grid of `rounding`; norms and positions are unchanged.

    Args:
        network: the network, and the train split whose first texts it observes.
        rounding: a key of BITS.
    """
    bits = BITS[rounding]
    rows = np.arange(min(WATCHED, len(network.train.labels)))
    words = {WORDS: round_rows(network.values[WORDS], bits)}
    original = Running(network, rows)
    rounded = Running(replace(network, values=network.values | words), rows)
    gains = _gains(network.shape, network.values)
    for _ in range(rounded.steps):
        _round_step(rounded, original.advance(), bits, gains)
        rounded.advance()
    return rounded.values


def _round_step(rounded: Running, wanted: Sums, bits: int, gains: Values) -> None:
    """Fit and round the dense layers of the next step.

    Args:
        rounded: the network, rounded up to this step.
        wanted: the step's sums before rounding.
        bits: number of bits of a weight, sign included.
        gains: see `_gains`.
    """
    sums = {dense_of(name): name for name in wanted}
    # Round the classifier too, although its rows save little: otherwise a converter would round
    # each of its weights to the nearest step, ignoring the inputs.
    for layers in rounded.dense_layers():
        name = sums.get(layers[0])
        inputs = rounded.fit(name, wanted[name]) if name else rounded.inputs(layers[0])
        for layer in layers:
            weight, bias = f"{layer}.weight", f"{layer}.bias"
            rounded.values[weight], rounded.values[bias] = round_dense(
                rounded.values[weight],
                rounded.values[bias],
                inputs,
                bits,
                gains.get(layer, 1.0),
            )


def _gains(shape: Architecture, values: Values) -> Values:
    """Return the gain of the normalization directly before each dense layer, by the layer's name.

    TensorFlow's converter multiplies the gain into the layer's weights, which would move them off
    a grid that was chosen without it.
    """
    gains: Values = {}
    gain_before = values["embeddings.LayerNorm.weight"]
    for number in range(shape.layers):
        layer = f"encoder.layer.{number}"
        attention = (f"{layer}.attention.self.{name}" for name in ("query", "key", "value"))
        gains |= dict.fromkeys(attention, gain_before)
        gains[f"{layer}.intermediate.dense"] = values[f"{layer}.attention.output.LayerNorm.weight"]
        gain_before = values[f"{layer}.output.LayerNorm.weight"]
    return gains
