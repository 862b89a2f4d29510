"""Define the kinds of tokenizers, and read the files of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from models.errors import UsageMistake
from models.files.paths import absolute
from models.files.toml_tables import Table
from models.tokenizers.checkpoint_files import MERGES
from models.tokenizers.checkpoint_vocabulary import KEY, find_vocabulary, read_found
from models.tokenizers.pieces import (
    from_byte_pairs,
    from_json,
    from_word_pieces,
    is_tokenizer_json,
)
from models.tokenizers.remedies import write_token
from models.tokenizers.sentence_pieces import from_sentence_pieces
from models.tokenizers.vocabularies import (
    is_keras_json,
    read_keras_json,
    read_text,
    read_vocabulary,
)
from models.tokenizers.words import CHARACTERS, WordSettings, word_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from models.tokenizers.encoder import Encoder

# Delimiters of Model Maker's average word vectors, as its metadata contains them.
MODEL_MAKER_DELIMITERS = r"[^\w\']+"
# Characters that TextVectorization removes: string.punctuation.
PUNCTUATION = r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']"""
ASCII_BLANKS = r"[ \t\n\x0b\f\r]+"
# Common names of special tokens in word lists without settings.
USUAL_TOKENS = {
    "unknown": ("[UNK]", "<unk>", "<UNK>", "<UNKNOWN>", "<OOV>", "[OOV]"),
    "pad": ("[PAD]", "<pad>", "<PAD>", ""),
}


class TokenizerSettings(Table, frozen=True, kw_only=True):
    """`[tokenizer]`: a file, its kind, and settings that the file does not hold.

    Attributes:
        file: path relative to the TOML file, or a checkpoint's folder.
        kind: a key of `KINDS`; None to recognize the kind from the content.
        case: how letters are lowered.
        split: regular expression for the text between words, or "characters".
        removed: regular expression for the text that is removed first.
        start: the token before the first word.
        end: the token after the last word.
        unknown: the token of words that are not in the list.
        pad: the padding token.
        side: the side on which rows are padded.
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

    def written(self) -> dict[str, Any]:
        """Return the settings that the user wrote, by key."""
        names = (name for name in self.__struct_fields__ if name not in {"file", "kind"})
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class Kind(NamedTuple):
    """The reader of a kind of tokenizer, and its allowed settings.

    Attributes:
        read: reads a file of this kind with the given settings.
        settings: names of the settings that affect this kind; any other setting is an error.
    """

    read: Callable[[Path, Mapping[str, Any]], Encoder]
    settings: frozenset[str]


def _regex(file: Path, settings: Mapping[str, Any]) -> Encoder:
    """Read the words of Model Maker's average word vectors as the Task Library does; keep case."""
    words = read_vocabulary(file)
    usual: dict[str, Any] = {
        "split": MODEL_MAKER_DELIMITERS,
        "start": "<START>" if "<START>" in words else None,
        "unknown": "<UNKNOWN>",
        "pad": "<PAD>",
    }
    chosen = {**usual, **settings}
    # (?P:...) limits \w, \d and \s to ASCII, as in RE2, which the Task Library uses.
    chosen["split"] = f"(?P:{chosen['split']})"
    return word_encoder("regex", file, words, WordSettings(**chosen))


def _text_vectorization(file: Path, settings: Mapping[str, Any]) -> Encoder:
    """Read the words of Keras' TextVectorization, which by default lowers only A to Z."""
    usual: dict[str, Any] = {
        "case": "ascii",
        "removed": PUNCTUATION,
        "split": ASCII_BLANKS,
        "unknown": "[UNK]",
        "pad": "",
    }
    words = read_vocabulary(file)
    if not settings.keys() & {"unknown", "pad"}:
        _require_first(words, ("", "[UNK]"), file)
    return word_encoder("text_vectorization", file, words, WordSettings(**{**usual, **settings}))


def _require_first(words: Mapping[str, int], tokens: tuple[str, ...], file: Path) -> None:
    """Check that these tokens have the ids 0, 1 and so on, as in Keras' TextVectorization."""
    for number, token in enumerate(tokens):
        if words.get(token, number) != number:
            raise UsageMistake(
                f"gives {token!r} the number {words[token]}, but TextVectorization "
                f"gives it {number}",
                file=file,
                key="tokenizer.kind",
                remedy="Write the words that get_vocabulary() returns into the file, one "
                "per line, or give another kind of list as words:FILE",
            )


def _keras(file: Path, settings: Mapping[str, Any]) -> Encoder:
    """Read the JSON of Keras' Tokenizer; pad_sequences pads and cuts on the left by default."""
    words, config = read_keras_json(file)
    usual: dict[str, Any] = {
        "case": "unicode" if config.lower else "kept",
        "split": CHARACTERS if config.char_level else _literal(config.split),
        "unknown": config.oov_token,
        "side": "left",
        "truncation": "left",
        # For Keras, 0 means no limit.
        "limit": config.num_words or None,
    }
    if config.filters and not config.char_level:
        usual |= {"blanked": f"[{_literal(config.filters)}]", "blank": config.split}
    return word_encoder("keras", file, words, WordSettings(**{**usual, **settings}))


