"""Find the words whose vectors in the full model are the most similar.

Pretraining gives similar vectors to words that occur in similar texts. So a text stays plausible if
a word is replaced by a similar one, even by a word that the train split does not contain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

# Number of similar words of each word.
MOST = 10
# Smallest cosine of the vectors of similar words. In the hundreds of dimensions of word vectors,
# the cosines of unrelated ones are near 0.
LEAST_COSINE = 0.3
# Number of words that are compared with all others at once, which limits the memory.
_BLOCK = 1000


def similar_words(
    words: Collection[str], vocabulary: Mapping[str, int], vectors: NDArray[np.float32]
) -> dict[str, tuple[str, ...]]:
    """Return the most similar words of the vocabulary for each word, the most similar first.

    Only words of two letters or more are compared, not parts of words. A word that the vocabulary
    lacks, or that has no similar word, is left out.

    Args:
        words: the words whose similar words are returned.
        vocabulary: the id of each word piece, which is its row in `vectors`.
        vectors: the full model's word vectors, [vocabulary, width].
    """
    compared = [piece for piece in vocabulary if len(piece) > 1 and piece.isalpha()]
    compared.sort(key=vocabulary.__getitem__)
    directions = _normalized(vectors[[vocabulary[word] for word in compared]])
    wanted = [place for place, word in enumerate(compared) if word in words]
    similar: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        for place, cosines in zip(block, directions[block] @ directions.T, strict=True):
            found = tuple(compared[other] for other in _nearest(cosines) if other != place)
            if found:
                similar[compared[place]] = found[:MOST]
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
