"""Tokenizers of Hugging Face's files: tokenizer.json, vocab.txt, vocab.json with merges.txt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
)

from models.errors import UsageMistake
from models.tokenizers.classes import (
    LIKE_ROBERTA,
    MPNET,
    OF_WORD_PIECES,
)
from models.tokenizers.encoder import Encoder, Padding, Side
from models.tokenizers.library_errors import LibraryError, library_errors
from models.tokenizers.library_json import read_library
from models.tokenizers.network_config import CONFIG, class_named
from models.tokenizers.remedies import PADDED, write_token
from models.tokenizers.settings import (
    SETTINGS,
    Settings,
    require_basic_words,
    require_class,
    require_none_added,
    require_same_numbers,
    settings_beside,
    which_has,
)
from models.tokenizers.stated import heed_settings
from models.tokenizers.templates import around
from models.tokenizers.vocabularies import (
    parsed_or_none,
    read_text,
    read_vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

# What BERT's, RoBERTa's and MPNet's own tokenizers call their tokens, where no settings say it: by
# the key of tokenizer_config.json, and by that of [tokenizer].
BERT = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
ROBERTA = {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
_MPNET = ROBERTA | {"unk_token": "[UNK]"}
_KEYS = {"unk_token": "unknown", "cls_token": "start", "sep_token": "end", "pad_token": "pad"}
_ROBERTAS_MASK = "<mask>"
_KNOWN_PADS = ("[PAD]", "<pad>", "<PAD>")


def from_json(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read a tokenizer.json as it is; padding and truncation are the classifier's.

    Args:
        file: the tokenizer.json.
        given: `pad`, the token that fills rows up, `side` and `truncation`, where the file does
            not say them.

    Raises:
        UsageMistake: the file is not a tokenizer's, makes texts too long, or does not say what
            fills rows up.
    """
    library = read_library(read_text(file), file)
    try:
        with library_errors():
            # What the library reads is not always what it can write, and a device is sent that.
            Tokenizer.from_str(library.to_str())
    except LibraryError as error:
        raise UsageMistake(
            f"is not a tokenizer that can be sent to a device ({error})",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote, or say KIND:FILE",
        ) from None
    settings = settings_beside(file) or Settings()
    heed_settings(library, settings, class_named(file, settings), file)
    words = library.get_vocab(with_added_tokens=True)
    _require_named(settings, words, file)
    padding, truncation = library.padding or {}, library.truncation or {}
    side: Side = given.get("side") or padding.get("direction") or settings.padding_side or "right"
    cut: Side = (
        given.get("truncation")
        or truncation.get("direction")
        or settings.truncation_side
        or "right"
    )
    named = given.get("pad") or _padding_said(padding, settings, words, file)
    return Encoder(
        kind="huggingface",
        library=library,
        padding=_padding_of(words, named, side, file),
        truncation=cut,
    )


def _padding_said(
    padding: Mapping[str, Any], settings: Settings, words: Mapping[str, int], file: Path
) -> str | None:
    """Return the token that fills rows up as the files say it; None if they do not."""
    token: str | None = padding.get("pad_token")
    said = settings.token("pad_token")
    if token is not None and padding["pad_id"] != words.get(token, padding["pad_id"]):
        raise UsageMistake(
            f"is {padding['pad_id']}, but {token!r}, which it is the id of, has the number "
            f"{words[token]}",
            file=file,
            key="padding.pad_id",
            remedy=write_token("pad", PADDED),
        )
    if None not in {token, said} and token != said:
        raise UsageMistake(
            f"is {said!r}, but {file.name} fills rows up with {token!r}",
            file=file.with_name(SETTINGS),
            key="pad_token",
            remedy=write_token("pad", PADDED),
        )
    return token or said


def _require_named(settings: Settings, words: Mapping[str, int], file: Path) -> None:
    """Check that the settings name tokens of the vocabulary, and give them its numbers."""
    config = file.with_name(SETTINGS)
    require_same_numbers(settings, words, file, config)
    for key in _KEYS:
        token = settings.token(key)
        if token and token not in words:
            raise UsageMistake(
                f"is {token!r}, {which_has(None, file)}",
                file=config,
                key=key,
                remedy=f"Give {file.name} and {SETTINGS} of one and the same checkpoint",
            )


def _padding_of(known: Mapping[str, int], named: str | None, side: Side, file: Path) -> Padding:
    for token in _KNOWN_PADS if named is None else [named]:
        if token in known:
            return Padding(token, known[token], side)
    raise UsageMistake(
        "does not say which token fills rows up"
        if named is None
        else f"does not hold {named!r}, the token that fills rows up",
        file=file,
        key="tokenizer.pad",
        remedy=write_token("pad", PADDED),
    )


