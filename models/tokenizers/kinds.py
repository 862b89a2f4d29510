"""The kinds of tokenizers, by name: a new one is a function here that reads its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.errors import UsageMistake
from models.tables import Table
from models.tokenizers.pieces import (
    from_byte_pairs,
    from_json,
    from_word_pieces,
    is_tokenizer_json,
)
from models.tokenizers.sentence_pieces import from_sentence_pieces
from models.tokenizers.vocabularies import read_keras_json, read_text, read_vocabulary
from models.tokenizers.words import CHARACTERS, WordSettings, word_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.tokenizers.encoder import Encoder

KEY = "--edge-tokenizer"
# The delimiters of Model Maker's average word vectors, as its metadata writes them.
MODEL_MAKER_DELIMITERS = r"[^\w\']+"
# What TextVectorization strips: string.punctuation.
PUNCTUATION = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""
ASCII_BLANKS = r"[ \t\n\x0b\f\r]+"


class TokenizerSettings(Table, frozen=True, kw_only=True):
    """`[tokenizer]`: a file, its kind, and what the file does not say.

    Attributes:
        file: a path, relative to the TOML file; or a checkpoint's folder.
        kind: a name of `KINDS`; found out where that is certain.
        case: how letters are lowered.
        split: what stands between words, a regular expression, or "characters".
        removed: a regular expression of what is taken out before.
        start: the token before the first word.
        end: the token after the last word.
        unknown: the token of words that the list does not hold.
        pad: the token that fills rows up.
        side: on which rows are filled up.
        truncation: the side of a long text that is cut off.
    """

    file: str
    kind: str | None = None
    case: Literal["kept", "ascii", "unicode"] | None = None
    split: str | None = None
    removed: str | None = None
    start: str | None = None
    end: str | None = None
    unknown: str | None = None
    pad: str | None = None
    side: Literal["left", "right"] | None = None
    truncation: Literal["left", "right"] | None = None

    def given(self) -> dict[str, Any]:
        """What was written down, by key."""
        names = (name for name in self.__struct_fields__ if name not in {"file", "kind"})
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def _word_list(kind: str, file: Path, given: Mapping[str, Any], **usual: Any) -> Encoder:
    chosen = {name: value for name, value in given.items() if name in WordSettings.__annotations__}
    return word_encoder(kind, read_vocabulary(file), WordSettings(**{**usual, **chosen}))


def _regex(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Model Maker's average word vectors, as the Task Library reads them: case is kept."""
    words = read_vocabulary(file)
    usual: dict[str, Any] = {
        "split": MODEL_MAKER_DELIMITERS,
        "start": "<START>" if "<START>" in words else None,
        "unknown": "<UNKNOWN>",
        "pad": "<PAD>",
    }
    return _word_list("regex", file, given, **usual)


