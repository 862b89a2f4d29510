"""Read a user's TOML of candidates, whose paths are relative to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.candidates.declaration import ReferenceTable, read_candidates
from models.candidates.given import Handed
from models.candidates.reference_answers import OF_ITS_OWN
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.tokenizers.kinds import parse_option
from models.toml_tables import read_toml

if TYPE_CHECKING:
    from pathlib import Path


def is_of_candidates(path: Path) -> bool:
    """Tell whether a TOML names existing candidates, and not a subject to build.

    Raises:
        UsageMistake: it cannot be read.
    """
    return "candidates" in read_toml(path)


def read_handed(path: Path) -> Handed:
    """Read a TOML of candidates.

    Raises:
        UsageMistake: it cannot be read, breaks the grammar, or names no labelled texts.
    """
    table = read_candidates(path)
    if table.corpus is None:
        raise UsageMistake(
            "names no labelled texts",
            file=path,
            key="corpus",
            remedy='Write corpus = "FILE", or a table [corpus] with file, text and label',
        )
    texts = TextsTable(file=table.corpus) if isinstance(table.corpus, str) else table.corpus
    tokenizer, reference = table.tokenizer, table.reference
    own = reference if isinstance(reference, ReferenceTable) else None
    return Handed(
        name=table.name or path.stem,
        candidates=table.candidates,
        texts=texts,
        labels=table.labels,
        ordered=table.ordered,
        tokenizer=parse_option(tokenizer) if isinstance(tokenizer, str) else tokenizer,
        reference=own.file if own else reference,  # type: ignore[arg-type] # else no table
        reference_table=own.as_candidate(OF_ITS_OWN) if own and own.declares else None,
        where=path,
        description=table.description or "Files that were handed in",
        budgets=table.budgets,
        known_failures=table.known_failures,
        baseline=table.baseline,
        device=table.device,
    )
