"""Tables of characters, as SentencePiece precompiles them: what they say of their own size."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where the trie begins, behind its size.
_TRIE_AT = 4
_KEY = "precompiled_charsmap"


def whole_table(content: bytes) -> bytes:
    """Return a table of characters; its first four bytes say how many of those behind are its trie.

    The library makes room for so many without looking, and its process may die of it.

    Raises:
        ValueError: fewer bytes follow than the table says.
    """
    size = int.from_bytes(content[:_TRIE_AT], "little")
    if content and size > len(content) - _TRIE_AT:
        raise ValueError(
            f"its table of characters has {len(content):,} bytes, and says that {size:,} follow"
        )
    return content


def require_whole_tables(document: Any) -> None:
    """Refuse a tokenizer.json with a table of characters that says more than it holds.

    Args:
        document: what the JSON holds; anything that is no tokenizer's is left to the library.

    Raises:
        ValueError: a table is cut, or is not in base64.
    """
    for value in values_in(document):
        if isinstance(value, dict) and isinstance(value.get(_KEY), str):
            whole_table(_decoded(value[_KEY]))


def values_in(document: Any) -> Iterator[Any]:
    """Yield a JSON document and every value in it, however deep."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its table of characters is not in base64") from None
