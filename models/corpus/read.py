"""Reading a user's own tweets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

    from models.corpus.tweets import Corpus
    from models.subjects import CorpusTable


def read_files(table: CorpusTable, path: Path) -> Corpus:  # noqa: ARG001 - next commit
    """Read a file of labelled tweets."""
    raise UsageMistake("files cannot be read yet", file=path, remedy="Use a generated corpus")
