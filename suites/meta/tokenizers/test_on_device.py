"""A device gives the same ids as this machine, for every kind of tokenizer that it supports."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.input_roles import ROLES
from models.runner.tokenizing import tokenizer
from models.tokenizers.kinds import KINDS, TokenizerSettings, load
from suites.meta.tokenizers.kinds import small_encoder
from suites.meta.tokenizers.texts import sample_texts

LENGTH = 12


@pytest.mark.parametrize("sides", [("right", "right"), ("left", "left")])
@pytest.mark.parametrize("kind", KINDS)
def test_runner_gives_the_token_ids_of_the_host(kind, sides, tmp_path):
    settings = small_encoder(kind, tmp_path)
    encoder = type(settings)(
        kind=kind,
        library=settings.library,
        padding=type(settings.padding)(settings.padding.token, settings.padding.number, sides[0]),
        truncation=sides[1],
    )
    texts = [(text,) for text in sample_texts(100)]
    expected = encoder.encode(texts, LENGTH)
    on_device = tokenizer(encoder.for_device(LENGTH))
    rows = [on_device.encode(text).whole(on_device.padding) for text in texts]
    for role in ROLES:
        np.testing.assert_array_equal(np.array([row[role] for row in rows]), expected[role])


@pytest.mark.parametrize("kind", ["wordpiece", "byte_pairs", "sentencepiece", "words"])
def test_runner_gives_the_token_ids_of_the_host_for_pairs(kind, tmp_path):
    encoder = small_encoder(kind, tmp_path)
    texts = list(zip(sample_texts(30), reversed(sample_texts(30)), strict=True))
    expected = encoder.encode(texts, LENGTH)
    on_device = tokenizer(encoder.for_device(LENGTH))
    rows = [on_device.encode(text).whole(on_device.padding) for text in texts]
    for role in ROLES:
        np.testing.assert_array_equal(np.array([row[role] for row in rows]), expected[role])


@pytest.mark.parametrize("kind", KINDS)
def test_token_ids_are_smaller_than_the_vocabulary_size(kind, tmp_path):
    encoder = small_encoder(kind, tmp_path)
    ids = encoder.encode([(text,) for text in sample_texts(100)], LENGTH)["ids"]
    assert ids.min() >= 0
    assert ids.max() < encoder.size


def test_tokenizer_that_removes_unknown_words_is_not_available_on_a_device(tmp_path):
    config = {"word_index": json.dumps({"good": 1})}
    (tmp_path / "v.json").write_text(json.dumps({"config": config}))
    encoder = load(TokenizerSettings(file="v.json"), tmp_path)
    assert encoder.for_device(LENGTH) is None
    assert encoder.size == 2
    (tmp_path / "v.json").write_text(json.dumps({"config": config | {"oov_token": "good"}}))
    assert load(TokenizerSettings(file="v.json"), tmp_path).for_device(LENGTH) is not None
