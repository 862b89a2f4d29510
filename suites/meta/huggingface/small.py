"""Write small encoders of every family, and a task that is learned in seconds."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

from suites.meta.tokenizers.checkpoint_folders import lines, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LABELS = ("NEGATIVE", "NEUTRAL", "POSITIVE")
# Number of words that belong to only one label, and number of such words in a text.
WORDS, WORDS_OF_A_TEXT = 4, 5
# Words up to this length are not used, because short words can be parts of other words.
LONG = 5
COUNTS = {"train": 450, "validation": 60, "calibration": 60, "test": 300}
# Enough texts for converting and for comparing with PyTorch, but too few for learning.
FEW = {"train": 60, "validation": 30, "calibration": 60, "test": 90}
TOKENS = 48


def make_encoder(name: str, folder: Path) -> None:
    """Write an untrained encoder with its tokenizer, in the layout of a published one.

    Args:
        name: one of `checkpoint_folders.FAMILIES`.
        folder: folder to write to, made if it is missing.
    """
    import torch  # noqa: PLC0415 - may not be installed
    import transformers  # noqa: PLC0415 - likewise

    family = write(name, folder)
    written = json.loads((folder / "config.json").read_text("utf-8"))
    kind = written.pop("model_type")
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=_ids(folder, family.longest), **{**family.sizes, **written}
    )
    torch.manual_seed(7)
    transformers.AutoModel.from_config(config).save_pretrained(folder)


def _ids(folder: Path, longest: int) -> int:
    from models.tokenizers.checkpoint_tokenizer import tokenizer_of  # noqa: PLC0415 - slow to import

    tokenizer = tokenizer_of(folder, max_tokens=min(TOKENS, longest), pairs=False)
    return 1 + max(tokenizer.library.get_vocab(with_added_tokens=True).values())


def write_texts(file: Path, counts: Mapping[str, int] = COUNTS) -> None:
    """Write labelled texts whose words determine the label.

    Args:
        file: CSV file to write.
        counts: number of texts by split.
    """
    draw = random.Random(5)  # noqa: S311 - repeatable, not a secret
    every = sorted({word for line in lines() for word in line.split() if len(word) > LONG})
    draw.shuffle(every)
    with file.open("w", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("text", "label", "split"))
        for split, count in counts.items():
            for number in range(count):
                label = number % len(LABELS)
                own = every[label :: len(LABELS)][:WORDS]
                words = " ".join(draw.choices(own, k=WORDS_OF_A_TEXT))
                rows.writerow((f"{words} {split}{number}", LABELS[label], split))


def write_subject(
    file: Path,
    checkpoint: Path,
    full: str,
    counts: Mapping[str, int] = COUNTS,
    **tokenizer: Any,
) -> None:
    """Write a subject whose model is a checkpoint.

    Args:
        file: TOML file to write.
        checkpoint: folder of the checkpoint.
        full: additional TOML in the table `[full]`.
        counts: number of texts by split.
        tokenizer: additional keys of the table `[tokenizer]`.
    """
    numbers = ", ".join(f"{split} = {count}" for split, count in counts.items())
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in tokenizer.items())
    file.write_text(
        f"""
name = "{file.stem}"
description = "A small checkpoint"
budgets = "budgets.toml"
schemes = ["float32", "dynamic_wi8_afp32"]

[corpus]
source = "files"
labels = {json.dumps(LABELS)}
columns = {{ text = "text", polarity = "label", split = "split" }}
counts = {{ {numbers} }}
seed = 5

[tokenizer]
source = "pretrained"
{settings}
[full]
checkpoint = "{checkpoint}"
{full}
""",
        encoding="utf-8",
    )
    (file.parent / "budgets.toml").write_text(BUDGETS, encoding="utf-8")


TRAINED = "trained = true"
TRAINING = """
[full.training]
epochs = 7
batch = 15
learning_rate = 1e-3
"""
ONE_EPOCH = TRAINING.replace("epochs = 7", "epochs = 1")
BUDGETS = """
[accuracy.full_model]
min = "90 %"

[accuracy_drop]
max = "2 points"

[accuracy_drop_float32]
max = "2 points"

[agreement]
min = "97 %"
"""
