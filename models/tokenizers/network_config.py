"""Read the ids, padding and length that a network expects from config.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from models.encoder_families import family_of
from models.files.json_documents import read_json_table
from models.tokenizers.classes import plain_name

if TYPE_CHECKING:
    from pathlib import Path

    from models.tokenizers.settings import Settings

CONFIG = "config.json"
_USUAL_PADDING, _USUAL_SEGMENTS = 1, 2
Count = Annotated[int, Meta(ge=0, le=1 << 31)]


class NetworkConfig(msgspec.Struct, frozen=True):
    """The keys of config.json that its tokenizer has to fit; None if a key is missing.

    Attributes:
        model_type: the network's family.
        tokenizer_class: its tokenizer's class, where tokenizer_config.json does not name it.
        vocab_size: rows of the embedding table.
        max_position_embeddings: rows of the table of positions.
        type_vocab_size: how many segments there are.
        pad_token_id: the number of the token that fills rows up.
    """

    model_type: str | None = None
    tokenizer_class: str | None = None
    vocab_size: Count | None = None
    max_position_embeddings: Count | None = None
    type_vocab_size: Count | None = None
    pad_token_id: int | None = None

    @property
    def counts_from_padding(self) -> bool:
        """Whether positions are numbered from the padding token's id onward."""
        return family_of(self.model_type).positions_follow_padding

    @property
    def longest(self) -> int | None:
        """The number of tokens that it has positions for; None if unknown.

        RoBERTa's table has 514 rows for 512 tokens: its positions follow the padding token's
        number (`create_position_ids_from_input_ids` of `transformers`).
        """
        rows = self.max_position_embeddings
        if rows is None or not self.counts_from_padding:
            return rows
        padding = _USUAL_PADDING if self.pad_token_id is None else self.pad_token_id
        return max(rows - padding - 1, 0)

    @property
    def takes_segments(self) -> bool:
        """Whether it distinguishes the texts of a pair by an input of its own."""
        segments = family_of(self.model_type).segments
        if segments == "no":
            return False
        usual = _USUAL_SEGMENTS if segments == "yes" else 0
        types = usual if self.type_vocab_size is None else self.type_vocab_size
        return types > 1


def config_beside(file: Path) -> NetworkConfig | None:
    """Read the config.json beside a file; None if there is none.

    Raises:
        UsageMistake: it cannot be read, or a key has another type.
    """
    beside = file.with_name(CONFIG)
    if not beside.exists():
        return None
    return read_json_table(beside, NetworkConfig, remedy="Download the complete checkpoint again")


def class_named(file: Path, settings: Settings | None) -> str | None:
    """Return the class that reads a checkpoint's vocabulary in `transformers`, without "Fast".

    tokenizer_config.json names it, else config.json, else the network's family does; None if
    nothing says it.

    Args:
        file: the vocabulary.
        settings: what tokenizer_config.json beside it says.

    Raises:
        UsageMistake: config.json cannot be read.
    """
    if settings is not None and settings.tokenizer_class is not None:
        return plain_name(settings.tokenizer_class)
    config = config_beside(file)
    if config is None:
        return None
    if config.tokenizer_class is not None:
        return plain_name(config.tokenizer_class)
    return family_of(config.model_type).tokenizer_class
