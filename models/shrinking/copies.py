"""Make altered copies of texts, which the full model labels for more training data.

A small model needs more texts than the labelled ones to learn to answer like the full model. The
correct labels of these texts need not be known: the full model's answers take their place (Jiao et
al. 2020, "TinyBERT", section 4.2, alter texts too).
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from models.corpus.tokenize import Encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.corpus.texts import LabelledText

# Label of a text without a label.
UNLABELLED = -1
# Share of copies whose end is taken from another text.
SPLICED = 0.5
# Share of words to remove. The same share is replaced by words of other texts, and the same share
# is swapped with the word before.
CHANGED = 0.1


def altered(texts: Sequence[LabelledText], seed: int) -> tuple[LabelledText, ...]:
    """Return an altered copy of each text without its label; the same seed gives the same copies.

    Half of the copies get the end of another text. Then some words are removed, replaced by words
    of other texts, or swapped with the word before.

    Args:
        texts: the texts of one split; copies contain words of this split alone.
        seed: seed of all random choices.
    """
    draw = np.random.default_rng(seed)
    words = [text.text.split() for text in texts]
    pool = [word for words_of_text in words for word in words_of_text]
    partners = draw.permutation(len(words))
    copies = []
    for text, own_words, partner in zip(texts, words, partners, strict=True):
        mixed = _spliced(own_words, words[partner], draw) if draw.random() < SPLICED else own_words
        changed = _changed(mixed, pool, draw) or own_words
        copies.append(replace(text, text=" ".join(changed), label=UNLABELLED))
    return tuple(copies)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Join several parts of encoded texts into one, in their order."""
    return Encoded(
        **{
            column.name: np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(Encoded)
        }
    )


def _spliced(first: list[str], second: list[str], draw: np.random.Generator) -> list[str]:
    """Return the beginning of one text joined with the end of another."""
    cuts = (int(draw.integers(len(words) + 1)) for words in (first, second))
    until, since = cuts
    return first[:until] + second[since:]


def _changed(words: list[str], pool: list[str], draw: np.random.Generator) -> list[str]:
    """Return the words after removing, replacing and moving some of them."""
    changed: list[str] = []
    for word, chance in zip(words, draw.random(len(words)) / CHANGED, strict=True):
        if chance < 1:
            continue
        if chance < 2:  # noqa: PLR2004 - the second of three equal shares
            changed.append(pool[int(draw.integers(len(pool)))])
        elif chance < 3 and changed:  # noqa: PLR2004 - the third of them
            changed.insert(len(changed) - 1, word)
        else:
            changed.append(word)
    return changed
