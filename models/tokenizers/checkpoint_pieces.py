"""Read a checkpoint's SentencePiece model as its class in `transformers` reads it.

Each class renumbers some pieces, adds special tokens around a text and cleans texts by its own
rules, so that the ids differ from SentencePiece's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from models.errors import UsageMistake
from models.files.json_documents import parse_json
from models.files.regular_files import LARGEST_TABLE, read_text
from models.tokenizers.checkpoint_files import ADDED, SETTINGS
from models.tokenizers.classes import ALBERT, DEBERTA_V2, GENERIC_CLASSES, XLM_ROBERTA
from models.tokenizers.encoder import Encoder, Padding
from models.tokenizers.library_errors import LibraryError, library_errors
from models.tokenizers.network_config import class_named
from models.tokenizers.sentence_piece_file import (
    CONTROL,
    UNIGRAM,
    UNKNOWN,
    USER_DEFINED,
    PieceModel,
    damaged,
    read_pieces,
    unsupported,
)
from models.tokenizers.sentence_pieces import from_sentence_pieces
from models.tokenizers.settings import Settings, settings_beside
from models.tokenizers.templates import around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Scored = list[tuple[str, float]]
# Order in which `transformers` numbers special tokens that the vocabulary lacks.
_IN_ORDER = (
    *("bos_token", "eos_token", "unk_token", "sep_token"),
    *("pad_token", "cls_token", "mask_token"),
)
_SENTENCE = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
_BRACKETS = {
    "bos_token": "[CLS]",
    "eos_token": "[SEP]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_XLM_ROBERTAS_UNKNOWN, _ALBERTS_UNKNOWN = 3, 1


class _Class(NamedTuple):
    """The way in which a class of `transformers` reads a SentencePiece model.

    Attributes:
        tokens: its special tokens, by their keys in tokenizer_config.json.
        pieces: returns the vocabulary with scores, and the id of the unknown piece.
        normalizer: returns the normalization of texts.
        pre_tokenizer: returns the splitting of texts into words.
        separates_twice: whether there are two separators between the texts of a pair.
    """

    tokens: Mapping[str, str]
    pieces: Callable[[PieceModel, Mapping[str, str]], tuple[Scored, int]]
    normalizer: Callable[[PieceModel, Settings], normalizers.Normalizer]
    pre_tokenizer: Callable[[Settings], pre_tokenizers.PreTokenizer]
    separates_twice: bool = False


def from_checkpoint_pieces(file: Path, settings_given: Mapping[str, Any]) -> Encoder:
    """Read a checkpoint's SentencePiece model by the rules of its class in `transformers`.

    If no file names a class, read the model by SentencePiece's own rules.

    Args:
        file: the model; tokenizer_config.json or config.json beside it names its class.
        settings_given: the user's settings: `pad`, the padding token, `side` and `truncation`.

    Raises:
        UsageMistake: the file is damaged, its class is not supported, or two files contradict each
            other.
    """
    settings_read = settings_beside(file)
    settings = settings_read or Settings()
    name = class_named(file, settings_read)
    if name is None or name in GENERIC_CLASSES:
        return from_sentence_pieces(file, settings_given)
    _require_known(name, settings_given, file)
    own_class, model = _CLASSES[name], read_pieces(file)
    if model.model_type != UNIGRAM:
        raise unsupported(file, f"{name} reads only unigram models")
    names = {key: settings.token(key) or usual for key, usual in own_class.tokens.items()}
    scored, unknown = own_class.pieces(model, names)
    try:
        with library_errors():
            library = Tokenizer(models.Unigram(scored, unknown, byte_fallback=False))
            library.normalizer = own_class.normalizer(model, settings)
            library.pre_tokenizer = own_class.pre_tokenizer(settings)
            _add_tokens(library, model, names, file)
            # Some damage only shows when a text is tokenized.
            Tokenizer.from_str(library.to_str()).encode("a b")
    except LibraryError as error:
        raise damaged(file, str(error)) from None
    words = library.get_vocab(with_added_tokens=True)
    end = names["sep_token"]
    second = end if own_class.separates_twice else None
    library.post_processor = around(words, names["cls_token"], end, second_start=second)
    pad = settings_given.get("pad") or names["pad_token"]
    if pad not in words:
        raise damaged(file, f"the model has no piece {pad!r}")
    return Encoder(
        kind="sentencepiece",
        library=library,
        padding=Padding(
            pad, words[pad], settings_given.get("side") or settings.padding_side or "right"
        ),
        truncation=settings_given.get("truncation") or settings.truncation_side or "right",
    )


def _require_known(name: str, settings_given: Mapping[str, Any], file: Path) -> None:
    if name not in _CLASSES:
        raise UsageMistake(
            f"is {name!r}, but SentencePiece models are supported only for {', '.join(_CLASSES)}",
            file=file.with_name(SETTINGS),
            key="tokenizer_class",
            remedy="Give the checkpoint with its tokenizer.json, which save_pretrained writes",
        )
    for key in ("start", "end"):
        if key in settings_given:
            raise UsageMistake(
                f"is {settings_given[key]!r}, but {name} defines the tokens around a text itself",
                file=file,
                key=f"tokenizer.{key}",
                remedy=f"Leave it out, or give the file itself: sentencepiece:{file.name}",
            )


def _add_tokens(
    library: Tokenizer, model: PieceModel, names: Mapping[str, str], file: Path
) -> None:
    """Add special and user-defined tokens to the library's tokenizer.

    Tokens without an id get the ids after the last one.

    Raises:
        UsageMistake: added_tokens.json gives a token another id.
    """
    added = _added(file)
    special = [*added, *(names[key] for key in _IN_ORDER)]
    special += [piece.text for piece in model.pieces if piece.type == CONTROL]
    library.add_special_tokens([_token(text, special=True) for text in special])
    user_pieces = [piece.text for piece in model.pieces if piece.type == USER_DEFINED]
    library.add_tokens([_token(text, special=False) for text in user_pieces if text not in special])
    for text, number in added.items():
        if library.token_to_id(text) != number:
            raise UsageMistake(
                f"gives {text!r} the id {number}, but with the {len(model.pieces):,} pieces of "
                f"{file.name} its id is {library.token_to_id(text)}",
                file=file.with_name(ADDED),
                remedy="Give both files from the same checkpoint",
            )


def _token(text: str, *, special: bool) -> AddedToken:
    return AddedToken(text, special=special, normalized=False)


def _added(file: Path) -> dict[str, int]:
    """Return the tokens in added_tokens.json with their ids, in ascending order of ids."""
    beside = file.with_name(ADDED)
    if not beside.exists():
        return {}
    try:
        added = msgspec.convert(parse_json(read_text(beside, LARGEST_TABLE)), dict[str, int])
    except (OSError, ValueError, RecursionError) as error:
        raise UsageMistake(
            f"cannot be read ({error})",
            file=beside,
            remedy="Download the complete checkpoint again",
        ) from None
    return dict(sorted(added.items(), key=lambda entry: entry[1]))


def _scored_pieces(model: PieceModel) -> Scored:
    return [(piece.text, piece.score) for piece in model.pieces]


def _xlm_robertas_pieces(model: PieceModel, names: Mapping[str, str]) -> tuple[Scored, int]:
    """Return XLM-RoBERTa's pieces with scores, and the id of the unknown piece.

    fairseq's four special tokens replace the first three pieces of the model.
    """
    first_tokens = [names[key] for key in ("bos_token", "pad_token", "eos_token", "unk_token")]
    return [
        *((text, 0.0) for text in first_tokens),
        *_scored_pieces(model)[3:],
    ], _XLM_ROBERTAS_UNKNOWN


def _alberts_pieces(model: PieceModel, names: Mapping[str, str]) -> tuple[Scored, int]:
    del names
    return _scored_pieces(model), _ALBERTS_UNKNOWN


def _debertas_pieces(model: PieceModel, names: Mapping[str, str]) -> tuple[Scored, int]:
    scored = _scored_pieces(model)
    unknown_piece = (names["unk_token"], 0.0)
    if unknown_piece in scored:
        return scored, scored.index(unknown_piece)
    return scored, next((at for at, piece in enumerate(model.pieces) if piece.type == UNKNOWN), 0)


def _table(model: PieceModel) -> Iterator[normalizers.Normalizer]:
    """Yield a normalizer for the model's table of characters if it has one."""
    if model.charsmap:
        yield normalizers.Precompiled(model.charsmap)


