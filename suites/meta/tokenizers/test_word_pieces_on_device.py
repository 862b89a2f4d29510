"""A runner without the tokenizers library gives the library's ids for every text."""

from __future__ import annotations

import random
import sys
import time
from unittest.mock import Mock

import pytest
from hypothesis import given
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from tokenizers.normalizers import BertNormalizer

from models.corpus.clean import COMBINED, STEPS, normalizer_for
from models.runner.tokenizer_json import EXPRESSIONS
from models.runner.tokenizing import RowTokenizer, tokenizer
from models.runner.word_pieces import LONGEST_TEXT, LONGEST_WORD, MOST_ASKED, MOST_WORDS
from suites.meta.tokenizers.texts import MANY, NASTY, sample_texts

# A piece with more characters than a word may have, so that the library never uses it.
LONGEST = 20
TOO_LONG = "y" * (LONGEST + 1)
WORDS = ["good", "day", "the", "un", "jo", "x", "4", "caf", "cafe", "日", "😀", "don"]
LATER = ["##aff", "##able", "##s", "##4", "##e", "##é", "##x"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
ASCII = [chr(code) for code in range(128)]
PARTS = [
    *"abx4 .@#'/_\n\t",
    *WORDS,
    "http://",
    "www.",
    "unaffables",
    "goods",
    "[CLS]",
    "##s",
    "$",
    "",
]
LENGTH = 16


def library(cleaning=(), *, lowercase=True, length=LENGTH) -> Tokenizer:
    """Return a tokenizer with few word pieces, like that of a subject."""
    pieces = [*SPECIAL, *(chr(code) for code in range(33, 127)), *WORDS, *LATER, "GOOD", TOO_LONG]
    tokenizer_made = Tokenizer(
        models.WordPiece(
            {piece: number for number, piece in enumerate(dict.fromkeys(pieces))},
            unk_token="[UNK]",  # noqa: S106 - a token for words, not a password
            max_input_chars_per_word=LONGEST,
        )
    )
    tokenizer_made.normalizer = normalizer_for(cleaning, lowercase=lowercase)
    tokenizer_made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer_made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer_made.enable_truncation(length)
    tokenizer_made.enable_padding(length=length)
    return tokenizer_made


def is_recognized(tokenizer_given: Tokenizer) -> bool:
    return RowTokenizer(tokenizer_given)._pieces is not None


def assert_equal(tokenizer_given: Tokenizer, rows: RowTokenizer, texts) -> None:
    expected = tokenizer_given.encode(*texts)
    row = rows.encode(texts).whole(rows.padding)
    assert row["ids"] == expected.ids, texts
    assert row["mask"] == expected.attention_mask, texts
    assert row["segments"] == expected.type_ids, texts


CLEANINGS = [(), ("links", "mentions", "spaces"), ("paper",), ("hashtags", "links", "punctuation")]


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("cleaning", CLEANINGS, ids=lambda steps: "-".join(steps) or "none")
def test_ids_on_the_device_equal_those_of_the_tokenizers_library_after_cleaning(
    cleaning, lowercase
):
    reference = library(cleaning, lowercase=lowercase)
    rows, chosen = RowTokenizer(reference), random.Random(5)  # noqa: S311 - repeatable, not a secret
    assert is_recognized(reference)
    drawn = ["".join(chosen.choices(PARTS, k=chosen.randint(0, 14))) for _ in range(400)]
    drawn += ["".join(chosen.choices(ASCII, k=chosen.randint(0, 30))) for _ in range(400)]
    for text in [*drawn, *sample_texts(400)]:
        assert_equal(reference, rows, [text])


CLEANING = library(("links", "mentions", "spaces"))
CLEANING_ROWS = RowTokenizer(CLEANING)


@MANY
@given(text=NASTY)
def test_token_ids_of_random_texts_match_the_tokenizers_library(text):
    assert_equal(CLEANING, CLEANING_ROWS, [text])


@MANY
@given(first=NASTY, second=NASTY)
def test_token_ids_of_text_pairs_match_the_tokenizers_library(first, second):
    assert_equal(CLEANING, CLEANING_ROWS, [first, second])


@pytest.mark.parametrize("length", [2, 3, 5])
def test_short_rows_are_truncated_like_the_tokenizers_library(length):
    reference = library(length=length)
    rows = RowTokenizer(reference)
    for text in ["", "good", "unaffables good", "good day the day", "naïve 😀 good", "é é"]:
        assert_equal(reference, rows, [text])


@pytest.mark.parametrize("word", ["x" * LONGEST, "x" * (LONGEST + 1), TOO_LONG, "x" * 200])
def test_ids_of_very_long_words_match_the_tokenizers_library(word):
    assert_equal(CLEANING, CLEANING_ROWS, [f"good {word} day"])


def test_plain_texts_are_tokenized_without_the_tokenizers_library():
    rows = RowTokenizer(CLEANING)
    rows._library = Mock()
    assert rows.encode(["The good\nunaffables, @jo x44 http://t.co/x"]).end > 8
    assert rows.encode(["good", "day!"]).segments == [0, 0, 0, 1, 1, 1]


def test_every_cleaning_step_is_implemented_on_the_device():
    expressions = {*EXPRESSIONS, STEPS["spaces"][0]}
    assert {pattern for pattern, _ in STEPS.values()} == expressions
    assert is_recognized(library([*STEPS, *COMBINED]))


@pytest.mark.parametrize("pattern", EXPRESSIONS)
def test_text_changed_by_cleaning_contains_a_marker_character(pattern):
    expression, marks = EXPRESSIONS[pattern]
    chosen = random.Random(3)  # noqa: S311 - repeatable, not a secret
    for _ in range(500):
        text = "".join(chosen.choices(PARTS, k=8))
        assert not expression.search(text) or any(mark in text for mark in marks)


def changed(**parts) -> Tokenizer:
    reference = library()
    for name, part in parts.items():
        setattr(reference, name, part)
    return reference


def left_padded() -> Tokenizer:
    reference = library()
    reference.enable_padding(length=LENGTH, direction="left")
    return reference


def left_cut() -> Tokenizer:
    reference = library()
    reference.enable_truncation(LENGTH, direction="left")
    return reference


def with_token() -> Tokenizer:
    reference = library()
    reference.add_special_tokens([AddedToken("[CLS]", special=True)])
    return reference


OTHERS = {
    "a foreign expression": lambda: changed(
        normalizer=normalizers.Sequence([normalizers.Replace(Regex("go+d"), " "), BertNormalizer()])
    ),
    "a foreign replacement": lambda: changed(
        normalizer=normalizers.Sequence(
            [normalizers.Replace(Regex(r"@\w+"), "é"), BertNormalizer()]
        )
    ),
    "no lowering of BERT's": lambda: changed(normalizer=normalizers.Lowercase()),
    "words between white space": lambda: changed(pre_tokenizer=pre_tokenizers.Whitespace()),
    "other ids around a text": lambda: changed(
        post_processor=processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2))
    ),
    "padding before a text": left_padded,
    "a text that is cut before": left_cut,
    "a token that stands for itself": with_token,
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_unrecognized_tokenizers_are_run_by_the_tokenizers_library(make):
    reference = make()
    rows = RowTokenizer(reference)
    assert not is_recognized(reference)
    for text in ["good day @jo", "[CLS] goood", "x" * 50, "", *sample_texts(30)]:
        assert_equal(reference, rows, [text])


