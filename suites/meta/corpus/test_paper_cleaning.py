"""The paper's cleaning is one named step: it removes symbols, punctuation and redundant spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corpus.clean import normalizer_for
from models.corpus.tokenize import train_tokenizer
from models.errors import UsageMistake
from models.subjects import TokenizerTable


def cleaned(text: str, *steps: str) -> str:
    """Return a text after some cleaning steps."""
    return normalizer_for(steps, lowercase=None).normalize_str(text)


def test_paper_cleaning_removes_symbols_and_punctuation_but_no_words():
    text = "  RT @who:  #Veltra costs 5€,\n & it's GREAT!!! 😀 "
    assert cleaned(text, "paper") == "RT who Veltra costs 5 it s GREAT"
    assert cleaned(text) == text


@given(st.text())
def test_paper_cleaning_equals_its_three_steps_and_is_idempotent(text):
    once = cleaned(text, "paper")
    assert once == cleaned(text, "symbols", "punctuation", "spaces")
    assert cleaned(once, "paper") == once


@pytest.mark.parametrize(("cleaning", "alike"), [((), False), (("paper",), True)])
def test_subject_enables_paper_cleaning_by_name(cleaning, alike):
    table = TokenizerTable(source="trained", vocabulary=120, cleaning=cleaning)
    tokenizer = train_tokenizer(["one, two!", "two & one?"] * 5, table)
    assert (tokenizer.encode("one, two!").ids == tokenizer.encode("one two").ids) is alike


def test_error_on_an_unknown_cleaning_step_lists_the_known_steps():
    with pytest.raises(UsageMistake, match=r"no cleaning step is called 'papers'.*paper"):
        cleaned("text", "papers")
