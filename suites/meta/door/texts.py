"""Write texts of few words, with the answers of a small classifier, computed with numpy."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from suites.meta.small_classifiers import ROWS, TOKENS, WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COUNT = 800
LABELS = ("calm", "angry", "glad")
# The first id of a word; smaller ids stand for padding and for unknown words.
FIRST = 2
WORDS = tuple(f"word{number}" for number in range(ROWS - FIRST))
# One text in this number of texts has another gold label than the label of the classifier.
WRONG = 10


class Texts(NamedTuple):
    """Labelled texts, as files and as token ids [n, tokens]."""

    corpus: Path
    vocabulary: Path
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]


def write_texts(
    folder: Path,
    *,
    names: Sequence[str] = LABELS,
    seed: int = 0,
    answers: Callable[[NDArray[np.int64]], Floats] | None = None,
) -> Texts:
    """Write texts of which a classifier labels about nine in ten correctly.

    Args:
        folder: where they are written.
        names: names of the labels.
        seed: seed of the small classifier.
        answers: computes another classifier's outputs [n, labels] from ids.
    """
    draw = np.random.default_rng(11)
    lengths = draw.integers(2, TOKENS + 1, COUNT)
    ids = draw.integers(FIRST, ROWS, (COUNT, TOKENS))
    ids[np.arange(TOKENS) >= lengths[:, None]] = 0
    scores = logits(ids, len(names), seed=seed) if answers is None else answers(ids)
    labels = scores.argmax(axis=1)
    labels[::WRONG] = (labels[::WRONG] + 1) % len(names)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(("", "[UNK]", *WORDS)) + "\n", encoding="utf-8")
    corpus = folder / "texts.csv"
    with corpus.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("review", "mood", "numbers"))
        for row, label in zip(ids, labels, strict=True):
            words_of_row = [number for number in row if number]
            words = " ".join(WORDS[number - FIRST].upper() for number in words_of_row)
            rows.writerow((f"{words}!", names[label], " ".join(map(str, words_of_row))))
    return Texts(corpus, vocabulary, ids, labels)


def logits(
    ids: NDArray[np.int64], classes: int = 3, *, seed: int = 0, masked: bool = True
) -> Floats:
    """Compute the logits [n, classes] of `small_classifiers`: mean of vectors, then a dense layer.

    The classifiers of ../shared/flatbuffers draw the same numbers.
    """
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(ROWS, WIDTH)).astype(np.float32).astype(np.float64)
    head = draw.normal(size=(classes, WIDTH)).astype(np.float32).astype(np.float64)
    vectors = table[ids]
    if masked:
        vectors = vectors * (ids != 0)[..., None]
    return np.asarray(vectors.mean(axis=1) @ head.T)


def softmax(values: Floats) -> Floats:
    """Return the softmax [n, classes] of logits."""
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def distance(first: Floats, second: Floats) -> float:
    """Return the mean total variation between probabilities [n, classes]."""
    return float(np.abs(first - second).sum(axis=1).mean() / 2)
