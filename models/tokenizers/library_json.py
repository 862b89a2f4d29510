"""Read a tokenizer.json from outside: of some the library dies, for it does not look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from models.documents import parse_json
from models.errors import UsageMistake
from models.tokenizers.charsmaps import require_whole_tables, values_in
from models.tokenizers.growth import require_bounded_growth
from models.tokenizers.library_errors import library_errors
from models.tokenizers.vocabularies import LARGEST_NUMBER

if TYPE_CHECKING:
    from pathlib import Path


def read_library(text: str, file: Path) -> Tokenizer:
    """Return the library's tokenizer, once it is known that using it is safe.

    Args:
        text: of a tokenizer.json.
        file: where it comes from, for messages.

    Raises:
        LibraryError: it is no JSON, names a key twice, has a cut table of characters, or the
            library refuses it.
        UsageMistake: its ids are too large, or its normalizer makes texts too long.
    """
    with library_errors():
        require_whole_tables(parse_json(text))
        library = Tokenizer.from_str(text)
    # Before anything else: the library dies where it writes down an id of two billion.
    _require_small_ids(library, file)
    require_bounded_growth(library, file)
    return library


def _require_small_ids(library: Tokenizer, file: Path) -> None:
    """Refuse ids, of words or around a text, that no vocabulary has and a file cannot take."""
    numbers = list(library.get_vocab(with_added_tokens=True).values())
    if library.post_processor is not None:
        document = json.loads(library.post_processor.__getstate__())
        numbers += [value for value in values_in(document) if isinstance(value, int)]
    largest = max(numbers, default=0)
    if largest >= LARGEST_NUMBER:
        raise UsageMistake(
            f"has the id {largest:,}, and ids below {LARGEST_NUMBER:,} are read",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote",
        )
