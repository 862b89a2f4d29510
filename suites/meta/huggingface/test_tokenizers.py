"""A checkpoint's folder gives the rows of `transformers`, for every family.

Each folder is read twice: as a publisher has it, with the vocabulary files alone, and as
`save_pretrained` writes it. Needs `transformers`.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.input_roles import IDS, MASK, SEGMENTS
from models.tokenizers.checkpoint_tokenizer import tokenizer_of
from suites.meta.tokenizers.checkpoint_folders import FAMILIES, write
from suites.meta.tokenizers.texts import MANY, NASTY, SPECIAL, sample_texts

LENGTH = 24
THEIRS = {IDS: "input_ids", MASK: "attention_mask", SEGMENTS: "token_type_ids"}
# Settings that change the reading of texts, besides the usual ones of each family.
OPTIONS = {
    "accents kept": ("bert", {"strip_accents": False}),
    "accents stripped": ("bert, cased", {"strip_accents": True}),
    "Chinese together": ("bert", {"tokenize_chinese_chars": False}),
    "ELECTRA's case": ("electra", {"do_lower_case": False}),
    "MPNet's case": ("mpnet", {"do_lower_case": False, "strip_accents": True}),
    "MPNet's silence": ("mpnet", {"do_lower_case": None}),
    "a blank before byte pairs": ("roberta", {"add_prefix_space": True}),
    "ALBERT's accents": ("albert", {"keep_accents": True, "do_lower_case": False}),
    "no blank before ALBERT's": ("albert", {"add_prefix_space": False}),
    "ALBERT's silence": ("albert", {"do_lower_case": None}),
    "DeBERTa's silence": ("deberta-v3", {"do_lower_case": None}),
    "DeBERTa's case": ("deberta-v3", {"do_lower_case": True}),
    "DeBERTa's punctuation": ("deberta-v3", {"split_by_punct": True}),
    "cut and filled on the left": ("bert", {"padding_side": "left", "truncation_side": "left"}),
}
CASES = {name: (name, {}) for name in FAMILIES} | OPTIONS
MARKED = ["</s>", "a<mask>", "[MASK]x", "[CLS] good [SEP]", "``good'' day ﬁ"]

pytestmark = pytest.mark.skipif(
    find_spec("transformers") is None,
    reason="comparing with transformers needs the dependency group 'parity'",
)


@pytest.fixture(scope="module", params=CASES)
def folders(request, tmp_path_factory):
    """Return a family, and for two folders edgeproof's tokenizer and that of `transformers`."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from transformers import AutoTokenizer  # noqa: PLC0415 - only if it is installed

    name, settings = CASES[request.param]
    bare, saved = (tmp_path_factory.mktemp(kind) for kind in ("bare", "saved"))
    family = write(name, bare, **settings)
    AutoTokenizer.from_pretrained(bare).save_pretrained(saved)
    (saved / "config.json").write_bytes((bare / "config.json").read_bytes())
    references = {folder: AutoTokenizer.from_pretrained(folder) for folder in (bare, saved)}
    return family, [
        (tokenizer_of(folder, max_tokens=LENGTH, pairs=True), reference)
        for folder, reference in references.items()
    ]


def differing(tokenizer, reference, texts):
    """Return the texts whose rows differ, with the differing role."""
    rows = tokenizer.rows(texts)
    encoded = reference(
        *map(list, zip(*texts, strict=True)),
        truncation=True,
        max_length=LENGTH,
        padding="max_length",
        return_token_type_ids=tokenizer.has_segments,
    )
    wrong = [] if tokenizer.has_segments or not rows[SEGMENTS].any() else [(SEGMENTS, None)]
    for role, key in THEIRS.items():
        if key in encoded:
            rows_differ = (rows[role] != np.array(encoded[key])).any(1)
            wrong += [(role, texts[at]) for at in np.flatnonzero(rows_differ)]
    return wrong


def test_token_ids_of_sample_texts_equal_those_of_transformers(folders):
    family, pairs_of_tokenizers = folders
    texts = [*sample_texts(200), *SPECIAL, *MARKED]
    if family.model_type != "roberta":
        # RoBERTa's <mask> includes the blank before it according to the published tokenizer.json,
        # and also in edgeproof. In transformers 5 it does not if there are only vocabulary files.
        texts.append("good <mask> go [MASK] x")
    assert max(map(len, texts)) == 10_000
    assert "" in texts
    for tokenizer, reference in pairs_of_tokenizers:
        assert differing(tokenizer, reference, [(text,) for text in texts]) == []
        pairs = list(zip(texts, reversed(texts), strict=True))
        assert differing(tokenizer, reference, pairs) == []


def test_token_ids_of_random_texts_equal_those_of_transformers(folders):
    _, pairs_of_tokenizers = folders

    @MANY
    @given(st.lists(NASTY, min_size=2, max_size=2))
    def check(texts):
        for tokenizer, reference in pairs_of_tokenizers:
            assert differing(tokenizer, reference, [(text,) for text in texts]) == []
            assert differing(tokenizer, reference, [tuple(texts)]) == []

    check()


def test_padding_and_segments_equal_those_of_transformers(folders):
    family, pairs_of_tokenizers = folders
    for tokenizer, reference in pairs_of_tokenizers:
        assert tokenizer.pad_id == reference.pad_token_id == family.pad
    reference_has_segments = [
        "token_type_ids" in reference.model_input_names for _, reference in pairs_of_tokenizers
    ]
    has_segments = [tokenizer.has_segments for tokenizer, _ in pairs_of_tokenizers]
    if family.tokenizer == "AlbertTokenizer":
        # transformers 5 makes no segments for ALBERT, but older versions saved this tokenizer with
        # a network that was trained with segments.
        assert reference_has_segments == [False, False]
        assert has_segments == [True, False]
    else:
        # DeBERTa's tokenizer makes segments even if the network accepts none.
        takes = family.config.get("type_vocab_size", 2) > 1
        assert (
            has_segments
            == [family.has_segments] * 2
            == [given and takes for given in reference_has_segments]
        )


def test_tokenizer_saved_by_transformers_gives_the_ids_of_the_published_one(folders):
    _, ((bare, _), (saved, _)) = folders
    texts = [(text,) for text in sample_texts(100)]
    assert bare.encoder.kind != saved.encoder.kind or saved.encoder.kind == "huggingface"
    for role, rows in saved.rows(texts).items():
        np.testing.assert_array_equal(rows, bare.rows(texts)[role])
