"""The real corpora in ../shared, if present, are read and split, and no row is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.corpus.clean import normalized
from models.corpus.read import read_files
from models.corpus.texts import SPLITS
from models.subjects import load_subject

DATA = Path(__file__).parents[4] / "shared" / "data"
FILES = {
    "airline": DATA / "airline" / "Tweets.csv",
    "twitter_entity": DATA / "twitter_entity" / "twitter_training.csv.zip",
}
# Number of rows of each file without the header.
ROWS = {"airline": 14640, "twitter_entity": 74682}


@pytest.fixture(scope="module", params=FILES)
def name(request):
    if not FILES[request.param].is_file():
        pytest.skip(f"{FILES[request.param].name} is not in ../shared/data")
    return request.param


@pytest.fixture(scope="module")
def corpus(name):
    return read_files(load_subject(name).corpus, FILES[name])


def test_splits_have_the_requested_sizes(name, corpus):
    sizes = {split: len(texts) for split, texts in corpus.splits.items()}
    train = {"airline": 9263, "twitter_entity": 20000}[name]
    assert sizes == {"train": train, "validation": 500, "calibration": 500, "test": 4000}


def test_every_row_is_in_a_split_or_counted_as_omitted(name, corpus):
    left_out = sum(entry.count for entry in corpus.left_out)
    assert left_out + sum(map(len, corpus.splits.values())) == ROWS[name]


def test_no_id_and_no_text_is_in_two_splits(corpus):
    split_of = {}
    for split in SPLITS:
        for row in corpus.splits[split]:
            for key in (("id", row.text_id), ("text", normalized(row.text))):
                assert split_of.setdefault(key, split) == split, row


def test_every_text_of_the_shared_corpora_has_a_group(corpus):
    assert all(row.group_id for split in SPLITS for row in corpus.splits[split])
