"""Provide a corpus and `[corpus]` tables for the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from models.corpus.generate import generate
from models.subjects import CorpusTable, load_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.corpus.texts import Corpus


@pytest.fixture(scope="session")
def generated() -> Corpus:
    """Return all texts of the embedded subject's corpus."""
    return generate(load_subject("embedded").corpus)


@pytest.fixture(scope="session")
def files_table() -> Callable[..., CorpusTable]:
    """Return a function that makes a `[corpus]` table for files, with its arguments as keys."""

    def make(**changes: Any) -> CorpusTable:
        table = {
            "source": "files",
            "labels": ["BAD", "GOOD"],
            "columns": {"text": "text", "polarity": "polarity"},
            "counts": {"validation": 4, "calibration": 4, "test": 6},
            "seed": 3,
        }
        return msgspec.convert(table | changes, CorpusTable)

    return make
