"""tokenizer_config.json: what a checkpoint of `transformers` says of its tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from tokenizers.normalizers import BertNormalizer

from models.documents import parse_json
from models.errors import UsageMistake
from models.files import LARGEST_TABLE, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SETTINGS = "tokenizer_config.json"
Side = Literal["left", "right"]


class NamedToken(msgspec.Struct, frozen=True):
    """A special token that is written as an object."""

    content: str


class Settings(msgspec.Struct, frozen=True):
    """tokenizer_config.json, as far as it decides ids; its defaults are those of `transformers`.

    Attributes:
        tokenizer_class: what reads the vocabulary in `transformers`.
        do_lower_case: whether BERT's pieces are of lower case.
        strip_accents: whether they have no accents; None: as `do_lower_case`.
        tokenize_chinese_chars: whether each Chinese letter is a word.
        do_basic_tokenize: whether words end at punctuation.
        add_prefix_space: whether a blank goes before a text of byte pairs.
        model_max_length: the most tokens that the network takes.
        unk_token: the token of what has no piece; so are the following.
        cls_token: before the first text.
        sep_token: after each text.
        pad_token: fills rows up.
        padding_side: where rows are filled up.
        truncation_side: the side of a long text that is cut off.
        added_tokens_decoder: special tokens by number, written as text.
    """

    tokenizer_class: str | None = None
    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True
    do_basic_tokenize: bool = True
    add_prefix_space: bool = False
    model_max_length: float | None = None
    unk_token: str | NamedToken | None = None
    cls_token: str | NamedToken | None = None
    sep_token: str | NamedToken | None = None
    pad_token: str | NamedToken | None = None
    padding_side: Side | None = None
    truncation_side: Side | None = None
    added_tokens_decoder: dict[str, NamedToken] = {}

    def token(self, name: str) -> str | None:
        """Return a special token's text by its key, such as "pad_token"; None where it has none."""
        token: str | NamedToken | None = getattr(self, name)
        return token.content if isinstance(token, NamedToken) else token

    def normalizer(self) -> BertNormalizer:
        """Return what BertTokenizer does to a text before it cuts it into words."""
        return BertNormalizer(
            clean_text=True,
            handle_chinese_chars=self.tokenize_chinese_chars,
            strip_accents=self.strip_accents,
            lowercase=self.do_lower_case,
        )


def read_settings(file: Path) -> Settings:
    """Read tokenizer_config.json.

    Raises:
        UsageMistake: it cannot be read, or a key has another type.
    """
    remedy = "Correct it, or fetch the checkpoint again, whole"
    try:
        document: Any = parse_json(read_text(file, LARGEST_TABLE))
        return msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise UsageMistake(what, file=file, key=where.strip("`") or None, remedy=remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageMistake(f"cannot be read as JSON ({error})", file=file, remedy=remedy) from None


def require_same_numbers(
    settings: Settings, words: Mapping[str, int], vocabulary: Path, config: Path
) -> None:
    """Check that each token that the settings number has that number in a vocabulary.

    Raises:
        UsageMistake: it is not there, or has another number.
    """
    for number, token in settings.added_tokens_decoder.items():
        known = words.get(token.content)
        if str(known) != number:
            raise UsageMistake(
                f"is {token.content!r}, {which_has(known, vocabulary)}",
                file=config,
                key=f"added_tokens_decoder.{number}",
                remedy=f"Give {vocabulary.name} and {config.name} of one and the same checkpoint",
            )


def which_has(number: int | None, vocabulary: Path) -> str:
    """Return what a vocabulary says of a token, as the end of a sentence."""
    if number is None:
        return f"which {vocabulary.name} does not hold"
    return f"which {vocabulary.name} gives the number {number}"


def require_basic_words(settings: Settings, file: Path) -> None:
    """Check that words end at punctuation, as they do for every tokenizer of word pieces here.

    Raises:
        UsageMistake: the settings say that they do not.
    """
    if not settings.do_basic_tokenize:
        raise UsageMistake(
            "is false, and words are always split at punctuation here",
            file=file,
            key="do_basic_tokenize",
            remedy="Give the checkpoint with its tokenizer.json, which says how to split",
        )
