"""Read Hugging Face's tokenizers: tokenizer.json, vocab.txt, vocab.json with merges.txt."""

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
from models.tokenizers.checkpoint_files import MERGES, SETTINGS
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
    Settings,
    number_in_words,
    require_basic_words,
    require_class,
    require_none_added,
    require_same_numbers,
    settings_beside,
)
from models.tokenizers.stated import apply_settings
from models.tokenizers.templates import around
from models.tokenizers.vocabularies import (
    parsed_or_none,
    read_text,
    read_vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

# Default special tokens of BERT's, RoBERTa's and MPNet's tokenizers, by their keys in
# tokenizer_config.json; _KEYS translates these keys to those of [tokenizer].
BERT = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
ROBERTA = {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
_MPNET = ROBERTA | {"unk_token": "[UNK]"}
_KEYS = {"unk_token": "unknown", "cls_token": "start", "sep_token": "end", "pad_token": "pad"}
_ROBERTAS_MASK = "<mask>"
_KNOWN_PADS = ("[PAD]", "<pad>", "<PAD>")


def from_json(file: Path, declared: Mapping[str, Any]) -> Encoder:
    """Read a tokenizer.json; its row length is ignored.

    Args:
        file: the tokenizer.json.
        declared: the user's settings: `pad`, the padding token, `side` and `truncation`.

    Raises:
        UsageMistake: the file is not a tokenizer, makes texts too long, or names no padding token.
    """
    library = read_library(read_text(file), file)
    try:
        with library_errors():
            # The library cannot write every tokenizer that it can read, and devices get the written
            # form.
            Tokenizer.from_str(library.to_str())
    except LibraryError as error:
        raise UsageMistake(
            f"is not a tokenizer that can be sent to a device ({error})",
            file=file,
            remedy="Give the tokenizer.json that save_pretrained wrote, or write KIND:FILE",
        ) from None
    settings = settings_beside(file) or Settings()
    apply_settings(library, settings, class_named(file, settings), file)
    words = library.get_vocab(with_added_tokens=True)
    _require_named(settings, words, file)
    padding, truncation = library.padding or {}, library.truncation or {}
    side: Side = (
        declared.get("side") or padding.get("direction") or settings.padding_side or "right"
    )
    truncation_side: Side = (
        declared.get("truncation")
        or truncation.get("direction")
        or settings.truncation_side
        or "right"
    )
    padding_token = declared.get("pad") or _named_padding(padding, settings, words, file)
    return Encoder(
        kind="huggingface",
        library=library,
        padding=_padding_of(words, padding_token, side, file),
        truncation=truncation_side,
    )


def _named_padding(
    padding: Mapping[str, Any], settings: Settings, words: Mapping[str, int], file: Path
) -> str | None:
    """Return the padding token that the files name; None if they name none."""
    token: str | None = padding.get("pad_token")
    from_settings = settings.token("pad_token")
    if token is not None and padding["pad_id"] != words.get(token, padding["pad_id"]):
        raise UsageMistake(
            f"is {padding['pad_id']}, but the padding token {token!r} has the number "
            f"{words[token]} in the vocabulary",
            file=file,
            key="padding.pad_id",
            remedy=write_token("pad", PADDED),
        )
    if None not in {token, from_settings} and token != from_settings:
        raise UsageMistake(
            f"is {from_settings!r}, but {file.name} pads rows with {token!r}",
            file=file.with_name(SETTINGS),
            key="pad_token",
            remedy=write_token("pad", PADDED),
        )
    return token or from_settings


def _require_named(settings: Settings, words: Mapping[str, int], file: Path) -> None:
    """Check that the settings name only tokens of the vocabulary, and give them the same ids."""
    config = file.with_name(SETTINGS)
    require_same_numbers(settings, words, file, config)
    for key in _KEYS:
        token = settings.token(key)
        if token and token not in words:
            raise UsageMistake(
                f"is {token!r}, {number_in_words(None, file)}",
                file=config,
                key=key,
                remedy=f"Give {file.name} and {SETTINGS} from the same checkpoint",
            )


def _padding_of(words: Mapping[str, int], declared: str | None, side: Side, file: Path) -> Padding:
    for token in _KNOWN_PADS if declared is None else [declared]:
        if token in words:
            return Padding(token, words[token], side)
    raise UsageMistake(
        "does not define which token pads rows"
        if declared is None
        else f"does not hold {declared!r}, the token that pads rows",
        file=file,
        key="tokenizer.pad",
        remedy=write_token("pad", PADDED),
    )


def from_word_pieces(file: Path, declared: Mapping[str, Any]) -> Encoder:
    """Read BERT's or MPNet's vocab.txt, and the tokenizer_config.json beside it.

    The latter decides whether texts are converted to lower case.

    Args:
        file: the vocabulary, one piece per line, numbered from 0.
        declared: the user's settings: `case` ("kept" or "unicode") if there is no
            tokenizer_config.json; `start`, `end`, `unknown` and `pad` if tokens have other names
            than BERT's; `side`; `truncation`.

    Raises:
        UsageMistake: a special token is missing, it is unknown whether case is lowered, or the
            settings contradict each other.
    """
    words = read_vocabulary(file)
    _require_no_gap(words, file)
    settings_read = settings_beside(file)
    settings = settings_read or Settings()
    _require_class(settings_read, OF_WORD_PIECES, file)
    require_basic_words(settings, file.with_name(SETTINGS))
    is_mpnet = class_named(file, settings_read) == MPNET
    names = _tokens(words, _MPNET if is_mpnet else BERT, settings, declared, file)
    library = Tokenizer(models.WordPiece(words, unk_token=names["unk_token"]))
    lowers = _lowers(settings_read, declared, file)
    library.normalizer = msgspec.structs.replace(settings, do_lower_case=lowers).normalizer()
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = around(words, start, end, second_start=end if is_mpnet else None)
    return Encoder(
        kind="wordpiece",
        library=library,
        padding=_declared_padding(names["pad_token"], words, settings, declared),
        truncation=_truncation_side(settings, declared),
    )


def from_checkpoint_words(file: Path, declared: Mapping[str, Any]) -> Encoder:
    """Read the vocab.txt of a checkpoint; special tokens within a text are recognized.

    Without settings, the pieces decide about case: a lower-case vocabulary has no capital letter.

    Args:
        file: the vocabulary, see `from_word_pieces`.
        declared: the user's settings, see `from_word_pieces`.

    Raises:
        UsageMistake: see `from_word_pieces`.
    """
    if "case" not in declared and settings_beside(file) is None:
        case = "kept" if has_capitals(read_vocabulary(file)) else "unicode"
        declared = {**declared, "case": case}
    encoder = from_word_pieces(file, declared)
    library, settings_read = encoder.library, settings_beside(file)
    usual = "<mask>" if class_named(file, settings_read) == MPNET else "[MASK]"
    mask = (settings_read or Settings()).token("mask_token") or usual
    tokens = [*encoder.tokens(list(encoder.special.values())), mask]
    library.add_special_tokens(
        [
            token_kept
            for token_kept in dict.fromkeys(tokens)
            if library.token_to_id(token_kept) is not None
        ]
    )
    return encoder


def has_capitals(pieces: Iterable[str]) -> bool:
    """Tell whether a piece has a capital letter, apart from bracketed special tokens."""
    ordinary = (piece for piece in pieces if not (piece.startswith("[") and piece.endswith("]")))
    return any(piece != piece.lower() for piece in ordinary)


def _lowers(settings: Settings | None, declared: Mapping[str, Any], file: Path) -> bool:
    requested = {"kept": False, "unicode": True}.get(declared.get("case", ""))
    if declared.get("case") == "ascii":
        raise UsageMistake(
            "is 'ascii', but a word-piece tokenizer lowers either every letter or none",
            key="tokenizer.case",
            remedy='Write case = "unicode" or case = "kept" in [tokenizer] of your TOML file',
        )
    if settings is None and requested is None:
        raise UsageMistake(
            f"does not say whether case is lowered, and there is no {SETTINGS} beside it",
            file=file,
            key="tokenizer.case",
            remedy=f'Give {SETTINGS} beside it (of the checkpoint, or {{"do_lower_case": true}} '
            'in a file of that name), or write case = "unicode" (lowered) or '
            'case = "kept" in [tokenizer] of your TOML file',
        )
    lowers = None if settings is None else settings.do_lower_case is not False
    if None not in {requested, lowers} and requested != lowers:
        raise _contradiction("case", declared["case"], "do_lower_case", json.dumps(lowers), file)
    return bool(requested if lowers is None else lowers)


def from_byte_pairs(file: Path, declared: Mapping[str, Any]) -> Encoder:
    """Read RoBERTa's vocab.json and the merges.txt beside it.

    Args:
        file: vocab.json.
        declared: the user's settings: `start`, `end`, `unknown` and `pad` if tokens have other
            names than RoBERTa's; `side`; `truncation`.

    Raises:
        UsageMistake: merges.txt is missing, or one of the files cannot be read.
    """
    words = read_vocabulary(file)
    _require_no_gap(words, file)
    settings_read = settings_beside(file)
    settings = settings_read or Settings()
    _require_class(settings_read, LIKE_ROBERTA, file)
    names = _tokens(words, ROBERTA, settings, declared, file)
    library = Tokenizer(_byte_pair_model(words, file.with_name(MERGES)))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=settings.add_prefix_space is True
    )
    library.decoder = decoders.ByteLevel()
    start, end = names["cls_token"], names["sep_token"]
    library.post_processor = around(words, start, end, second_start=end)
    library.add_special_tokens([AddedToken(token, special=True) for token in names.values()])
    if _ROBERTAS_MASK in words:
        # Like RoBERTa's mask token, it includes the space before it.
        mask = AddedToken(_ROBERTAS_MASK, special=True, lstrip=True)
        library.add_special_tokens([mask])
    return Encoder(
        kind="byte_pairs",
        library=library,
        padding=_declared_padding(names["pad_token"], words, settings, declared),
        truncation=_truncation_side(settings, declared),
    )


def _require_class(settings: Settings | None, names: Collection[str], file: Path) -> None:
    """Check that the tokenizer class of the checkpoint reads this kind of file."""
    name = class_named(file, settings)
    if settings is not None and settings.tokenizer_class is not None:
        require_class(settings, names, file)
    elif name is not None and name not in names:
        raise UsageMistake(
            f"belongs to a network whose tokenizer is {name}, which makes different "
            f"ids from {file.name}",
            file=file.with_name(CONFIG),
            key="model_type",
            remedy="Give its tokenizer.json, or ids in a column of the corpus",
        )


def _byte_pair_model(words: dict[str, int], merges: Path) -> models.BPE:
    if not merges.exists():
        raise UsageMistake(
            "is missing, and vocab.json alone does not define how words are split",
            file=merges,
            remedy="Put merges.txt beside vocab.json, or give the checkpoint's tokenizer.json",
        )
    lines = [line.removesuffix("\r") for line in read_text(merges).split("\n")]
    lines = [line for line in lines if line and not line.startswith("#version")]
    if not all(line.count(" ") == 1 for line in lines):
        raise UsageMistake(
            "is not a list of merges: each line must hold two parts",
            file=merges,
            remedy="Download the checkpoint's complete merges.txt again",
        )
    pairs = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]
    try:
        with library_errors():
            return models.BPE(vocab=words, merges=pairs)
    except LibraryError as error:
        raise UsageMistake(
            f"does not fit vocab.json ({error})", file=merges, remedy="Download both files again"
        ) from None


