"""Token parity is computed text by text, and the first difference is shown."""

from __future__ import annotations

import pytest

from models.candidates.parity import compare_ids
from models.candidates.texts import TextRow
from models.tokenizers.kinds import TokenizerSettings, load


def texts(*words):
    return [TextRow(f"t{at}", (word,), "a", "", None, f"line {at + 2}")
            for at, word in enumerate(words)]  # fmt: skip


@pytest.fixture
def tokenizer(tmp_path):
    file = tmp_path / "vocab.txt"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fine", "Fine", "day"]
    file.write_text("\n".join(words) + "\n", encoding="utf-8")
    return load(TokenizerSettings(file=str(file), kind="wordpiece", case="kept"))


def test_equal_token_ids_have_full_parity():
    parity = compare_ids([(1, 2), ()], [(1, 2), ()], texts("one", ""), None)
    assert parity.share == 1.0
    assert parity.first == ""


def test_first_text_with_different_token_ids_is_shown_with_both_rows(tokenizer):
    """The recorded app lowercases its texts, although the vocabulary is cased."""
    recorded, expected = [(2, 7, 3), (2, 5, 7, 3)], [(2, 7, 3), (2, 6, 7, 3)]
    parity = compare_ids(recorded, expected, texts("day", "Fine day"), tokenizer)
    assert parity.share == 0.5
    assert parity.equal.tolist() == [True, False]
    assert parity.first.splitlines() == [
        "1 of 2 texts have different ids; the first is 't1', line 3: 'Fine day'",
        "  recorded: [2, 5, 7, 3] [CLS] fine day [SEP]",
        "  expected: [2, 6, 7, 3] [CLS] Fine day [SEP]",
        "  first different token: 1 of 4 and 4",
    ]


def test_row_that_is_too_short_differs_at_its_end():
    parity = compare_ids([(2, 7)], [(2, 7, 3)], texts("day"), None)
    assert parity.first.endswith("first different token: 2 of 2 and 3")


def test_long_rows_are_shown_only_near_their_first_difference():
    row = tuple(range(500))
    changed = (*row[:300], 9_999, *row[301:])
    parity = compare_ids([row], [changed], texts("word " * 1000), None)
    assert "[..., 292, 293," in parity.first
    assert "9999, 301" in parity.first
    assert len(parity.first) < 1000


def test_id_beyond_the_vocabulary_is_shown_as_a_question_mark(tokenizer):
    parity = compare_ids([(2, 99, 3)], [(2, 7, 3)], texts("day"), tokenizer)
    assert "[2, 99, 3] [CLS] ? [SEP]" in parity.first
