"""Record the answers of an app with a small classifier; numpy computes them.

The classifier is the default of `small_classifiers`. Words are `w0` to `w58`, with one id each.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.meta.small_classifiers import ROWS, TOKENS, WIDTH, classifier

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("bad", "fair", "good")
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = tuple(f"w{number}" for number in range(ROWS - len(PIECES)))
TEXTS = 600
FIRST, LAST = PIECES.index("[CLS]"), PIECES.index("[SEP]")


@dataclass(frozen=True)
class App:
    """A file, its texts, its vocabulary, and the answers of an app.

    Attributes:
        folder: folder of the file, texts and vocabulary.
        answers: the app's recorded answer to each text, as a row of the recording.
    """

    folder: Path
    answers: list[dict[str, Any]]

    def record(self, name: str = "answers.jsonl", *without: str) -> Path:
        """Write the answers without some of the columns; return the file."""
        file = self.folder / name
        rows = [{n: v for n, v in row.items() if n not in without} for row in self.answers]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return file

    def arguments(self, *more: str, file: bool = True) -> list[str]:
        """Return the arguments of a run, with the FlatBuffer or without."""
        files = [f"--edge-flatbuffer=app={self.folder / 'app.tflite'}"] if file else []
        return [
            *files,
            f"--edge-corpus={self.folder / 'texts.csv'}",
            "--edge-columns=text=text,label=label,id=id",
            f"--edge-labels={','.join(LABELS)}",
            f"--edge-cache-dir={self.folder / 'store'}",
            *([] if any("tokenizer" in argument for argument in more) else [self.tokenizer]),
            *more,
        ]

    @property
    def tokenizer(self) -> str:
        """Return the option that names the tokenizer."""
        return f"--edge-tokenizer=wordpiece:{self.folder / 'vocab.txt'}"


def write_app(folder: Path, texts: int = TEXTS) -> App:
    """Write the files of an app with correct answers; one gold label in eight differs from them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.tflite").write_bytes(classifier())
    (folder / "vocab.txt").write_text("\n".join([*PIECES, *WORDS]) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}', encoding="utf-8")
    draw = np.random.default_rng(5)
    rows = [draw.choice(len(WORDS), size=draw.integers(2, TOKENS)) for _ in range(texts)]
    ids = [[FIRST, *(len(PIECES) + row[: TOKENS - 2]).tolist(), LAST] for row in rows]
    logits = np.array([answer(row) for row in ids])
    labels = logits.argmax(axis=1)
    gold = np.where(np.arange(texts) % 8, labels, (labels + 1) % len(LABELS))
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("id", "text", "label"))
        for at, row in enumerate(rows):
            lines.writerow((f"t{at}", " ".join(WORDS[word] for word in row), LABELS[gold[at]]))
    answers = [
        {
            "id": f"t{at}",
            "label": LABELS[labels[at]],
            "logits": logits[at].tolist(),
            "ids": ids[at],
            "latency_ms": 4.0 + at % 50 / 100,
        }
        for at in range(texts)
    ]
    return App(folder, answers)


def answer(ids: list[int]) -> Any:
    """Return the logits [classes] of the small classifier for a text's ids."""
    rng = np.random.default_rng(0)
    table, head = rng.normal(size=(ROWS, WIDTH)), rng.normal(size=(len(LABELS), WIDTH))
    return head @ (table[ids].sum(axis=0) / TOKENS)
