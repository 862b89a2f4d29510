"""A whole network's weights on the grid of few-bit integers. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.networks.parameters import parameters
from models.shrinking.inherit import WORDS
from models.shrinking.moments import second_moments
from models.shrinking.rounding import round_for_inputs, round_rows

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BITS = {"int4": 4}
HEAD = "classifier"
# Tweets: some 50,000 tokens, for the moments of 1,536 inputs are more than a million numbers.
WATCHED = 2048


def round_weights(shape: Architecture, values: Values, rounding: str, train: Encoded) -> Values:
    """Return the weights on the grid of `rounding`; vectors, positions and the head stay.

    Args:
        shape: the network.
        values: its weights by name.
        rounding: a key of BITS.
        train: the train split as this network takes it.
    """
    bits = BITS[rounding]
    moments = second_moments(shape, values, train, WATCHED)
    rounded = dict(values)
    rounded[WORDS] = round_rows(values[WORDS], bits)
    for parameter in parameters(shape):
        layer = parameter.name.removesuffix(".weight")
        # The head has as many rows as labels: nothing is gained there.
        if layer in moments and layer not in {HEAD, parameter.name}:
            rounded[parameter.name] = round_for_inputs(values[parameter.name], moments[layer], bits)
    return rounded
