"""Find the words whose vectors in the full model are the most similar.

Pretraining gives similar vectors to words that occur in similar texts. So a text stays plausible if
a word is replaced by a similar one, even by a word that the train split does not contain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Number of similar words of each word.
MOST = 10
# Smallest cosine of the vectors of similar words. In the hundreds of dimensions of word vectors,
# the cosines of unrelated ones are near 0.
LEAST_COSINE = 0.3
# Number of words that are compared with all others at once, which limits the memory.
_BLOCK = 1000


def similar_words(
    vocabulary: Mapping[str, int], vectors: NDArray[np.float32]
) -> dict[str, tuple[str, ...]]:
    """Return the most similar words of each word in the vocabulary, the most similar first.

    Only words of two letters or more are compared, not parts of words. A word without a similar
    word is left out.

    Args:
        vocabulary: the id of each word piece, which is its row in `vectors`.
        vectors: the full model's word vectors, [vocabulary, width].
    """
    words = [piece for piece in vocabulary if len(piece) > 1 and piece.isalpha()]
    words.sort(key=vocabulary.__getitem__)
    directions = _normalized(vectors[[vocabulary[word] for word in words]])
    similar: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(words), _BLOCK):
        block = directions[start : start + _BLOCK]
        for word, cosines in zip(words[start:], block @ directions.T, strict=False):
            found = tuple(words[place] for place in _nearest(cosines) if words[place] != word)
            if found:
                similar[word] = found[:MOST]
    return similar


def _nearest(cosines: NDArray[np.float32]) -> list[int]:
    """Return the places of the largest cosines, one more than `MOST`, from largest to smallest."""
    count = min(MOST + 1, len(cosines))
    nearest = np.argpartition(-cosines, count - 1)[:count].tolist()
    enough = [place for place in nearest if cosines[place] >= LEAST_COSINE]
    return sorted(enough, key=lambda place: (-cosines[place], place))


def _normalized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each vector divided by its length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalized: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return normalized
