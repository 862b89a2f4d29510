"""Write a MobileBERT of the original size with random weights, and a subject that takes minutes.

    python -m suites.meta.networks.mobilebert FOLDER

writes a checkpoint in the shape of google/mobilebert-uncased and prints the command that judges it
with the whole suite. Its accuracy is meaningless, because it is trained on 64 texts. Its size,
files, latency, and agreement between float32 and quantized variants are those of the published
network.
"""

from __future__ import annotations

import json
import sys
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites.meta.networks.configs import MOBILEBERT

if TYPE_CHECKING:
    from collections.abc import Iterator

# The config.json of Hugging Face, which also names the family.
CONFIG: dict[str, Any] = {
    **MOBILEBERT,
    "model_type": "mobilebert",
    "use_bottleneck_attention": False,
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Rows of 128 tokens, as in the published files.
SUBJECT = """
name = "mobilebert_random"
description = "MobileBERT of 24 layers, random weights, a few steps of training"
budgets = "paper"
schemes = ["float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8_dense"]

[corpus]
source = "generated"
labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
counts = { train = 64, validation = 16, calibration = 8, test = 400 }
seed = 20231003

[tokenizer]
source = "pretrained"
max_tokens = 128

[full]
pretrained = true

[full.training]
epochs = 1
batch = 16
learning_rate = 5e-5
"""


def write(folder: Path) -> tuple[Path, Path]:
    """Write the checkpoint and the subject; return the checkpoint's folder and the subject."""
    from safetensors.numpy import save_file  # noqa: PLC0415 - slow to import

    from models.networks.architecture import from_published  # noqa: PLC0415 - likewise
    from models.networks.parameters import initial_values  # noqa: PLC0415 - likewise

    checkpoint, subject = folder / "mobilebert", folder / "mobilebert_random.toml"
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    pieces = islice(_pieces(), CONFIG["vocab_size"])
    (checkpoint / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    values = initial_values(from_published(checkpoint, classes=3), seed=1)
    encoder = {name: value for name, value in values.items() if not name.startswith("classifier.")}
    save_file(encoder, checkpoint / "model.safetensors")
    subject.write_text(SUBJECT, encoding="utf-8")
    return checkpoint, subject


def _pieces() -> Iterator[str]:
    """Yield special tokens, characters as words and as continuations, and then unused tokens."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    characters = [*letters, *map(str, range(10))]
    yield from SPECIAL
    yield from characters
    yield from (f"##{character}" for character in characters)
    yield from (f"[unused{number}]" for number in count())


if __name__ == "__main__":
    paths = write(Path(sys.argv[1]))
    sys.stdout.write(
        "python -m pytest suites --ignore=suites/meta "
        f"--edge-pretrained={paths[0]} --edge-subject={paths[1]}\n"
    )
