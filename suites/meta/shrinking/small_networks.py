"""Make random texts, and random networks in which every layer affects the answers."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from models.corpus.tokenize import Encoded
from models.networks.architecture import from_table
from models.networks.parameters import initial_values
from models.shrinking.running import Network
from models.subjects import NetworkTable

LAYERS, UNITS, PIECES, TEXTS, TOKENS, SCALE = 3, 24, 60, 1000, 16, 6
DRAW = np.random.default_rng(3)


def network(scale: float = SCALE) -> Network:
    """Return a network, half of whose units repeat the other half.

    Args:
        scale: factor of the initial weights.
    """
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
        name: value * scale if value.ndim > 1 else value + 0.1 * DRAW.normal(size=value.shape)
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
    """Return texts that consist of random word pieces and have random lengths."""
    lengths = DRAW.integers(4, TOKENS + 1, TEXTS)
    mask = (np.arange(TOKENS) < lengths[:, None]).astype(np.int32)
    columns = {
        "ids": DRAW.integers(0, PIECES, (TEXTS, TOKENS)).astype(np.int32) * mask,
        "mask": mask,
        "segments": np.zeros_like(mask),
        "labels": np.zeros(TEXTS, np.int32),
    }
    return Encoded(**{f.name: columns.get(f.name, columns["labels"]) for f in fields(Encoded)})
