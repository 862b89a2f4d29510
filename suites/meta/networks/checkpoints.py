"""Write the folder of a tiny MobileBERT's checkpoint, for the tests of readers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.architecture import from_published
from models.networks.parameters import parameters

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.networks.architecture import Architecture

    Values = dict[str, NDArray[Any]]

CLASSES = 3
CONFIG = {
    "model_type": "mobilebert",
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "hidden_act": "relu",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.1,
    "embedding_size": 6,
    "intra_bottleneck_size": 8,
    "num_feedforward_networks": 2,
    "classifier_activation": True,
}


def make_folder(folder: Path, **changes: object) -> tuple[Architecture, Values]:
    """Write a config.json; return the network's architecture and random encoder weights by name."""
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    shape = from_published(folder, classes=CLASSES)
    generator = np.random.default_rng(5)
    values = {
        parameter.name: generator.standard_normal(parameter.shape).astype(np.float32)
        for parameter in parameters(shape)
        if not parameter.name.startswith("classifier.")
    }
    return shape, values


def as_published(values: Values) -> Values:
    """Return the values under Hugging Face's names, with an additional value of another head."""
    published = {f"mobilebert.{name}": value for name, value in values.items()}
    return published | {"cls.predictions.bias": np.zeros(40, np.float32)}
