"""Provide difficult texts, and functions that return an encoder's rows of ids for texts."""

# ruff: noqa: RUF001 - the tests need letters that look like others

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

from hypothesis import settings
from hypothesis import strategies as st

from models.input_roles import IDS, MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.tokenizers.encoder import Encoder

BLANKS = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
ODD = [
    *("👍🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "😀"),  # joined, colored, flags, with a variation selector
    *("e\u0301", "n\u0303\u0323", "\u0308", "क्षि"),  # marks that combine, one without a letter
    *("日本語", "한국", "中", "ひら", "\U00020000"),
    *("שלום", "مرحبا", "\u200f", "\u202e"),
    *("\x00", "\x01", "\x07", "\x7f", "\u200b", "\u200d", "\ufeff", "\ufffd", "\ue000"),
    *("İ", "ẞ", "ß", "ΟΔΟΣ", "Σ", "ς", "ǅ", "Ａ", "４", "½", "①"),
    *("don't", "a_b", "#tag", "@name", "http://x.y/z?q=1", "3.14", "$5", "e-mail", "`", "~", "^"),
    *("¿", "–", "“", "…", "、", "«", "\xad"),
]
WORDS = ["the", "The", "GOOD", "good", "day", "naïve", "Café", "cafe", "unaffable", "x", "ab", "44"]
SPECIAL = ["[UNK]", "[CLS]", "<s>", "</s>", "<unk>", "<START>", "<PAD>", "▁", "##a", "\n\n"]

_PARTS = st.sampled_from([*ODD, *WORDS, *SPECIAL, *BLANKS, " ", " ", " "])
_SURROGATES: list[Literal["Cs"]] = ["Cs"]
_ANY = st.text(st.characters(exclude_categories=_SURROGATES), max_size=20)
NASTY = st.lists(_PARTS | _ANY, max_size=12).map("".join)

# The same examples in every run, and few of them to save time.
MANY = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def long_texts() -> list[str]:
    """Return texts of 10,000 characters, an empty text, and blanks; always the same."""
    chosen = random.Random(7)  # noqa: S311 - repeatable, not a secret
    mixed = "".join(chosen.choice([*ODD, *WORDS, " "]) for _ in range(4000))[:10_000]
    return ["", " ", BLANKS, "\n", "a" * 10_000, "good day " * 1111, mixed, mixed.upper()]


def sample_texts(number: int) -> list[str]:
    """Return difficult texts for a program that reads them all at once; always the same."""
    chosen = random.Random(11)  # noqa: S311 - repeatable, not a secret
    parts = [*ODD, *WORDS, *BLANKS, " ", " "]
    short = ("".join(chosen.choices(parts, k=chosen.randint(0, 9))) for _ in range(number))
    return [*long_texts(), *short]


def rows(encoder: Encoder, texts: Iterable[str], length: int = 16) -> list[list[int]]:
    """Return the rows of ids of texts, including padding."""
    return [row.tolist() for row in encoder.encode([(text,) for text in texts], length)[IDS]]


def unpadded(encoder: Encoder, text: str) -> list[int]:
    """Return all ids of a text, including special tokens."""
    length = max(int(encoder.lengths([(text,)])[0]), 1)
    arrays = encoder.encode([(text,)], length)
    return [int(number) for number in arrays[IDS][0][arrays[MASK][0] == 1]]


def filled(ids: list[int], length: int, pad: int, *, left: bool = False) -> list[int]:
    """Return a row of ids of this length, truncated or padded at the left or right end."""
    cut = ids[-length:] if left else ids[:length]
    padding = [pad] * (length - len(cut))
    return padding + cut if left else cut + padding
