"""Sum up the inputs that real texts give to each dense layer of a network. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.blocks import Blocks, Tensor
from models.networks.classifier import forward
from models.shrinking.rounding import Inputs
from models.training import batches

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

BATCH = 64


def dense_inputs(
    shape: Architecture, values: Values, split: Encoded, texts: int
) -> dict[str, Inputs]:
    """Return the sums over the inputs of each dense layer, without padding, by the layer's name.

    Args:
        shape: the network.
        values: its weights by name.
        split: the split whose texts are observed.
        texts: largest number of texts, taken from the start of the split.
    """
    weights = {name: tf.constant(value) for name, value in values.items()}
    inputs: dict[str, Inputs] = {}
    rows = np.arange(min(texts, len(split.labels)))
    for start in range(0, len(rows), BATCH):
        batch = batches.cut(split, rows[start : start + BATCH])
        mask, types = batch[MASK], batch[SEGMENTS]
        watching = _Watching(weights, shape, mask.astype(bool), inputs)
        forward(watching, batch[IDS], tf.constant(mask), tf.constant(types))
    return inputs


class _Watching(Blocks):
    """Building blocks that sum up the inputs of their dense layers."""

    def __init__(
        self,
        weights: dict[str, Tensor],
        shape: Architecture,
        real: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
        inputs_of: dict[str, Inputs],
    ) -> None:
        super().__init__(weights, shape)
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_found", inputs_of)

    def dense(self, name: str, inputs: Tensor) -> Tensor:
        """Add `inputs` to the sums of the layer, then compute the layer."""
        rows = inputs[self._real[:, : inputs.shape[1]]] if len(inputs.shape) > 2 else inputs  # noqa: PLR2004 - the axes [batch, tokens, inputs]
        # Sum in float64: the deviations from the mean are a small difference of large sums.
        rows = tf.cast(rows, tf.float64)
        sums = self._found.setdefault(name, Inputs(0, np.zeros(()), np.zeros(())))
        sums.number += int(rows.shape[0])
        sums.total = sums.total + tf.reduce_sum(rows, axis=0).numpy()
        sums.moments = sums.moments + tf.matmul(rows, rows, transpose_a=True).numpy()
        return super().dense(name, inputs)

    _real: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    _found: dict[str, Inputs]
