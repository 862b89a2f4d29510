"""Make docs/example: a sentiment classifier of 1.5 kB, and reviews to judge it with.

    python -m suites.meta.docs.example

docs/my-flatbuffer.md shows the TOML files of the same folder.
The classifier's table contains the sentiment of each word, and its output is the softmax of their
mean. Nothing is trained: every byte follows from the lists below. Each review praises or criticizes
a thing. Some reviews also contain a word of the opposite sentiment, so that the classifier labels a
few of them wrongly.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.store import PROJECT
from suites.meta.docs.blocks import blocks
from suites.meta.flatbuffer_writer import Model, Scalar, f32, i32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FOLDER = PROJECT / "docs" / "example"
PAGE = PROJECT / "docs" / "my-flatbuffer.md"
TOKENS = 16
GOOD = ("great", "lovely", "clear", "quick", "friendly", "fresh", "bright", "sturdy")
BAD = ("awful", "slow", "broken", "rude", "stale", "noisy", "dull", "flimsy")
THINGS = ("screen", "soup", "train", "waiter", "lamp", "room", "coffee", "chair")
PLAIN = ("the", "was", "and", "a", "bit", "but", "really", "not")
WORDS = ("", "[UNK]", *GOOD, *BAD, *THINGS, *PLAIN)
REVIEWS = 400
# One review in this number of reviews ends with a word of the opposite sentiment.
MIXED = 8
SEED = 7
HEAD = np.array([[-20.0, 0.5], [20.0, -0.5]])


def table_of_words() -> NDArray[np.float64]:
    """Return the vector of each word, [words, 2]: sentiment and strength."""
    strength = np.random.default_rng(SEED).uniform(1.0, 2.0, len(WORDS))
    says = [strength[at] * ((word in GOOD) - (word in BAD)) for at, word in enumerate(WORDS)]
    return np.stack([says, np.abs(says)], axis=1)


def classifier(*, integers: bool = False) -> bytes:
    """Return the file of the classifier.

    Args:
        integers: whether the output is int8 with a step of 1/256 instead of float32.
    """
    model = Model()
    ids = model.tensor("serving_default_ids:0", (1, TOKENS), "int32")
    table = model.tensor("words", (len(WORDS), 2), values=table_of_words())
    axis = model.tensor("axis", (1,), "int32", values=[1])
    embedded = model.tensor("embedded", (1, TOKENS, 2))
    mean, logits = model.tensor("mean", (1, 2)), model.tensor("logits", (1, 2))
    out = model.tensor("softmax", (1, 2))
    head = model.tensor("head", (2, 2), values=HEAD)
    model.operator("GATHER", [table, ids], [embedded], options=("GatherOptions", {0: i32(0)}))
    model.operator("MEAN", [embedded, axis], [mean], options=("ReducerOptions", {}))
    dense: tuple[str, dict[int, Scalar]] = ("FullyConnectedOptions", {})
    model.operator("FULLY_CONNECTED", [mean, head, -1], [logits], options=dense)
    model.operator("SOFTMAX", [logits], [out], options=("SoftmaxOptions", {0: f32(1.0)}))
    if integers:
        final = model.tensor("rounded", (1, 2), "int8", scale=1 / 256, zero=-128)
        model.operator("QUANTIZE", [out], [final], options=("QuantizeOptions", {}))
        out = final
    model.sign({"ids": ids}, {"probabilities": out}, "serving_default")
    model.end_graph([ids], [out])
    return model.pack()


def reviews() -> Iterator[tuple[str, str]]:
    """Yield texts with their labels."""
    rng = np.random.default_rng(SEED)
    for number in range(REVIEWS):
        positive = number % 2 == 1
        praise, opposite = (GOOD, BAD) if positive else (BAD, GOOD)
        first, second = rng.choice(praise, 2, replace=False)
        subject = rng.choice(THINGS)
        text = f"The {subject} was {first} and really {second}"
        if number % MIXED == 0:
            contrast = f"{rng.choice(opposite)} and {rng.choice(opposite)}"
            text = f"The {subject} was {first}, but a bit {contrast}"
        yield text, "positive" if positive else "negative"


def files() -> dict[str, bytes]:
    """Return the contents of the files of docs/example, by name."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("text", "label"))
    writer.writerows(reviews())
    candidates, _reference, limits, _known = blocks(PAGE, "toml")
    return {
        "mine.toml": candidates.encode(),
        "my-limits.toml": limits.encode(),
        "sentiment.tflite": classifier(),
        "sentiment_rounded.tflite": classifier(integers=True),
        "reviews.csv": table.getvalue().encode(),
        "vocab.txt": ("\n".join(WORDS) + "\n").encode(),
    }


def main(folder: Path = FOLDER) -> int:
    """Write all files of docs/example into a folder; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        Path(folder, name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