def _text_vectorization(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Keras' TextVectorization with its usual standardization, which lowers A to Z alone."""
    usual: dict[str, Any] = {
        "case": "ascii",
        "removed": PUNCTUATION,
        "split": ASCII_BLANKS,
        "unknown": "[UNK]",
        "pad_number": 0,
    }
    return _word_list("text_vectorization", file, given, **usual)


def _keras(file: Path, given: Mapping[str, Any]) -> Encoder:
    """Keras' Tokenizer with pad_sequences: rows are filled and cut on the left by default."""
    words, config = read_keras_json(file)
    filters = config.get("filters") or ""
    by_character = bool(config.get("char_level"))
    usual: dict[str, Any] = {
        "case": "unicode" if config.get("lower", True) else "kept",
        "blanked": "" if by_character or not filters else _any_of(filters),
        "split": CHARACTERS if by_character else f"{_any_of(config.get('split') or ' ')}",
        "unknown": config.get("oov_token"),
        "side": "left",
        "truncation": "left",
        "limit": config.get("num_words"),
    }
    chosen = {name: value for name, value in given.items() if name in WordSettings.__annotations__}
    return word_encoder("keras", words, WordSettings(**{**usual, **chosen}))


def _any_of(characters: str) -> str:
    return "[" + "".join(f"\\x{{{ord(character):x}}}" for character in characters) + "]+"


def _words(file: Path, given: Mapping[str, Any]) -> Encoder:
    return _word_list("words", file, given)


def _characters(file: Path, given: Mapping[str, Any]) -> Encoder:
    return _word_list("characters", file, given, split=CHARACTERS)


KINDS: dict[str, Callable[[Path, Mapping[str, Any]], Encoder]] = {
    "huggingface": from_json,
    "wordpiece": from_word_pieces,
    "byte_pairs": from_byte_pairs,
    "sentencepiece": from_sentence_pieces,
    "regex": _regex,
    "text_vectorization": _text_vectorization,
    "keras": _keras,
    "words": _words,
    "characters": _characters,
}

# Files of a checkpoint's folder that hold its tokenizer, the surest first.
_IN_FOLDER = {
    "tokenizer.json": "huggingface",
    "vocab.txt": "wordpiece",
    "vocab.json": "byte_pairs",
    "spiece.model": "sentencepiece",
    "sentencepiece.bpe.model": "sentencepiece",
    "tokenizer.model": "sentencepiece",
}


def parse_option(text: str) -> TokenizerSettings:
    """Read `PATH` or `KIND:PATH` of the command line."""
    kind, _, path = text.partition(":")
    if kind in KINDS and path:
        return TokenizerSettings(file=path, kind=kind)
    return TokenizerSettings(file=text)


def load(settings: TokenizerSettings, folder: Path = Path()) -> Encoder:
    """Load a tokenizer.

    Args:
        settings: its file, kind and what else is known of it.
        folder: what a relative path is relative to.

    Raises:
        UsageMistake: the file is missing or damaged, or its kind is not certain.
    """
    path = folder / Path(settings.file).expanduser()
    kind = settings.kind
    if kind is not None and kind not in KINDS:
        raise UsageMistake(
            f"no kind of tokenizer is called {kind!r}",
            key="tokenizer.kind",
            remedy=f"Give one of {', '.join(KINDS)}",
        )
    if path.is_dir():
        path, found = _in_folder(path)
        kind = kind or found
    if not path.is_file():
        raise UsageMistake("no such file", file=path, key=KEY, remedy="Check the path")
    return KINDS[kind or recognized(path)](path, settings.given())


def _in_folder(folder: Path) -> tuple[Path, str]:
    for name, kind in _IN_FOLDER.items():
        if (folder / name).is_file():
            return folder / name, kind
    raise UsageMistake(
        f"holds none of {', '.join(_IN_FOLDER)}",
        file=folder,
        key=KEY,
        remedy="Give the tokenizer's file",
    )


def recognized(file: Path) -> str:
    """Return the kind of a tokenizer's file where its content leaves no doubt.

    Raises:
        UsageMistake: several kinds could be meant; names them.
    """
    if file.suffix in {".model", ".spm"}:
        return "sentencepiece"
    if file.name == "vocab.json" and file.with_name("merges.txt").is_file():
        return "byte_pairs"
    text = read_text(file)
    if is_tokenizer_json(text):
        return "huggingface"
    return "keras" if '"word_index"' in text else _kind_of_list(file)


def _kind_of_list(file: Path) -> str:
    words = read_vocabulary(file)
    signs = {
        "wordpiece": {"[CLS]", "[SEP]", "[UNK]"} <= words.keys(),
        "regex": {"<PAD>", "<UNKNOWN>"} <= words.keys(),
        "text_vectorization": words.get("") == 0 and words.get("[UNK]") == 1,
    }
    certain = [kind for kind, seen in signs.items() if seen]
    if len(certain) == 1:
        return certain[0]
    raise UsageMistake(
        "is a word list, and does not say how texts become words",
        file=file,
        key=KEY,
        remedy="Say KIND:FILE, with one of text_vectorization, keras, regex, words, characters; "
        "docs/my-flatbuffer.md tells them apart",
    )
