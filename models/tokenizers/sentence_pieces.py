"""Tokenizers of SentencePiece's .model files, computed by the `tokenizers` library.

The file is a protocol buffer (sentencepiece_model.proto): pieces with scores and types, how the
model was trained, how texts are normalized.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from models.errors import UsageMistake
from models.files import read_regular
from models.tokenizers.encoder import Encoder, Padding
from models.tokenizers.vocabularies import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Field numbers of the protocol buffer's messages.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _BYTE_FALLBACK, _UNK_ID, _BOS_ID, _EOS_ID, _PAD_ID = 3, 35, 40, 41, 42, 43
_CHARSMAP, _ADD_DUMMY_PREFIX, _REMOVE_EXTRA, _ESCAPE = 2, 3, 4, 5
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6
_UNIGRAM, _BPE = 1, 2
_SPACE = "\u2581"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


@dataclass(frozen=True)
class _Model:
    """What a .model file says, as far as encoding needs it."""

    pieces: list[tuple[str, float, int]]
    model_type: int
    byte_fallback: bool
    pad: int
    charsmap: bytes
    adds_prefix: bool
    removes_blanks: bool


def from_sentence_pieces(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read a SentencePiece model.

    Args:
        file: the .model file.
        given: `start` and `end`, tokens to put around a text; `pad`, the token that fills rows up.

    Raises:
        UsageMistake: the file is damaged, or of a type other than unigram and BPE.
    """
    model = _read(file)
    words = {piece: at for at, (piece, _, _) in enumerate(model.pieces)}
    unknown = next((at for at, one in enumerate(model.pieces) if one[2] == _UNKNOWN), None)
    if unknown is None or len(words) != len(model.pieces):
        raise _damaged(file, "it has no piece for what is unknown, or one piece twice")
    library = Tokenizer(_algorithm(model, words, unknown, file))
    library.normalizer = _normalizer(model)
    library.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement=_SPACE,
        prepend_scheme="always" if model.adds_prefix else "never",
        split=False,
    )
    special = [piece for piece, _, kind in model.pieces if kind == _USER_DEFINED]
    library.add_tokens([AddedToken(piece, normalized=False) for piece in special])
    library.post_processor = _around(words, given, file)
    padding = _padding(model, words, given, file)
    return Encoder(kind="sentencepiece", library=library, padding=padding)


def _algorithm(
    model: _Model, words: dict[str, int], unknown: int, file: Path
) -> models.Unigram | models.BPE:
    if model.model_type == _UNIGRAM:
        scored = [(piece, score) for piece, score, _ in model.pieces]
        return models.Unigram(scored, unknown, model.byte_fallback)
    if model.model_type == _BPE:
        return models.BPE(
            vocab=words,
            merges=_merges(model, words),
            unk_token=model.pieces[unknown][0],
            fuse_unk=True,
            byte_fallback=model.byte_fallback,
        )
    raise UsageMistake(
        f"is a SentencePiece model of type {model.model_type}, not unigram (1) or BPE (2)",
        file=file,
        remedy="Give ids in a column of the corpus instead: --edge-tokenizer=ids:COLUMN",
    )


def _merges(model: _Model, words: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, best piece first: what SentencePiece's BPE tries.

    It merges the two neighbors whose union has the best score, which is the smallest number.
    """
    found = []
    for piece, score, kind in model.pieces:
        if kind != _NORMAL:
            continue
        for at in range(1, len(piece)):
            left, right = piece[:at], piece[at:]
            if left in words and right in words:
                found.append((-score, words[left], words[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _normalizer(model: _Model) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = []
    if model.charsmap:
        steps.append(normalizers.Precompiled(model.charsmap))
    if model.removes_blanks:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    return normalizers.Sequence(steps)


def _around(
    words: Mapping[str, int], given: Mapping[str, Any], file: Path
) -> processors.PostProcessor:
    """The tokens around a text that the file's user asked for; SentencePiece itself adds none."""
    start, end = given.get("start") or "", given.get("end") or ""
    for name, token in (("start", start), ("end", end)):
        if token and token not in words:
            raise UsageMistake(
                f"does not hold {token!r}",
                file=file,
                key=f"tokenizer.{name}",
                remedy="Name one of its control pieces, such as <s>, </s>, [CLS] or [SEP]",
            )
    single = " ".join(part for part in (start, "$A", end) if part)
    pair = " ".join(part for part in (single, "$B:1", f"{end}:1" if end else "") if part)
    special = [(token, words[token]) for token in dict.fromkeys((start, end)) if token]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)


def _padding(
    model: _Model, words: Mapping[str, int], given: Mapping[str, Any], file: Path
) -> Padding:
    token = given.get("pad")
    if token is None and 0 <= model.pad < len(model.pieces):
        token = model.pieces[model.pad][0]
    token = token or next((piece for piece in ("<pad>", "[PAD]") if piece in words), "")
    if token not in words:
        raise UsageMistake(
            "does not say which piece fills rows up",
            file=file,
            key="tokenizer.pad",
            remedy='Write pad = "..." in [tokenizer] with the piece that training padded with',
        )
    return Padding(token, words[token], given.get("side") or "right")


def _read(file: Path) -> _Model:
    try:
        content = read_regular(file, LARGEST_FILE)
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror or error})",
            file=file,
            remedy="Give the path of a readable file",
        ) from None
    try:
        return _parsed(content)
    except (ValueError, IndexError, struct.error, TypeError, OverflowError) as error:
        raise _damaged(file, str(error)) from None


def _parsed(content: bytes) -> _Model:
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for number, value in _fields(content):
        if number == _PIECES:
            held = dict(_fields(value))
            (score,) = struct.unpack("<f", held.get(_SCORE, b"\0\0\0\0"))
            pieces.append((held[_PIECE].decode(), score, int(held.get(_TYPE, _NORMAL))))
        elif number == _TRAINER:
            trainer = dict(_fields(value))
        elif number == _NORMALIZER:
            normalizer = dict(_fields(value))
    if not pieces:
        raise ValueError("it holds no piece")
    return _Model(
        pieces=pieces,
        model_type=int(trainer.get(_MODEL_TYPE, _UNIGRAM)),
        byte_fallback=bool(trainer.get(_BYTE_FALLBACK, 0)),
        pad=_signed(trainer.get(_PAD_ID, -1)),
        charsmap=bytes(normalizer.get(_CHARSMAP, b"")),
        adds_prefix=bool(normalizer.get(_ADD_DUMMY_PREFIX, 1)),
        removes_blanks=bool(normalizer.get(_REMOVE_EXTRA, 1)),
    )


def _signed(value: int) -> int:
    """A protocol buffer's int32, which writes a negative number as 64 bits of two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field of a message."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"byte {at} begins no field")
        if size > len(content) - at:
            raise ValueError("it was cut short")
        yield number, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = content[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no continuation bit
            return value, at + place + 1
    raise ValueError(f"byte {at} begins no number")


def _damaged(file: Path, what: str) -> UsageMistake:
    return UsageMistake(
        f"is not a SentencePiece model, or was damaged ({what})",
        file=file,
        key="tokenizer",
        remedy="Give the .model file that SentencePiece wrote",
    )
