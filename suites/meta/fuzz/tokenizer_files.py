"""Files of tokenizers, good and bad."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.fuzz.mutations import mutated, mutated_json
from suites.meta.tokenizers.kinds import small_encoder
from suites.meta.tokenizers.sentence_piece_models import trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_KERAS = {"config": {"word_index": json.dumps({"<o>": 1, "good": 2}), "oov_token": "<o>"}}
_WORDS = ("<pad>", "<unk>", "good", "day", "日本")
_TEXTS = [("",), ("good day 日本 \N{GRINNING FACE}",), ("a" * 300,)]


def read(path: Path, kind: str) -> object:
    """Load a tokenizer of a kind, and encode texts."""
    encoder = load(TokenizerSettings(file=str(path), kind=kind))
    return encoder.encode(_TEXTS, 16), encoder.lengths(_TEXTS), encoder.for_device(16)


def sentence_pieces() -> Iterator[bytes]:
    """Yield good SentencePiece models."""
    yield trained("unigram")
    yield trained("bpe", "identity")


def bad_sentence_pieces() -> Iterator[tuple[str, bytes]]:
    """Yield models whose fields are well formed and wrong."""
    piece = b"\x0a\x03\x0a\x01a"
    yield "nothing", b""
    yield "no piece", b"\x12\x00"
    yield "a number for a piece", b"\x08\x01"
    yield "no unknown piece", piece
    yield "one piece twice", piece * 2
    yield "an endless number", b"\x0a" + b"\xff" * 12
    yield "a length beyond the file", b"\x0a\xff\xff\xff\x7f"
    yield "a score that is none", b"\x0a\x08\x0a\x01a\x15\x00\x00\xc0\x7f"
    yield "a table of characters that is a number", piece + b"\x1a\x06\x10\xff\xff\xff\xff\x0f"
    yield "a piece of 70,000 characters", b"\x0a\xf4\xa2\x04\x0a\xf0\xa2\x04" + b"a" * 70_000


def word_lists() -> Iterator[bytes]:
    """Yield good word lists, in each format."""
    yield "".join(f"{word}\n" for word in _WORDS).encode()
    yield "".join(f"{word} {at}\n" for at, word in enumerate(_WORDS)).encode()
    yield "".join(f"{word},{at}\n" for at, word in enumerate(_WORDS)).encode()
    yield json.dumps({word: at for at, word in enumerate(_WORDS)}).encode()
    yield json.dumps(_WORDS).encode()


def bad_word_lists() -> Iterator[tuple[str, bytes]]:
    """Yield lists that are none."""
    yield "nothing", b""
    yield "deep", b"[" * 100_000
    yield "a million numbers of one word", b"a 1\n" * 100_000
    yield "NUL", b"\x00"
    yield "half an emoji", b'["<pad>", "\\ud83d"]'
    yield "a word of a megabyte, twice", (b"a" * 1_000_000 + b"\n") * 2


def keras_tokenizers() -> Iterator[bytes]:
    """Yield a good JSON of Keras' Tokenizer."""
    yield json.dumps(_KERAS).encode()


def bad_keras_tokenizers() -> Iterator[tuple[str, bytes]]:
    """Yield JSON that is none of Keras' Tokenizer."""
    yield "nothing", b""
    yield "a list", b"[]"
    yield "deep words", json.dumps({"config": {"word_index": "[" * 100_000}}).encode()


def hugging_face_tokenizers() -> Iterator[bytes]:
    """Yield good tokenizer.json files."""
    for kind in ("wordpiece", "byte_pairs", "words"):
        with tempfile.TemporaryDirectory() as folder:
            yield small_encoder(kind, Path(folder)).library.to_str(pretty=False).encode()


def bad_hugging_face_tokenizers() -> Iterator[tuple[str, bytes]]:
    """Yield JSON that is no tokenizer."""
    yield "nothing", b""
    yield "a model of no type", b'{"model": {}}'
    yield "deep", b'{"model": ' * 100_000


def mutated_text(random: Random, data: bytes) -> bytes:
    """Change a value of a JSON document, or bytes."""
    if data[:1] in {b"[", b"{"} and random.random() < 0.7:
        return json.dumps(mutated_json(random, json.loads(data))).encode()
    return mutated(random, data)
