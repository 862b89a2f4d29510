"""Read tokenizer_config.json, the settings of a tokenizer of `transformers`.

special_tokens_map.json, a further file of older versions, names special tokens too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from tokenizers.normalizers import BertNormalizer

from models.errors import UsageMistake
from models.files.json_documents import parse_json, read_json_table
from models.files.regular_files import LARGEST_TABLE, read_text
from models.tokenizers.checkpoint_files import ADDED, SETTINGS, TOKENS
from models.tokenizers.classes import plain_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

BERTS_TOKENS = frozenset({"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"})
Side = Literal["left", "right"]
# Maximum lengths of this size or more mean that there is no limit.
_ENDLESS = 1e9
_REMEDY = "Correct the file, or download the complete checkpoint again"


class NamedToken(msgspec.Struct, frozen=True):
    """A special token that the JSON file writes as an object."""

    content: str


class Settings(msgspec.Struct, frozen=True):
    """The keys of tokenizer_config.json that decide ids; missing keys get the defaults below.

    Attributes:
        tokenizer_class: the class of `transformers` that reads the vocabulary.
        backend: the implementation in `transformers`; versions before 5 do not write it.
        model_input_names: the arrays that the tokenizer gives to the network.
        do_lower_case: whether letters are lowered.
        strip_accents: whether BERT removes accents; None for the value of `do_lower_case`.
        tokenize_chinese_chars: whether BERT makes each Chinese character a word.
        do_basic_tokenize: whether words end at punctuation.
        keep_accents: whether ALBERT keeps accents.
        split_by_punct: whether DeBERTa splits pieces at punctuation.
        add_prefix_space: whether a space is put before a text.
        model_max_length: the largest number of tokens that the network takes.
        max_len: the name of `model_max_length` in old versions.
        unk_token: the token for unknown text.
        bos_token: the token before a text in classes that do not use `cls_token` for it.
        eos_token: the token after a text in classes that do not use `sep_token` for it.
        cls_token: the token before the first text.
        sep_token: the token after each text.
        pad_token: the padding token.
        mask_token: the token for a hidden word.
        padding_side: the side on which rows are padded.
        truncation_side: the side of a long text that is cut off.
        added_tokens_decoder: special tokens by id, with the id as text.
        never_split: words that are not split.
        wordpieces_prefix: the prefix of pieces that continue a word.
        auto_map: names of classes in the checkpoint's own code.
    """

    tokenizer_class: str | None = None
    backend: str | None = None
    model_input_names: list[str] | None = None
    do_lower_case: bool | None = None
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool | None = None
    do_basic_tokenize: bool = True
    keep_accents: bool = False
    split_by_punct: bool = False
    add_prefix_space: bool | None = None
    model_max_length: float | None = None
    max_len: float | None = None
    unk_token: str | NamedToken | None = None
    bos_token: str | NamedToken | None = None
    eos_token: str | NamedToken | None = None
    cls_token: str | NamedToken | None = None
    sep_token: str | NamedToken | None = None
    pad_token: str | NamedToken | None = None
    mask_token: str | NamedToken | None = None
    padding_side: Side | None = None
    truncation_side: Side | None = None
    added_tokens_decoder: dict[str, NamedToken] = {}
    never_split: list[str] | None = None
    wordpieces_prefix: str = "##"
    auto_map: Any = None

    def token(self, name: str) -> str | None:
        """Return the text of a special token by its key, such as "pad_token"; None if missing."""
        token: str | NamedToken | None = getattr(self, name)
        return token.content if isinstance(token, NamedToken) else token

    @property
    def longest(self) -> float | None:
        """Return the largest number of tokens that the network takes; None if it is not stated.

        `transformers` writes an integer of 31 digits if there is no limit.
        """
        longest = self.max_len if self.model_max_length is None else self.model_max_length
        return longest if longest is not None and longest < _ENDLESS else None

    def normalizer(self) -> BertNormalizer:
        """Return BertTokenizer's normalization of a text, which precedes splitting into words."""
        return BertNormalizer(
            clean_text=True,
            handle_chinese_chars=self.tokenize_chinese_chars is not False,
            strip_accents=self.strip_accents,
            lowercase=self.do_lower_case is not False,
        )


class _NamedTokens(msgspec.Struct, frozen=True):
    """The special tokens in special_tokens_map.json."""

    unk_token: str | NamedToken | None = None
    bos_token: str | NamedToken | None = None
    eos_token: str | NamedToken | None = None
    cls_token: str | NamedToken | None = None
    sep_token: str | NamedToken | None = None
    pad_token: str | NamedToken | None = None
    mask_token: str | NamedToken | None = None


