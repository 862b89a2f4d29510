"""A tokenizer with the vocabulary of Keras' TextVectorization gives the same ids as Keras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.scripts import printed_by
from suites.meta.tokenizers.texts import rows, sample_texts

SCRIPT = Path(__file__).with_name("text_vectorization_check.py")
LENGTH = 24
WORDS = [
    "good",
    "day",
    "the",
    "café",
    "cafÉ",
    "dont",
    "ab",
    "日本語",
    "οδος",
    "οδοσ",
    "x",
    "314",
    "i̇",
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return the texts and the ids that Keras gives them, computed in one process."""
    texts = sample_texts(800)
    file = tmp_path_factory.mktemp("keras") / "given.json"
    file.write_text(json.dumps({"words": WORDS, "texts": texts}))
    return texts, json.loads(printed_by(SCRIPT, file, LENGTH))


@pytest.mark.parametrize("form", ["lines", "numbers", "list"])
def test_token_ids_equal_those_of_keras_text_vectorization(expected, form, tmp_path):
    texts, ids = expected
    file, vocabulary = tmp_path / "vocab.txt", ["", "[UNK]", *WORDS]
    lines = {
        "lines": "".join(f"{word}\n" for word in vocabulary),
        "numbers": "".join(f"{word}\t{at}\n" for at, word in enumerate(vocabulary)),
        "list": json.dumps(vocabulary),
    }
    file.write_text(lines[form], encoding="utf-8")
    encoder = load(TokenizerSettings(file=str(file)))
    assert encoder.kind == "text_vectorization"
    encoded = rows(encoder, texts, LENGTH)
    different = [
        text for text, *pair in zip(texts, encoded, ids, strict=True) if pair[0] != pair[1]
    ]
    assert different == []


def test_sample_texts_exercise_every_rule_of_text_vectorization(expected):
    """The texts contain known and unknown words, and are longer and shorter than a row."""
    ids = [set(row) for row in expected[1]]
    assert all(any(number in row for row in ids) for number in (0, 1, 2, 5, 7, 8))
    assert any(0 not in row for row in ids)
