"""Reduce a vocabulary to the word pieces that the train split uses most, with new ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from models.corpus.tokenize import END, PAD, START, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded

CONTINUED = "##"
_KEPT_ALWAYS = frozenset({PAD, UNKNOWN, START, END})


def count_uses(split: Encoded, vocabulary: int) -> NDArray[np.int64]:
    """Return how often a split uses each piece, [vocabulary]; padding does not count."""
    return np.bincount(split.ids[split.mask > 0], minlength=vocabulary)


def keep_used(tokenizer: Tokenizer, uses: NDArray[np.int64], pieces: int) -> Tokenizer:
    """Return the tokenizer with its most used pieces.

    Among equally frequent pieces, words precede letters, and then earlier pieces precede later
    ones: published vocabularies and those trained here list letters first, then words from
    frequent to rare. ASCII characters always stay, so that WordPiece can spell a word in smaller
    pieces if its own are removed. Only text that the whole vocabulary could not spell either, and
    letters of other scripts, become "[UNK]". The kept pieces stay in their order.

    Args:
        tokenizer: a WordPiece tokenizer of `models.corpus.tokenize`.
        uses: how often the train split uses each piece, [vocabulary].
        pieces: number of pieces to keep; more are kept if the ASCII characters alone are more.
    """
    document = json.loads(tokenizer.to_str())
    numbers = document["model"]["vocab"]
    required = {p for p in numbers if p in _KEPT_ALWAYS or (_is_letter(p) and _bare(p).isascii())}
    # Special tokens of the checkpoint such as "[unused7]" and "[MASK]" do not occur in texts.
    words = {p for p in numbers if not (p.startswith("[") and p.endswith("]") and len(p) > 1)}
    candidates = sorted(
        words - required, key=lambda p: (-uses[numbers[p]], _is_letter(p), numbers[p])
    )
    chosen = required.union(candidates[: max(0, pieces - len(required))])
    ordered = sorted(chosen, key=numbers.get)
    document["model"]["vocab"] = {piece: number for number, piece in enumerate(ordered)}
    for name, special in document["post_processor"]["special_tokens"].items():
        special["ids"] = [ordered.index(name)]
    document["padding"]["pad_id"] = ordered.index(PAD)
    # Added tokens of a checkpoint have numbers of the former vocabulary.
    document["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(document))


def numbers_before(pruned: Tokenizer, whole: Tokenizer) -> NDArray[np.int64]:
    """Return the id in `whole` of each piece of `pruned`, in the order of `pruned`."""
    pieces = pruned.get_vocab()
    ordered = sorted(pieces, key=pieces.__getitem__)
    return np.array([whole.token_to_id(piece) for piece in ordered], np.int64)


def _is_letter(piece: str) -> bool:
    return len(_bare(piece)) == 1


def _bare(piece: str) -> str:
    return piece.removeprefix(CONTINUED)