def settings_beside(file: Path) -> Settings | None:
    """Return the settings beside a tokenizer's file; None if there are none.

    Raises:
        UsageMistake: the settings cannot be read, or a key has a wrong type.
    """
    beside, tokens_file = file.with_name(SETTINGS), file.with_name(TOKENS)
    settings = read_settings(beside) if beside.exists() else None
    # If the settings number their tokens, `transformers` ignores the older file.
    if not tokens_file.exists() or (settings is not None and settings.added_tokens_decoder):
        return settings
    tokens = msgspec.structs.asdict(read_json_table(tokens_file, _NamedTokens, remedy=_REMEDY))
    known_tokens = {key: token for key, token in tokens.items() if token is not None}
    return None if settings is None else msgspec.structs.replace(settings, **known_tokens)


def read_settings(file: Path) -> Settings:
    """Read tokenizer_config.json.

    Raises:
        UsageMistake: the file cannot be read, or a key has a wrong type.
    """
    return read_json_table(file, Settings, remedy=_REMEDY)


def require_same_numbers(
    settings: Settings, words: Mapping[str, int], vocabulary: Path, config: Path
) -> None:
    """Check that the settings and the vocabulary give each token the same id.

    Raises:
        UsageMistake: a token is not in the vocabulary, or has another id there.
    """
    for number, token in settings.added_tokens_decoder.items():
        number_of_token = words.get(token.content)
        if str(number_of_token) != number:
            raise UsageMistake(
                f"is {token.content!r}, {number_in_words(number_of_token, vocabulary)}",
                file=config,
                key=f"added_tokens_decoder.{number}",
                remedy=f"Give {vocabulary.name} and {config.name} from the same checkpoint",
            )


def number_in_words(number: int | None, vocabulary: Path) -> str:
    """Return a clause that ends a message: which id a vocabulary gives to a token, if any."""
    if number is None:
        return f"which {vocabulary.name} does not hold"
    return f"which {vocabulary.name} gives the number {number}"


def require_basic_words(settings: Settings, file: Path) -> None:
    """Check that edgeproof supports the way in which texts are split into words.

    Args:
        settings: the content of tokenizer_config.json.
        file: that file, for messages.

    Raises:
        UsageMistake: the settings require another way.
    """
    for key, problem in _unsupported(settings):
        raise UsageMistake(
            problem,
            file=file,
            key=key,
            remedy="Give the checkpoint with its tokenizer.json, which says how to split",
        )


def _unsupported(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each key that requires an unsupported way of splitting, with the problem."""
    if not settings.do_basic_tokenize:
        yield "do_basic_tokenize", "is false, but edgeproof always splits words at punctuation"
    words = sorted(set(settings.never_split or ()) - BERTS_TOKENS)
    if words:
        yield (
            "never_split",
            f"names {', '.join(map(repr, words))}, but edgeproof keeps no word unsplit",
        )
    prefix = settings.wordpieces_prefix
    if prefix != "##":
        yield (
            "wordpieces_prefix",
            (f"is {prefix!r}, but edgeproof supports only '##' before pieces that continue a word"),
        )
    if isinstance(settings.auto_map, dict) and settings.auto_map.get("AutoTokenizer"):
        yield "auto_map", "names code from the checkpoint, which edgeproof will not run"


def require_class(settings: Settings, names: Collection[str], vocabulary: Path) -> None:
    """Check that the tokenizer class in the settings makes the same ids as edgeproof.

    Args:
        settings: the settings beside the vocabulary.
        names: names of the classes that make the same ids, without "Fast".
        vocabulary: the file that is read.

    Raises:
        UsageMistake: the class makes other ids.
    """
    name = plain_name(settings.tokenizer_class)
    if name is not None and name not in names:
        raise UsageMistake(
            f"is {settings.tokenizer_class!r}, which makes different ids from {vocabulary.name}",
            file=vocabulary.with_name(SETTINGS),
            key="tokenizer_class",
            remedy="Give its tokenizer.json, or ids in a column of the corpus",
        )


def require_none_added(words: Mapping[str, int], vocabulary: Path) -> None:
    """Check that added_tokens.json beside a vocabulary adds no token to it.

    Raises:
        UsageMistake: the file adds a token, which edgeproof would split into pieces; or it cannot
            be read.
    """
    file = vocabulary.with_name(ADDED)
    if not file.exists():
        return
    remedy = "Give the checkpoint's tokenizer.json, which holds all of its tokens"
    try:
        added = msgspec.convert(parse_json(read_text(file, LARGEST_TABLE)), dict[str, int])
    except (OSError, ValueError, RecursionError) as error:
        raise UsageMistake(f"cannot be read ({error})", file=file, remedy=remedy) from None
    for token, number in added.items():
        if words.get(token) != number:
            raise UsageMistake(
                f"adds {token!r} as number {number}, "
                f"{number_in_words(words.get(token), vocabulary)}",
                file=file,
                remedy=remedy,
            )
