"""A table of character replacements is checked completely before the library uses the table."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from models.errors import UsageMistake
from models.tokenizers.charsmaps import LONGEST_REPLACEMENT, checked_table, longest_replacement
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.kinds import small_encoder
from suites.meta.tokenizers.sentence_piece_models import (
    NORMALIZED,
    NORMALIZER,
    TABLE,
    field_of,
    small_table,
    trained,
)

START = 4


def trie_of(table):
    size = int.from_bytes(table[:START], "little")
    return np.array(memoryview(table[START : START + size]).cast("I"), np.uint32)


def with_trie(trie, table):
    return table[:START] + trie.astype("<u4").tobytes() + table[START + 4 * trie.size :]


def changed(table, place, word):
    trie = trie_of(table)
    trie[place] = word
    return with_trie(trie, table)


def bad_tables():
    good = small_table()
    trie, texts = trie_of(good), good[START + 4 * trie_of(good).size :]
    value = int(np.flatnonzero(trie & 2**31)[0])
    whole = good[: len(good) - len(texts)]
    return {
        "a size that is too large": ((2**31).to_bytes(4, "little") + good[4:], "but says that"),
        "a size of half a word": ((1022).to_bytes(4, "little") + good[4:], "trie has 1,022"),
        "no trie": (bytes(4) + texts, "trie has 0 bytes"),
        "too many bytes": (good + bytes(8_000_000), "at most 8,000,000"),
        "a start that leads away": (changed(good, 0, 2**31 - 1), "outside of its trie"),
        "a letter that leads away": (
            changed(good, ord("A"), 2**20 + ord("A")),
            "outside of its trie",
        ),
        "a text that is not there": (
            changed(good, value, 2**31 + len(texts) + 1),
            "outside of its texts",
        ),
        "half a letter": (whole + "aé\0".encode() * 9, "middle of a character"),
        "texts of no encoding": (whole + b"\xff\0" * 9, "not UTF-8"),
        "a letter of a megabyte": (whole + b"a" * 2**20, "turns one character into 1,048,576"),
    }


@pytest.mark.parametrize("bad", bad_tables())
def test_rejects_unusable_table_of_character_replacements(bad, tmp_path):
    table, message = bad_tables()[bad]
    small_encoder("wordpiece", tmp_path).library.save(str(tmp_path / "tokenizer.json"))
    document = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    encoded = base64.b64encode(table).decode()
    document["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": encoded}
    (tmp_path / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageMistake, match=message) as refused:
        load(TokenizerSettings(file="tokenizer.json"), tmp_path)
    assert "Download the complete tokenizer.json again" in str(refused.value)


@pytest.mark.parametrize("rule", NORMALIZED)
def test_accepts_the_character_tables_of_sentencepiece(rule):
    normalizer = field_of(trained("unigram", rule), NORMALIZER)
    # A model that does not normalize texts has no table.
    table = b"" if rule == "identity" else field_of(normalizer, TABLE)
    assert checked_table(table) == table
    assert longest_replacement(table) <= 18 < LONGEST_REPLACEMENT


def test_accepts_character_table_with_custom_rules():
    assert checked_table(small_table()) == small_table()
    assert longest_replacement(small_table()) == 2
