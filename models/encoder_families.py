"""Read the table of encoder families, `encoder_families.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from models.files.toml_tables import Table, read_table

_TABLE = Path(__file__).with_name("encoder_families.toml")


class Family(Table, frozen=True, kw_only=True):
    """A family of encoders. The defaults apply to an unknown family.

    Attributes:
        name: the `model_type` of its config.json.
        tokenizer: the kind that its published checkpoints have; None if it is not known.
        tokenizer_class: the class of `transformers` that reads their vocabulary; None if
            nothing but the checkpoint can say it.
        own_network: whether this project has a network of it, which TensorFlow trains.
        segments: whether the network takes an input that tells the texts of a pair apart: unless
            its config counts one segment alone, only if its config counts several, or never.
        positions_follow_padding: whether positions are numbered from behind the padding token's
            number on, so that the first rows of their table stand for no token.
        tried: whether a test trains, converts and judges a network of it.
    """

    name: str
    tokenizer: Literal["WordPiece", "byte-level BPE", "Unigram"] | None = None
    tokenizer_class: str | None = None
    own_network: bool = False
    segments: Literal["yes", "where counted", "no"] = "yes"
    positions_follow_padding: bool = False
    tried: bool = True


class _Families(Table, frozen=True, kw_only=True):
    families: tuple[Family, ...]


FAMILIES = {family.name: family for family in read_table(_TABLE, _Families).families}


def family_of(model_type: str | None) -> Family:
    """Return a family; one with the defaults if the table does not list it.

    Args:
        model_type: what a config.json says; None if it does not say it.
    """
    name = model_type or ""
    return FAMILIES.get(name, Family(name=name, tried=False))
