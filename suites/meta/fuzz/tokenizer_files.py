"""Write files of tokenizers, good and bad."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.fuzz.mutations import VALUES, dumped, mutated, mutated_json, mutated_words
from suites.meta.fuzz.shapes import SIZES, no_files
from suites.meta.fuzz.systematic import (
    each_byte,
    each_cut,
    each_field,
    each_json,
    each_value,
    fields,
    message_of,
)
from suites.meta.fuzz.tf1_files import held
from suites.meta.tokenizers.kinds import small_encoder
from suites.meta.tokenizers.sentence_piece_models import NORMALIZER, TABLE, small_table, trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

_KERAS = {"config": {"word_index": json.dumps({"<o>": 1, "good": 2}), "oov_token": "<o>"}}
_WORDS = ("<pad>", "<unk>", "good", "day", "日本")
# In a SentencePiece model: number of the field with the trainer's settings, and number of pieces
# that are changed.
_TRAINER, _PIECES = 2, 4
_CHARSMAP = "precompiled_charsmap"
_TEXTS = [("",), ("good day 日本 \N{GRINNING FACE}",), ("a" * 300,)]


def read(path: Path, kind: str) -> object:
    """Load a tokenizer of a kind, and encode texts."""
    encoder = load(TokenizerSettings(file=str(path), kind=kind))
    return encoder.encode(_TEXTS, 16), encoder.lengths(_TEXTS), encoder.for_device(16)


def sentence_pieces() -> Iterator[bytes]:
    """Yield good SentencePiece models."""
    yield trained("unigram")
    yield trained("bpe", "identity")


def bad_sentence_pieces() -> Iterator[tuple[str, Any]]:
    """Yield models with well-formed but wrong fields."""
    yield from no_files()
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
    good = trained("bpe", "identity")
    yield from each_cut(good, 11)
    parts = fields(good)
    yield from each_field(good, range(_PIECES))
    for at, (name, _, value) in enumerate(parts):
        if name not in {_TRAINER, NORMALIZER} and at >= _PIECES:
            continue
        start, end = message_of(parts[:at]), message_of(parts[at + 1 :])
        for label, changed in each_field(value, range(len(fields(value)))):
            yield f"in field {name} at {at}, {label}", start + held(name, changed) + end
    yield from _bad_tables()


def _bad_tables() -> Iterator[tuple[str, bytes]]:
    """Yield models whose table of characters states a wrong size or is truncated."""
    parts = fields(trained("unigram"))
    (at,) = (place for place, (name, _, _) in enumerate(parts) if name == NORMALIZER)
    inner = fields(parts[at][2])
    (held_at,) = (place for place, (name, _, _) in enumerate(inner) if name == TABLE)
    table = inner[held_at][2]
    wrong = {f"says {size}": (size % 2**32).to_bytes(4, "little") + table[4:] for size in SIZES}
    wrong |= {f"ends at {end}": table[:end] for end in (1, 3, 4, 5, 8, 1024, len(table) - 1)}
    for label, changed in wrong.items():
        inner[held_at] = (TABLE, inner[held_at][1], changed)
        parts[at] = (NORMALIZER, parts[at][1], message_of(inner))
        yield f"the table of characters {label}", message_of(parts)


def word_lists() -> Iterator[bytes]:
    """Yield good word lists, in each format."""
    yield "".join(f"{word}\n" for word in _WORDS).encode()
    yield "".join(f"{word} {at}\n" for at, word in enumerate(_WORDS)).encode()
    yield "".join(f"{word},{at}\n" for at, word in enumerate(_WORDS)).encode()
    yield json.dumps({word: at for at, word in enumerate(_WORDS)}).encode()
    yield json.dumps(_WORDS).encode()


def bad_word_lists() -> Iterator[tuple[str, Any]]:
    """Yield invalid word lists."""
    yield from no_files()
    yield "nothing", b""
    yield "deep", b"[" * 100_000
    yield "a million numbers of one word", b"a 1\n" * 100_000
    yield "NUL", b"\x00"
    yield "half an emoji", b'["<pad>", "\\ud83d"]'
    yield "a word of a megabyte, twice", (b"a" * 1_000_000 + b"\n") * 2
    for number, data in enumerate(word_lists()):
        for name, changed in (*each_cut(data), *each_byte(data)):
            yield f"list {number}, {name}", changed
        if data[:1] in {b"[", b"{"}:
            for name, changed in each_json(json.loads(data)):
                yield f"list {number}, {name}", changed


def keras_tokenizers() -> Iterator[bytes]:
    """Yield a good JSON of Keras' Tokenizer."""
    yield json.dumps(_KERAS).encode()


