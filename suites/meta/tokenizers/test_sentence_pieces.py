"""A SentencePiece model gives the ids of the package `sentencepiece`."""

from __future__ import annotations

import math
import re

import pytest
import sentencepiece
from hypothesis import given

from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.fuzz.systematic import fields, message_of
from suites.meta.tokenizers.sentence_piece_models import NORMALIZED, OPTIONS, trained
from suites.meta.tokenizers.texts import MANY, NASTY, filled, long_texts, rows, unpadded

CASES = [
    *(("nmt_nfkc", option) for option in OPTIONS),
    *((rule, option) for rule in NORMALIZED[1:] for option in ("usual", "all blanks")),
]
# Texts that the library is known to read differently (sentence_pieces.py): a mark or a joiner after
# a letter that the model's table changes, and the name of a byte's piece.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u094f\u200c\u200d\ufe00-\ufe0f"
KNOWN = re.compile(rf"[^\W\d_a-z][{MARKS}]|[^\x00-\u02ff][{MARKS}]|<0x[0-9A-F]{{2}}>")


def write(folder, *of):
    file = folder / "spiece.model"
    file.write_bytes(trained(*of))
    return file, sentencepiece.SentencePieceProcessor(model_proto=trained(*of))


@pytest.mark.parametrize(("rule", "option"), CASES)
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_token_ids_equal_those_of_the_sentencepiece_package(kind, rule, option, tmp_path):
    file, processor = write(tmp_path, kind, rule, option)
    encoder = load(TokenizerSettings(file=str(file)))
    assert encoder.kind == "sentencepiece"

    def check(text):
        if rule != "identity":
            text = without_known(text)
        actual, expected = unpadded(encoder, text), processor.encode(text)
        if actual != expected:
            assert kind == "unigram", text
            assert is_tie(processor, actual, expected), text

    MANY(given(NASTY)(check))()
    for text in long_texts():
        check(text)


def without_known(text):
    while KNOWN.search(text):
        text = KNOWN.sub("", text)
    return text


def is_tie(processor, left, right):
    """Tell whether two segmentations of a text are equally likely, so either is correct."""
    scores = [math.fsum(map(processor.get_score, ids)) for ids in (left, right)]
    return processor.decode(left) == processor.decode(right) and math.isclose(
        *scores, rel_tol=1e-6, abs_tol=1e-4
    )


def test_two_segmentations_are_a_tie_only_with_equal_scores(tmp_path):
    _, processor = write(tmp_path, "unigram")
    normal, unknown = processor.encode("good"), [processor.unk_id()]
    assert not is_tie(processor, normal, unknown)
    assert is_tie(processor, normal, list(normal))


def test_control_piece_written_in_a_text_is_treated_as_text(tmp_path):
    file, processor = write(tmp_path, "unigram")
    encoder = load(TokenizerSettings(file=str(file)))
    assert unpadded(encoder, "good </s> <pad>") == processor.encode("good </s> <pad>")
    assert 2 not in unpadded(encoder, "</s>")


def test_declared_special_tokens_are_added_to_sentence_pieces(tmp_path):
    file, processor = write(tmp_path, "unigram")
    encoder = load(TokenizerSettings(file=str(file), start="<s>", end="</s>"))
    expected = [1, *processor.encode("good day")[:4], 2]
    assert rows(encoder, ["good day"], 6) == [filled(expected, 6, 3)]
    assert rows(encoder, [""], 3) == [[1, 2, 3]]
    arrays = encoder.encode([("good", "day")], 12)
    first, second = processor.encode("good"), processor.encode("day")
    row = [1, *first, 2, *second, 2]
    assert arrays["ids"].tolist() == [filled(row, 12, 3)]
    ones = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    assert arrays["segments"].tolist() == [filled(ones, 12, 0)]


def test_rows_are_padded_with_the_padding_piece_of_the_model(tmp_path):
    file, processor = write(tmp_path, "bpe")
    encoder = load(TokenizerSettings(file=str(file), side="left"))
    expected = processor.encode("day")
    assert rows(encoder, ["day"], 9) == [[3] * (9 - len(expected)) + expected]


def test_rejects_padding_token_that_is_not_a_piece(tmp_path):
    """Padding with another piece would give ids that differ from the app's."""
    trainer, pad_id, varint = 2, 43, 0
    parts = [
        (name, kind, with_field(value, pad_id, varint, 9999) if name == trainer else value)
        for name, kind, value in fields(trained("bpe"))
    ]
    (tmp_path / "spiece.model").write_bytes(message_of(parts))
    with pytest.raises(UsageMistake, match="but pads rows with number 9999"):
        load(TokenizerSettings(file="spiece.model"), tmp_path)
    assert load(TokenizerSettings(file="spiece.model", pad="<s>"), tmp_path).padding.number == 1


def with_field(message, wanted, kind, value):
    """Return a protobuf message with another value in one field."""
    other_fields = [part for part in fields(message) if part[0] != wanted]
    return message_of([*other_fields, (wanted, kind, value)])
