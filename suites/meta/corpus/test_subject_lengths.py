"""A subject's row lengths change only the converted files, not the trained models."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.building.plan import make_plan, make_request
from models.subjects import TokenizerTable, load_subject


def table(**settings):
    return TokenizerTable(source="trained", max_tokens=64, **settings)


def test_rows_have_one_length_by_default():
    assert table().row_lengths == (64,)
    assert table(lengths=(16, 32, 64)).row_lengths == (16, 32, 64)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ((16, 32), "`lengths` ends with 32, but `max_tokens` is 64"),
        ((16, 128), "`lengths` ends with 128"),
        ((32, 16, 64), "must ascend"),
        ((64,), "contains only 64"),
        ((4, 64), "4 is less than the shortest possible row, 8 tokens"),
    ],
)
def test_rejects_invalid_row_lengths(lengths, message):
    with pytest.raises(ValueError, match=message):
        table(lengths=lengths)


def test_changed_row_lengths_change_only_the_converted_files():
    subject = load_subject("embedded")
    lengths = replace(subject.tokenizer, lengths=(16, 64))
    single, several = (
        make_plan(make_request(described, schemes=("float32",)))
        for described in (subject, replace(subject, tokenizer=lengths))
    )
    assert (single.corpus, single.full, single.small) == (
        several.corpus,
        several.full,
        several.small,
    )
    assert single.variants != several.variants
