"""Find and read the vocabulary of a checkpoint's folder, as `transformers` reads it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.tokenizers.checkpoint_files import VOCABULARIES
from models.tokenizers.checkpoint_pieces import from_checkpoint_pieces
from models.tokenizers.pieces import from_byte_pairs, from_checkpoint_words, from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from models.tokenizers.encoder import Encoder

KEY = "--edge-tokenizer"
_READERS: dict[str, Callable[[Path, Mapping[str, Any]], Encoder]] = {
    "huggingface": from_json,
    "wordpiece": from_checkpoint_words,
    "byte_pairs": from_byte_pairs,
    "sentencepiece": from_checkpoint_pieces,
}


def find_vocabulary(folder: Path, kind: str | None = None) -> tuple[Path, str]:
    """Return the best vocabulary of a checkpoint's folder, and its kind of tokenizer.

    Args:
        folder: the folder, in Hugging Face layout.
        kind: the requested kind; None for any kind.

    Raises:
        UsageMistake: the folder has no vocabulary of this kind.
    """
    names = [name for name, of in VOCABULARIES.items() if kind in {None, of}]
    for name in names:
        if (folder / name).is_file():
            return folder / name, VOCABULARIES[name]
    raise UsageMistake(
        f"the folder holds none of {', '.join(names)}"
        if names
        else f"is a folder, but a {kind} tokenizer is read from a file",
        file=folder,
        key=KEY,
        remedy="Give the tokenizer's file",
    )


def read_found(file: Path, kind: str, settings: Mapping[str, Any]) -> Encoder:
    """Read a checkpoint's vocabulary with the files beside it.

    Args:
        file: the vocabulary, as returned by `find_vocabulary`.
        kind: its kind, as returned by `find_vocabulary`.
        settings: the user's settings, in addition to the files.

    Raises:
        UsageMistake: the vocabulary cannot be read, or the files contradict each other.
    """
    return _READERS[kind](file, settings)
