"""Tokenizers of Hugging Face's files: tokenizer.json, vocab.txt, vocab.json with merges.txt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from models.errors import UsageMistake
from models.tokenizers.encoder import Encoder, Padding, Side
from models.tokenizers.vocabularies import load_json, read_text, read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG = "tokenizer_config.json"
# What BERT's and RoBERTa's own tokenizers call their tokens, where no configuration says it.
BERT = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
ROBERTA = {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
_KNOWN_PADS = ("[PAD]", "<pad>", "<PAD>")


def read_config(folder: Path) -> dict[str, Any]:
    """Return what tokenizer_config.json beside a vocabulary says; empty where there is none.

    Raises:
        UsageMistake: it is not a JSON object.
    """
    file = folder / CONFIG
    if not file.is_file():
        return {}
    config = load_json(read_text(file), file)
    if not isinstance(config, dict):
        raise UsageMistake("is not a JSON object", file=file, remedy="Fetch the checkpoint again")
    return config


def from_json(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read a tokenizer.json as it is; padding and truncation are the classifier's.

    Args:
        file: the tokenizer.json.
        given: `pad`, the token that fills rows up, where the file does not say it.

    Raises:
        UsageMistake: the file is not a tokenizer's, or does not say what fills rows up.
    """
    text = read_text(file)
    try:
        library = Tokenizer.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for any bad file
        raise UsageMistake(
            f"is not a tokenizer of the tokenizers library ({error})",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote, or say KIND:FILE",
        ) from None
    padding = _padding_of(library, file, given)
    own = (library.truncation or {}).get("direction")
    return Encoder(
        kind="huggingface",
        library=library,
        padding=padding,
        truncation=_side(given.get("truncation") or own),
    )


def _padding_of(library: Tokenizer, file: Path, given: Mapping[str, Any]) -> Padding:
    own = library.padding or {}
    config = read_config(file.parent)
    side = _side(given.get("side") or own.get("direction") or config.get("padding_side"))
    named = given.get("pad") or own.get("pad_token") or _text_of(config.get("pad_token"))
    for token in [named] if named else _KNOWN_PADS:
        number = library.token_to_id(token)
        if number is not None:
            return Padding(token, number, side)
    raise UsageMistake(
        f"does not hold {named!r}, the token that fills rows up"
        if named
        else "does not say which token fills rows up",
        file=file,
        key="tokenizer.pad",
        remedy='Write pad = "..." in [tokenizer] with the token that training padded with',
    )


def _side(named: Any) -> Side:
    return "left" if named == "left" else "right"


def _text_of(token: Any) -> str | None:
    """A token of a configuration: its text, or an object that holds it."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def from_word_pieces(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read BERT's vocab.txt; tokenizer_config.json beside it says how case and accents are treated.

    Args:
        file: one piece a line, numbered from 0.
        given: `case` ("kept" or "unicode") where there is no tokenizer_config.json.

    Raises:
        UsageMistake: a special token is missing, or nothing says whether case is lowered.
    """
    words = read_vocabulary(file)
    config = read_config(file.parent)
    names = {key: _text_of(config.get(key)) or text for key, text in BERT.items()}
    _require(words, names, file)
    lowers = config.get("do_lower_case")
    if given.get("case"):
        lowers = given["case"] != "kept"
    if lowers is None:
        raise UsageMistake(
            f"does not say whether case is lowered, and there is no {CONFIG} beside it",
            file=file,
            key="tokenizer.case",
            remedy='Give tokenizer_config.json beside it, or write case = "unicode" (lowered) or '
            'case = "kept" in [tokenizer]',
        )
    library = Tokenizer(models.WordPiece(words, unk_token=names["unk_token"]))
    library.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.get("tokenize_chinese_chars", True) is not False,
        strip_accents=config.get("strip_accents"),
        lowercase=bool(lowers),
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B:1 {end}:1",
        special_tokens=[(start, words[start]), (end, words[end])],
    )
    padding = Padding(names["pad_token"], words[names["pad_token"]])
    return Encoder(kind="wordpiece", library=library, padding=padding)


def from_byte_pairs(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read RoBERTa's vocab.json and the merges.txt beside it.

    Args:
        file: vocab.json.
        given: nothing is taken from it.

    Raises:
        UsageMistake: merges.txt is missing, or one of the files cannot be read.
    """
    del given
    merges = file.with_name("merges.txt")
    words = read_vocabulary(file)
    lines = read_text(merges).split("\n")
    lines = [line for line in lines if line and not line.startswith("#version")]
    if not all(line.count(" ") == 1 for line in lines):
        raise UsageMistake(
            "is not a list of merges: two parts a line", file=merges, remedy="Fetch it again"
        )
    config = read_config(file.parent)
    names = {key: _text_of(config.get(key)) or text for key, text in ROBERTA.items()}
    _require(words, names, file)
    pairs = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]
    try:
        library = Tokenizer(models.BPE(vocab=words, merges=pairs))
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for any bad file
        raise UsageMistake(
            f"does not fit vocab.json ({error})", file=merges, remedy="Fetch both files again"
        ) from None
    prefix = bool(config.get("add_prefix_space", False))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    library.decoder = decoders.ByteLevel()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} {end} $B {end}",
        special_tokens=[(start, words[start]), (end, words[end])],
    )
    library.add_special_tokens(
        [AddedToken(token, special=True) for token in names.values() if token in words]
    )
    padding = Padding(names["pad_token"], words[names["pad_token"]])
    return Encoder(kind="byte_pairs", library=library, padding=padding)


def _require(words: Mapping[str, int], names: Mapping[str, str], file: Path) -> None:
    missing = [token for token in names.values() if token not in words]
    if missing:
        raise UsageMistake(
            f"does not hold {', '.join(map(repr, missing))}",
            file=file,
            key="tokenizer",
            remedy="Give the vocabulary that belongs to the file, with its tokenizer_config.json",
        )


def is_tokenizer_json(text: str) -> bool:
    """Tell whether JSON is what the `tokenizers` library writes."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and isinstance(document.get("model"), dict)
