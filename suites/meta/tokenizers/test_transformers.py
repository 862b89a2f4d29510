"""Word pieces, byte pairs and SentencePiece models give the ids of `transformers`.

Needs the dependency group `parity`.
"""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from tokenizers import AddedToken

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers import test_byte_pairs, test_word_pieces
from suites.meta.tokenizers.texts import filled, rows, sample_texts

LENGTH = 24

pytestmark = pytest.mark.skipif(
    find_spec("transformers") is None,
    reason="comparing with transformers needs the dependency group 'parity'",
)

BERT = {
    "uncased": {"do_lower_case": True},
    "cased": {"do_lower_case": False},
    "accents kept": {"do_lower_case": True, "strip_accents": False},
    "accents stripped": {"do_lower_case": False, "strip_accents": True},
    "Chinese together": {"do_lower_case": True, "tokenize_chinese_chars": False},
}


def parity(encoder, theirs, texts):
    """Texts whose ids differ, alone or in a pair."""
    pad = encoder.padding.number
    # It takes an empty second text for none.
    pairs = [(first, second or "x") for first, second in zip(texts, reversed(texts), strict=True)]
    ours = rows(encoder, texts, LENGTH)
    own = encoder.encode(pairs, LENGTH)["ids"].tolist()
    options = {"truncation": True, "max_length": LENGTH}
    alone = [filled(theirs(text, **options)["input_ids"], LENGTH, pad) for text in texts]
    both = [filled(theirs(*pair, **options)["input_ids"], LENGTH, pad) for pair in pairs]
    return [
        text
        for text, *found in zip(texts, ours, alone, own, both, strict=True)
        if found[0] != found[1] or found[2] != found[3]
    ]


@pytest.mark.parametrize("name", BERT)
def test_word_pieces_are_those_of_transformers(name, tmp_path):
    from transformers import BertTokenizer  # noqa: PLC0415 - only where it is installed

    test_word_pieces.write(tmp_path, BERT[name])
    theirs = BertTokenizer(vocab=str(tmp_path / "vocab.txt"), **BERT[name])
    assert parity(load(TokenizerSettings(file=str(tmp_path))), theirs, sample_texts(1000)) == []


@pytest.mark.parametrize("prefix", [True, False])
def test_byte_pairs_are_those_of_transformers(prefix, tmp_path):
    from transformers import RobertaTokenizer  # noqa: PLC0415 - only where it is installed

    words = test_byte_pairs.write(tmp_path, add_prefix_space=prefix)
    theirs = RobertaTokenizer(
        vocab=json.loads((tmp_path / "vocab.json").read_text()),
        merges=test_byte_pairs.MERGES,
        add_prefix_space=prefix,
        # As RoBERTa's own tokenizer.json has it.
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
    )
    assert theirs.vocab_size == len(words)
    texts = [*sample_texts(1000), "good <mask> go", "</s>", "a<mask>"]
    assert parity(load(TokenizerSettings(file=str(tmp_path))), theirs, texts) == []
