"""Families of encoders: what each can do here, as `families.toml` lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from models.tables import Table, read_table

_TABLE = Path(__file__).with_name("families.toml")


class Family(Table, frozen=True, kw_only=True):
    """A family of encoders.

    Attributes:
        name: the `model_type` of its config.json.
        tokenizer: the kind that its published checkpoints have.
        own_network: whether this project has a network of it, which TensorFlow trains.
    """

    name: str
    tokenizer: Literal["WordPiece", "byte-level BPE", "Unigram"]
    own_network: bool = False


class _Families(Table, frozen=True, kw_only=True):
    families: tuple[Family, ...]


FAMILIES = {family.name: family for family in read_table(_TABLE, _Families).families}


def has_own_network(model_type: str) -> bool:
    """Tell whether this project has a network of a family."""
    return model_type in FAMILIES and FAMILIES[model_type].own_network
