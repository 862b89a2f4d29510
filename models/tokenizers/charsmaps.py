"""Check SentencePiece's precompiled tables of character replacements for damage.

A table consists of a size, a trie of that many bytes, and the replacement texts, each ended by a
zero byte. The trie is a double array of little-endian words, as the library Darts-clone writes it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import as_array, byte_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Largest table in bytes; published ones have 250 kB.
LARGEST_TABLE = 8_000_000
# Maximum number of characters that replace one character; Unicode's own forms have up to 18.
LONGEST_REPLACEMENT = 64
# Offset of the trie in bytes, after its size.
_TRIE_AT = 4
_WORD = np.dtype("<u4")
_KEY = "precompiled_charsmap"
# Bit fields of a word in the trie: whether it is a value (a position in the texts), and the value.
# For a step: whether a value ends there, and whether the offset counts blocks of 256 words.
_IS_VALUE, _VALUE, _HAS_VALUE, _IS_FAR = 1 << 31, (1 << 31) - 1, 1 << 8, 1 << 9
# Mask and pattern of a byte inside a UTF-8 character; no text begins at such a byte.
_FORM, _WITHIN = 0xC0, 0x80


def checked_table(content: bytes) -> bytes:
    """Check that every look-up in a table of characters is safe, and return the table.

    The library checks nothing: a size that is too large crashes it, and a text whose look-up leaves
    the table makes it fail.

    Args:
        content: the bytes of the table; empty if the tokenizer has no table.

    Raises:
        ValueError: the table is too large or cut short, points outside of itself, or replaces a
            character by a very long text.
    """
    if not content:
        return content
    if len(content) > LARGEST_TABLE:
        raise _unfit(f"has {len(content):,} bytes, but at most {LARGEST_TABLE:,} are read")
    size = int.from_bytes(content[:_TRIE_AT], "little")
    if size > len(content) - _TRIE_AT:
        raise _unfit(f"has {len(content):,} bytes, but says that its trie has {size:,}")
    if size % _WORD.itemsize or not size:
        raise _unfit(
            f"says that its trie has {size:,} bytes, which is not a positive multiple of 4"
        )
    trie, texts = content[_TRIE_AT : _TRIE_AT + size], content[_TRIE_AT + size :]
    longest = longest_replacement(content)
    if longest > LONGEST_REPLACEMENT:
        raise _unfit(
            f"turns one character into {longest:,}, but at most {LONGEST_REPLACEMENT} are allowed"
        )
    _require_within(as_array(trie, _WORD, [size // _WORD.itemsize]), texts)
    return content


def longest_replacement(content: bytes) -> int:
    """Return the length in characters of the longest replacement in a table.

    Raises:
        ValueError: the replacement texts are not UTF-8.
    """
    size = int.from_bytes(content[:_TRIE_AT], "little")
    try:
        texts = content[_TRIE_AT + size :].decode()
    except UnicodeDecodeError:
        raise _unfit("holds texts that are not UTF-8") from None
    return max(map(len, texts.split("\0")))


def require_sound_tables(document: Any) -> None:
    """Reject a tokenizer.json with a damaged table of characters.

    Args:
        document: the content of the JSON; the library checks everything but the tables.

    Raises:
        ValueError: a table is not in base64, or is damaged.
    """
    for value in values_in(document):
        if isinstance(value, dict) and isinstance(value.get(_KEY), str):
            checked_table(decoded(value[_KEY]))


def values_in(document: Any) -> Iterator[Any]:
    """Yield a JSON document and every value in it, at any depth."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()


def decoded(text: str) -> bytes:
    """Return the bytes of a table of characters that a tokenizer.json stores in base64.

    Raises:
        ValueError: the text is not in base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _unfit("is not in base64") from None


def _require_within(trie: NDArray[np.uint32], texts: bytes) -> None:
    """Reject a trie in which a step leaves the trie, or a value lies outside of the texts."""
    # Words in which the highest bit is set are values, at which a look-up ends. The first word is
    # always a step, because look-ups start there.
    is_step = (trie & _IS_VALUE) == 0
    is_step[0] = True
    steps, positions = trie[is_step], np.flatnonzero(is_step)
    offsets = (steps >> 10).astype(np.int64) << ((steps & _IS_FAR) >> 6)
    targets = positions ^ offsets
    # A look-up continues at the XOR of a target and a byte of the text.
    if (targets | 0xFF).max() >= trie.size:
        raise _unfit("has a step that points outside of its trie")
    values = trie[targets[(steps & _HAS_VALUE) != 0]] & _VALUE
    if values.max(initial=0) > len(texts):
        raise _unfit("has a value that points outside of its texts")
    terminated = byte_array(texts + b"\0")
    if ((terminated[values] & _FORM) == _WITHIN).any():
        raise _unfit("has a value that points into the middle of a character")


def _unfit(problem: str) -> ValueError:
    return ValueError(f"its table of characters {problem}")
