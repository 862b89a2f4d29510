"""Write the tokenizer files of a checkpoint, good and bad."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.tokenizers.checkpoint_tokenizer import tokenizer_of
from suites.meta.fuzz.mutations import mutated
from suites.meta.fuzz.shapes import no_files
from suites.meta.fuzz.systematic import each_byte, each_cut, each_json
from suites.meta.fuzz.tokenizer_files import bad_sentence_pieces, mutated_text
from suites.meta.tokenizers.checkpoint_folders import write
from suites.meta.tokenizers.sentence_piece_models import trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

_TEXTS = [("",), ("good day 日本 \N{GRINNING FACE}",), ("a" * 300, "b")]
# Settings that the small folders of the families do not contain.
_SETTINGS = {
    "tokenizer_class": "BertTokenizerFast",
    "backend": "tokenizers",
    "padding_side": "left",
    "model_input_names": ["input_ids"],
    "do_lower_case": False,
    "strip_accents": True,
    "tokenize_chinese_chars": False,
    "model_max_length": 64.0,
    "max_len": 32,
    "unk_token": "[UNK]",
    "pad_token": {"content": "[PAD]"},
    "never_split": ["[CLS]"],
    "added_tokens_decoder": {"0": {"content": "[PAD]"}},
}


class Files(NamedTuple):
    """One kind of tokenizer file: its encoder family, good and bad examples, and a mutation."""

    name: str
    family: str
    seeds: Callable[[], Iterator[bytes]]
    crafted: Callable[[], Iterator[tuple[str, Any]]]
    mutate: Callable[[Random, bytes], bytes] = mutated_text


def read(path: Path, family: str) -> object:
    """Read a family's folder with this file, and encode texts."""
    for name, content in _folder(family).items():
        beside = path.with_name(name)
        if beside != path:
            beside.write_bytes(content)
    tokenizer = tokenizer_of(path.parent, max_tokens=16, pairs=True)
    return tokenizer.rows(_TEXTS), tokenizer.json, tokenizer.lowercase


@functools.cache
def _folder(family: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write(family, Path(folder))
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def _of(family: str, name: str, *documents: dict[str, Any]) -> Callable[[], Iterator[bytes]]:
    """Return a function that yields a family's own file and other good ones."""

    def seeds() -> Iterator[bytes]:
        if name in _folder(family):
            yield _folder(family)[name]
        yield from (json.dumps(document).encode() for document in documents)

    return seeds


def _bad(seeds: Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[tuple[str, Any]]]:
    """Return a function that turns good JSON into bad JSON."""

    def crafted() -> Iterator[tuple[str, Any]]:
        yield from no_files()
        yield "nothing", b""
        yield "deep", b'{"a": ' * 100_000
        for number, data in enumerate(seeds()):
            for name, changed in (*each_json(json.loads(data)), *each_cut(data), *each_byte(data)):
                yield f"file {number}, {name}", changed

    return crafted


def _pieces() -> Iterator[bytes]:
    yield _folder("deberta-v3")["spm.model"]
    yield trained("unigram", "identity")


_STATED = _of("bert", "tokenizer_config.json", _SETTINGS)
_CONFIG = _of("roberta", "config.json")
_ADDED = _of("deberta-v3", "added_tokens.json", {"[SEP]": 2, "[CLS]": 1})
_TOKENS = _of("bert", "special_tokens_map.json", {"pad_token": "[PAD]", "sep_token": "[SEP]"})

KINDS = {
    "tokenizer_settings": Files("tokenizer_config.json", "bert", _STATED, _bad(_STATED)),
    "tokenizer_network": Files("config.json", "roberta", _CONFIG, _bad(_CONFIG)),
    "added_tokens": Files("added_tokens.json", "deberta-v3", _ADDED, _bad(_ADDED)),
    "special_tokens": Files("special_tokens_map.json", "bert", _TOKENS, _bad(_TOKENS)),
    "checkpoint_pieces": Files("spm.model", "deberta-v3", _pieces, bad_sentence_pieces, mutated),
}
