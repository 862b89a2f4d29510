"""Cut parts away from the full model, and fit what is left to it. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.shrinking.activity import measure_activity
from models.shrinking.inherit import shrink_shape, shrink_values
from models.shrinking.reconstruct import reconstruct
from models.shrinking.running import Network

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.shrinking.inherit import Pieces
    from models.subjects import ShrunkTable

# Parts of a network whose absence changes its answers to all texts.
PARTS = ("layers", "heads", "intermediate", "embedding", "activation", "pooled")


def cut(
    full: Network, table: ShrunkTable, pieces: Pieces, train: Encoded
) -> tuple[Architecture, Values]:
    """Return the part of the full model that is kept: its shape, and its weights by name.

    Args:
        full: the full model.
        table: the sizes of the small model.
        pieces: the word pieces to keep.
        train: the train split as encoded for the small model.

    Raises:
        UsageMistake: see `shrink_shape`.
    """
    tokens = train.ids.shape[1]
    shape = shrink_shape(full.shape, table, vocabulary=len(pieces.numbers), positions=tokens)
    activity = {}
    if (shape.heads, shape.intermediate) != (full.shape.heads, full.shape.intermediate):
        activity = measure_activity(full)
    layers = table.layers or range(full.shape.layers)
    values = shrink_values(full.values, shape, layers, pieces, activity)
    if full.shape.family == "bert" and _lacks_parts(shape, full.shape):
        values = reconstruct(full, Network(shape, values, train), layers)
    return shape, values


def _lacks_parts(small: Architecture, full: Architecture) -> bool:
    """Return whether a small model lacks more of the full one than word pieces and positions."""
    return any(getattr(small, part) != getattr(full, part) for part in PARTS)
