"""Provide configs of published encoders, and the networks that they define."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.networks.architecture import Architecture

# The config.json that Hugging Face publishes.
BERT_LARGE = {
    "model_type": "bert",
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 4096,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
# The configs that google-research publishes, without model_type and without keys of unused
# features.
GOOGLE_BERT_LARGE = {key: value for key, value in BERT_LARGE.items() if key != "model_type"}
MOBILEBERT = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "relu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 512,
    "initializer_range": 0.02,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 24,
    "type_vocab_size": 2,
    "vocab_size": 30522,
    "embedding_size": 128,
    "trigram_input": True,
    "use_bottleneck": True,
    "intra_bottleneck_size": 128,
    "key_query_shared_bottleneck": True,
    "num_feedforward_networks": 4,
    "normalization_type": "no_norm",
    "classifier_activation": False,
}
MOBILEBERT_TINY = {
    **{key: value for key, value in MOBILEBERT.items() if key != "key_query_shared_bottleneck"},
    "use_bottleneck_attention": True,
    "num_feedforward_networks": 2,
}
# The teacher of MobileBERT: BERT-large with inverted bottlenecks.
IB_BERT = {
    **{key: MOBILEBERT[key] for key in list(MOBILEBERT)[:14]},
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "intermediate_size": 4096,
    "intra_bottleneck_size": 1024,
}


def network_of(config: Mapping[str, Any], *, classes: int = 3) -> Architecture:
    """Return the architecture of the network that a checkpoint folder with this config defines."""
    from models.networks.architecture import from_published  # noqa: PLC0415 - slow to import

    name = "config.json" if "model_type" in config else "bert_config.json"
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(json.dumps(config), encoding="utf-8")
        return from_published(Path(folder), classes=classes)
