"""A tokenizer.json is used unchanged, except for padding and truncation."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.kinds import small_encoder
from suites.meta.tokenizers.texts import rows, sample_texts, unpadded


@pytest.fixture
def write(tmp_path):
    """Return `write(change)`, which changes a tokenizer by a function, stores it and loads it."""

    def written(change=lambda _: None, **settings):
        library = small_encoder("wordpiece", tmp_path).library
        change(library)
        library.save(str(tmp_path / "tokenizer.json"))
        if settings:
            (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        return load(TokenizerSettings(file="tokenizer.json"), tmp_path)

    return written


def test_ids_from_a_tokenizer_json_equal_those_of_the_tokenizers_library(write, tmp_path):
    encoder = write(lambda library: library.enable_truncation(3))
    library = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    library.no_truncation()
    for text in sample_texts(100):
        assert unpadded(encoder, text) == library.encode(text).ids


@pytest.mark.parametrize(
    ("padding", "settings", "row"),
    [
        (None, {}, [2, 4, 3, 0, 0]),
        ({"pad_id": 6, "pad_token": "the", "direction": "left"}, {}, [6, 6, 2, 4, 3]),
        (None, {"pad_token": "the", "padding_side": "left"}, [6, 6, 2, 4, 3]),
        ({"pad_id": 6, "pad_token": "the"}, {"pad_token": "the"}, [2, 4, 3, 6, 6]),
    ],
)
def test_padding_follows_the_tokenizer_json_or_its_settings(write, padding, settings, row):
    def change(library):
        if padding:
            library.enable_padding(**padding)

    assert rows(write(change, **settings), ["good"], 5) == [row]


@pytest.mark.parametrize(
    ("truncation", "settings", "row"),
    [
        (None, {}, [2, 4, 3]),
        ("left", {}, [2, 5, 3]),
        (None, {"truncation_side": "left"}, [2, 5, 3]),
    ],
)
def test_truncation_side_follows_the_tokenizer_json_or_its_settings(
    write, truncation, settings, row
):
    def change(library):
        if truncation:
            library.enable_truncation(9, direction=truncation)

    assert rows(write(change, **settings), ["good day"], 3) == [row]


def test_declared_padding_and_truncation_override_those_of_the_tokenizer_json(write, tmp_path):
    write(padding_side="left", truncation_side="right")
    settings = TokenizerSettings(file="tokenizer.json", pad="day", side="right", truncation="left")
    assert rows(load(settings, tmp_path), ["good"], 5) == [[2, 4, 3, 5, 5]]


def test_rejects_tokenizer_json_without_a_padding_token_until_the_user_declares_one(tmp_path):
    small_encoder("words", tmp_path).library.save(str(tmp_path / "tokenizer.json"))
    text = (tmp_path / "tokenizer.json").read_text().replace("<pad>", "nothing")
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(UsageMistake, match="does not define which token pads rows") as refused:
        load(TokenizerSettings(file="tokenizer.json"), tmp_path)
    assert refused.value.key == "tokenizer.pad"
    settings = TokenizerSettings(file="tokenizer.json", pad="nothing")
    assert load(settings, tmp_path).padding.number == 0
    with pytest.raises(UsageMistake, match="does not hold 'none'"):
        load(TokenizerSettings(file="tokenizer.json", pad="none"), tmp_path)


@pytest.mark.parametrize("cut", range(0, 1000, 40))
def test_rejects_truncated_tokenizer_json(write, cut, tmp_path):
    write()
    file = tmp_path / "tokenizer.json"
    file.write_text(file.read_text()[:cut])
    with pytest.raises(UsageMistake):
        load(TokenizerSettings(file=str(file), kind="huggingface"))
