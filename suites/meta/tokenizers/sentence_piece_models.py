"""Tiny SentencePiece models, trained on made-up words in a second."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

from __future__ import annotations

import functools
import io
import random

import sentencepiece

_PARTS = [
    *("ka", "to", "mi", "ré", "so", "ßu", "nö", "da", "pe"),
    *("li", "(x)", "44", "7", "ü", "日", "本", "語", "при"),
    *("вет", "мир", "שלום", "good", "day", "'", "."),
]
NORMALIZED = ("nmt_nfkc", "nfkc", "identity", "nmt_nfkc_cf")
# The options of SentencePiece's trainer that change how a text is read.
OPTIONS = {
    "usual": {},
    "bytes": {"byte_fallback": True, "vocab_size": 360},
    "symbols": {"user_defined_symbols": ["(", "–", "[MASK]", "44"]},
    "no prefix": {"add_dummy_prefix": False},
    "all blanks": {"remove_extra_whitespaces": False},
}


@functools.cache
def trained(kind: str, rule: str = "nmt_nfkc", option: str = "usual") -> bytes:
    """Return a model's file.

    Args:
        kind: "unigram" or "bpe", or another type of SentencePiece.
        rule: how texts are normalized.
        option: a name of `OPTIONS`.
    """
    chosen = random.Random(1)  # noqa: S311 - no secret
    words = ("".join(chosen.choices(_PARTS, k=chosen.randint(1, 4))) for _ in range(8000))
    lines = [" ".join(next(words) for _ in range(5)) for _ in range(1500)]
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        model_type=kind,
        normalization_rule_name=rule,
        pad_id=3,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
        **{"vocab_size": 120, **OPTIONS[option]},
    )
    return file.getvalue()
