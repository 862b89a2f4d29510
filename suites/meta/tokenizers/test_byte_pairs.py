"""RoBERTa's vocab.json and merges.txt give the ids of RoBERTa's algorithm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.texts import MANY, NASTY, long_texts, rows, unpadded

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
MERGES = [("g", "o"), ("o", "d"), ("go", "od"), ("Ġ", "good"), ("d", "a"), ("Ã", "©")]


def byte_letters():
    """Return GPT-2's letter for each byte: itself if printable, otherwise one from U+0100 on."""
    own = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in own}
    for byte in range(256):
        letters.setdefault(byte, chr(0x100 + len(letters) - len(own)))
    return letters


def write(folder, **settings):
    parts = [*SPECIAL, *byte_letters().values(), *(left + right for left, right in MERGES)]
    words = {part: at for at, part in enumerate([*parts, "<mask>"])}
    (folder / "vocab.json").write_text(json.dumps(words))
    lines = "".join(f"{left} {right}\n" for left, right in MERGES)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{lines}", encoding="utf-8")
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return words


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("good", ["good"]),
        (" good", ["Ġgood"]),
        ("goodgo", ["good", "go"]),
        ("go od", ["go", "Ġ", "od"]),
        ("day", ["da", "y"]),
        ("é", ["Ã©"]),
        ("a\n", ["a", "Ċ"]),
        ("\x00", ["Ā"]),
        ("", []),
        ("good<mask>", ["good", "<mask>"]),
        ("good <mask>", ["good", "<mask>"]),
        ("</s>", ["</s>"]),
    ],
)
def test_byte_pair_ids_of_short_texts_equal_hand_worked_examples(text, parts, tmp_path):
    words = write(tmp_path)
    expected = [words[part] for part in ("<s>", *parts, "</s>")]
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    assert encoder.kind == "byte_pairs"
    assert unpadded(encoder, text) == expected


def test_two_end_tokens_separate_the_texts_of_a_pair(tmp_path):
    words = write(tmp_path)
    encoder = load(TokenizerSettings(file=str(tmp_path / "vocab.json")))
    arrays = encoder.encode([("good", "go")], 8)
    good, go = words["good"], words["go"]
    assert arrays["ids"].tolist() == [[0, good, 2, 2, go, 2, 1, 1]]
    assert arrays["mask"].tolist() == [[1, 1, 1, 1, 1, 1, 0, 0]]
    assert not arrays["segments"].any()


def test_prefix_space_setting_adds_a_space_before_the_text(tmp_path):
    words = write(tmp_path, add_prefix_space=True)
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    assert unpadded(encoder, "good") == [0, words["Ġgood"], 2]


def test_every_text_can_be_restored_from_its_byte_pair_ids(tmp_path):
    """Decoding the ids of a text gives the text: no byte is unknown, removed or changed."""
    write(tmp_path)
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    tokens = [*SPECIAL, "<mask>"]
    bytes_of = {letter: byte for byte, letter in byte_letters().items()}

    def back(ids):
        letters = "".join(encoder.tokens(ids))
        return bytes(bytes_of[letter] for letter in letters).decode()

    @MANY
    @given(NASTY)
    def check(text):
        for token in tokens:
            text = text.replace(token, "")
        assert back(unpadded(encoder, text)[1:-1]) == text

    check()
    for text in long_texts():
        assert back(unpadded(encoder, text)[1:-1]) == text


def test_byte_pair_rows_are_padded_and_truncated_on_the_chosen_side(tmp_path):
    words = write(tmp_path)
    encoder = load(TokenizerSettings(file=str(tmp_path), side="left", truncation="left"))
    good, dd = words["Ġgood"], words["od"]
    assert rows(encoder, ["go good"], 5) == [[1, 0, words["go"], good, 2]]
    assert rows(encoder, ["go good od"], 4) == [[0, words["Ġ"], dd, 2]]
