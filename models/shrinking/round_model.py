"""A whole network's weights on the grid of few-bit integers. Imports TensorFlow."""

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
HEAD = "classifier"
# Tweets: some 27,000 tokens, for the moments of 1,536 inputs are more than a million numbers.
WATCHED = 1024


def round_weights(shape: Architecture, values: Values, rounding: str, train: Encoded) -> Values:
    """Return the weights on the grid of `rounding`; norms, positions and the head stay.

    Args:
        shape: the network.
        values: its weights by name.
        rounding: a key of BITS.
        train: the train split as this network takes it.
    """
    bits = BITS[rounding]
    rounded = values | {WORDS: round_rows(values[WORDS], bits)}
    for layer, inputs in dense_inputs(shape, values, train, WATCHED).items():
        # The head has as many rows as labels: nothing is gained there.
        if layer != HEAD:
            weight, bias = f"{layer}.weight", f"{layer}.bias"
            rounded[weight], rounded[bias] = round_dense(values[weight], values[bias], inputs, bits)
    return rounded