def bad_keras_tokenizers() -> Iterator[tuple[str, Any]]:
    """Yield JSON that Keras' Tokenizer would not write."""
    yield from no_files()
    yield "nothing", b""
    yield "a list", b"[]"
    yield "deep words", json.dumps({"config": {"word_index": "[" * 100_000}}).encode()
    yield from each_json(_KERAS)
    for name, words in each_value(json.loads(_KERAS["config"]["word_index"])):
        inner = dumped(words).decode()
        yield f"of the words, {name}", dumped({"config": _KERAS["config"] | {"word_index": inner}})
    for at, value in enumerate(VALUES):
        inner = dumped(value).decode()
        document = {"config": _KERAS["config"] | {"word_index": inner}}
        yield f"the words are value {at}", dumped(document)
    for data in keras_tokenizers():
        yield from each_cut(data)
        yield from each_byte(data)


def hugging_face_tokenizers() -> Iterator[bytes]:
    """Yield good tokenizer.json files, the last with a table of characters."""
    for kind in ("wordpiece", "byte_pairs", "words"):
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = small_encoder(kind, Path(folder)).library.to_str(pretty=False)
        yield tokenizer.encode()
    yield _with_table(json.loads(tokenizer), small_table())


def bad_hugging_face_tokenizers() -> Iterator[tuple[str, Any]]:
    """Yield JSON that is not a tokenizer."""
    yield from no_files()
    yield "nothing", b""
    yield "a model of no type", b'{"model": {}}'
    yield "deep", b'{"model": ' * 100_000
    for number, data in enumerate(hugging_face_tokenizers()):
        for name, changed in (*each_cut(data, 17), *each_json(json.loads(data))):
            yield f"tokenizer {number}, {name}", changed
    for name, table in _bad_small_tables():
        yield f"the table of characters {name}", _with_table(json.loads(data), table)


def _bad_small_tables() -> Iterator[tuple[str, bytes]]:
    """Yield tables of characters with a wrong size, a wrong word of the trie, or a wrong text."""
    good = small_table()
    start = 4 + int.from_bytes(good[:4], "little")
    for size in SIZES:
        yield f"says {size}", (size % 2**32).to_bytes(4, "little") + good[4:]
    for at in range(4, start, 4):
        for word in (0, 1, 2**9, 2**31 - 1, 2**31, 2**32 - 1, 2**20 + 2**8):
            yield f"has {word} at {at}", good[:at] + word.to_bytes(4, "little") + good[at + 4 :]
    yield from each_cut(good, 3)
    for at in range(start, len(good)):
        for byte in (0, 1, 0x7F, 0x80, 0xBF, 0xFF):
            yield f"has byte {byte} at {at}", good[:at] + bytes((byte,)) + good[at + 1 :]
    for count in (65, 10_000, 1_000_000):
        yield f"makes {count} of a letter", good[:start] + b"a" * count + b"\0" + good[start:]


def _with_table(document: dict[str, Any], table: bytes) -> bytes:
    """Return a tokenizer.json whose normalizer is a table of characters."""
    normalizer = {"type": "Precompiled", _CHARSMAP: base64.b64encode(table).decode()}
    return json.dumps(document | {"normalizer": normalizer}).encode()


def mutated_tokenizer(random: Random, data: bytes) -> bytes:
    """Change a tokenizer.json, or the table of characters in it."""
    document = json.loads(data)
    table = (document["normalizer"] or {}).get(_CHARSMAP)
    if table is None or random.random() < 0.3:
        return mutated_text(random, data)
    return _with_table(document, mutated_words(random, base64.b64decode(table)))


def mutated_text(random: Random, data: bytes) -> bytes:
    """Change a value of a JSON document, or bytes."""
    if data[:1] in {b"[", b"{"} and random.random() < 0.7:
        return json.dumps(mutated_json(random, json.loads(data))).encode()
    return mutated(random, data)


class Files(NamedTuple):
    """One kind of tokenizer file: its name, good and bad examples, and a mutation."""

    name: str
    seeds: Callable[[], Iterator[bytes]]
    crafted: Callable[[], Iterator[tuple[str, Any]]]
    mutate: Callable[[Random, bytes], bytes]


KINDS = {
    "sentencepiece": Files("spiece.model", sentence_pieces, bad_sentence_pieces, mutated),
    "words": Files("vocab.txt", word_lists, bad_word_lists, mutated_text),
    "keras": Files("keras.json", keras_tokenizers, bad_keras_tokenizers, mutated_text),
    "huggingface": Files(
        "tokenizer.json", hugging_face_tokenizers, bad_hugging_face_tokenizers, mutated_tokenizer
    ),
}
