"""Write a subject of four files and 2,000 texts, for judging a slow board.

Three of the files contain the reference's weights with a little noise, as if they were rounded.
They give nearly every text the reference's label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.runtime.binding import Binding, BoundInput
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from suites.meta.devices.given_files import LABELS, SPECIAL, WORDS
from suites.meta.small_classifiers import ROWS, TOKENS, classifier

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TEXTS, MISLABELLED = 2000, 0.1
# Number of words of a text. With [CLS] and [SEP], the longest text fills the row.
FEWEST_WORDS, MOST_WORDS = 3, TOKENS - 2
# Standard deviation of the noise on the weights relative to that of the weights, by file.
NOISE = {"full": 0.0, "half": 0.0002, "eight": 0.001, "blocks": 0.002}
SUBJECT = """
name = "four"
corpus = "texts.csv"
labels = ["ham", "spam"]
reference = "full"
tokenizer = { file = "vocab.txt", kind = "wordpiece", case = "kept" }
budgets = "own.toml"
"""
CANDIDATE = """
[[candidates]]
name = "{name}"
flatbuffer = "{name}.tflite"
"""
# Limits of the default subject's budgets that do not need a full model.
BUDGETS = """
[accuracy]
min = "80 %"
[accuracy_drop_float32]
max = "1 points"
[agreement]
min = "97 %"
[agreement_golden]
min = "98 %"
[total_variation]
max = "5 %"
[latency_ratio]
max = "1.25 x"
[texts_per_second]
min = "0.5 texts/s"
[cold_start]
max = "20 s"
"""


def write_four(folder: Path) -> Path:
    """Write the subject and its files; return the path of its TOML file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, noise in NOISE.items():
        content = classifier(classes=len(LABELS), seed=1, noise=noise)
        (folder / f"{name}.tflite").write_bytes(content)
    vocabulary = "\n".join((*SPECIAL, *WORDS)) + "\n"
    (folder / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    (folder / "own.toml").write_text(BUDGETS, encoding="utf-8")
    draw = np.random.default_rng(0)
    words = draw.integers(len(SPECIAL), ROWS, size=(TEXTS, MOST_WORDS)).astype(np.int32)
    counts = draw.integers(FEWEST_WORDS, MOST_WORDS + 1, TEXTS)
    labels = _labels(folder / "full.tflite", words, counts)
    labels ^= draw.random(TEXTS) < MISLABELLED
    rows = [
        f"{' '.join(WORDS[number - len(SPECIAL)] for number in row[:count])},{LABELS[label]}"
        for row, count, label in zip(words, counts, labels, strict=True)
    ]
    (folder / "texts.csv").write_text("\n".join(("text,label", *rows)) + "\n", encoding="utf-8")
    toml = folder / "four.toml"
    toml.write_text(SUBJECT + "".join(CANDIDATE.format(name=name) for name in NOISE), "utf-8")
    return toml


def _labels(file: Path, words: NDArray[np.int32], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels that a file gives to texts of the first `counts` of these words."""
    ids = np.full((len(words), TOKENS), SPECIAL.index("[PAD]"), np.int32)
    ids[:, 0] = SPECIAL.index("[CLS]")
    places = np.arange(TOKENS)
    ids[:, 1 : MOST_WORDS + 1] = np.where(np.arange(MOST_WORDS) < counts[:, None], words, 0)
    ids[places == counts[:, None] + 1] = SPECIAL.index("[SEP]")
    mask = (places < counts[:, None] + 2).astype(np.int32)
    inputs = {"ids": ids, "mask": mask, "segments": np.zeros_like(ids)}
    binding = Binding(
        inputs=tuple(BoundInput(role, at) for at, role in enumerate(inputs)), output=0
    )
    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        runner.load("file", file, threads=1, binding=binding)
        answers = runner.answer("file", inputs, timeout=60)
    return np.asarray(answers.logits.argmax(axis=1), np.int64)
