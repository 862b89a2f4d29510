"""A short tokenizer.json must not expand a short text until memory is full."""

from __future__ import annotations

import base64
import json

import pytest
from tokenizers import Regex, normalizers

from models.corpus.tokenize import load_tokenizer
from models.errors import UsageMistake
from models.subjects import TokenizerTable
from models.tokenizers.growth import MOST_ADDED, MOST_STEPS
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.kinds import small_encoder

Replace, Prepend, Sequence = normalizers.Replace, normalizers.Prepend, normalizers.Sequence


def as_given(folder):
    return load(TokenizerSettings(file="tokenizer.json"), folder)


def as_a_checkpoints(folder):
    return load_tokenizer(folder, TokenizerTable(source="trained", vocabulary=400))


def read(tmp_path, normalizer):
    library = small_encoder("wordpiece", tmp_path).library
    library.normalizer = normalizer
    library.save(str(tmp_path / "tokenizer.json"))
    return as_given(tmp_path)


BAD = {
    "a megabyte before each text": (Prepend("a" * 2**20), "adds 1,048,576 characters"),
    "a megabyte for each letter": (Replace("a", "a" * 2**20), "adds 1,048,576 characters"),
    "too many steps": (Sequence([Prepend("a")] * (MOST_STEPS + 1)), "has 65 steps"),
    "steps that multiply": (Sequence([Replace("a", "a" * MOST_ADDED)] * 3), "times as long"),
    "sequences in sequences": (
        Sequence([Sequence([Replace("a", "a" * MOST_ADDED)])] * 3),
        "times as long",
    ),
    "expressions that match nothing": (Sequence([Replace(Regex("x*"), "a")] * 13), "times as long"),
}
GOOD = {
    "none": None,
    "BERT's": normalizers.BertNormalizer(),
    "Llama's": Sequence([Prepend("▁"), Replace(" ", "▁")]),
    "T5's": Sequence([normalizers.NFKC(), Replace(Regex(" {2,}"), " ")]),
    "CamemBERT's": Sequence([Replace("``", '"'), Replace("''", '"'), normalizers.NFKD()]),
    "words for signs": Sequence([Replace("&", " and "), Replace("@", " at "), Replace("%", " p ")]),
}


@pytest.mark.parametrize("bad", BAD)
def test_rejects_normalizer_that_can_lengthen_a_text_without_limit(bad, tmp_path):
    normalizer, message = BAD[bad]
    with pytest.raises(UsageMistake, match=message) as caught:
        read(tmp_path, normalizer)
    assert "tokenizer.json" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("good", GOOD)
def test_accepts_normalizers_of_published_tokenizers(good, tmp_path):
    encoder = read(tmp_path, GOOD[good])
    assert encoder.encode([("good day",)], 8)["ids"].shape == (1, 8)


def test_rejects_checkpoint_tokenizer_that_can_lengthen_a_text_without_limit(tmp_path):
    library = small_encoder("wordpiece", tmp_path).library
    library.normalizer = Prepend("a" * 2**20)
    library.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UsageMistake, match="the tokenizer's normalizer adds"):
        as_a_checkpoints(tmp_path)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"\xff\xff\xff\x7fabcd", "says that its trie has 2,147,483,647"),
        (b"\x08\0\0\0abcd", "says that its trie has 8"),
    ],
)
@pytest.mark.parametrize("read", [as_given, as_a_checkpoints], ids=["given", "checkpoint"])
def test_rejects_table_of_character_replacements_with_a_wrong_size(table, message, read, tmp_path):
    small_encoder("wordpiece", tmp_path).library.save(str(tmp_path / "tokenizer.json"))
    document = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    encoded = base64.b64encode(table).decode()
    document["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": encoded}
    (tmp_path / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageMistake, match=message):
        read(tmp_path)


def test_rejects_tokenizer_json_with_a_duplicate_normalizer_key(tmp_path):
    """The library and edgeproof's checks might read different values of the duplicate key."""
    small_encoder("wordpiece", tmp_path).library.save(str(tmp_path / "tokenizer.json"))
    text = (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    doubled = text.replace("{", '{"normalizer": {"type": "Prepend", "prepend": "a"},', 1)
    (tmp_path / "tokenizer.json").write_text(doubled, encoding="utf-8")
    with pytest.raises(UsageMistake, match="an object has the key 'normalizer' twice"):
        as_given(tmp_path)
