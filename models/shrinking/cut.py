"""Cut parts away from the full model, before it is trained again. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.shrinking.inherit import shrink_shape, shrink_values
from models.shrinking.moments import WATCHED, second_moments

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.shrinking.inherit import Pieces
    from models.subjects import ShrunkTable


def cut(
    full: Architecture, values: Values, table: ShrunkTable, pieces: Pieces, train: Encoded
) -> tuple[Architecture, Values]:
    """Return the part of the full model that is kept: its shape, and its weights by name.

    Args:
        full: the full model.
        values: its weights by name.
        table: the sizes of the small model.
        pieces: the word pieces to keep.
        train: the train split as encoded for the full model.

    Raises:
        UsageMistake: see `shrink_shape`.
    """
    tokens = train.ids.shape[1]
    shape = shrink_shape(full, table, vocabulary=len(pieces.numbers), positions=tokens)
    activity = {}
    if (shape.heads, shape.intermediate) != (full.heads, full.intermediate):
        moments = second_moments(full, values, train, WATCHED)
        activity = {name: np.diag(moment) for name, moment in moments.items()}
    layers = table.layers or range(full.layers)
    return shape, shrink_values(values, shape, layers, pieces, activity)
