"""Encode altered copies of the train split, which full models answer and a small model learns."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from models.building.model_files import read_model
from models.corpus.artefact import load_corpus
from models.corpus.tokenize import encode
from models.shrinking.copies import altered, words_of
from models.shrinking.encoding import load_tokenizer
from models.shrinking.inherit import WORDS
from models.shrinking.similar import similar_words

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from models.building.plan import Plan
    from models.corpus.texts import LabelledText
    from models.corpus.tokenize import Encoded
    from models.store import Store


class Copies:
    """Altered copies of the train split, with similar words by the full model's word vectors.

    Args:
        store: the store, which contains the corpus and the full model.
        plan: the plan of the small model.
    """

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store, self._plan = store, plan

    def encode(self, copy: int, tokenizer: Tokenizer) -> Encoded:
        """Return the copy with this number, encoded by a tokenizer."""
        return encode(
            tokenizer,
            altered(self._texts, copy, self._similar),
            pair_with_group=self._plan.request.subject.pairs_with_group,
        )

    @functools.cached_property
    def _texts(self) -> tuple[LabelledText, ...]:
        return load_corpus(self._store.artefact(self._plan.whole)).splits["train"]

    @functools.cached_property
    def _similar(self) -> dict[str, tuple[str, ...]]:
        """Return the similar words of each word in the train split."""
        _, values = read_model(self._store.artefact(self._plan.full))
        vocabulary = load_tokenizer(self._store.artefact(self._plan.whole)).get_vocab()
        return similar_words(words_of(self._texts), vocabulary, values[WORDS])
