"""The benchmark of small files names missed limits, and measures models to compare with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import arm, building, front
from benchmarks.front_words import (
    TOKENS,
    UNKNOWN,
    WordFrequencies,
    encode,
    word_tokenizer,
    words_in,
)
from models.corpus.texts import LabelledText
from models.flatbuffers.schemes import SCHEMES
from models.verdicts.budgets import load_budgets
from models.verdicts.estimates import exact
from models.verdicts.judge import Estimate

SCHEME = "dynamic_wi4_afp32"
TEXTS = [("acme", word) for word in ("great fun", "awful food", "great food", "awful fun")] * 5
_SINGLE = ("acme", "great", "awful", "fun", "food")
_PAIRS = ("acme great", "acme awful", "great fun", "awful food", "great food", "awful fun")
_WORDS = _SINGLE + _PAIRS
LABELS = np.array([1, 0, 1, 0] * 5, np.int32)


@pytest.fixture(scope="module")
def goal():
    """Return the goal that the budgets `ratio_160x` set."""
    return load_budgets("ratio_160x", schemes=tuple(SCHEMES), classes=3).goal(SCHEME)


@pytest.mark.parametrize(
    ("size", "drop", "speed", "expected"),
    [
        (8_378_547, (0.004, -0.001, 0.01), (12.0, 10.0, 13.0), []),
        (8_378_548, (0.004, -0.001, 0.01), (12.0, 10.0, 13.0), ["bytes"]),
        (8_378_547, (0.004, -0.001, 0.0101), (12.0, 10.0, 13.0), ["drop"]),
        (8_378_547, (0.004, -0.001, 0.01), (12.0, 9.9, 13.0), ["speed"]),
        (9_000_000, (0.03, 0.02, 0.04), (1.0, 0.9, 1.1), ["bytes", "drop", "speed"]),
    ],
)
def test_goal_is_missed_unless_the_whole_interval_meets_the_limit(
    goal, size, drop, speed, expected
):
    estimates = exact(size), Estimate(*drop, 4000), Estimate(*speed, 60)
    assert front.missed(goal, *estimates) == expected


@pytest.mark.parametrize(("paired", "expected"), [(True, ("acme", "fun")), (False, ("fun",))])
def test_classified_texts_include_the_group_if_the_model_reads_it(monkeypatch, paired, expected):
    corpus = SimpleNamespace(splits={"test": [LabelledText("1", "acme", "fun", 0)]})
    monkeypatch.setattr(building, "load_corpus", lambda _: corpus)
    subject = SimpleNamespace(pairs_with_group=paired)
    plan = SimpleNamespace(corpus=None, request=SimpleNamespace(subject=subject))
    store = SimpleNamespace(artefact=lambda _: None)
    assert building.texts_of(plan, store) == [expected]


def test_benchmark_table_names_the_missed_limits():
    rows = {
        "small": {
            "bytes": 1_234_567,
            "with_words": 1_300_000,
            "accuracy": [0.84, 0.83, 0.85],
            "drop": [0.004, -0.001, 0.011],
            "texts_per_second": 1234.5,
            "over_paper": [12.0, 11.0, 13.0],
            "missed": ["drop"],
        },
        front.PAPER: {
            "bytes": 5,
            "with_words": 6,
            "texts_per_second": 50.0,
            "over_paper": [1.0, 1.0, 1.0],
        },
    }
    lines = front.table_of(rows).splitlines()
    assert lines[2] == (
        "| small | 1,234,567 | 1,300,000 | 0.840 | 0.4 [-0.1, 1.1] | 1,234 | 12.0 [11.0, 13.0] "
        "| misses drop |"
    )
    assert lines[3] == f"| {front.PAPER} | 5 | 6 |  |  | 50 | 1.0 [1.0, 1.0] |  |"


def test_table_of_cores_shows_which_multiply_instructions_are_used():
    row = {
        "instructions": 2_500_000,
        "over_paper": 12.34,
        "delegated": 3,
        "operators": 4,
        "products": {"sdot": 0.75, "fmla": 0.25},
    }
    line = arm.table_of({"cortex-a76": {"small": row}}).splitlines()[2]
    assert line == ("| small | cortex-a76 | 2.5 | 12.3x | 3 of 4 operators | 75% sdot, 25% fmla |")


@pytest.mark.parametrize("measure", [front.measure_front, arm.measure_arm])
def test_benchmark_without_its_corpus_names_the_missing_file(measure, monkeypatch):
    for module in (front, arm):
        monkeypatch.setattr(module, "CORPORA", {"airline": Path("/nowhere/Tweets.csv")})
    measured = measure()
    assert list(measured) == ["not_measured"]
    assert "/nowhere/Tweets.csv" in measured["not_measured"]


def test_benchmark_tokenizer_encodes_known_and_unknown_words_and_counts_its_bytes():
    tokenizer = word_tokenizer(TEXTS)
    rows = encode(tokenizer, [("acme", "Great, food!"), ("acme", "unheard")])
    assert rows.shape == (2, TOKENS)
    expected = encode(tokenizer, [("acme", "great food")])
    assert rows[0].tolist() == expected[0].tolist()
    assert rows[1][2] == 2
    words = ["<PAD>", "<START>", UNKNOWN, "acme", "great", "fun", "awful", "food"]
    assert words_in(tokenizer) == sum(len(word) + 1 for word in words)


def test_word_frequency_classifier_learns_its_training_texts():
    counted = WordFrequencies(TEXTS, LABELS, TEXTS, LABELS)
    assert [counted.label(text) for text in TEXTS[:4]] == [1, 0, 1, 0]
    # The vocabulary contains the three words of each text and their pairs. The vectorizer and the
    # regression have one weight for each of them, and the regression has a bias.
    assert counted.words == sum(len(word) + 1 for word in _WORDS)
    assert counted.bytes == 4 * (2 * len(_WORDS) + 1)
