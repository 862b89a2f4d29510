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
        tokenizer: the kind of tokenizer of its published checkpoints; None if it is unknown.
        tokenizer_class: the class of `transformers` that reads their vocabulary; None if it differs
            between checkpoints.
        own_network: whether this project has a network of this family, which TensorFlow trains.
        segments: whether the network has an input that tells the texts of a pair apart. "yes": it
            has one, unless its config has only one segment. "where counted": it has one only if
            its config has several segments. "no": it never has one.
        positions_follow_padding: whether positions are numbered from the padding token's id plus 1,
            so that the first rows of the position table are unused.
        tried: whether a test trains, converts and judges a network of this family.
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
    """Return the family with a name; a family that the table lacks has the default values.

    Args:
        model_type: the value of `model_type` in a config.json; None if it has none.
    """
    name = model_type or ""
    return FAMILIES.get(name, Family(name=name, tried=False))
