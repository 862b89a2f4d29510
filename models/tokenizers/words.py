"""Build tokenizers that look up whole words or characters in a word list.

They differ in a few settings: how case is lowered, which text is removed, where words end, the
special tokens, and the sides of padding and truncation.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from models.errors import UsageMistake
from models.tokenizers.encoder import Encoder, Padding, Side
from models.tokenizers.library_errors import LibraryError, library_errors
from models.tokenizers.remedies import PADDED, write_token
from models.tokenizers.templates import around

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Case = Literal["kept", "ascii", "unicode"]

# Placeholder in the vocabulary for unknown words, if a tokenizer without an unknown token drops
# them. It contains line feeds, so no line of a word list can equal it.
LEFT_OUT = "\n(left out)\n"
CHARACTERS = "characters"
# A capital sigma at the end of a word, which Python and the library lowercase differently.
_LAST_SIGMA = r"\p{Cased}\p{Case_Ignorable}*\KΣ(?!\p{Case_Ignorable}*\p{Cased})"


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """The rules by which a text becomes words, and words become ids.

    Attributes:
        case: "ascii" lowers A to Z alone, as TensorFlow does; "unicode" lowers every letter, as
            Python does; "kept" lowers none.
        removed: regular expression for the text that is removed first; "" for none.
        blanked: regular expression for the text that `blank` replaces; "" for none.
        blank: the replacement of `blanked`.
        split: regular expression for the text between words; "characters" makes every character a
            word.
        start: the token before the first word; None for none.
        end: the token after the last word; None for none.
        unknown: the token of words that are not in the list; None removes such words.
        pad: the padding token; None pads with 0, which must not be the id of a word.
        side: the side on which rows are padded.
        truncation: the side of a long text that is cut off.
        limit: words with this id or a larger one are unknown; None uses the whole list.
    """

    case: Case = "kept"
    removed: str = ""
    blanked: str = ""
    blank: str = " "
    split: str = r"\s+"
    start: str | None = None
    end: str | None = None
    unknown: str | None = None
    pad: str | None = None
    side: Side = "right"
    truncation: Side = "right"
    limit: int | None = None


def word_encoder(kind: str, file: Path, words: dict[str, int], settings: WordSettings) -> Encoder:
    """Return the tokenizer that looks up words in a word list.

    Args:
        kind: name of the tokenizer's kind.
        file: the list, for messages.
        words: ids by word.
        settings: the rules.

    Raises:
        UsageMistake: a token in the settings is not in the list, the padding token is unknown, or a
            regular expression is invalid.
    """
    _require_tokens(words, settings, file)
    words_used = words
    if settings.limit is not None:
        specials = {settings.start, settings.end, settings.unknown, settings.pad}
        words_used = {w: n for w, n in words.items() if n < settings.limit or w in specials}
    left_out = max(words_used.values(), default=0) + 1
    table = words_used if settings.unknown is not None else {**words_used, LEFT_OUT: left_out}
    unknown = LEFT_OUT if settings.unknown is None else settings.unknown
    library = Tokenizer(models.WordLevel(table, unknown))
    library.normalizer = _normalizer(settings)
    library.pre_tokenizer = _pre_tokenizer(settings)
    library.post_processor = around(words, settings.start, settings.end)
    pad = settings.pad
    return Encoder(
        kind=kind,
        library=library,
        padding=Padding(
            token="" if pad is None else pad,
            number=0 if pad is None else words[pad],
            side=settings.side,
        ),
        truncation=settings.truncation,
        left_out=None if settings.unknown is not None else left_out,
    )


def _require_tokens(words: Mapping[str, int], settings: WordSettings, file: Path) -> None:
    for name in ("start", "end", "unknown", "pad"):
        token = getattr(settings, name)
        if token is not None and token not in words:
            raise UsageMistake(
                f"the word list does not hold {token!r}",
                file=file,
                key=f"tokenizer.{name}",
                remedy=write_token(name, "the token that the list has for it")
                + ", or give the complete list that the model was trained with",
            )
    word_of_zero = next((word for word, number in words.items() if number == 0), None)
    if settings.pad is None and word_of_zero is not None:
        raise UsageMistake(
            f"no padding token is defined, and its default number 0 belongs to {word_of_zero!r}",
            file=file,
            key="tokenizer.pad",
            remedy=f"{write_token('pad', PADDED)}, even if that is {word_of_zero!r}",
        )


def _normalizer(settings: WordSettings) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = []
    if settings.case == "unicode":
        steps += [normalizers.Replace(Regex(_LAST_SIGMA), "ς"), normalizers.Lowercase()]
    if settings.case == "ascii":
        steps += [normalizers.Replace(letter, letter.lower()) for letter in string.ascii_uppercase]
    if settings.removed:
        steps.append(normalizers.Replace(_regex(settings.removed, "removed"), ""))
    if settings.blanked:
        steps.append(normalizers.Replace(_regex(settings.blanked, "blanked"), settings.blank))
    return normalizers.Sequence(steps)


def _pre_tokenizer(settings: WordSettings) -> pre_tokenizers.PreTokenizer:
    if settings.split == CHARACTERS:
        # (?m): the dot also matches a line feed, which is a character like any other.
        return pre_tokenizers.Split(Regex("(?m)."), "isolated")
    return pre_tokenizers.Split(_regex(settings.split, "split"), "removed")


def _regex(pattern: str, key: str) -> Regex:
    try:
        with library_errors():
            return Regex(pattern)
    except LibraryError as error:
        raise UsageMistake(
            f"{pattern!r} is not a regular expression ({error})",
            key=f"tokenizer.{key}",
            remedy="Correct the expression, in the syntax of Oniguruma",
        ) from None
