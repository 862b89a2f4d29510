"""Make altered copies of texts, which the full model labels for more training data.

A small model needs more texts than the labelled ones to learn to answer like the full model. The
correct labels of these texts need not be known: the full model's answers take their place. Jiao et
al. 2020, "TinyBERT", section 4.2, replace words by similar ones, too.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from models.corpus.tokenize import Encoded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.corpus.texts import LabelledText

# Label of a text without a label.
UNLABELLED = -1
# Share of copies whose end is taken from another text, and share of copies with similar words.
SPLICED, REWORDED = 0.5, 0.5
# Share of a copy's words for each change: to remove, to replace by a word of any text, to swap with
# the word before, and to replace by a similar word in a copy with similar words.
SHARES = {"remove": 0.1, "replace": 0.1, "move": 0.1, "similar": 0.3}
# A word with the punctuation around it.
_WORD = re.compile(r"(\W*)(.*?)(\W*)", re.DOTALL)


def altered(
    texts: Sequence[LabelledText], seed: int, similar: Mapping[str, Sequence[str]]
) -> tuple[LabelledText, ...]:
    """Return an altered copy of each text without its label; the same seed gives the same copies.

    Half of the copies get the end of another text. Then some words are removed, replaced by words
    of other texts, or swapped with the word before. In half of the copies, further words are
    replaced by similar ones.

    Args:
        texts: the texts of one split.
        seed: seed of all random choices.
        similar: similar words of each word, see `models.shrinking.similar`.
    """
    draw = np.random.default_rng(seed)
    words = [text.text.split() for text in texts]
    pool = [word for words_of_text in words for word in words_of_text]
    partners = draw.permutation(len(words))
    copies = []
    for text, own_words, partner in zip(texts, words, partners, strict=True):
        mixed = _spliced(own_words, words[partner], draw) if draw.random() < SPLICED else own_words
        others = similar if draw.random() < REWORDED else {}
        changed = _changed(mixed, pool, others, draw) or own_words
        copies.append(replace(text, text=" ".join(changed), label=UNLABELLED))
    return tuple(copies)


def words_of(texts: Sequence[LabelledText]) -> set[str]:
    """Return every word of the texts without punctuation, as it is written and in lower case."""
    words = {_without_punctuation(word)[1] for text in texts for word in text.text.split()}
    return words | {word.lower() for word in words}


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


def _changed(
    words: list[str],
    pool: list[str],
    similar: Mapping[str, Sequence[str]],
    draw: np.random.Generator,
) -> list[str]:
    """Return the words after removing, replacing and moving some of them."""
    changed: list[str] = []
    shares = [*SHARES.values(), 1.0 - sum(SHARES.values())]
    for word, change in zip(
        words, draw.choice([*SHARES, "keep"], len(words), p=shares), strict=True
    ):
        if change == "remove":
            continue
        if change == "replace":
            changed.append(pool[int(draw.integers(len(pool)))])
        elif change == "move" and changed:
            changed.insert(len(changed) - 1, word)
        elif change == "similar":
            changed.append(_similar_to(word, similar, draw))
        else:
            changed.append(word)
    return changed


def _similar_to(word: str, similar: Mapping[str, Sequence[str]], draw: np.random.Generator) -> str:
    """Return a similar word with the same punctuation around it; `word`, if there is none."""
    before, core, after = _without_punctuation(word)
    others = similar.get(core) or similar.get(core.lower())
    return before + others[int(draw.integers(len(others)))] + after if others else word


def _without_punctuation(word: str) -> tuple[str, str, str]:
    """Return the punctuation before a word, the word, and the punctuation after it."""
    match = _WORD.fullmatch(word)
    return (match[1], match[2], match[3]) if match else ("", word, "")
