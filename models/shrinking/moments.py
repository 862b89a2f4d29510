"""Sum up the second moments of dense layers' inputs over real texts. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.blocks import Blocks, Tensor
from models.networks.classifier import forward
from models.training import batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BATCH = 64
# Number of texts to observe. They give each layer about 13,000 tokens, eight for each input of the
# widest layer of MiniLM.
WATCHED = 512
Moments = dict[str, "NDArray[np.float64]"]


def second_moments(shape: Architecture, values: Values, split: Encoded, texts: int) -> Moments:
    """Return the sum of x @ x.T over the inputs x of each dense layer, [inputs, inputs] by name.

    Padding is left out, because no answer depends on a layer's outputs there.

    Args:
        shape: the network.
        values: its weights by name.
        split: the split whose texts are observed.
        texts: largest number of texts, taken from the start of the split.
    """
    watching = _Watching({name: tf.constant(value) for name, value in values.items()}, shape)
    rows = np.arange(min(texts, len(split.labels)))
    for start in range(0, len(rows), BATCH):
        inputs = batches.cut(split, rows[start : start + BATCH])
        watching.look(inputs)
    return watching.moments


class _Watching(Blocks):
    """Building blocks that sum up the moments of their dense layers' inputs."""

    def __init__(self, weights: dict[str, Tensor], shape: Architecture) -> None:
        super().__init__(weights, shape)
        object.__setattr__(self, "moments", {})
        object.__setattr__(self, "real", None)

    moments: Moments
    real: NDArray[np.bool_]

    def look(self, inputs: batches.Inputs) -> None:
        """Run the network on a batch, and add the moments of its layers' inputs."""
        mask = inputs[MASK]
        object.__setattr__(self, "real", mask.astype(bool))
        forward(self, inputs[IDS], tf.constant(mask), tf.constant(inputs[SEGMENTS]))

    def dense(self, name: str, inputs: Tensor) -> Tensor:
        """Add the moments of `inputs` to those of the layer, then compute the layer."""
        rows = inputs[self.real[:, : inputs.shape[1]]] if len(inputs.shape) > 2 else inputs  # noqa: PLR2004 - the axes [batch, tokens, inputs]
        added = tf.matmul(rows, rows, transpose_a=True).numpy().astype(np.float64)
        self.moments[name] = self.moments.get(name, 0.0) + added
        return super().dense(name, inputs)