def from_word_pieces(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read BERT's or MPNet's vocab.txt; tokenizer_config.json beside it says how case is treated.

    Args:
        file: one piece a line, numbered from 0.
        given: `case` ("kept" or "unicode") if there is no tokenizer_config.json; `start`, `end`,
            `unknown` and `pad`, where tokens have other names than BERT's; `side`, `truncation`.

    Raises:
        UsageMistake: a special token is missing, nothing says whether case is lowered, or two
            things contradict each other.
    """
    words = read_vocabulary(file)
    _require_no_gap(words, file)
    found = settings_beside(file)
    settings = found or Settings()
    _require_class(found, OF_WORD_PIECES, file)
    require_basic_words(settings, file.with_name(SETTINGS))
    is_mpnet = class_named(file, found) == MPNET
    names = _tokens(words, _MPNET if is_mpnet else BERT, settings, given, file)
    library = Tokenizer(models.WordPiece(words, unk_token=names["unk_token"]))
    lowers = _lowers(found, given, file)
    library.normalizer = msgspec.structs.replace(settings, do_lower_case=lowers).normalizer()
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = around(words, start, end, second_start=end if is_mpnet else None)
    return Encoder(
        kind="wordpiece",
        library=library,
        padding=_padding_as_said(names["pad_token"], words, settings, given),
        truncation=_truncation_as_said(settings, given),
    )


def from_checkpoint_words(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read the vocab.txt of a checkpoint; special tokens that stand in a text are that.

    Without settings the pieces tell the case: a vocabulary of lower case holds no capital letter.

    Args:
        file: as `from_word_pieces` reads it.
        given: the same settings.

    Raises:
        UsageMistake: as of `from_word_pieces`.
    """
    if "case" not in given and settings_beside(file) is None:
        case = "kept" if has_capitals(read_vocabulary(file)) else "unicode"
        given = {**given, "case": case}
    encoder = from_word_pieces(file, given)
    library, found = encoder.library, settings_beside(file)
    usual = "<mask>" if class_named(file, found) == MPNET else "[MASK]"
    mask = (found or Settings()).token("mask_token") or usual
    tokens = [*encoder.tokens(list(encoder.special.values())), mask]
    library.add_special_tokens(
        [one for one in dict.fromkeys(tokens) if library.token_to_id(one) is not None]
    )
    return encoder


def has_capitals(pieces: Iterable[str]) -> bool:
    """Tell whether a piece holds a capital letter; names of special tokens stand in brackets."""
    ordinary = (piece for piece in pieces if not (piece.startswith("[") and piece.endswith("]")))
    return any(piece != piece.lower() for piece in ordinary)


def _lowers(settings: Settings | None, given: Mapping[str, Any], file: Path) -> bool:
    asked = {"kept": False, "unicode": True}.get(given.get("case", ""))
    if given.get("case") == "ascii":
        raise UsageMistake(
            "is 'ascii', and word pieces lower every letter or none",
            key="tokenizer.case",
            remedy='Write case = "unicode" or case = "kept" in [tokenizer] of your TOML file',
        )
    if settings is None and asked is None:
        raise UsageMistake(
            f"does not say whether case is lowered, and there is no {SETTINGS} beside it",
            file=file,
            key="tokenizer.case",
            remedy=f'Give {SETTINGS} beside it (of the checkpoint, or {{"do_lower_case": true}} '
            'in a file of that name), or write case = "unicode" (lowered) or '
            'case = "kept" in [tokenizer] of your TOML file',
        )
    said = None if settings is None else settings.do_lower_case is not False
    if None not in {asked, said} and asked != said:
        raise _contradiction("case", given["case"], "do_lower_case", json.dumps(said), file)
    return bool(asked if said is None else said)


def from_byte_pairs(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Read RoBERTa's vocab.json and the merges.txt beside it.

    Args:
        file: vocab.json.
        given: `start`, `end`, `unknown` and `pad`, where tokens have other names than RoBERTa's;
            `side`, `truncation`.

    Raises:
        UsageMistake: merges.txt is missing, or one of the files cannot be read.
    """
    words = read_vocabulary(file)
    _require_no_gap(words, file)
    found = settings_beside(file)
    settings = found or Settings()
    _require_class(found, LIKE_ROBERTA, file)
    names = _tokens(words, ROBERTA, settings, given, file)
    library = Tokenizer(_byte_pair_model(words, file.with_name("merges.txt")))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=settings.add_prefix_space is True
    )
    library.decoder = decoders.ByteLevel()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = around(words, start, end, second_start=end)
    library.add_special_tokens([AddedToken(token, special=True) for token in names.values()])
    if _ROBERTAS_MASK in words:
        # It takes the blank before it, as RoBERTa's does.
        mask = AddedToken(_ROBERTAS_MASK, special=True, lstrip=True)
        library.add_special_tokens([mask])
    return Encoder(
        kind="byte_pairs",
        library=library,
        padding=_padding_as_said(names["pad_token"], words, settings, given),
        truncation=_truncation_as_said(settings, given),
    )


def _require_class(settings: Settings | None, known: Collection[str], file: Path) -> None:
    """Check that the class that the settings name, or the network's family, reads such a file."""
    name = class_named(file, settings)
    if settings is not None and settings.tokenizer_class is not None:
        require_class(settings, known, file)
    elif name is not None and name not in known:
        raise UsageMistake(
            f"is of a network that {name} reads texts for, which makes other ids of {file.name}",
            file=file.with_name(CONFIG),
            key="model_type",
            remedy="Give its tokenizer.json, or ids in a column of the corpus",
        )


def _byte_pair_model(words: dict[str, int], merges: Path) -> models.BPE:
    if not merges.exists():
        raise UsageMistake(
            "is not there, and vocab.json alone does not say how words are cut",
            file=merges,
            remedy="Put merges.txt beside vocab.json, or give the checkpoint's tokenizer.json",
        )
    lines = [line.removesuffix("\r") for line in read_text(merges).split("\n")]
    lines = [line for line in lines if line and not line.startswith("#version")]
    if not all(line.count(" ") == 1 for line in lines):
        raise UsageMistake(
            "is not a list of merges: two parts a line",
            file=merges,
            remedy="Fetch the checkpoint's merges.txt again, whole",
        )
    pairs = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]
    try:
        with library_errors():
            return models.BPE(vocab=words, merges=pairs)
    except LibraryError as error:
        raise UsageMistake(
            f"does not fit vocab.json ({error})", file=merges, remedy="Fetch both files again"
        ) from None


def _padding_as_said(
    token: str, words: Mapping[str, int], settings: Settings, given: Mapping[str, Any]
) -> Padding:
    side: Side = given.get("side") or settings.padding_side or "right"
    return Padding(token, words[token], side)


def _truncation_as_said(settings: Settings, given: Mapping[str, Any]) -> Side:
    side: Side = given.get("truncation") or settings.truncation_side or "right"
    return side


def _tokens(
    words: Mapping[str, int],
    usual: Mapping[str, str],
    settings: Settings,
    given: Mapping[str, Any],
    file: Path,
) -> dict[str, str]:
    """Name the special tokens by key: as is given, else as the settings say, else as is usual."""
    names = {}
    for key, text in usual.items():
        asked, said = given.get(_KEYS[key]), settings.token(key)
        if None not in {asked, said} and asked != said:
            raise _contradiction(_KEYS[key], asked, key, repr(said), file)
        names[key] = asked or said or text
        if names[key] not in words:
            raise _missing(_KEYS[key], names[key], file, said=said is not None)
    require_same_numbers(settings, words, file, file.with_name(SETTINGS))
    require_none_added(words, file)
    return names


def _missing(key: str, token: str, file: Path, *, said: bool) -> UsageMistake:
    """Return the mistake that a special token is not in the vocabulary."""
    belong = f"Give the vocabulary that belongs to {SETTINGS}" if said else ""
    called = write_token(key, "the token that the vocabulary has for it")
    return UsageMistake(
        f"does not hold {token!r}",
        file=file,
        key=f"tokenizer.{key}",
        remedy=belong or f"{called}, or give the whole vocabulary that the file was trained with",
    )


def _contradiction(key: str, asked: object, setting: str, said: str, file: Path) -> UsageMistake:
    return UsageMistake(
        f"says {said}, but tokenizer.{key} is {asked!r}",
        file=file.with_name(SETTINGS),
        key=setting,
        remedy=f"Leave {key} out of [tokenizer] of your TOML file, or give the settings that "
        "belong to the file",
    )


def _require_no_gap(words: Mapping[str, int], file: Path) -> None:
    known = set(words.values())
    gap = next((number for number in range(len(known)) if number not in known), None)
    if gap is not None:
        raise UsageMistake(
            f"names {len(known):,} pieces, none of them number {gap}",
            file=file,
            remedy="Give the vocabulary as it was published, or its tokenizer.json",
        )


def is_tokenizer_json(text: str) -> bool:
    """Tell whether JSON is a tokenizer of the `tokenizers` library."""
    document = parsed_or_none(text)
    return isinstance(document, dict) and isinstance(document.get("model"), dict)
