"""Build BERT-large, take one training step, save it with its optimizer, print the files' bytes.

A process of its own, because pytest imports no TensorFlow; needs about 12 GB of memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from models.corpus.tokenize import Encoded
from models.networks.architecture import from_published
from models.networks.parameters import count, initial_values
from models.subjects import TrainingTable
from models.training.finetune import fine_tune
from models.training.resume import Resume

CONFIG = {
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
CLASSES = 3


def main(folder: Path) -> None:
    """Print parameters, the loss of the step, and the sizes of both files."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    shape = from_published(folder, classes=CLASSES)
    ids = np.full((1, 8), 7, np.int32)
    split = Encoded(ids, np.ones_like(ids), np.zeros_like(ids), np.array([1], np.int32))
    resume = Resume(folder / "resume")
    trained = fine_tune(
        shape,
        initial_values(shape, seed=0),
        TrainingTable(epochs=1, batch=1, learning_rate=1e-5),
        {"train": split, "validation": split},
        lambda _: None,
        resume=resume,
    )
    save_file(trained.values, folder / "weights.safetensors")
    answer = {
        "parameters": count(shape),
        "loss": trained.history[0].loss,
        "weights": (folder / "weights.safetensors").stat().st_size,
        "checkpoint": resume.path.stat().st_size,
    }
    print(json.dumps(answer))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
