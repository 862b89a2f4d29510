"""Check that special tokens belong to the tokenizer's own vocabulary.

The library does not check this. If they do not belong to it, the library makes other ids than the
file states, or fails at the first unknown word, which may happen only on a device.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.tokenizers.charsmaps import values_in
from models.tokenizers.library_errors import LibraryError, library_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tokenizers import Tokenizer

# A word of two Ugaritic letters, which no vocabulary contains.
_RARE = "\U00010380\U00010381"
_SAVED = "or give the tokenizer.json that save_pretrained wrote"


def require_own_tokens(library: Tokenizer, document: Any, file: Path) -> None:
    """Check that the file and the vocabulary give each special token the same id.

    Args:
        library: the tokenizer as read by the library.
        document: the content of the file.
        file: the file, for messages.

    Raises:
        UsageMistake: a token is not in the vocabulary, or has another id there.
    """
    for token, number in _added(document):
        _require_number(library, token, number, "added_tokens", file)
    for token, number in _around(library, file):
        _require_number(library, token, number, "post_processor", file)
    _require_unknown(library, file)


def require_unknown_id(document: Any, file: Path) -> None:
    """Check that a Unigram model's unknown piece exists, before the library reads it.

    Raises:
        UsageMistake: the id of the unknown piece is beyond the vocabulary.
    """
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(model, dict):
        return
    number, pieces = model.get("unk_id"), model.get("vocab")
    if isinstance(number, int) and isinstance(pieces, list) and number >= len(pieces):
        raise _unknown(
            f"has {len(pieces):,} pieces, but gives the unknown piece the number {number}", file
        )


def _require_number(library: Tokenizer, token: str, number: int, key: str, file: Path) -> None:
    own_number = library.token_to_id(token)
    if own_number != number:
        have = "does not hold it" if own_number is None else f"gives it {own_number}"
        raise UsageMistake(
            f"gives {token!r} the id {number}, but its vocabulary {have}",
            file=file,
            key=key,
            remedy=f"Write the vocabulary's own ids in {key}, {_SAVED}",
        )


def _added(document: Any) -> Iterator[tuple[str, int]]:
    """Yield the tokens that the file lists in `added_tokens`, with their ids."""
    for entry in document.get("added_tokens") or []:
        yield entry["content"], entry["id"]


def _around(library: Tokenizer, file: Path) -> Iterator[tuple[str, int]]:
    """Yield the tokens that are added around a text, with their ids in the file."""
    if library.post_processor is None:
        return
    for step in values_in(json.loads(library.post_processor.__getstate__())):
        if not isinstance(step, dict):
            continue
        for name in ("cls", "sep"):
            if isinstance(step.get(name), list):
                token, number = step[name]
                yield token, number
        if {"ids", "tokens"} <= step.keys():
            tokens, ids = step["tokens"], step["ids"]
            if len(tokens) != len(ids):
                raise UsageMistake(
                    f"gives {len(tokens)} tokens the ids {ids}",
                    file=file,
                    key="post_processor",
                    remedy=f"Give an id for each token in post_processor, {_SAVED}",
                )
            yield from zip(tokens, ids, strict=True)


def _require_unknown(library: Tokenizer, file: Path) -> None:
    """Check that the tokenizer can encode a word outside of its vocabulary."""
    try:
        with library_errors():
            library.encode(_RARE)
    except LibraryError as error:
        problem = f"cannot read a word that its vocabulary lacks ({error})"
        raise _unknown(problem, file) from None


def _unknown(problem: str, file: Path) -> UsageMistake:
    return UsageMistake(
        problem,
        file=file,
        key="model",
        remedy="Name a token of model.vocab in model.unk_token (of Unigram, its place in "
        f"model.unk_id), {_SAVED}",
    )
