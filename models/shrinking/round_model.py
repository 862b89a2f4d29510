"""Round a whole network's weights to the grid of few-bit integers. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.shrinking.inherit import WORDS
from models.shrinking.inputs import dense_inputs
from models.shrinking.rounding import round_dense, round_rows

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BITS = {"int4": 4}
# Number of texts to observe. Their 54,000 tokens must determine more than a million moments of
# 1,536 inputs. A last layer that computes only the first token sees one token per text.
WATCHED = 2048


def round_weights(shape: Architecture, values: Values, rounding: str, train: Encoded) -> Values:
    """Return the weights rounded to the grid of `rounding`; norms and positions are unchanged.

    Args:
        shape: the network.
        values: its weights by name.
        rounding: a key of BITS.
        train: the train split as encoded for this network.
    """
    bits = BITS[rounding]
    rounded = values | {WORDS: round_rows(values[WORDS], bits)}
    gains = _gains(shape, values)
    for layer, inputs in dense_inputs(shape, values, train, WATCHED).items():
        # Round the classifier too, although its three rows save little: otherwise a converter would
        # round each of its weights to the nearest step, ignoring the inputs.
        weight, bias = f"{layer}.weight", f"{layer}.bias"
        rounded[weight], rounded[bias] = round_dense(
            values[weight], values[bias], inputs, bits, gains.get(layer, 1.0)
        )
    return rounded


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
