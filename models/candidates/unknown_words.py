"""Check that a vocabulary fits the texts, by counting unknown words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.input_roles import IDS, MASK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.tokenizers.encoder import Encoder

KEY = "--edge-tokenizer"
# Share of unknown tokens from which a remark is made; a suitable vocabulary misses a few percent.
_TOLD = 0.3


def unknown_words(
    name: str, file: Path, encoder: Encoder, arrays: Mapping[str, NDArray[np.int32]]
) -> list[str]:
    """Return a remark if a tokenizer's vocabulary lacks many words of the texts; else [].

    Args:
        name: name of the candidate.
        file: its FlatBuffer, for the message.
        encoder: its tokenizer.
        arrays: ids and mask of all texts.

    Raises:
        UsageMistake: the vocabulary lacks every word of the texts.
    """
    ids, mask = arrays[IDS], arrays[MASK] == 1
    words = ids[mask]
    for number in encoder.around:
        words = words[words != number]
    if words.size == 0 and not (encoder.left_out is not None and ids.size):
        return []
    missed = 1.0 if words.size == 0 else float((words == encoder.unknown).mean())
    if missed == 1.0:
        raise UsageMistake(
            f"the {encoder.kind} tokenizer knows no word in the texts: every word "
            "becomes the unknown token",
            file=file,
            key=KEY,
            remedy="Give the vocabulary that the file was trained with, and texts in the "
            "language of that vocabulary",
        )
    if missed < _TOLD:
        return []
    return [f"{name}: its tokenizer does not know {missed:.0%} of the texts' tokens."]
