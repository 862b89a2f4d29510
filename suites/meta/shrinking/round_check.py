"""Program that rounds a random network in two ways, and prints how much its logits change.

It is a program because pytest imports no TensorFlow. It prints three values: the mean squared
change if each layer is rounded on its own, the same for `round_weights`, and whether
`round_weights` moves all weights of the dense layers to a grid of 15 steps.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from models.shrinking.inherit import WORDS
from models.shrinking.round_model import BITS, round_weights
from models.shrinking.rounding import round_dense, round_rows
from models.shrinking.running import Network, Running
from models.training.finetune import answers_of
from suites.meta.shrinking.small_networks import network

if TYPE_CHECKING:
    from models.networks.parameters import Values

ROUNDING = "int4"
STEPS = 7


def round_each(whole: Network) -> Values:
    """Round each layer on its own, for the inputs that it has in the network before rounding."""
    bits = BITS[ROUNDING]
    values = whole.values | {WORDS: round_rows(whole.values[WORDS], bits)}
    running = Running(whole, np.arange(len(whole.train.labels)))
    for _ in range(running.steps):
        for layer in (name for names in running.dense_layers() for name in names):
            weight, bias = f"{layer}.weight", f"{layer}.bias"
            values[weight], values[bias] = round_dense(
                values[weight], values[bias], running.inputs(layer), bits
            )
        running.advance()
    return values


def on_grid(weight: np.ndarray) -> bool:
    """Return whether each row consists of multiples of a seventh of its largest weight."""
    steps = weight / np.abs(weight).max(axis=1, keepdims=True) * STEPS
    return bool(np.allclose(steps, np.rint(steps), atol=1e-3))


def main() -> None:
    """Print both changes of the logits, and whether the weights lie on the grid."""
    whole = network(2)
    # Without gains, a dense layer's own weights are those that a converter rounds.
    gains = {n: np.ones_like(v) for n, v in whole.values.items() if n.endswith("Norm.weight")}
    whole = Network(whole.shape, whole.values | gains, whole.train)
    logits = answers_of(whole.shape, whole.values, whole.train)
    rounded = round_weights(whole, ROUNDING)
    errors = [
        float(np.square(answers_of(whole.shape, values, whole.train) - logits).mean())
        for values in (round_each(whole), rounded)
    ]
    changed = [n for n in rounded if n.startswith("encoder") and n.endswith("dense.weight")]
    grid = [on_grid(rounded[n]) for n in (*changed, WORDS, "classifier.weight")]
    sys.stdout.write(json.dumps([*errors, all(grid)]))


if __name__ == "__main__":
    main()
