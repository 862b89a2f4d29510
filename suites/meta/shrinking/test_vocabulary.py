"""A pruned tokenizer contains the used words, and splits others into letters."""

from __future__ import annotations

import numpy as np
import pytest

from models.corpus.texts import LabelledText
from models.corpus.tokenize import SPECIAL, UNKNOWN, encode, train_tokenizer
from models.shrinking.vocabulary import count_uses, keep_used, numbers_before
from models.subjects import TokenizerTable

TABLE = TokenizerTable(source="trained", vocabulary=400, max_tokens=24)
TEXTS = [f"the {noun} was {word}" for noun in ("flight", "seat") for word in ("great", "awful")] * 3


def texts(*texts: str) -> list[LabelledText]:
    return [LabelledText(str(number), "", text, 0) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def whole():
    """Return a tokenizer with words, some of which the train split below uses."""
    return train_tokenizer([*TEXTS, "zeppelin zeppelin quartz"] * 2, TABLE)


@pytest.fixture(scope="module")
def train(whole):
    """Return the train split, which never mentions zeppelins."""
    return encode(whole, texts(*TEXTS), pair_with_group=False)


def pruned(whole, train, pieces):
    return keep_used(whole, count_uses(train, whole.get_vocab_size()), pieces)


@pytest.fixture(scope="module")
def used(whole, train):
    """Return the number of pieces that the train split uses or that are never removed."""
    letters = {p for p in whole.get_vocab() if len(p.removeprefix("##")) == 1 or p in SPECIAL[:4]}
    pieces = {whole.id_to_token(number) for number in np.unique(train.ids)}
    return len(letters | pieces)


def test_pruned_tokenizer_splits_the_training_texts_like_the_original_tokenizer(whole, train, used):
    tokenizer = pruned(whole, train, used)
    before = numbers_before(tokenizer, whole)
    again = encode(tokenizer, texts(*TEXTS), pair_with_group=False)
    np.testing.assert_array_equal(before[again.ids], train.ids)


def test_ids_of_a_pruned_tokenizer_are_contiguous_and_in_order(whole, train, used):
    tokenizer = pruned(whole, train, used)
    assert tokenizer.get_vocab_size() == used
    assert sorted(tokenizer.get_vocab().values()) == list(range(tokenizer.get_vocab_size()))
    assert tokenizer.get_vocab_size() < whole.get_vocab_size()
    assert (np.diff(numbers_before(tokenizer, whole)) > 0).all()


def test_removed_word_is_split_into_smaller_pieces(whole, train, used):
    assert "zeppelin" in whole.get_vocab()
    tokenizer = pruned(whole, train, used)
    spelled = tokenizer.encode("zeppelin").tokens
    assert UNKNOWN not in spelled
    assert "".join(piece.removeprefix("##") for piece in spelled if piece not in SPECIAL) == (
        "zeppelin"
    )


def test_pruning_prefers_the_most_used_pieces_and_then_the_first_listed(whole, train, used):
    sizes = [pruned(whole, train, pieces).get_vocab_size() for pieces in (used - 2, used + 1)]
    assert sizes == [used - 2, used + 1]
    fewer, more = (pruned(whole, train, pieces).get_vocab() for pieces in (used - 2, used + 1))
    assert {"the", "was"} <= fewer.keys()
    assert len({"flight", "seat", "great", "awful"} & fewer.keys()) == 2
    (gained,) = more.keys() - pruned(whole, train, used).get_vocab().keys()
    numbers = whole.get_vocab()
    unused = numbers.keys() - more.keys() - {"[MASK]"}
    assert all(numbers[gained] < numbers[piece] for piece in unused)


def test_pruning_removes_the_unused_mask_token(whole, train):
    everything = pruned(whole, train, 10_000).get_vocab()
    assert "[MASK]" in whole.get_vocab()
    assert "[MASK]" not in everything
    assert "[UNK]" in everything


def test_padding_is_not_counted_as_use_of_a_piece(whole, train):
    uses = count_uses(train, whole.get_vocab_size())
    assert uses[whole.token_to_id("[PAD]")] == 0
    assert uses[whole.token_to_id("[CLS]")] == len(TEXTS)
