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
    """The keys of config.json that must fit the tokenizer; None if a key is missing.

    Attributes:
        model_type: the network's family.
        tokenizer_class: the class of the tokenizer, if tokenizer_config.json does not name it.
        vocab_size: number of rows of the embedding table.
        max_position_embeddings: number of rows of the position table.
        type_vocab_size: number of segments.
        pad_token_id: id of the padding token.
    """

    model_type: str | None = None
    tokenizer_class: str | None = None
    vocab_size: Count | None = None
    max_position_embeddings: Count | None = None
    type_vocab_size: Count | None = None
    pad_token_id: int | None = None

    @property
    def counts_from_padding(self) -> bool:
        """Return whether positions are numbered from the padding token's id plus 1."""
        return family_of(self.model_type).positions_follow_padding

    @property
    def longest(self) -> int | None:
        """Return the largest number of tokens for which the network has positions; None if unknown.

        RoBERTa's table has 514 rows for 512 tokens: its positions follow the padding token's
        id (`create_position_ids_from_input_ids` of `transformers`).
        """
        rows = self.max_position_embeddings
        if rows is None or not self.counts_from_padding:
            return rows
        padding = _USUAL_PADDING if self.pad_token_id is None else self.pad_token_id
        return max(rows - padding - 1, 0)

    @property
    def takes_segments(self) -> bool:
        """Return whether the network has a separate input that tells the texts of a pair apart."""
        segments = family_of(self.model_type).segments
        if segments == "no":
            return False
        usual = _USUAL_SEGMENTS if segments == "yes" else 0
        types = usual if self.type_vocab_size is None else self.type_vocab_size
        return types > 1


def config_beside(file: Path) -> NetworkConfig | None:
    """Read the config.json beside a file; None if there is none.

    Raises:
        UsageMistake: the file cannot be read, or a key has a wrong type.
    """
    beside = file.with_name(CONFIG)
    if not beside.exists():
        return None
    return read_json_table(beside, NetworkConfig, remedy="Download the complete checkpoint again")


def class_named(file: Path, settings: Settings | None) -> str | None:
    """Return the class that reads a checkpoint's vocabulary in `transformers`, without "Fast".

    The name in tokenizer_config.json has priority over that in config.json, and both over the class
    of the network's family. Return None if the class is unknown.

    Args:
        file: the vocabulary.
        settings: the content of tokenizer_config.json beside it; None if it is missing.

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
