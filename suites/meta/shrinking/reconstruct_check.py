"""Program that cuts a random network, and prints how far its logits are from the full one's.

It is a program because pytest imports no TensorFlow. Its arguments are the sizes of the small
network as JSON, and the number of tokens that the small network reads of each text. Half of the
full network's units repeat the other half.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace

import numpy as np

from models.corpus.tokenize import Encoded
from models.networks.architecture import from_table
from models.networks.parameters import initial_values
from models.shrinking.cut import cut
from models.shrinking.inherit import Pieces, shrink_shape, shrink_values
from models.shrinking.moments import WATCHED, second_moments
from models.shrinking.reconstruct import Network
from models.subjects import NetworkTable, ShrunkTable, TrainingTable
from models.training.finetune import answers_of

LAYERS, UNITS, PIECES, TEXTS, TOKENS, SCALE = 3, 24, 60, 1000, 16, 6
DRAW = np.random.default_rng(3)


def network() -> Network:
    table = NetworkTable(
        family="bert",
        layers=LAYERS,
        hidden=16,
        heads=4,
        intermediate=UNITS,
        activation="gelu",
        normalization="layer_norm",
    )
    shape = from_table(table, vocabulary=PIECES, classes=3, positions=TOKENS)
    # Weights as large as those of a trained network, so that every layer changes the answers.
    values = {
        name: value * SCALE if value.ndim > 1 else value + 0.1 * DRAW.normal(size=value.shape)
        for name, value in initial_values(shape, seed=1).items()
    }
    for layer in range(LAYERS):
        for part in ("weight", "bias"):
            into = values[f"encoder.layer.{layer}.intermediate.dense.{part}"]
            into[UNITS // 2 :] = into[: UNITS // 2]
        # All units are active, so that each adds about as much as any other.
        values[f"encoder.layer.{layer}.intermediate.dense.bias"] += 3.0
        # The other half adds less to the output, so that it is removed.
        values[f"encoder.layer.{layer}.output.dense.weight"][:, UNITS // 2 :] *= 0.1
    return Network(shape, {n: v.astype(np.float32) for n, v in values.items()}, texts())


def texts() -> Encoded:
    lengths = DRAW.integers(4, TOKENS + 1, TEXTS)
    mask = (np.arange(TOKENS) < lengths[:, None]).astype(np.int32)
    columns = {
        "ids": DRAW.integers(0, PIECES, (TEXTS, TOKENS)).astype(np.int32) * mask,
        "mask": mask,
        "segments": np.zeros_like(mask),
        "labels": np.zeros(TEXTS, np.int32),
    }
    return Encoded(**{f.name: columns.get(f.name, columns["labels"]) for f in fields(Encoded)})


def main() -> None:
    """Print the mean squared difference of logits, before and after the fit."""
    full, keys = network(), json.loads(sys.argv[1])
    table = ShrunkTable(training=TrainingTable(epochs=1, batch=8, learning_rate=1e-3), **keys)
    pieces = Pieces(np.arange(PIECES), np.ones(PIECES, np.int64))
    shape = shrink_shape(full.shape, table, vocabulary=PIECES, positions=TOKENS)
    moments = second_moments(full.shape, full.values, full.train, WATCHED)
    activity = {name: np.diag(moment) for name, moment in moments.items()}
    before = shrink_values(full.values, shape, table.layers or range(LAYERS), pieces, activity)
    mask = full.train.mask * (np.arange(TOKENS) < int(sys.argv[2]))
    _, after = cut(full, table, pieces, replace(full.train, mask=mask.astype(np.int32)))
    logits = answers_of(full.shape, full.values, full.train)
    spread = np.square(logits - logits.mean(axis=0)).mean()
    errors = [
        float(np.square(answers_of(shape, values, full.train) - logits).mean() / spread)
        for values in (before, after)
    ]
    sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
    main()
