"""Encode the corpus of a small model: the same texts with fewer word pieces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from models.corpus.artefact import (
    ENCODED,
    LEFT_OUT,
    SUMMARY,
    TEXTS,
    TOKENIZER,
    load_corpus,
    load_encoded,
    load_summary,
)
from models.corpus.tokenize import UNKNOWN, describe_lengths, encode, token_lengths
from models.shrinking.vocabulary import count_uses, keep_used, numbers_before

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.artefact import Artefact
    from models.corpus.texts import LabelledText
    from models.corpus.tokenize import Encoded


def prune_corpus(whole: Artefact, out: Path, *, pieces: int, pair_with_group: bool) -> None:
    """Write the corpus of `whole` again, encoded with only its most used word pieces.

    Args:
        whole: a corpus artefact.
        out: an existing folder.
        pieces: number of word pieces to keep.
        pair_with_group: whether texts are paired with their group, as in `whole`.
    """
    corpus, encoded, summary = load_corpus(whole), load_encoded(whole), load_summary(whole)
    full_tokenizer = load_tokenizer(whole)
    tokenizer = keep_used(
        full_tokenizer, count_uses(encoded["train"], summary["vocabulary"]), pieces
    )
    removed = np.ones(summary["vocabulary"], bool)
    removed[numbers_before(tokenizer, full_tokenizer)] = False
    arrays: dict[str, Any] = {}
    for split, texts in corpus.splits.items():
        pruned = encode(tokenizer, texts, pair_with_group=pair_with_group)
        arrays |= {f"{split}_{name}": getattr(pruned, name) for name in pruned.__slots__}
        summary["splits"][split] |= _token_statistics(
            tokenizer, texts, pruned, pair=pair_with_group
        )
        summary["splits"][split]["out_of_vocabulary_share"] = _removed_share(
            removed, encoded[split]
        )
    summary["vocabulary"] = tokenizer.get_vocab_size()
    for name in (TEXTS, LEFT_OUT):
        (out / name).write_bytes(whole.read(name))
    (out / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    np.savez_compressed(out / ENCODED, **arrays)
    (out / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def load_tokenizer(artefact: Artefact) -> Tokenizer:
    """Return the tokenizer of a corpus artefact."""
    return Tokenizer.from_str(artefact.text(TOKENIZER))


def _token_statistics(
    tokenizer: Tokenizer, texts: Sequence[LabelledText], pruned: Encoded, *, pair: bool
) -> dict[str, Any]:
    """Return the entries of a split's summary that depend on the word pieces."""
    lengths = token_lengths(tokenizer, texts, pair_with_group=pair)
    unknown = pruned.ids == tokenizer.token_to_id(UNKNOWN)
    return {
        "tokens": describe_lengths(lengths),
        "truncated_share": float((lengths > pruned.ids.shape[1]).mean()),
        "unknown_share": float(unknown.sum() / pruned.mask.sum()),
    }


def _removed_share(removed: Any, split: Encoded) -> float:
    """Return the share of a split's tokens, in its full encoding, whose pieces were removed."""
    return float(removed[split.ids[split.mask > 0]].mean())
