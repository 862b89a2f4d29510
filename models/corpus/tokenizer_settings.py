"""What a checkpoint says of its tokenizer beside the word pieces: case, accents, Chinese, length.

tokenizer_config.json says it of a vocab.txt. Where there is none, the pieces themselves tell the
case: a vocabulary of lower case holds no capital letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.tokenizers.classes import LIKE_BERT
from models.tokenizers.pieces import BERT
from models.tokenizers.settings import (
    SETTINGS,
    Settings,
    read_settings,
    require_basic_words,
    require_class,
    require_none_added,
    require_same_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from models.subjects import TokenizerTable

KEY = "tokenizer.lowercase"


def settings_for(folder: Path, pieces: Mapping[str, int], table: TokenizerTable) -> Settings:
    """Return the settings of a checkpoint that has word pieces alone.

    Args:
        folder: the checkpoint's.
        pieces: its vocabulary, with their numbers.
        table: what the subject says.

    Raises:
        UsageMistake: the settings cannot be read or used, or the subject contradicts them.
    """
    file, vocabulary = folder / SETTINGS, folder / "vocab.txt"
    if file.is_file():
        settings = read_settings(file)
    else:
        file, settings = vocabulary, Settings(do_lower_case=not _has_capitals(pieces))
    require_class(settings, LIKE_BERT, vocabulary)
    require_basic_words(settings, file)
    _require_berts_tokens(settings, file)
    require_same_numbers(settings, pieces, vocabulary, file)
    require_none_added(pieces, vocabulary)
    require_agreement(table, lowercase=settings.do_lower_case is not False, file=file)
    return settings


def require_length(folder: Path, table: TokenizerTable) -> None:
    """Check that the checkpoint's tokenizer was made for as many tokens.

    Raises:
        UsageMistake: it was made for fewer.
    """
    file = folder / SETTINGS
    longest = read_settings(file).model_max_length if file.is_file() else None
    if longest is not None and longest < table.max_tokens:
        raise UsageMistake(
            f"is {longest:g}, but tokenizer.max_tokens is {table.max_tokens}",
            file=file,
            key="model_max_length",
            remedy="Lower tokenizer.max_tokens, or give a checkpoint that takes as many",
        )


def require_right_side(folder: Path) -> None:
    """Check that the checkpoint's rows are cut and filled up at their end, as they are here.

    Raises:
        UsageMistake: it asks for the other side, where every position would be another one.
    """
    file = folder / SETTINGS
    settings = read_settings(file) if file.is_file() else Settings()
    for key in ("padding_side", "truncation_side"):
        if getattr(settings, key) == "left":
            raise UsageMistake(
                "is 'left', and rows are filled up and cut on the right here",
                file=file,
                key=key,
                remedy="Write 'right' there if the network may be fine-tuned so, or give another "
                "checkpoint",
            )


def _require_berts_tokens(settings: Settings, file: Path) -> None:
    for key, usual in BERT.items():
        said = settings.token(key)
        if said not in {None, usual}:
            raise UsageMistake(
                f"is {said!r}, and texts are framed with BERT's tokens here: {usual}",
                file=file,
                key=key,
                remedy="Give a checkpoint whose vocabulary and settings have BERT's tokens",
            )


def require_agreement(table: TokenizerTable, *, lowercase: bool, file: Path) -> None:
    """Check that the subject says of case what the checkpoint says, where it says anything.

    Raises:
        UsageMistake: it says the opposite.
    """
    if table.lowercase is not None and table.lowercase != lowercase:
        own, asked = ("lower case" if each else "cased" for each in (lowercase, table.lowercase))
        raise UsageMistake(
            f"the vocabulary is {own}, but the subject's {KEY} asks for {asked}",
            file=file,
            key=KEY,
            remedy=f"Leave {KEY} out of the subject, or give another checkpoint",
        )


def lowers(normalizer: object) -> bool:
    """Tell whether a normalizer of a tokenizer.json, as JSON, lowers case."""
    if isinstance(normalizer, dict):
        if normalizer.get("type") == "Lowercase" or normalizer.get("lowercase") is True:
            return True
        return lowers(normalizer.get("normalizers"))
    return isinstance(normalizer, list) and any(map(lowers, normalizer))


def _has_capitals(pieces: Iterable[str]) -> bool:
    """Tell whether a piece holds a capital letter; names of special tokens stand in brackets."""
    ordinary = (piece for piece in pieces if not (piece.startswith("[") and piece.endswith("]")))
    return any(piece != piece.lower() for piece in ordinary)
