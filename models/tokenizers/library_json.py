"""Read a user's tokenizer.json, after checking what would crash the library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from models.errors import UsageMistake
from models.files.json_documents import parse_json
from models.tokenizers.charsmaps import require_sound_tables, values_in
from models.tokenizers.growth import require_bounded_growth
from models.tokenizers.library_errors import LibraryError, library_errors
from models.tokenizers.special_tokens import require_own_tokens, require_unknown_id
from models.tokenizers.vocabularies import LARGEST_NUMBER

if TYPE_CHECKING:
    from pathlib import Path


def read_library(text: str, file: Path) -> Tokenizer:
    """Return the library's tokenizer after checking that its use is safe.

    Args:
        text: the text of a tokenizer.json.
        file: the file, for messages.

    Raises:
        UsageMistake: the text is not JSON or not a tokenizer, its table of characters is damaged,
            its ids are too large, its normalizer makes texts too long, or its special tokens
            contradict its vocabulary.
    """
    document = _document(text, file)
    require_unknown_id(document, file)
    try:
        with library_errors():
            library = Tokenizer.from_str(text)
    except LibraryError as error:
        raise UsageMistake(
            f"is not a tokenizer of the tokenizers library ({error})",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote, or write KIND:FILE",
        ) from None
    # Check the ids first: the library crashes when it serializes an id of two billion.
    _require_small_ids(library, file)
    require_bounded_growth(library, file)
    require_own_tokens(library, document, file)
    return library


def _document(text: str, file: Path) -> Any:
    """Return the content of the JSON after checking its tables of characters."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise UsageMistake(
            f"is not JSON ({error})",
            file=file,
            remedy="Download the complete tokenizer.json again, or write it with a JSON library",
        ) from None
    try:
        require_sound_tables(document)
    except ValueError as error:
        raise UsageMistake(
            str(error),
            file=file,
            key="precompiled_charsmap",
            remedy="Download the complete tokenizer.json again",
        ) from None
    return document


def _require_small_ids(library: Tokenizer, file: Path) -> None:
    """Reject ids of words or special tokens that are too large for any model file."""
    numbers = list(library.get_vocab(with_added_tokens=True).values())
    if library.post_processor is not None:
        document = json.loads(library.post_processor.__getstate__())
        numbers += [value for value in values_in(document) if isinstance(value, int)]
    largest = max(numbers, default=0)
    if largest >= LARGEST_NUMBER:
        raise UsageMistake(
            f"has the id {largest:,}, but ids must be below {LARGEST_NUMBER:,}",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote",
        )
