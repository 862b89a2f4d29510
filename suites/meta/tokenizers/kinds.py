"""Make a small tokenizer of each kind, for tests that apply to all kinds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.sentence_piece_models import trained

if TYPE_CHECKING:
    from pathlib import Path

    from models.tokenizers.encoder import Encoder

_WORDS = ["good", "day", "the", "café", "日", "x", "##y"]
_BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *_WORDS]
_BYTES = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "g": 4, "o": 5, "go": 6, "d": 7, "Ġ": 8}
_KERAS = {"word_index": json.dumps({"<o>": 1, "good": 2, "day": 3})}
# The files of each kind, the given file first, and the settings.
_FILES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "wordpiece": ({"vocab.txt": "\n".join(_BERT)}, {"case": "unicode"}),
    "byte_pairs": ({"vocab.json": json.dumps(_BYTES), "merges.txt": "g o\n"}, {}),
    "regex": ({"v.txt": "\n".join(["<PAD>", "<START>", "<UNKNOWN>", *_WORDS])}, {}),
    "text_vectorization": ({"v.txt": "\n".join(["", "[UNK]", *_WORDS])}, {}),
    "keras": ({"v.json": json.dumps({"config": _KERAS | {"oov_token": "<o>"}})}, {}),
    "words": ({"v.txt": "\n".join(["<pad>", "<unk>", *_WORDS])}, {}),
    "characters": ({"v.txt": "\n".join(["<pad>", "<unk>", *"godayé日 "])}, {"case": "unicode"}),
}


def small_encoder(kind: str, folder: Path) -> Encoder:
    """Write the files of a small tokenizer of this kind to a folder; return the tokenizer."""
    if kind == "sentencepiece":
        (folder / "v.model").write_bytes(trained("unigram"))
        return load(TokenizerSettings(file="v.model"), folder)
    if kind == "huggingface":
        small_encoder("wordpiece", folder).library.save(str(folder / "tokenizer.json"))
        return load(TokenizerSettings(file="tokenizer.json"), folder)
    files, settings = _FILES[kind]
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load(TokenizerSettings(file=next(iter(files)), kind=kind, **settings), folder)
