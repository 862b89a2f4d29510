"""Fit the layers of a cut network to those of the full one, before it is taught.

He et al. 2017, "Channel pruning for accelerating very deep neural networks", section 3.1, remove
inputs of a layer and then fit its weights by least squares, such that its outputs change least.
Here, the input of each normalization is fitted, in the order of the network, so that a layer also
corrects the errors of the layers before it. Imports TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.shrinking.inherit import CLASSIFIER, LAYER
from models.shrinking.running import Network, Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.parameters import Values

# Number of texts to observe. The last layer sees one token of each, and has up to 1,536 inputs.
WATCHED = 2048
# The two sums of a layer: names of the normalizations after attention and feed-forward network.
ATTENTION, FEEDFORWARD = "attention.output", "output"
NORM = ("LayerNorm.weight", "LayerNorm.bias")


def reconstruct(full: Network, cut: Network, layers: Sequence[int]) -> Values:
    """Fit the cut network to the full one on texts of the train split; return its weights.

    Args:
        full: the full network.
        cut: the network that was cut out of it, whose last layer computes only the first token.
        layers: indices of the full network's layers that were kept, ascending. The last of them is
            fitted to the full network's last layer, whose normalization it gets.

    Returns:
        The weights by name; those of `cut` if no text consists of the same tokens for both.
    """
    rows = _same_tokens(full.train, cut.train)
    if not rows.size:
        return cut.values
    original, fitted = Running(full, rows), Running(cut, rows)
    fitted.advance()
    for number, layer in enumerate(layers):
        sums = original.advance_through(layer)
        fitted.fit(f"{LAYER}.{number}.{ATTENTION}", sums[f"{LAYER}.{layer}.{ATTENTION}"])
        source = layer
        if number == len(layers) - 1 and layer < full.shape.layers - 1:
            source = full.shape.layers - 1
            sums = original.advance_through(source)
        fitted.values |= _norm(full.values, f"{LAYER}.{source}.{FEEDFORWARD}", number)
        fitted.fit(f"{LAYER}.{number}.{FEEDFORWARD}", sums[f"{LAYER}.{source}.{FEEDFORWARD}"])
        fitted.advance()
    fitted.fit(CLASSIFIER, original.advance()[CLASSIFIER])
    return fitted.values


def _same_tokens(full: Encoded, cut: Encoded) -> NDArray[np.int64]:
    """Return the indices of the first texts that have as many tokens for both networks.

    The cut network splits a word into more pieces if it lacks the word's own piece.
    """
    same = (full.mask == cut.mask).all(axis=1)
    return np.flatnonzero(same)[:WATCHED]


def _norm(values: Values, source: str, number: int) -> Values:
    """Return the full network's normalization `source`, named as that of the layer `number`."""
    target = f"{LAYER}.{number}.{FEEDFORWARD}"
    return {f"{target}.{part}": values[f"{source}.{part}"] for part in NORM}
