"""Tokenize texts into the rows of one judged file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.errors import UsageMistake
from models.input_roles import IDS, MASK, SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.candidates.declaration import Declaration
    from models.candidates.spec import CandidateSpec
    from models.candidates.texts import TextRow, Texts
    from models.tokenizers.encoder import Encoder

    Arrays = dict[str, NDArray[np.int32]]

LENGTH_OPTION = "--edge-length"
# Maximum number of tokens in a row; a text classifier on a phone does not need more.
LONGEST = 8192
# Maximum number of token ids in all texts. All of them are in memory at the same time, which takes
# 400 MB with mask and segments.
MOST_IDS = 1 << 25


@dataclass(frozen=True, kw_only=True)
class GivenCandidate:
    """A file that is judged, with its tokenizer and its row length.

    Attributes:
        name: name of the candidate in results.
        spec: inputs, output and labels.
        declared: the user's declarations about the file.
        sha256: hash of the file.
        scheme: name of the scheme that defines its contract; None without a contract.
        encoder: its tokenizer; None if the texts contain ids.
        length: row length in tokens.
        rows: number of rows of the embedding table; None if no table was found.
    """

    name: str
    spec: CandidateSpec
    declared: Declaration
    sha256: str
    scheme: str | None
    encoder: Encoder | None
    length: int
    rows: int | None

    @property
    def device_tokenizer(self) -> str | None:
        """Return the JSON of a tokenizer that runs on a device; None if there is none."""
        return None if self.encoder is None else self.encoder.for_device(self.length)

    @property
    def encoding(self) -> tuple[str, int]:
        """Return a key that is equal for candidates with the same tokenized rows."""
        encoder = self.encoder
        if encoder is None:
            return "ids", self.length
        parts = (encoder.library.to_str(), encoder.padding, encoder.truncation, encoder.left_out)
        return hashlib.sha256(repr(parts).encode()).hexdigest(), self.length

    def arrays(self, rows: Sequence[TextRow]) -> Arrays:
        """Return ids, mask and segments of texts, int32 [n, length] by role.

        Raises:
            UsageMistake: an id is too large for the file's embedding table.
        """
        self._require_special_ids()
        arrays = self._arrays(rows)
        top = int(arrays[IDS].max(initial=0))
        if self.rows is not None and top >= self.rows:
            at = int((arrays[IDS] >= self.rows).any(axis=1).argmax())
            raise UsageMistake(
                f"the text in {rows[at].where} has the id {top}, but the file's "
                f"embedding table has only {self.rows} rows",
                file=self.spec.file,
                key="--edge-tokenizer" if self.encoder else "corpus.ids",
                remedy="Give the tokenizer or the ids that the file was trained with",
            )
        return arrays

    def _require_special_ids(self) -> None:
        """Check that the embedding table has a row for the id of each special token.

        An app may produce these ids even if no text of the corpus contains them.
        """
        if self.encoder is None or self.rows is None:
            return
        for use, number in self.encoder.special.items():
            if number >= self.rows:
                raise UsageMistake(
                    f"the {self.encoder.kind} tokenizer has the id {number} for "
                    f"{use}, but the file's embedding table has only {self.rows} rows",
                    file=self.spec.file,
                    key="--edge-tokenizer",
                    remedy="Give the tokenizer that the file was trained with",
                )

    def _arrays(self, rows: Sequence[TextRow]) -> Arrays:
        if self.encoder is not None:
            return self.encoder.encode([row.parts for row in rows], self.length)
        ids = np.zeros((len(rows), self.length), np.int32)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids_of_row = row.ids or ()
            if len(ids_of_row) > self.length:
                raise UsageMistake(
                    f"the text in {row.where} has {len(ids_of_row)} ids, but the "
                    f"file accepts at most {self.length}",
                    file=self.spec.file,
                    key="corpus.ids",
                    remedy="Give the ids that the app feeds to the file, truncated as the "
                    "app truncates them",
                )
            ids[at, : len(ids_of_row)], mask[at, : len(ids_of_row)] = ids_of_row, 1
        return {IDS: ids, MASK: mask, SEGMENTS: np.zeros_like(ids)}


def refuse_changed(file: Path, digest: str, read: str) -> None:
    """Reject a file that has changed since it was read.

    Args:
        file: the user's file.
        digest: current sha256 of the file.
        read: sha256 of the file when it was read.

    Raises:
        UsageMistake: the hashes differ.
    """
    if digest != read:
        raise UsageMistake(
            "was changed while edgeproof read it",
            file=file,
            key="sha256",
            remedy="Run again when no other program writes to this file",
        )


def refuse_too_many(candidate: GivenCandidate, texts: Texts) -> None:
    """Reject more texts than fit into memory after their encoding.

    Raises:
        UsageMistake: there are too many texts.
    """
    if candidate.length * len(texts.rows) > MOST_IDS:
        raise UsageMistake(
            f"{len(texts.rows):,} texts of {candidate.length:,} tokens are too "
            f"many: at most {MOST_IDS // candidate.length:,} texts of this length "
            "fit into memory",
            file=candidate.spec.file,
            key="--edge-corpus",
            remedy="Give a random sample of the texts",
        )


def length_of(spec: CandidateSpec, texts: Texts, encoder: Encoder | None) -> int:
    """Return the file's fixed row length, or else the length of the longest text.

    Raises:
        UsageMistake: rows would be too long to be judged.
    """
    if spec.length is not None:
        if spec.length > LONGEST:
            raise UsageMistake(
                f"needs {spec.length:,} tokens per text, but edgeproof judges at most {LONGEST:,}",
                file=spec.file,
                key=LENGTH_OPTION,
                remedy="Give the length that the model was trained with, or another file",
            )
        return spec.length
    if encoder is None:
        longest = max(len(row.ids or ()) for row in texts.rows)
    else:
        longest = int(encoder.lengths([row.parts for row in texts.rows]).max())
    if not 1 <= longest <= LONGEST:
        raise UsageMistake(
            f"accepts any number of tokens, but the longest text has {longest:,} tokens, and "
            f"edgeproof judges rows of 1 to {LONGEST:,}",
            file=spec.file,
            key=LENGTH_OPTION,
            remedy=f"Set the input length in tokens, at most {LONGEST:,}",
        )
    return longest
