"""From the full model to a small one: cut, then taught, then rounded. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.networks.parameters import parameters
from models.shrinking.inherit import WORDS, shrink_shape, shrink_values
from models.shrinking.moments import second_moments
from models.shrinking.rounding import round_for_inputs, round_rows

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.shrinking.inherit import Pieces
    from models.subjects import ShrunkTable

# Enough that each layer sees some 13,000 tokens, eight for each input of the widest.
WATCHED = 512
BITS = {"int4": 4}
HEAD = "classifier"


def cut(
    full: Architecture, values: Values, table: ShrunkTable, pieces: Pieces, train: Encoded
) -> tuple[Architecture, Values]:
    """Return the shape and the weights that are left of the full model.

    Args:
        full: the full model.
        values: its weights by name.
        table: what is to be left.
        pieces: the word pieces that stay.
        train: the train split as the full model takes it.

    Raises:
        UsageMistake: as `shrink_shape`.
    """
    tokens = train.input_ids.shape[1]
    shape = shrink_shape(full, table, vocabulary=len(pieces.numbers), positions=tokens)
    activity = {}
    if shape.intermediate != full.intermediate:
        moments = second_moments(full, values, train, WATCHED)
        activity = {name: np.diag(moment) for name, moment in moments.items()}
    layers = table.layers or range(full.layers)
    return shape, shrink_values(values, shape, layers, pieces, activity)


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
