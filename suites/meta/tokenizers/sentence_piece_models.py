"""Train tiny SentencePiece models on invented words in a second."""

# ruff: noqa: RUF001 - the tests need letters that look like others

from __future__ import annotations

import functools
import io
import random
import tempfile
from typing import Any

import sentencepiece

from suites.meta.fuzz.systematic import fields

_PARTS = [
    *("ka", "to", "mi", "ré", "so", "ßu", "nö", "da", "pe"),
    *("li", "(x)", "44", "7", "ü", "日", "本", "語", "при"),
    *("вет", "мир", "שלום", "good", "day", "'", "."),
]
NORMALIZED = ("nmt_nfkc", "nfkc", "identity", "nmt_nfkc_cf")
# Options of SentencePiece's trainer that change the reading of texts.
OPTIONS: dict[str, dict[str, Any]] = {
    "usual": {},
    "bytes": {"byte_fallback": True, "vocab_size": 360},
    "symbols": {"user_defined_symbols": ["(", "–", "[MASK]", "44"]},
    "no prefix": {"add_dummy_prefix": False},
    "all blanks": {"remove_extra_whitespaces": False},
}


@functools.cache
def trained(kind: str, rule: str = "nmt_nfkc", option: str = "usual") -> bytes:
    """Return the bytes of a trained model's file.

    Args:
        kind: "unigram", "bpe" or another model type of SentencePiece.
        rule: name of SentencePiece's rule for the normalization of texts.
        option: a name of `OPTIONS`.
    """
    chosen = random.Random(1)  # noqa: S311 - repeatable, not a secret
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
        **{"vocab_size": 120} | OPTIONS[option],
    )
    return file.getvalue()


# Numbers of fields in a model's file: of the normalizer, and inside it of the table of characters.
NORMALIZER, TABLE = 3, 2
# Characters and their replacements in SentencePiece's format: A, the ligature fi, ka with a mark.
_RULES = "41\t61\nFB01\t66 69\n30AB 3099\t30AC\n"


@functools.cache
def small_table() -> bytes:
    """Return SentencePiece's compiled table of three character replacements, about a kilobyte."""
    file = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="ascii") as rules:
        rules.write(_RULES)
        rules.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["good day"] * 10),
            model_writer=file,
            normalization_rule_tsv=rules.name,
            vocab_size=20,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    return field_of(field_of(file.getvalue(), NORMALIZER), TABLE)


def field_of(message: bytes, number: int) -> bytes:
    """Return the value of the only field of a given number in a protobuf message."""
    (value,) = (value for name, _, value in fields(message) if name == number)
    return bytes(value)
