"""Word lists give the ids of the programs that made them."""

# ruff: noqa: RUF001 - the tests need letters that look like others

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.input_roles import IDS, MASK, SEGMENTS
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.texts import MANY, NASTY, filled, long_texts, rows, unpadded

LENGTH = 12
LISTED = ["good", "day", "the", "The", "don't", "a_b", "cafe", "café", "caf", "日本語", "x", "4"]


# --------------------------------------------------------------------------- Model Maker's regex


def model_maker(text, words, *, delimiter=r"[^\w\']+", lower=False):
    """Return the ids that the Task Library's RegexTokenizer gives, with only ASCII as letters."""
    text = text.lower() if lower else text
    parts = [part for part in re.split(delimiter, text, flags=re.ASCII) if part]
    start = [words["<START>"]] if "<START>" in words else []
    ids = start + [words.get(part, words["<UNKNOWN>"]) for part in parts]
    return filled(ids, LENGTH, words["<PAD>"])


def write_model_maker(folder, special=("<PAD>", "<START>", "<UNKNOWN>")):
    words = {word: at for at, word in enumerate([*special, *LISTED])}
    file = folder / "vocab.txt"
    file.write_text("".join(f"{word} {at}\n" for word, at in words.items()), encoding="utf-8")
    return words, file


@pytest.mark.parametrize(
    ("special", "settings", "rules"),
    [
        (("<PAD>", "<START>", "<UNKNOWN>"), {}, {}),
        (("<PAD>", "<UNKNOWN>"), {}, {}),
        (("<PAD>", "<START>", "<UNKNOWN>"), {"case": "unicode"}, {"lower": True}),
        (("<UNKNOWN>", "<PAD>"), {"split": r"[\s,.]+"}, {"delimiter": r"[\s,.]+"}),
        (("<UNKNOWN>", "<PAD>"), {"split": r"\W"}, {"delimiter": r"\W"}),
    ],
)
def test_ids_of_a_regex_tokenizer_equal_those_of_the_tflite_task_library(
    special, settings, rules, tmp_path
):
    words, file = write_model_maker(tmp_path, special)
    encoder = load(TokenizerSettings(file=str(file), kind="regex", **settings))

    @MANY
    @given(st.lists(NASTY, min_size=1, max_size=4))
    def check(texts):
        assert rows(encoder, texts, LENGTH) == [model_maker(t, words, **rules) for t in texts]

    check()
    assert rows(encoder, long_texts(), LENGTH) == [
        model_maker(text, words, **rules) for text in long_texts()
    ]


def test_regex_tokenizer_is_case_sensitive_and_splits_at_non_ascii_letters(tmp_path):
    _, file = write_model_maker(tmp_path)
    encoder = load(TokenizerSettings(file=str(file)))
    assert encoder.kind == "regex"
    # <START> The good caf, because é is a delimiter.
    assert unpadded(encoder, "The GOOD café") == [1, 6, 2, 11]


# ---------------------------------------------------------------------------- Keras' Tokenizer

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


class KerasTokenizer:
    """A reimplementation of Keras' Tokenizer and `pad_sequences` by their documentation."""

    def __init__(self, words, **config):
        usual = {"num_words": None, "filters": FILTERS, "lower": True, "split": " "}
        usual |= {"char_level": False, "oov_token": None}
        self.words, self.config = words, usual | config

    def to_json(self):
        """Return the output of `to_json`, whose table is JSON inside of JSON."""
        config = self.config | {"word_index": json.dumps(self.words), "document_count": 9}
        return json.dumps({"class_name": "Tokenizer", "config": config})

    def parts(self, text):
        """Return the words or characters of a text."""
        config = self.config
        text = text.lower() if config["lower"] else text
        if config["char_level"]:
            return list(text)
        for character in config["filters"]:
            text = text.replace(character, config["split"])
        return [part for part in text.split(config["split"]) if part]

    def ids(self, text):
        """Return the ids of words; a word without an id is the unknown word, or left out."""
        limit, unknown = self.config["num_words"], self.words.get(self.config["oov_token"])
        numbers = []
        for part in self.parts(text):
            number = self.words.get(part)
            if number is not None and (not limit or number < limit):
                numbers.append(number)
            elif unknown is not None:
                numbers.append(unknown)
        return numbers

    def row(self, text, *, padding="pre", truncating="pre"):
        """Return the row of ids of a text, as `pad_sequences` pads and truncates it."""
        ids = self.ids(text)
        ids = ids[-LENGTH:] if truncating == "pre" else ids[:LENGTH]
        zeros = [0] * (LENGTH - len(ids))
        return zeros + ids if padding == "pre" else ids + zeros


