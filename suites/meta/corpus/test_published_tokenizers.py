"""The corpus contains rows in the form that the network of each checkpoint takes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.corpus.artefact import (
    TOKENIZER,
    build_corpus,
    load_corpus,
    load_encoded,
    load_summary,
)
from models.corpus.tokenize import load_published
from models.errors import UsageMistake
from models.input_roles import ROLES
from models.runner.tokenizing import tokenizer
from models.store import Stage, Store
from models.subjects import Counts, TokenizerTable, load_subject
from models.tokenizers.checkpoint_tokenizer import tokenizer_of
from suites.meta.tokenizers.checkpoint_folders import FAMILIES, write

LENGTH = 24
TABLE = TokenizerTable(source="pretrained", max_tokens=LENGTH)


def built_of(folder, store, **tokenizer_table):
    """Build the corpus of a few generated texts, encoded with a folder's tokenizer."""
    corpus = load_subject("embedded").corpus
    counts = Counts(train=30, validation=10, calibration=10, test=20)
    subject = msgspec.structs.replace(
        load_subject("minilm"),
        corpus=msgspec.structs.replace(corpus, counts=counts),
        tokenizer=msgspec.structs.replace(TABLE, **tokenizer_table),
    )
    return Store(store).get(
        Stage("corpus", {}),
        lambda out: build_corpus(subject, out, None, folder, lambda _: None, as_published=True),
    )


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_stored_rows_equal_the_output_of_the_checkpoints_tokenizer(name, pairs, tmp_path):
    family = write(name, tmp_path / "checkpoint")
    built = built_of(tmp_path / "checkpoint", tmp_path / "store", pair_with_entity=pairs)
    found = tokenizer_of(tmp_path / "checkpoint", max_tokens=LENGTH, pairs=pairs)
    texts = load_corpus(built).splits["test"]
    inputs = [text.parts(pair_with_group=pairs) for text in texts]
    encoded, expected = load_encoded(built)["test"], found.rows(inputs)
    on_device = tokenizer(built.text(TOKENIZER))
    devices = [on_device.encode(text) for text in inputs]
    assert [row.end for row in devices] == encoded.mask.sum(1).tolist()
    device_rows = [row.whole(on_device.padding) for row in devices]
    for role in ROLES:
        rows = getattr(encoded, role)
        np.testing.assert_array_equal(rows, expected[role])
        np.testing.assert_array_equal(np.array([row[role] for row in device_rows]), rows)
    assert (encoded.ids[encoded.mask == 0] == family.pad).all()
    assert encoded.segments.any() == (family.has_segments and pairs)
    summary = load_summary(built)
    assert encoded.ids.max() < summary["vocabulary"]
    knows_all = found.encoder.unknown is None
    unknown = (encoded.ids == found.encoder.unknown).sum() / encoded.mask.sum()
    share = summary["splits"]["test"]["unknown_share"]
    assert share == pytest.approx(0.0 if knows_all else unknown)


@pytest.mark.parametrize("name", FAMILIES)
def test_text_is_cleaned_before_tokenization(name, tmp_path):
    write(name, tmp_path)
    table = msgspec.structs.replace(TABLE, cleaning=("links", "mentions", "spaces"))
    plain, cleaned = (
        load_published(tmp_path, settings, pairs=False) for settings in (TABLE, table)
    )
    text = "Good @jo day https://t.co/x1 ka"
    assert cleaned.encode(text).ids == plain.encode("Good day ka").ids
    assert cleaned.encode(text).ids != plain.encode(text).ids


@pytest.mark.parametrize("name", FAMILIES)
def test_rejects_subject_whose_lowercase_setting_contradicts_the_tokenizer(name, tmp_path):
    family = write(name, tmp_path)
    agreeing = msgspec.structs.replace(TABLE, lowercase=family.lowers)
    assert load_published(tmp_path, agreeing, pairs=False).encode("x").ids
    contrary = msgspec.structs.replace(TABLE, lowercase=not family.lowers)
    with pytest.raises(UsageMistake, match=r"tokenizer\.lowercase asks for") as refused:
        load_published(tmp_path, contrary, pairs=False)
    assert refused.value.file is not None
