"""Altered copies of training texts follow a seed and have no label."""

from __future__ import annotations

import pytest

from models.corpus.texts import LabelledText
from models.shrinking.copies import REWORDED, SHARES, UNLABELLED, altered, joined, words_of
from suites.meta.shrinking.encodings import encoded

TEXTS = [
    LabelledText(f"id{number}", "group", f"a{number} b{number} c{number} d{number}", number % 3)
    for number in range(200)
]
WORDS = {word for text in TEXTS for word in text.text.split()}
SIMILAR = {"good": ("great", "fine")}


def test_altered_copies_depend_only_on_the_texts_and_the_seed():
    assert altered(TEXTS, 3, SIMILAR) == altered(TEXTS, 3, SIMILAR)
    assert altered(TEXTS, 3, SIMILAR) != altered(TEXTS, 4, SIMILAR)


def test_altered_copies_have_no_label_and_preserve_the_other_fields():
    copies = altered(TEXTS, 0, {})
    assert {copy.label for copy in copies} == {UNLABELLED}
    assert [copy.text_id for copy in copies] == [text.text_id for text in TEXTS]
    assert {copy.group_id for copy in copies} == {"group"}


def test_altered_copies_contain_only_words_of_the_texts():
    copies = altered(TEXTS, 0, {})
    assert {word for copy in copies for word in copy.text.split()} <= WORDS
    assert all(copy.text for copy in copies)


def test_altered_copies_are_shortened_or_mixed_with_other_texts():
    unchanged, shorter, mixed = 0, 0, 0
    for copy, text in zip(altered(TEXTS, 0, {}), TEXTS, strict=True):
        words, own = copy.text.split(), text.text.split()
        unchanged += words == own
        shorter += set(words) < set(own)
        mixed += words[-1] not in own
    assert unchanged < len(TEXTS) / 2
    assert shorter > len(TEXTS) / 20
    assert mixed > len(TEXTS) / 5


def test_some_words_are_replaced_by_similar_ones_within_their_punctuation():
    texts = [LabelledText(f"id{number}", "", 'the "Good!" end', 0) for number in range(400)]
    copies = [copy.text.split() for copy in altered(texts, 0, SIMILAR)]
    words = [word for copy in copies for word in copy if word.startswith('"')]
    assert set(words) == {'"Good!"', '"great!"', '"fine!"'}
    replaced = sum(word != '"Good!"' for word in words) / len(words)
    # Of the words that are not removed; 4 standard errors of about 300 words.
    expected = REWORDED * SHARES["similar"] / (1 - SHARES["remove"])
    assert replaced == pytest.approx(expected, abs=0.09)


def test_words_are_listed_without_punctuation_as_written_and_in_lower_case():
    text = LabelledText("id", "", "It's (Bad)! ... #so", 0)
    assert words_of([text]) == {"It's", "it's", "Bad", "bad", "", "so"}


@pytest.mark.parametrize("words", ["", "one"])
def test_empty_and_one_word_texts_can_be_copied(words):
    (copy,) = altered([LabelledText("id", "", words, 0)], 1, {})
    assert set(copy.text.split()) <= {"one"}


def test_joined_splits_contain_the_rows_of_the_first_split_and_then_of_the_second():
    first, second = encoded([3, 4]), encoded([5])
    joined_split = joined([first, second])
    assert joined_split.labels.tolist() == [3, 4, 5]
    assert joined_split.ids.shape == (3, first.ids.shape[1])
