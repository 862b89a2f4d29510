"""The runner labels texts exactly as tokenizer and model do if they are called separately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.input_roles import IDS, MASK, SEGMENTS
from models.runtime.client import Runner, RunnerRefused
from suites.meta.tiny_models import TOKENS, VOCABULARY, binding_of_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

TEXTS = [("acme", "good news from acme"), ("acme", "bad"), ("ajax", "good " * 40), ("ajax", "")]


def word_tokenizer(tokens: int) -> Tokenizer:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors  # noqa: PLC0415 - slow to import

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "acme", "ajax", "good", "bad", "news", "from"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(tokens)
    tokenizer.enable_padding(length=tokens)
    return tokenizer


@pytest.fixture
def loaded(runner: Runner, tiny: dict[str, Path]) -> Runner:
    runner.load("tiny", tiny["float32"], binding=binding_of_encoder(VOCABULARY))
    return runner


def test_classifying_texts_equals_tokenizing_and_running_separately(loaded: Runner) -> None:
    tokenizer = word_tokenizer(TOKENS)
    rows = tokenizer.encode_batch(TEXTS)
    encoded = {
        IDS: np.array([row.ids for row in rows], np.int32),
        MASK: np.array([row.attention_mask for row in rows], np.int32),
        SEGMENTS: np.array([row.type_ids for row in rows], np.int32),
    }
    expected = loaded.answer("tiny", encoded).logits
    classified = loaded.classify("tiny", tokenizer.to_str(), TEXTS)
    np.testing.assert_array_equal(classified.logits, expected)
    np.testing.assert_array_equal(classified.labels, expected.argmax(1))
    assert (classified.text_to_label_ns > 0).all()


def test_single_text_is_not_encoded_as_a_pair(loaded: Runner) -> None:
    tokenizer = word_tokenizer(TOKENS).to_str()
    alone, pair = (loaded.classify("tiny", tokenizer, [t]) for t in (("bad",), ("acme", "bad")))
    assert (alone.logits != pair.logits).any()


def test_rejects_tokenizer_with_a_row_length_other_than_the_models(loaded: Runner) -> None:
    with pytest.raises(RunnerRefused, match="the signature needs rows of") as refusal:
        loaded.classify("tiny", word_tokenizer(TOKENS * 2).to_str(), TEXTS)
    assert refusal.value.kind == "inputs"


def test_rejects_invalid_tokenizer(loaded: Runner) -> None:
    with pytest.raises(RunnerRefused) as refusal:
        loaded.classify("tiny", "{", TEXTS)
    assert refusal.value.kind == "tokenizer"
