"""Encode texts with a tokenizer of any kind, as inputs of a model file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from tokenizers import Tokenizer

from models.errors import UsageMistake
from models.input_roles import IDS, MASK, SEGMENTS
from models.tokenizers.library_errors import LibraryError, library_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding

Side = Literal["left", "right"]
# Text in the library's error if a regular expression takes too long.
_REGEX_ERROR = "Regex"


@dataclass(frozen=True)
class Padding:
    """The token that fills a row up to its length, and the side on which it is added.

    Attributes:
        token: text of the padding token; "" is a valid token.
        number: id of the padding token.
        side: the side on which rows are padded; "left" is called "pre" by Keras' pad_sequences.
    """

    token: str
    number: int
    side: Side = "right"


@dataclass(frozen=True, repr=False)
class Encoder:
    """Turns texts into the inputs of a classifier.

    Attributes:
        kind: name of the tokenizer's kind.
        library: the tokenizer, without truncation and padding.
        padding: the padding of rows.
        truncation: the side of a long text that is cut off.
        left_out: id of the words that are removed from a row; None if every word has an id.
    """

    kind: str
    library: Tokenizer = field(repr=False)
    padding: Padding
    truncation: Side = "right"
    left_out: int | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} tokenizer of {self.size} ids>"

    @cached_property
    def around(self) -> tuple[int, ...]:
        """Return the ids of the special tokens that are put before and after every text."""
        return tuple(dict.fromkeys(self.library.encode("").ids))

    @cached_property
    def unknown(self) -> int | None:
        """Return the id that unknown words get; None if no word is unknown.

        It may be `left_out`.
        """
        return unknown_id(self.library)

    @property
    def special(self) -> dict[str, int]:
        """Return the ids of special tokens by their use, such as "padding"."""
        ids = {"padding": self.padding.number}
        if self.unknown not in {None, self.left_out}:
            ids["an unknown word"] = self.unknown
        return ids | {
            f"{self.tokens([number])[0]!r} around a text": number for number in self.around
        }

    @property
    def size(self) -> int:
        """Return the number of ids: the largest id plus one."""
        vocabulary = self.library.get_vocab(with_added_tokens=True)
        numbers = [number for number in vocabulary.values() if number != self.left_out]
        return max(self.padding.number, *numbers, -1) + 1

    def encode(self, texts: Sequence[tuple[str, ...]], length: int) -> dict[str, NDArray[np.int32]]:
        """Return ids, mask and segments of n texts, int32 [n, length] by role.

        Args:
            texts: for each row, one text or a pair of texts.
            length: row length in tokens.

        Raises:
            UsageMistake: the special tokens do not fit into `length`, or a text cannot be encoded.
        """
        if self.left_out is not None:
            return self._encode_without_left_out(texts, length)
        pairs = any(len(text) > 1 for text in texts)
        rows = self._encoded(self.bounded(length, pairs=pairs), texts)
        columns = {
            IDS: [row.ids for row in rows],
            MASK: [row.attention_mask for row in rows],
            SEGMENTS: [row.type_ids for row in rows],
        }
        return {
            role: np.array(values, np.int32).reshape(len(texts), length)
            for role, values in columns.items()
        }

    def lengths(self, texts: Sequence[tuple[str, ...]]) -> NDArray[np.int64]:
        """Return the number of tokens of each text before truncation and padding, [n]."""
        rows = self._encoded(self._unbounded(), texts)
        return np.array([len(self._without_left_out(row.ids)) for row in rows], np.int64)

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the token of each id; "?" for an unknown id."""
        return [self.library.id_to_token(int(number)) or "?" for number in ids]

    def for_device(self, length: int) -> str | None:
        """Return the JSON with which the `tokenizers` library encodes in the same way on a device.

        Return None for a tokenizer that removes words, because the library cannot do that.

        Args:
            length: row length in tokens.
        """
        return None if self.left_out is not None else self.bounded(length).to_str()

    def _unbounded(self) -> Tokenizer:
        copy = Tokenizer.from_str(self.library.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    def bounded(self, length: int, *, pairs: bool = False) -> Tokenizer:
        """Return the library's tokenizer with truncation and padding to one length.

        Args:
            length: row length in tokens.
            pairs: whether the special tokens of a pair must fit into a row.

        Raises:
            UsageMistake: the special tokens do not fit into a row.
        """
        copy, padding = self._unbounded(), self.padding
        special = copy.num_special_tokens_to_add(pairs)
        self._require_room(length, special)
        copy.enable_truncation(length, strategy="longest_first", direction=self.truncation)
        copy.enable_padding(
            length=length,
            pad_id=padding.number,
            pad_token=padding.token,
            direction=padding.side,
        )
        return copy

    def _require_room(self, length: int, special: int) -> None:
        if length < max(special, 1):
            raise UsageMistake(
                f"rows of {length} tokens are too short for the {special} special "
                f"tokens of a {self.kind} tokenizer",
                key="--edge-tokenizer",
                remedy="Give the tokenizer that belongs to the file, or a longer length",
            )

    def _without_left_out(self, ids: Sequence[int]) -> list[int]:
        return [number for number in ids if number != self.left_out]

    def _encode_without_left_out(
        self, texts: Sequence[tuple[str, ...]], length: int
    ) -> dict[str, NDArray[np.int32]]:
        self._require_room(length, 0)
        ids = np.full((len(texts), length), self.padding.number, np.int32)
        mask = np.zeros_like(ids)
        rows = self._encoded(self._unbounded(), texts)
        for at, row in enumerate(rows):
            ids_kept = self._without_left_out(row.ids)
            ids_kept = ids_kept[:length] if self.truncation == "right" else ids_kept[-length:]
            columns = slice(0, len(ids_kept))
            if self.padding.side == "left":
                columns = slice(length - len(ids_kept), length)
            ids[at, columns], mask[at, columns] = ids_kept, 1
        return {IDS: ids, MASK: mask, SEGMENTS: np.zeros_like(ids)}

    def _encoded(self, library: Tokenizer, texts: Sequence[tuple[str, ...]]) -> list[Encoding]:
        """Encode texts with the library, which takes pairs as tuples and single texts as str."""
        inputs = [text if len(text) > 1 else text[0] for text in texts]
        try:
            with library_errors():
                return library.encode_batch(inputs)
        except LibraryError as error:
            failing = _first_failing(library, inputs)
            raise UsageMistake(
                f"the {self.kind} tokenizer fails on text {failing} ({error})",
                key="--edge-tokenizer",
                remedy=self._remedy_for(str(error)),
            ) from None

    def _remedy_for(self, message: str) -> str:
        """Return the remedy for a text that the library cannot encode, chosen by its message."""
        alternative = "leave that text out, or give ids in a column: --edge-columns=...,ids=NAME"
        if _REGEX_ERROR not in message:
            return alternative.capitalize()
        place = (
            "the tokenizer.json" if self.kind == "huggingface" else "[tokenizer] of your TOML file"
        )
        return f"Simplify the regular expressions in {place}, {alternative}"


def unknown_id(library: Tokenizer) -> int | None:
    """Return the id that unknown words get; None if the tokenizer can encode every word."""
    model = json.loads(library.to_str())["model"]
    number: int | None = model.get("unk_id")
    if number is None and model.get("unk_token") is not None:
        number = library.token_to_id(model["unk_token"])
    return number


def _first_failing(library: Tokenizer, texts: Sequence[str | tuple[str, ...]]) -> str:
    """Return which text is the first that cannot be encoded, in words such as "3 of 5"."""
    for number, text in enumerate(texts, start=1):
        try:
            with library_errors():
                library.encode_batch([text])
        except LibraryError:
            return f"{number:,} of {len(texts):,}"
    return "of several"
