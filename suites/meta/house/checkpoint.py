"""Write a tiny encoder with random weights in the file layout of Hugging Face."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {
    "model_type": "bert",
    "vocab_size": 64,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "num_hidden_layers": 1,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_checkpoint(
    folder: Path, *, without: str | None = None, misshaped: str | None = None
) -> None:
    """Write the configuration, the vocabulary and the weights of the encoder.

    Args:
        folder: folder to make.
        without: name of a tensor to leave out; None for none.
        misshaped: name of a tensor to halve along its first dimension; None for none.
    """
    from safetensors.numpy import save_file  # noqa: PLC0415 - slow to import

    from models.networks import architecture  # noqa: PLC0415 - likewise
    from models.networks.parameters import initial_values  # noqa: PLC0415 - likewise

    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    shape = architecture.from_published(folder, classes=3)
    tensors = {
        name: np.ascontiguousarray(value)
        for name, value in initial_values(shape, 1).items()
        if not name.startswith("classifier.") and name != without
    }
    if misshaped is not None:
        tensors[misshaped] = np.ascontiguousarray(tensors[misshaped][:16])
    save_file(tensors, folder / "model.safetensors")
