"""Check that a checkpoint's tokenizer fits this project's own networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.tokenizers.checkpoint_files import SETTINGS
from models.tokenizers.pieces import BERT
from models.tokenizers.settings import Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from models.subjects import TokenizerTable

KEY = "tokenizer.lowercase"


def require_length(folder: Path, table: TokenizerTable) -> None:
    """Check that the checkpoint's tokenizer allows texts of `table.length` tokens.

    Raises:
        UsageMistake: the tokenizer allows only fewer tokens.
    """
    file = folder / SETTINGS
    longest = read_settings(file).longest if file.is_file() else None
    if longest is not None and longest < table.length:
        raise UsageMistake(
            f"is {longest:g}, but tokenizer.max_tokens is {table.length}",
            file=file,
            key="model_max_length",
            remedy="Lower tokenizer.max_tokens, or give a checkpoint that takes that many tokens",
        )


def require_right_side(folder: Path) -> None:
    """Check that the checkpoint's rows are truncated and padded on the right, as edgeproof does.

    Raises:
        UsageMistake: rows are padded or truncated on the left, which changes every position.
    """
    file = folder / SETTINGS
    settings = read_settings(file) if file.is_file() else Settings()
    for key in ("padding_side", "truncation_side"):
        if getattr(settings, key) == "left":
            raise UsageMistake(
                "is 'left', but edgeproof pads and truncates rows on the right",
                file=file,
                key=key,
                remedy="Write 'right' if the network may be fine-tuned with padding on "
                "the right, or give another checkpoint",
            )


def require_berts_tokens(folder: Path) -> None:
    """Check that the checkpoint's special tokens have BERT's names.

    Raises:
        UsageMistake: a special token has another name.
    """
    file = folder / SETTINGS
    settings = read_settings(file) if file.is_file() else Settings()
    for key, usual in BERT.items():
        token = settings.token(key)
        if token not in {None, usual}:
            raise UsageMistake(
                f"is {token!r}, but edgeproof frames texts with BERT's tokens: {usual}",
                file=file,
                key=key,
                remedy="Give a checkpoint whose vocabulary and settings have BERT's tokens",
            )


def require_agreement(table: TokenizerTable, *, lowercase: bool, file: Path) -> None:
    """Check that subject and checkpoint agree on whether texts are converted to lower case.

    Raises:
        UsageMistake: one of them lowers case, and the other does not.
    """
    if table.lowercase is not None and table.lowercase != lowercase:
        of_vocabulary, of_subject = (
            "lower case" if lowers else "cased" for lowers in (lowercase, table.lowercase)
        )
        raise UsageMistake(
            f"the vocabulary is {of_vocabulary}, but the subject's {KEY} asks for {of_subject}",
            file=file,
            key=KEY,
            remedy=f"Remove {KEY} from the subject, or give another checkpoint",
        )
