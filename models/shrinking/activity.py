"""Measure how active the inputs of a network's dense layers are. Imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.shrinking.running import Network, Running

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Number of texts to observe. They give each layer about 13,000 tokens.
WATCHED = 512


def measure_activity(network: Network) -> dict[str, NDArray[np.float64]]:
    """Return the sum of squares of each input of a dense layer, [inputs] by the layer's name.

    Padding is left out, because no answer depends on a layer's outputs there.
    """
    running = Running(network, np.arange(min(WATCHED, len(network.train.labels))))
    activity: dict[str, NDArray[np.float64]] = {}
    for _ in range(running.steps):
        for watching in running.watch():
            for dense, inputs in watching.inputs.items():
                squares = np.square(watching.rows(inputs), dtype=np.float64).sum(axis=0)
                activity[dense] = activity.get(dense, 0.0) + squares
        running.advance()
    return activity
