"""One file stores cleaning and tokenization, and is the same in every process."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from models.corpus.clean import STEPS, normalized, normalizer_for
from models.corpus.texts import LabelledText
from models.corpus.tokenize import (
    encode,
    load_tokenizer,
    token_lengths,
    train_tokenizer,
)
from models.errors import UsageMistake
from models.input_roles import ROLES
from models.subjects import TokenizerTable

TABLE = TokenizerTable(
    source="trained", vocabulary=300, max_tokens=16, cleaning=("links", "mentions", "spaces")
)
TEXTS = [
    f"the {aspect} of {name} is {word}!"
    for name in ("Paper Tigers", "Ostrel Bank")
    for aspect in ("app", "tour", "album")
    for word in ("great", "awful", "not bad")
]

DIGEST = """
import hashlib
from models.corpus.tokenize import train_tokenizer
from models.subjects import TokenizerTable
texts = [f"word{n % 97} of {n % 89} texts, {chr(97 + n % 26)}x" for n in range(500)]
whole = train_tokenizer(texts, TokenizerTable(source="trained", vocabulary=400)).to_str()
print(hashlib.sha256(whole.encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TABLE)


@pytest.mark.parametrize(
    ("step", "text", "cleaned"),
    [
        ("links", "see https://t.co/aB3?x=1 now", "see   now"),
        ("mentions", "hi @jo_mills!", "hi  !"),
        ("hashtags", "#win #1 # alone", "win 1 # alone"),
        ("symbols", "a + b 😍 $5", "a   b    5"),
        ("punctuation", "so... (yes), it's", "so     yes   it s"),
        ("spaces", "  a \n\t b ", "a b"),
    ],
)
def test_each_cleaning_step_gives_the_expected_text_for_its_example(step, text, cleaned):
    assert normalizer_for([step], lowercase=None).normalize_str(text) == cleaned


def test_every_cleaning_step_has_an_example_text():
    marks = test_each_cleaning_step_gives_the_expected_text_for_its_example.pytestmark[0].args[1]
    assert {case[0] for case in marks} == STEPS.keys()


def test_order_of_cleaning_steps_does_not_change_the_result():
    text = "RT @jo: #Great, see https://t.co/x  !"
    forms = {
        normalizer_for(steps, lowercase=True).normalize_str(text)
        for steps in (list(STEPS), list(reversed(STEPS)))
    }
    assert forms == {"rt great see"}


def test_rejects_unknown_cleaning_step():
    with pytest.raises(UsageMistake, match=r"tokenizer\.cleaning.*'stemming'.*links, mentions"):
        normalizer_for(["links", "stemming"], lowercase=True)


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("Great app! https://t.co/x", "RT @jo: great  APP"),
        ("so… “good”", "so ... good"),
    ],
)
def test_copies_of_a_text_have_equal_normalized_forms(text, copy):
    assert normalized(text) == normalized(copy)


@pytest.mark.parametrize(("text", "second"), [("ok 😍", "ok 😡"), ("@jo", "@mia"), ("好", "坏")])
def test_different_texts_have_different_normalized_forms(text, second):
    assert normalized(text) != normalized(second)


def test_tokenizers_trained_in_different_processes_are_identical():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1


@given(text=st.text(max_size=400), group=st.text(max_size=40))
def test_every_text_is_encoded_to_the_requested_number_of_ids(tokenizer, text, group):
    row = tokenizer.encode(group, text)
    assert len(row.ids) == len(row.attention_mask) == len(row.type_ids) == TABLE.max_tokens
    assert 0 <= min(row.ids) <= max(row.ids) < tokenizer.get_vocab_size()


def test_encoded_pair_starts_with_the_group_and_then_the_text(tokenizer):
    row = tokenizer.encode("Ostrel Bank", "@jo great https://t.co/x")
    assert row.tokens[:7] == ["[CLS]", "ostrel", "bank", "[SEP]", "great", "[SEP]", "[PAD]"]
    assert row.type_ids[:7] == [0, 0, 0, 0, 1, 1, 0]
    assert sum(row.attention_mask) == 6


def test_long_text_is_truncated_but_its_group_is_not(tokenizer):
    row = tokenizer.encode("Ostrel Bank", "great " * 50)
    assert row.tokens[:5] == ["[CLS]", "ostrel", "bank", "[SEP]", "great"]
    assert row.tokens[-1] == "[SEP]"


def test_special_token_written_in_a_text_is_treated_as_text(tokenizer):
    row = tokenizer.encode("Ostrel Bank", "great [SEP] app [PAD] [CLS]")
    assert row.tokens.count("[SEP]") == 2
    assert "[PAD]" not in row.tokens[: sum(row.attention_mask)]


def test_tokenizer_loaded_from_its_file_gives_unchanged_ids(tokenizer, tmp_path):
    file = tmp_path / "tokenizer.json"
    tokenizer.save(str(file))
    again = Tokenizer.from_file(str(file))
    for text in (*TEXTS, "@jo [SEP] 😍 https://t.co/x", ""):
        assert again.encode("Paper Tigers", text).ids == tokenizer.encode("Paper Tigers", text).ids


def test_encoded_texts_have_the_documented_shapes_and_dtypes(tokenizer):
    texts = [
        LabelledText("1", "Ostrel Bank", "great app", 1),
        LabelledText("2", "", "awful tour " * 20, 0),
    ]
    encoded = encode(tokenizer, texts, pair_with_group=True)
    for name in ROLES:
        assert getattr(encoded, name).shape == (2, 16)
        assert getattr(encoded, name).dtype == np.int32
    assert encoded.labels.tolist() == [1, 0]
    assert encoded.segments[1].sum() == 0
    assert token_lengths(tokenizer, texts, pair_with_group=True).tolist() == [7, 42]


def _checkpoint(folder, *, whole):
    trained = train_tokenizer(TEXTS, TABLE)
    trained.add_special_tokens(["[CLS]", "[SEP]", "[PAD]"])
    trained.enable_truncation(5)
    trained.enable_padding(length=128)
    if whole:
        trained.save(str(folder / "tokenizer.json"))
    else:
        pieces = sorted(trained.get_vocab().items(), key=lambda item: item[1])
        (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in pieces))


@pytest.mark.parametrize("whole", [True, False], ids=["tokenizer.json", "vocab.txt"])
def test_checkpoint_tokenizer_uses_the_subjects_cleaning_and_length(tokenizer, tmp_path, whole):
    _checkpoint(tmp_path, whole=whole)
    loaded = load_tokenizer(
        tmp_path, msgspec.structs.replace(TABLE, source="pretrained", vocabulary=None)
    )
    for text in ("the app is great @jo", "great [SEP] " * 30):
        assert loaded.encode("Ostrel Bank", text).ids == tokenizer.encode("Ostrel Bank", text).ids


def test_rejects_folder_without_tokenizer(tmp_path):
    with pytest.raises(UsageMistake, match=r"holds none of tokenizer\.json, vocab\.txt") as refused:
        load_tokenizer(tmp_path, TABLE)
    assert refused.value.file == str(tmp_path)
    assert "save_pretrained writes" in refused.value.remedy


def test_rejects_damaged_tokenizer_json(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(UsageMistake, match=r"tokenizer\.json: is not JSON") as refused:
        load_tokenizer(tmp_path, TABLE)
    assert "Download the complete tokenizer.json again" in refused.value.remedy