def test_cache_of_tokenized_words_is_limited():
    rows = RowTokenizer(CLEANING)
    remembered = rows._pieces._seen
    for number in range(MOST_WORDS + 100):
        rows.encode([f"un{number:05}"])
    assert 0 < len(remembered) <= MOST_WORDS
    rows.encode(
        [
            "é" * (LONGEST_WORD + 1),
        ]
    )
    assert max(map(len, remembered)) <= LONGEST_WORD


def test_tokenizers_library_is_called_a_limited_number_of_times_per_text():
    stretches = []
    rows = RowTokenizer(CLEANING)
    ask = rows._pieces._ask
    rows._pieces._ask = lambda text: stretches.append(text) or ask(text)
    # Marks without a letter have no id, so that a row of them is never full.
    assert_equal(CLEANING, rows, [" ".join("\u0301" * number for number in range(1, 60))])
    assert len(stretches) == MOST_ASKED


def test_hostile_texts_are_tokenized_in_linear_time():
    """Executed lines of code are counted, because the clock of a busy machine is unreliable."""
    rows = RowTokenizer(library(length=4 * LONGEST_TEXT))
    for part in ["unaffx", "é ", "x" * 19 + "~", "\u0301 ", "@", "http://", "www.", "a@"]:
        short, long = (lines_of(rows, (part * LONGEST_TEXT)[:size]) for size in (1000, 4000))
        assert long < 6 * short + 200, part


def lines_of(rows: RowTokenizer, text: str) -> int:
    """Return how many lines of Python are executed to encode a text."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        rows.encode([text])
    finally:
        sys.settrace(before)
    return count


def test_cleaning_expressions_run_in_linear_time():
    for pattern, (expression, _) in EXPRESSIONS.items():
        for part in ("@", "#", "http://", "www.", "$", "wwww", "httphttps:/"):
            start = time.process_time()
            expression.sub(" ", part * 20_000)
            assert time.process_time() - start < 2.0, (pattern, part)


def test_tokenizer_is_parsed_once_and_then_cached():
    text = library().to_str()
    assert tokenizer(text) is tokenizer(text)
    evicting = [library(length=length).to_str() for length in (20, 21)]
    first_read = tokenizer(text)
    assert [tokenizer(json_text) for json_text in evicting]
    assert tokenizer(text) is not first_read
