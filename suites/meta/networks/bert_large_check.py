"""Train BERT-large for one step, save it with its optimizer, and print the sizes of the files.

This script runs in a separate process, because pytest does not import TensorFlow. It needs about
12 GB of memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from models.corpus.tokenize import Encoded
from models.networks.parameters import count, initial_values
from models.subjects import TrainingTable
from models.training.finetune import fine_tune
from models.training.resume import Resume
from suites.meta.networks.configs import BERT_LARGE, network_of


def main(folder: Path) -> None:
    """Print the number of parameters, the loss of the step, and the bytes of both files."""
    shape = network_of(BERT_LARGE)
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
    print(json.dumps(answer))  # noqa: T201 - the calling test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