def _xlm_robertas_normalizer(model: PieceModel, settings: Settings) -> normalizers.Normalizer:
    del settings
    return normalizers.Sequence(list(_table(model)))


def _alberts_normalizer(model: PieceModel, settings: Settings) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = [
        normalizers.Replace(quotes, '"') for quotes in ("``", "''")
    ]
    if not settings.keep_accents:
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if settings.do_lower_case is not False:
        steps.append(normalizers.Lowercase())
    return normalizers.Sequence([*steps, *_table(model)])


def _debertas_normalizer(model: PieceModel, settings: Settings) -> normalizers.Normalizer:
    del model
    lowers = [normalizers.Lowercase()] if settings.do_lower_case else []
    blanks = normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " ")
    return normalizers.Sequence(
        [*lowers, blanks, normalizers.NFC(), normalizers.Strip(left=False, right=True)]
    )


def _words(settings: Settings) -> pre_tokenizers.PreTokenizer:
    scheme = "never" if settings.add_prefix_space is False else "always"
    blanks = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    return pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), blanks])


def _debertas_words(settings: Settings) -> pre_tokenizers.PreTokenizer:
    scheme = "first" if settings.add_prefix_space is False else "always"
    marks = [pre_tokenizers.Punctuation("isolated")] if settings.split_by_punct else []
    return pre_tokenizers.Sequence([*marks, pre_tokenizers.Metaspace(prepend_scheme=scheme)])


_CLASSES = {
    XLM_ROBERTA: _Class(
        tokens={**_SENTENCE, "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"},
        pieces=_xlm_robertas_pieces,
        normalizer=_xlm_robertas_normalizer,
        pre_tokenizer=_words,
        separates_twice=True,
    ),
    ALBERT: _Class(
        tokens={**_BRACKETS, "unk_token": "<unk>", "pad_token": "<pad>"},
        pieces=_alberts_pieces,
        normalizer=_alberts_normalizer,
        pre_tokenizer=_words,
    ),
    DEBERTA_V2: _Class(
        tokens={**_BRACKETS, "unk_token": "[UNK]", "pad_token": "[PAD]"},
        pieces=_debertas_pieces,
        normalizer=_debertas_normalizer,
        pre_tokenizer=_debertas_words,
    ),
}
