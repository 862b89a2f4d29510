"""The generated corpus is reproducible, varied, balanced and hard; its splits share no text."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import msgspec
import pytest

from models.corpus.clean import normalized
from models.corpus.generate import generate
from models.corpus.grammar import entities
from models.corpus.texts import SPLITS
from models.errors import UsageMistake
from models.subjects import Counts, load_subject

DIGEST = """
import hashlib
from models.corpus.generate import generate
from models.subjects import load_subject
print(hashlib.sha256(repr(generate(load_subject("embedded").corpus)).encode()).hexdigest())
"""

PHENOMENA = {
    "hashtag": r"#\w",
    "hashtag of an entity": r"(?i)#\w+(Motors|Airways|University|Tigers)\b",
    "mention": r"@\w",
    "link": r"https://t\.co/\w",
    "emoji": r"[\U0001F300-\U0001FAFF]",
    "retweet": r"^RT @\w+: ",
    "number": r"\d",
    "negation": r"(?i)\b(not|never|anything but|far from)\b",
    "contrast": r"(?i)\b(but|yet|although|still)\b",
    "question that takes no stand": r"\?",
    "irony": r"(?i)(great job|bravo|thanks) .*(late|ruined|nobody cares)",
    "idiom": r"(?i)(dropped the ball|out of the park|on fire)",
    "comparison": r"(?i)(better than|hold a candle to|look like amateurs)",
    "exclamation": "!",
    "lower case throughout": r"^[^A-Z]+$",
    "a letter stretched or doubled": r"(?i)([a-z])\1\1",
}


def test_generated_corpus_does_not_depend_on_the_hash_seed():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_generates_other_texts(generated):
    second_corpus = generate(msgspec.structs.replace(load_subject("embedded").corpus, seed=7))
    texts = {row.text for row in generated.splits["test"]}
    assert len(texts & {row.text for row in second_corpus.splits["test"]}) < 0.02 * len(texts)


def test_splits_have_the_requested_sizes(generated):
    sizes = {split: len(texts) for split, texts in generated.splits.items()}
    assert sizes == {"train": 6000, "validation": 500, "calibration": 500, "test": 2000}


def test_no_text_is_in_two_splits(generated):
    split_of = {}
    for split in SPLITS:
        for row in generated.splits[split]:
            form = normalized(row.text)
            assert split_of.setdefault(form, split) == split, row


def test_no_text_occurs_twice_for_one_entity(generated):
    texts = [row for split in SPLITS for row in generated.splits[split]]
    assert len({(normalized(row.text), row.group_id) for row in texts}) == len(texts)


def test_texts_with_equal_ids_are_equal(generated):
    text_of = {}
    for split in SPLITS:
        for row in generated.splits[split]:
            assert text_of.setdefault(row.text_id, row.text) == row.text


def test_every_text_names_its_entity(generated):
    for row in generated.splits["train"]:
        name = re.sub(r"\W", "", row.group_id).lower()
        assert name in re.sub(r"\W", "", row.text).lower(), row


def test_no_two_entities_share_a_name():
    names = Counter(entity.name for entity in entities())
    assert names.most_common(1)[0][1] == 1


def test_some_entities_occur_only_in_the_test_split(generated):
    trained_on = {
        row.group_id
        for split in ("train", "validation", "calibration")
        for row in generated.splits[split]
    }
    unknown = [row for row in generated.splits["test"] if row.group_id not in trained_on]
    assert 0.05 < len(unknown) / 2000 < 0.25


def test_some_texts_are_positive_about_one_entity_and_negative_about_another(generated):
    labels = {}
    for row in generated.splits["train"]:
        labels.setdefault(row.text_id, set()).add(row.label)
    assert sum(len(labels_of_text) > 1 for labels_of_text in labels.values()) > 100


@pytest.mark.parametrize("pattern", [pytest.param(p, id=n) for n, p in PHENOMENA.items()])
def test_generated_corpus_contains_each_language_phenomenon(generated, pattern):
    matches = sum(bool(re.search(pattern, row.text)) for row in generated.splits["train"])
    assert matches >= 10


def test_generated_texts_contain_no_unexpanded_grammar_symbol(generated):
    assert not any("{" in row.text for row in generated.splits["train"])


def test_polarities_are_distributed_as_in_reputation_data(generated):
    counts = Counter(row.label for row in generated.splits["train"])
    negative, neutral, positive = (counts[label] / 6000 for label in range(3))
    assert 0.2 < negative < 0.4
    assert 0.2 < neutral < 0.4
    assert 0.35 < positive < 0.5


def test_bag_of_words_classifier_is_neither_useless_nor_sufficient(generated):
    """A higher accuracy would mean a corpus that is too easy; a lower one would mean noise."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - likewise

    texts, labels = (
        {split: [part(row) for row in generated.splits[split]] for split in ("train", "test")}
        for part in (lambda row: f"{row.group_id} {row.text}", lambda row: row.label)
    )
    bag = TfidfVectorizer(ngram_range=(1, 2))
    model = LogisticRegression(C=3.0, max_iter=1000)
    model.fit(bag.fit_transform(texts["train"]), labels["train"])
    accuracy = model.score(bag.transform(texts["test"]), labels["test"])
    assert 0.65 < accuracy < 0.78


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"labels": ("BAD", "GOOD")}, "corpus.labels"),
        ({"counts": Counts(validation=1, calibration=1, test=1)}, "corpus.counts.train"),
    ],
    ids=["two labels", "no end"],
)
def test_rejects_corpus_settings_that_cannot_be_generated(changes, key):
    table = msgspec.structs.replace(load_subject("embedded").corpus, **changes)
    with pytest.raises(UsageMistake) as mistake:
        generate(table)
    assert mistake.value.key == key
