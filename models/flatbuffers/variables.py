"""Detect variables of a graph whose values are missing in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.flatbuffers.structure import Operator

READS, WRITES = "READ_VARIABLE", "ASSIGN_VARIABLE"
# Problem and remedy, both for a finding and for a refusal.
LOST = "reads variables that nothing in it writes: its weights are not in the file"
REMEDY = "Convert an exported SavedModel, or freeze the variables first"


def are_lost(operators: Iterable[Operator]) -> bool:
    """Return whether a file reads variables that no graph initializes."""
    names = {operator.name for operator in operators}
    return READS in names and WRITES not in names