def _literal(characters: str) -> str:
    """Return a regular expression that matches these characters literally."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)


def _words(file: Path, settings: Mapping[str, Any]) -> Encoder:
    words = read_vocabulary(file)
    usual = _usual_tokens(words, settings, file)
    return word_encoder("words", file, words, WordSettings(**{**usual, **settings}))


def _characters(file: Path, declared: Mapping[str, Any]) -> Encoder:
    words = read_vocabulary(file)
    settings = {**_usual_tokens(words, declared, file), **declared, "split": CHARACTERS}
    return word_encoder("characters", file, words, WordSettings(**settings))


def _usual_tokens(
    words: Mapping[str, int], settings: Mapping[str, Any], file: Path
) -> dict[str, str]:
    """Return the special tokens that a word list contains under usual names, by key of setting."""
    tokens: dict[str, str] = {}
    for key, names in USUAL_TOKENS.items():
        present = [name for name in names if name in words]
        if len(present) > 1 and key not in settings:
            raise UsageMistake(
                f"the word list contains several tokens that could be the {key} token, "
                f"{' and '.join(map(repr, present))}",
                file=file,
                key=f"tokenizer.{key}",
                remedy=write_token(key, "the token that training used"),
            )
        tokens |= {key: present[0]} if present else {}
    return tokens


_ROWS = frozenset({"pad", "side", "truncation"})
_TOKENS = _ROWS | {"start", "end", "unknown"}
_TEXTS = frozenset({"case", "removed", "split"})

KINDS: dict[str, Kind] = {
    "huggingface": Kind(from_json, _ROWS),
    "wordpiece": Kind(from_word_pieces, _TOKENS | {"case"}),
    "byte_pairs": Kind(from_byte_pairs, _TOKENS),
    "sentencepiece": Kind(from_sentence_pieces, _TOKENS - {"unknown"}),
    "regex": Kind(_regex, _TOKENS | _TEXTS),
    "text_vectorization": Kind(_text_vectorization, _TOKENS | _TEXTS),
    "keras": Kind(_keras, _TOKENS | _TEXTS),
    "words": Kind(_words, _TOKENS | _TEXTS),
    "characters": Kind(_characters, _TOKENS | _TEXTS - {"split"}),
}


def parse_option(text: str) -> TokenizerSettings:
    """Parse the option's value: `PATH` or `KIND:PATH`."""
    kind, _, path = text.partition(":")
    if kind in KINDS and path:
        return TokenizerSettings(file=path, kind=kind)
    return TokenizerSettings(file=text)


def load(settings: TokenizerSettings, folder: Path | None = None) -> Encoder:
    """Load a tokenizer.

    Args:
        settings: its file, kind and further settings.
        folder: folder from which a relative path starts; None for the current folder.

    Raises:
        UsageMistake: the file is missing or damaged, its kind is ambiguous, or its kind does not
            have one of the settings.
    """
    kind = settings.kind
    if kind is not None and kind not in KINDS:
        raise UsageMistake(
            f"{kind!r} is not a kind of tokenizer",
            key="tokenizer.kind",
            remedy=f"Give one of {', '.join(KINDS)}",
        )
    path = absolute(settings.file, folder=folder, key=KEY)
    if not path.exists():
        raise UsageMistake(
            "no such file",
            file=path,
            key=KEY,
            remedy="Check the path"
            + (f"; a kind is one of {', '.join(KINDS)}" * (":" in path.name)),
        )
    declared = settings.written()
    if path.is_dir():
        path, kind = find_vocabulary(path, kind)
        _require_allowed(declared, kind)
        return read_found(path, kind, declared)
    kind = kind or recognize_kind(path)
    _require_allowed(declared, kind)
    return KINDS[kind].read(path, declared)


def _require_allowed(settings: Mapping[str, Any], kind: str) -> None:
    """Check that each setting has an effect on a tokenizer of this kind."""
    for key in settings:
        if key not in KINDS[kind].settings:
            raise UsageMistake(
                f"is not a setting of a {kind} tokenizer",
                key=f"tokenizer.{key}",
                remedy="Remove this key; the settings of this kind are "
                f"{', '.join(sorted(KINDS[kind].settings))}",
            )


def recognize_kind(file: Path) -> str:
    """Return the kind of a tokenizer's file if its content is unambiguous.

    Raises:
        UsageMistake: the file could be of several kinds; the message names them.
    """
    if file.suffix in {".model", ".spm"}:
        return "sentencepiece"
    if file.name == "vocab.json" and file.with_name(MERGES).is_file():
        return "byte_pairs"
    text = read_text(file)
    if is_tokenizer_json(text):
        return "huggingface"
    return "keras" if is_keras_json(text) else _kind_of_list(file)


def _kind_of_list(file: Path) -> str:
    words = read_vocabulary(file)
    signs = {
        "wordpiece": {"[CLS]", "[SEP]", "[UNK]"} <= words.keys(),
        "regex": {"<PAD>", "<UNKNOWN>"} <= words.keys(),
        "text_vectorization": (words.get(""), words.get("[UNK]")) == (0, 1),
    }
    certain = [kind for kind, is_present in signs.items() if is_present]
    if len(certain) == 1:
        return certain[0]
    raise UsageMistake(
        "is a word list, which does not define how texts are split into words",
        file=file,
        key=KEY,
        remedy="Write KIND:FILE, where KIND is one of wordpiece, text_vectorization, "
        "regex, words, characters; docs/my-flatbuffer-tokenizers.md describes each",
    )
