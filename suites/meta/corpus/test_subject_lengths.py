"""A subject's row lengths change the converted files and nothing before."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.building.plan import make_plan, make_request
from models.subjects import TokenizerTable, load_subject


def table(**given):
    return TokenizerTable(source="trained", max_tokens=64, **given)


def test_rows_have_one_length_by_default():
    assert table().row_lengths == (64,)
    assert table(lengths=(16, 32, 64)).row_lengths == (16, 32, 64)


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ((16, 32), "`lengths` end with 32, and `max_tokens` is 64"),
        ((16, 128), "`lengths` end with 128"),
        ((32, 16, 64), "do not ascend"),
        ((64,), "names 64 alone"),
        ((4, 64), "4 is less than 8 tokens"),
    ],
)
def test_rejects_invalid_lengths(lengths, said):
    with pytest.raises(ValueError, match=said):
        table(lengths=lengths)


def test_other_lengths_do_not_retrain():
    subject = load_subject("embedded")
    lengths = replace(subject.tokenizer, lengths=(16, 64))
    one, several = (
        make_plan(make_request(each, schemes=("float32",)))
        for each in (subject, replace(subject, tokenizer=lengths))
    )
    assert (one.corpus, one.full, one.small) == (several.corpus, several.full, several.small)
    assert one.variants != several.variants
