"""The corpus artefact is reproducible, and can be read back completely."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.corpus.artefact import build_corpus, load_corpus, load_encoded, load_summary
from models.corpus.generate import generate
from models.errors import UsageMistake
from models.store import Stage, Store
from models.subjects import Counts, load_subject


@pytest.fixture(scope="module")
def subject():
    """Return the embedded subject with few texts."""
    embedded = load_subject("embedded")
    counts = Counts(train=300, validation=40, calibration=40, test=60)
    return msgspec.structs.replace(
        embedded, corpus=msgspec.structs.replace(embedded.corpus, counts=counts)
    )


@pytest.fixture(scope="module")
def built(subject, tmp_path_factory):
    return artefact_of(subject, tmp_path_factory.mktemp("corpus"))


def artefact_of(subject, store):
    """Build the corpus in a store; return its artefact."""
    stage = Stage("corpus", {"subject": subject.name})
    return Store(store).get(
        stage, lambda out: build_corpus(subject, out, None, None, lambda _: None)
    )


def test_building_the_corpus_twice_gives_identical_files(subject, built, tmp_path):
    assert artefact_of(subject, tmp_path).members == built.members


def test_stored_corpus_equals_the_generated_corpus(subject, built):
    assert load_corpus(built) == generate(subject.corpus)


def test_stored_token_ids_have_one_row_for_each_text(built):
    corpus, encoded = load_corpus(built), load_encoded(built)
    for split, texts in corpus.splits.items():
        assert encoded[split].ids.shape == (len(texts), 64)
        assert encoded[split].labels.tolist() == [row.label for row in texts]
        assert encoded[split].ids.dtype == np.int32
        assert encoded[split].ids.max() < load_summary(built)["vocabulary"]


def test_corpus_summary_counts_the_texts(built):
    summary = load_summary(built)
    test = summary["splits"]["test"]
    assert test["texts"] == sum(test["labels"].values()) == 60
    assert test["truncated_share"] == 0.0
    assert test["unknown_share"] < 0.01
    assert 10 < test["tokens"]["p50"] <= test["tokens"]["max"] <= 64
    assert summary["left_out"] == {}
    assert summary["source_sha256"] is None


def test_subject_with_a_corpus_from_files_requires_a_file(subject, tmp_path):
    table = msgspec.structs.replace(subject.corpus, source="files")
    with pytest.raises(UsageMistake, match=r"--edge-corpus.*none were given"):
        build_corpus(
            msgspec.structs.replace(subject, corpus=table), tmp_path, None, None, lambda _: None
        )


def test_pretrained_tokenizer_requires_a_checkpoint(subject, tmp_path):
    pretrained = msgspec.structs.replace(load_subject("minilm"), corpus=subject.corpus)
    with pytest.raises(UsageMistake, match=r"--edge-pretrained.*no checkpoint"):
        build_corpus(pretrained, tmp_path, None, None, lambda _: None)
