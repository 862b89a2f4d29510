"""Tokenizers that look whole words or characters up in a list, built for a device as well.

All kinds of them differ in a few settings: how case is lowered, what is removed, where words end,
which special tokens there are, on which side rows are filled and cut.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from models.errors import UsageMistake
from models.tokenizers.encoder import Encoder, Padding, Side

Case = Literal["kept", "ascii", "unicode"]

# Stands in a table for words that a tokenizer without a token for unknown words removes. A word
# list cannot hold it: its lines end at a line feed.
LEFT_OUT = "\n(left out)\n"
CHARACTERS = "characters"


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """How a text becomes words, and words become ids.

    Attributes:
        case: "ascii" lowers A to Z alone, as TensorFlow does; "unicode" every letter, one by one.
        removed: a regular expression of what is taken out before words are found; "" for nothing.
        blanked: one of what becomes a blank, likewise.
        split: one of what stands between words; "characters" makes every character a word.
        start: the token before the first word; None without one.
        unknown: the token of words that the list does not hold; None removes them.
        pad: the token that fills rows up; None fills with `pad_number`.
        pad_number: used without `pad`.
        side: on which rows are filled up.
        truncation: the side that is cut off.
        limit: ids of it and above count as unknown; None takes the whole list.
    """

    case: Case = "kept"
    removed: str = ""
    blanked: str = ""
    split: str = r"\s+"
    start: str | None = None
    unknown: str | None = None
    pad: str | None = None
    pad_number: int = 0
    side: Side = "right"
    truncation: Side = "right"
    limit: int | None = None


def word_encoder(kind: str, words: dict[str, int], settings: WordSettings) -> Encoder:
    """Return the tokenizer of a word list.

    Args:
        kind: its name.
        words: numbers by word.
        settings: how texts become words.

    Raises:
        UsageMistake: a token that the settings name is not in the list.
    """
    for name in ("start", "unknown", "pad"):
        token = getattr(settings, name)
        if token is not None and token not in words:
            raise UsageMistake(
                f"the word list does not hold {token!r}",
                key=f"tokenizer.{name}",
                remedy=f'Write {name} = "..." with the token that the list has for it, if any',
            )
    known = words
    if settings.limit is not None:
        specials = {settings.start, settings.unknown, settings.pad}
        known = {w: n for w, n in words.items() if n < settings.limit or w in specials}
    nobody = max(known.values()) + 1
    table = known if settings.unknown is not None else {**known, LEFT_OUT: nobody}
    library = Tokenizer(models.WordLevel(table, settings.unknown or LEFT_OUT))
    library.normalizer = _normalizer(settings)
    library.pre_tokenizer = _pre_tokenizer(settings)
    if settings.start is not None:
        library.post_processor = processors.TemplateProcessing(
            single=f"{settings.start} $A",
            special_tokens=[(settings.start, words[settings.start])],
        )
    pad = settings.pad
    return Encoder(
        kind=kind,
        library=library,
        padding=Padding(
            token=pad if pad is not None else _word_of(settings.pad_number, words),
            number=settings.pad_number if pad is None else words[pad],
            side=settings.side,
        ),
        truncation=settings.truncation,
        left_out=None if settings.unknown is not None else nobody,
    )


def _word_of(number: int, words: dict[str, int]) -> str:
    return next((word for word, known in words.items() if known == number), "")


def _normalizer(settings: WordSettings) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = []
    if settings.case == "unicode":
        steps.append(normalizers.Lowercase())
    if settings.case == "ascii":
        steps += [normalizers.Replace(letter, letter.lower()) for letter in string.ascii_uppercase]
    for pattern, instead in ((settings.removed, ""), (settings.blanked, " ")):
        if pattern:
            steps.append(normalizers.Replace(_regex(pattern), instead))
    return normalizers.Sequence(steps)


def _pre_tokenizer(settings: WordSettings) -> pre_tokenizers.PreTokenizer:
    if settings.split == CHARACTERS:
        # (?s): a line feed is a character, too.
        return pre_tokenizers.Split(_regex("(?s)."), "isolated")
    return pre_tokenizers.Split(_regex(settings.split), "removed")


def _regex(pattern: str) -> Regex:
    try:
        return Regex(pattern)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception
        raise UsageMistake(
            f"{pattern!r} is not a regular expression ({error})",
            key="tokenizer",
            remedy="Correct it; Oniguruma's syntax is understood",
        ) from None