INDEX = {
    word: at
    for at, word in enumerate(
        ["<OOV>", "the", "good", "day", "don't", "οδος", "café", "i̇", "日本語", "x", "The", "tag"],
        1,
    )
}
LETTERS = {
    letter: at
    for at, letter in enumerate(["?", *"abcdeghoty .\nσςé日", "\u0301", "👩", "\u200d"], 1)
}
KERAS = {
    "usual": (INDEX, {"oov_token": "<OOV>"}),
    "no unknown": (INDEX, {}),
    "num_words": (INDEX, {"oov_token": "<OOV>", "num_words": 4}),
    "num_words, no unknown": (INDEX, {"num_words": 4}),
    "case kept": (INDEX, {"oov_token": "<OOV>", "lower": False}),
    "own filters": (INDEX, {"oov_token": "<OOV>", "filters": "]^-\\.ax"}),
    "no filters": (INDEX, {"oov_token": "<OOV>", "filters": ""}),
    "own split": (INDEX, {"oov_token": "<OOV>", "split": "o"}),
    "long split": (INDEX, {"oov_token": "<OOV>", "split": " the"}),
    "characters": (LETTERS, {"oov_token": "?", "char_level": True}),
    "characters, case kept": (LETTERS, {"char_level": True, "lower": False}),
}


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        *((name, ("pre", "pre")) for name in KERAS),
        *((name, ("post", "post")) for name in ("usual", "no unknown")),
        ("no unknown", ("pre", "post")),
    ],
)
def test_ids_of_a_keras_tokenizer_equal_those_of_keras(name, sides, tmp_path):
    words, config = KERAS[name]
    tokenizer, file = KerasTokenizer(words, **config), tmp_path / "tokenizer.json"
    file.write_text(tokenizer.to_json())
    side, cut = ({"pre": "left", "post": "right"}[side_of_keras] for side_of_keras in sides)
    chosen = {} if sides == ("pre", "pre") else {"side": side, "truncation": cut}
    encoder = load(TokenizerSettings(file=str(file), **chosen))
    assert encoder.kind == "keras"

    @MANY
    @given(st.lists(NASTY, min_size=1, max_size=4))
    def check(texts):
        expected = [tokenizer.row(text, padding=sides[0], truncating=sides[1]) for text in texts]
        assert rows(encoder, texts, LENGTH) == expected
        assert encoder.lengths([(t,) for t in texts]).tolist() == [
            len(tokenizer.ids(text)) for text in texts
        ]

    check()
    expected = [tokenizer.row(t, padding=sides[0], truncating=sides[1]) for t in long_texts()]
    assert rows(encoder, long_texts(), LENGTH) == expected


def test_mask_covers_only_words_with_an_id(tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text(KerasTokenizer(INDEX).to_json())
    arrays = load(TokenizerSettings(file=str(file))).encode([("The unknown good",)], 4)
    assert arrays[IDS].tolist() == [[0, 0, 2, 3]]
    assert arrays[MASK].tolist() == [[0, 0, 1, 1]]
    assert arrays[SEGMENTS].tolist() == [[0, 0, 0, 0]]
    assert all(array.dtype == np.int32 for array in arrays.values())


# ------------------------------------------------------------------------- words and characters


@pytest.mark.parametrize("kind", ["words", "characters"])
@pytest.mark.parametrize("around", [{}, {"start": "<s>", "end": "</s>"}])
def test_words_or_characters_are_mapped_to_their_ids(kind, around, tmp_path):
    listed = ["<pad>", "<s>", "</s>", "<unk>", "good", "day", "x", "日", "g", "o", "👩", "\t", " "]
    words = {word: at for at, word in enumerate(listed)}
    file = tmp_path / "list.json"
    file.write_text(json.dumps(words))
    encoder = load(TokenizerSettings(file=str(file), kind=kind, **around))

    def expected(text):
        # Oniguruma uses Unicode's blanks, while Python also counts four control characters as
        # blanks.
        parts = list(text) if kind == "characters" else re.split(UNICODE_BLANKS, text)
        ids = [words.get(part, words["<unk>"]) for part in parts if part]
        room = LENGTH - 2 * bool(around)
        around_them = [1, *ids[:room], 2] if around else ids
        return filled(around_them, LENGTH, 0)

    @MANY
    @given(NASTY)
    def check(text):
        assert rows(encoder, [text], LENGTH) == [expected(text)]

    check()
    assert rows(encoder, long_texts(), LENGTH) == [expected(text) for text in long_texts()]


UNICODE_BLANKS = "[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"


def test_encoded_pair_contains_both_texts_with_different_segments(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("<pad>\n<s>\n</s>\n<unk>\ngood\nday\n")
    encoder = load(TokenizerSettings(file=str(file), kind="words", start="<s>", end="</s>"))
    arrays = encoder.encode([("good", "day day"), ("day",)], 8)
    assert arrays[IDS].tolist() == [[1, 4, 2, 5, 5, 2, 0, 0], [1, 5, 2, 0, 0, 0, 0, 0]]
    assert arrays[SEGMENTS].tolist() == [[0, 0, 0, 1, 1, 1, 0, 0], [0] * 8]


def test_token_id_is_shown_as_its_word(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("<pad>\n<unk>\ngood\n")
    encoder = load(TokenizerSettings(file=str(file), kind="words"))
    assert encoder.tokens([2, 1, 0, 99]) == ["good", "<unk>", "<pad>", "?"]
    assert encoder.size == 3
