"""Read the file of a SentencePiece model: pieces with scores and types, and the normalizer.

The file is a protocol buffer, described by sentencepiece_model.proto.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.protocol_buffers import Message, fields, signed
from models.files.regular_files import read_regular, remedy_for
from models.tokenizers.charsmaps import checked_table
from models.tokenizers.vocabularies import LARGEST_FILE

if TYPE_CHECKING:
    from pathlib import Path

# Field numbers in the messages of the protocol buffer.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _SPACE_AFTER, _BYTE_FALLBACK, _PAD_ID = 3, 24, 35, 43
_RULE, _CHARSMAP, _ADD_DUMMY_PREFIX, _REMOVE_EXTRA, _ESCAPE = 1, 2, 3, 4, 5
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM, BPE = 1, 2
# Longest piece in characters; SentencePiece's default limit is 16.
_LONGEST_PIECE = 256


@dataclass(frozen=True)
class Piece:
    """A piece, its score (the logarithm of its share, or its negative rank) and its type."""

    text: str
    score: float
    type: int


@dataclass(frozen=True)
class PieceModel:
    """The part of a .model file that encoding needs."""

    pieces: list[Piece]
    model_type: int
    byte_fallback: bool
    pad: int
    rule: str
    charsmap: bytes
    adds_prefix: bool
    removes_blanks: bool
    space_after: bool
    escapes: bool


def read_pieces(file: Path) -> PieceModel:
    """Read a SentencePiece model.

    Raises:
        UsageMistake: the file cannot be read, is damaged, or needs an unsupported feature.
    """
    try:
        content = read_regular(file, LARGEST_FILE)
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror or error})",
            file=file,
            remedy=remedy_for(error, "Give the path of a readable file"),
        ) from None
    try:
        model = _parsed(content)
    except ValueError as error:
        raise damaged(file, str(error)) from None
    if model.model_type not in {UNIGRAM, BPE}:
        raise unsupported(file, f"it is of type {model.model_type}, not unigram (1) or BPE (2)")
    if model.space_after or not model.escapes:
        raise unsupported(file, "it does not write blanks before words")
    return model


def _parsed(content: bytes) -> PieceModel:
    """Parse the bytes of a .model file.

    Raises:
        ValueError: the file is damaged; the message says where.
    """
    pieces: list[Piece] = []
    trainer, normalizer = Message(b""), Message(b"")
    for number, value in fields(content):
        if number == _PIECES:
            pieces.append(_piece(Message(value)))
        elif number == _TRAINER:
            trainer = Message(value)
        elif number == _NORMALIZER:
            normalizer = Message(value)
    if not pieces:
        raise ValueError("it holds no piece")
    return PieceModel(
        pieces=pieces,
        model_type=trainer.integer(_MODEL_TYPE, UNIGRAM),
        byte_fallback=bool(trainer.integer(_BYTE_FALLBACK, 0)),
        pad=signed(trainer.integer(_PAD_ID, -1)),
        space_after=bool(trainer.integer(_SPACE_AFTER, 0)),
        rule=normalizer.bytes(_RULE).decode(),
        charsmap=checked_table(normalizer.bytes(_CHARSMAP)),
        adds_prefix=bool(normalizer.integer(_ADD_DUMMY_PREFIX, 1)),
        removes_blanks=bool(normalizer.integer(_REMOVE_EXTRA, 1)),
        escapes=bool(normalizer.integer(_ESCAPE, 1)),
    )


def _piece(message: Message) -> Piece:
    text, score = message.bytes(_PIECE).decode(), message.float(_SCORE)
    if not 0 < len(text) <= _LONGEST_PIECE:
        raise ValueError(f"a piece has {len(text):,} characters")
    if not math.isfinite(score):
        raise ValueError(f"the score of {text!r} is {score}")
    return Piece(text, score, message.integer(_TYPE, NORMAL))


def damaged(file: Path, problem: str) -> UsageMistake:
    """Return the error for a file that is incomplete or is not a SentencePiece model."""
    return UsageMistake(
        f"is not a SentencePiece model, or was damaged ({problem})",
        file=file,
        key="tokenizer",
        remedy="Give the .model file that SentencePiece wrote",
    )


def unsupported(file: Path, feature: str) -> UsageMistake:
    """Return the error for a model that needs an unsupported feature."""
    return UsageMistake(
        f"is a SentencePiece model that is not supported here: {feature}",
        file=file,
        key="tokenizer",
        remedy="Give its tokenizer.json, or name a column of ids with "
        "--edge-columns=text=...,label=...,ids=...",
    )
