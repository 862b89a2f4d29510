"""Tokenize texts on the device, with the board's `tokenizers` library."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from models.backends.common.refusals import Refusal
from models.runner.tokenizer_json import Padding, fixed_padding, word_pieces

# Arrays of a tokenized text, under the names of the inputs in a binding.
IDS, MASK, SEGMENTS = ROLES = "ids", "mask", "segments"
# Number of tokenizers to cache: that of the candidate, and that of the model in the same race.
_MOST_KEPT = 2


class Row(NamedTuple):
    """One tokenized text.

    Attributes:
        ids: ids of the padded row; if `mask` is None, only those of the tokens.
        segments: segments of the same positions; None if all are 0.
        mask: mask of the padded row; None if the row is not padded yet, see `Padding`.
        end: position at which the padding after the tokens begins; the end of the row if the
            padding precedes the tokens.
    """

    ids: List[int]
    segments: Optional[List[int]]
    mask: Optional[List[int]]
    end: int

    def whole(self, padding: Optional[Padding]) -> Dict[str, List[int]]:
        """Return the padded row as lists by role."""
        segments = self.segments or [0] * len(self.ids)
        if self.mask is not None or padding is None:
            return {IDS: self.ids, MASK: self.mask or [], SEGMENTS: segments}
        missing = padding.length - self.end
        return {
            IDS: self.ids + [padding.pad] * missing,
            MASK: [1] * self.end + [0] * missing,
            SEGMENTS: segments + [padding.segment] * missing,
        }


class RowTokenizer:
    """Tokenizes [text] or [first text, second text] into a row.

    The tokenizer's JSON defines cleaning, pairing, truncation and padding. `Model.check` tests
    whether the rows have the length of the signature.

    Args:
        library: the tokenizer of the `tokenizers` library.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self.padding = fixed_padding(library.padding)
        self._pieces = None
        # Write the JSON only for WordPiece, because that of other tokenizers can be many megabytes.
        if self.padding and type(library.model).__name__ == "WordPiece":
            document = json.loads(library.to_str())
            self._pieces = word_pieces(document, self.padding.length, self._ask)

    def encode(self, texts: Sequence[str]) -> Row:
        """Return the row of a text or a pair."""
        encoded_row = None if self._pieces is None else self._pieces.encode(texts)
        if encoded_row is not None:
            return Row(encoded_row.ids, encoded_row.segments, None, len(encoded_row.ids))
        encoded = self._library.encode(texts[0], texts[1] if len(texts) > 1 else None)
        ids, mask, segments = encoded.ids, encoded.attention_mask, encoded.type_ids
        if self.padding is None or len(ids) != self.padding.length:
            return Row(ids, segments, mask, _end(mask))
        end = sum(mask)
        return Row(ids[:end], segments[:end], None, end)

    def _ask(self, text: str) -> List[int]:
        encoded = self._library.encode(text, add_special_tokens=False)
        ids: List[int] = encoded.ids[: sum(encoded.attention_mask)]
        return ids


def tokenizer(text: str) -> RowTokenizer:
    """Return the tokenizer of a JSON text; cache the most recent ones, because parsing is slow.

    Raises:
        Refusal: the library is not installed, or rejects the text.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    kept = _KEPT.pop(digest, None) or RowTokenizer(_read(text))
    _KEPT[digest] = kept
    if len(_KEPT) > _MOST_KEPT:
        del _KEPT[next(iter(_KEPT))]
    return kept


# Tokenizers by the hash of their JSON; the most recently used one is last.
_KEPT: Dict[str, RowTokenizer] = {}


def _read(text: str) -> Any:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - many boards do not have it
    except ImportError as error:
        raise Refusal("no-tokenizers", str(error)) from None
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises Exception itself
        raise Refusal("tokenizer", str(error)) from None


def _end(mask: List[int]) -> int:
    return max((place + 1 for place, value in enumerate(mask) if value), default=0)
