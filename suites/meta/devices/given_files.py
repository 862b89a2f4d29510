"""Write a user's files and labelled texts, with which tests judge boards.

All files give the same labels, so that each gate can decide. Some files take only ids (int64 or
float32), some take ids and a mask of any length, and some take three inputs: in the order of the
signature, in another order, or without a signature. One file has a sigmoid with a threshold of
0.35, and the corpus contains its ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.runtime.binding import Binding, BoundInput
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from suites.meta.small_classifiers import ROWS, TOKENS, classifier

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TEXTS, WRONG, THRESHOLD = 600, 0.1, 0.35
LABELS = ("ham", "spam")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = tuple(f"w{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(ROWS - len(SPECIAL)))
TOKENIZED = """
name = "mail"
corpus = "texts.csv"
labels = ["ham", "spam"]
reference = "three"
tokenizer = { file = "vocab.txt", kind = "wordpiece", case = "kept" }
budgets = "own.toml"
[[candidates]]
name = "three"
flatbuffer = "three.tflite"
[[candidates]]
name = "wide.ids-1"
flatbuffer = "wide.tflite"
[[candidates]]
name = "open"
flatbuffer = "open.tflite"
[[candidates]]
name = "float_ids"
flatbuffer = "float_ids.tflite"
[[candidates]]
name = "reordered"
flatbuffer = "reordered.tflite"
[[candidates]]
name = "unsigned"
flatbuffer = "unsigned.tflite"
"""
WITH_IDS = """
name = "one sigmoid"
corpus = { file = "ids.csv", ids = "ids" }
labels = ["ham", "spam"]
budgets = "own.toml"
[[candidates]]
name = "sigmoid"
flatbuffer = "sigmoid.tflite"
output = { threshold = 0.35, positive = "spam" }
"""
BUDGETS = """
[accuracy]
min = "80 %"
[agreement]
min = "97 %"
"""


def write_given(folder: Path) -> None:
    """Write `mail.toml`, `sigmoid.toml`, and all files that these two name."""
    folder.mkdir(parents=True, exist_ok=True)
    alike = {"classes": 2, "seed": 1}
    files = {
        "three": classifier(**alike),
        "wide": classifier(names=("ids",), dtype="int64", **alike),
        "open": classifier(names=("ids", "mask"), signature=(1, -1), **alike),
        "float_ids": classifier(names=("ids",), dtype="float32", **alike),
        "reordered": classifier(order=(1, 2, 0), **alike),
        "unsigned": classifier(order=(1, 0, 2), keys=(), **alike),
        "sigmoid": classifier(names=("ids",), classes=1, end=("LOGISTIC",), seed=3),
    }
    for name, data in files.items():
        (folder / f"{name}.tflite").write_bytes(data)
    vocabulary = "\n".join((*SPECIAL, *WORDS)) + "\n"
    (folder / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    (folder / "own.toml").write_text(BUDGETS, encoding="utf-8")
    draw = np.random.default_rng(0)
    ids = draw.integers(len(SPECIAL), ROWS, size=(TEXTS, TOKENS)).astype(np.int32)
    # All rows are full, so that files without a mask give the same answers as the others.
    ids[:, 0], ids[:, -1] = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    mislabelled = draw.random(TEXTS) < WRONG
    labels = _answers(folder / "wide.tflite", ids).argmax(axis=1)
    rows = [f"{_text(row)},{LABELS[at]}" for row, at in zip(ids, labels ^ mislabelled, strict=True)]
    _write(folder / "texts.csv", "text,label", rows)
    labels = _answers(folder / "sigmoid.tflite", ids)[:, 0] > THRESHOLD
    rows = [
        f"{_text(row)},{LABELS[at]},{' '.join(map(str, row))}"
        for row, at in zip(ids, (labels ^ mislabelled).astype(int), strict=True)
    ]
    _write(folder / "ids.csv", "text,label,ids", rows)
    (folder / "mail.toml").write_text(TOKENIZED, encoding="utf-8")
    (folder / "sigmoid.toml").write_text(WITH_IDS, encoding="utf-8")


def _answers(file: Path, ids: NDArray[np.int32]) -> NDArray[np.float32]:
    binding = Binding(inputs=(BoundInput("ids", 0),), output=0)
    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        runner.load("file", file, threads=1, binding=binding)
        return runner.answer("file", {"ids": ids}, timeout=60).logits


def _text(row: NDArray[np.int32]) -> str:
    return " ".join(WORDS[number - len(SPECIAL)] for number in row[1:-1])


def _write(file: Path, header: str, rows: list[str]) -> None:
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
