"""What a checkpoint says of its tokenizer beside the word pieces: case, accents, Chinese, length.

tokenizer_config.json says it of a vocab.txt. Where there is none, the pieces themselves tell the
case: a vocabulary of lower case holds no capital letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.tokenizers.settings import SETTINGS, Settings, read_settings, require_basic_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.subjects import TokenizerTable

KEY = "tokenizer.lowercase"


def settings_for(folder: Path, pieces: Iterable[str], table: TokenizerTable) -> Settings:
    """Return the settings of a checkpoint that has word pieces alone.

    Args:
        folder: the checkpoint's.
        pieces: its vocabulary.
        table: what the subject says.

    Raises:
        UsageMistake: the settings cannot be read or used, or the subject contradicts them.
    """
    file = folder / SETTINGS
    if file.is_file():
        settings = read_settings(file)
    else:
        file, settings = folder / "vocab.txt", Settings(do_lower_case=not _has_capitals(pieces))
    require_basic_words(settings, file)
    require_agreement(table, lowercase=settings.do_lower_case, file=file)
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
    """Whether a normalizer of a tokenizer.json, as JSON, lowers case."""
    if isinstance(normalizer, dict):
        if normalizer.get("type") == "Lowercase" or normalizer.get("lowercase") is True:
            return True
        return lowers(normalizer.get("normalizers"))
    return isinstance(normalizer, list) and any(map(lowers, normalizer))


def _has_capitals(pieces: Iterable[str]) -> bool:
    """Whether a piece holds a capital letter; names of special tokens stand in brackets."""
    ordinary = (piece for piece in pieces if not (piece.startswith("[") and piece.endswith("]")))
    return any(piece != piece.lower() for piece in ordinary)
