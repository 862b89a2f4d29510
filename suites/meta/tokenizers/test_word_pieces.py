"""Word pieces follow BERT's published algorithm.

The algorithm is implemented again from BERT's description. As in every fast implementation,
each letter is lowered separately: a Greek sigma at the end of a word is not special.
"""

# ruff: noqa: RUF001 - the tests need letters that look like others

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.texts import MANY, NASTY, filled, long_texts, rows, unpadded

LENGTH = 20
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [
    *("good", "Good", "day", "GO", "##OD", "##o", "un", "##aff", "##able", "the", "The", "x"),
    *("cafe", "café", "Café", "caf", "##é", "##e", "nai", "##ve", "naive", "ß", "ss", "ο", "##δος"),
    *("##δοσ", "日", "##本", "本", "語", "日本", "ひ", "##ら", "שלום", "한국", "👍", "👩", "❤"),
    *("'", ".", ",", "#", "##a", "a", "##b", "_", "[", "]", "UN", "##K", "–", "…", "`", "$", "44"),
    *(
        "e",
        "##\u0301",
        "\u0301",
        "क",
        "##ष",
        "i",
        "##\u0307",
        "don",
        "t",
        "i\u0307",
        "½",
        "1",
        "##1",
    ),
]
CJK = [
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
]
LONGEST_WORD = 100


def basic_words(text, *, lower, strip, chinese):
    """Return the cleaned words and punctuation of a text, lowered and stripped as requested."""
    cleaned = []
    for letter in text:
        category = unicodedata.category(letter)
        if letter in "\t\n\r" or category == "Zs":
            cleaned.append(" ")
        elif letter in "\0\ufffd" or category in {"Cc", "Cf", "Co"}:
            continue
        elif chinese and any(first <= ord(letter) <= last for first, last in CJK):
            cleaned.append(f" {letter} ")
        else:
            cleaned.append(letter)
    words = []
    for word in "".join(cleaned).split():
        if strip:
            parted = unicodedata.normalize("NFD", word)
            letters = "".join(letter for letter in parted if unicodedata.category(letter) != "Mn")
        else:
            letters = word
        lowered = "".join(letter.lower() for letter in letters) if lower else letters
        words += split_at_punctuation(lowered)
    return words


def split_at_punctuation(word):
    parts = [""]
    for letter in word:
        ascii_mark = letter.isascii() and letter.isprintable() and not letter.isalnum()
        if ascii_mark or unicodedata.category(letter).startswith("P"):
            parts += [letter, ""]
        else:
            parts[-1] += letter
    return [part for part in parts if part]


def pieces_of(word, words):
    """Return the ids of a word's longest pieces from the left; [UNK]'s if a rest has no piece."""
    numbers, at = [], 0
    if len(word) > LONGEST_WORD:
        return [words["[UNK]"]]
    while at < len(word):
        mark = "##" if at else ""
        ends = range(len(word), at, -1)
        end = next((end for end in ends if mark + word[at:end] in words), None)
        if end is None:
            return [words["[UNK]"]]
        numbers.append(words[mark + word[at:end]])
        at = end
    return numbers


def bert(text, words, **rules):
    numbers = [number for word in basic_words(text, **rules) for number in pieces_of(word, words)]
    return [words["[CLS]"], *numbers[: LENGTH - 2], words["[SEP]"]]


def write(folder, settings=None, pieces=PIECES):
    listed = [*SPECIAL, *pieces]
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in listed), encoding="utf-8")
    if settings is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return {word: at for at, word in enumerate(listed)}


CASES = {
    "uncased": ({"do_lower_case": True}, {"lower": True, "strip": True, "chinese": True}),
    "cased": ({"do_lower_case": False}, {"lower": False, "strip": False, "chinese": True}),
    "accents kept": (
        {"do_lower_case": True, "strip_accents": False},
        {"lower": True, "strip": False, "chinese": True},
    ),
    "accents stripped, cased": (
        {"do_lower_case": False, "strip_accents": True},
        {"lower": False, "strip": True, "chinese": True},
    ),
    "Chinese together": (
        {"do_lower_case": False, "tokenize_chinese_chars": False},
        {"lower": False, "strip": False, "chinese": False},
    ),
    "nothing said": ({}, {"lower": True, "strip": True, "chinese": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_word_piece_ids_equal_those_of_the_published_algorithm(name, tmp_path):
    settings, rules = CASES[name]
    words = write(tmp_path, settings)
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    assert encoder.kind == "wordpiece"

    @MANY
    @given(NASTY)
    def check(text):
        assert rows(encoder, [text], LENGTH) == [filled(bert(text, words, **rules), LENGTH, 0)]

    check()
    expected = [filled(bert(text, words, **rules), LENGTH, 0) for text in long_texts()]
    assert rows(encoder, long_texts(), LENGTH) == expected


@pytest.mark.parametrize(("case", "ids"), [("kept", [2, 6, 3]), ("unicode", [2, 5, 3])])
def test_case_of_a_vocabulary_without_settings_can_be_declared(case, ids, tmp_path):
    write(tmp_path)
    assert unpadded(load(TokenizerSettings(file=str(tmp_path), case=case)), "Good") == ids


def test_special_tokens_are_taken_from_the_settings(tmp_path):
    pad_token = {"content": "<pad>", "lstrip": False, "__type": "AddedToken"}
    tokens = {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": pad_token}
    listed = "".join(f"{piece}\n" for piece in ("<s>", "</s>", "<unk>", "good", "<pad>"))
    (tmp_path / "vocab.txt").write_text(listed)
    settings = tokens | {"padding_side": "left", "do_lower_case": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    assert rows(encoder, ["good bad"], 6) == [[4, 4, 0, 3, 2, 1]]


def test_truncation_shortens_the_longer_text_of_a_pair(tmp_path):
    words = write(tmp_path, {"do_lower_case": True})
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    arrays = encoder.encode([("good", "day day day day")], 6)
    good, day = words["good"], words["day"]
    assert arrays["ids"].tolist() == [[2, good, 3, day, day, 3]]
    assert arrays["segments"].tolist() == [[0, 0, 0, 1, 1, 1]]