def _declared_padding(
    token: str, words: Mapping[str, int], settings: Settings, declared: Mapping[str, Any]
) -> Padding:
    side: Side = declared.get("side") or settings.padding_side or "right"
    return Padding(token, words[token], side)


def _truncation_side(settings: Settings, declared: Mapping[str, Any]) -> Side:
    side: Side = declared.get("truncation") or settings.truncation_side or "right"
    return side


def _tokens(
    words: Mapping[str, int],
    usual: Mapping[str, str],
    settings: Settings,
    declared: Mapping[str, Any],
    file: Path,
) -> dict[str, str]:
    """Return the special tokens by key.

    The user's tokens have priority over those of the settings, and both over `usual`.
    """
    names = {}
    for key, text in usual.items():
        requested, from_settings = declared.get(_KEYS[key]), settings.token(key)
        if None not in {requested, from_settings} and requested != from_settings:
            raise _contradiction(_KEYS[key], requested, key, repr(from_settings), file)
        names[key] = requested or from_settings or text
        if names[key] not in words:
            raise _missing(_KEYS[key], names[key], file, is_declared=from_settings is not None)
    require_same_numbers(settings, words, file, file.with_name(SETTINGS))
    require_none_added(words, file)
    return names


def _missing(key: str, token: str, file: Path, *, is_declared: bool) -> UsageMistake:
    """Return the error for a special token that is not in the vocabulary."""
    give_matching = f"Give the vocabulary that belongs to {SETTINGS}" if is_declared else ""
    declare = write_token(key, "the token that the vocabulary has for it")
    return UsageMistake(
        f"does not hold {token!r}",
        file=file,
        key=f"tokenizer.{key}",
        remedy=give_matching
        or f"{declare}, or give the complete vocabulary that the file was trained with",
    )


def _contradiction(
    key: str, requested: object, setting: str, written: str, file: Path
) -> UsageMistake:
    return UsageMistake(
        f"says {written}, but tokenizer.{key} is {requested!r}",
        file=file.with_name(SETTINGS),
        key=setting,
        remedy=f"Remove {key} from [tokenizer] in your TOML file, or give the settings "
        "that belong to the file",
    )


def _require_no_gap(words: Mapping[str, int], file: Path) -> None:
    numbers = set(words.values())
    gap = next((number for number in range(len(numbers)) if number not in numbers), None)
    if gap is not None:
        raise UsageMistake(
            f"has {len(numbers):,} pieces, but none with the number {gap}",
            file=file,
            remedy="Give the vocabulary as it was published, or its tokenizer.json",
        )


def is_tokenizer_json(text: str) -> bool:
    """Tell whether a text is the JSON of a tokenizer of the `tokenizers` library."""
    document = parsed_or_none(text)
    return isinstance(document, dict) and isinstance(document.get("model"), dict)
