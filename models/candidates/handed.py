"""Describe what a user handed in, and read it from a TOML, whose paths are relative to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.candidates.declaration import CandidateTable, ReferenceTable, read_candidates
from models.candidates.reference_answers import OF_ITS_OWN
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.tokenizers.kinds import parse_option
from models.toml_tables import read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from models.tokenizers.kinds import TokenizerSettings


@dataclass(frozen=True, kw_only=True)
class Handed:
    """Everything that was handed in, by options or TOML, with absolute paths.

    Attributes:
        name: the subject's.
        candidates: the files and what is declared of each.
        texts: the file of labelled texts.
        labels: names, or a file of them; None if the metadata or the texts say them.
        ordered: whether their order means something, worst first.
        tokenizer: None if the metadata holds one, or the texts hold ids.
        reference: a candidate's name, or a file; None without one.
        reference_table: what is declared of a reference that is a file of its own; None without.
        recorded: answers that were recorded elsewhere, which are judged in place of a runtime's.
        length: tokens of a row if there is no file that says it.
        where: the TOML file; None for options.
        description: one sentence.
        budgets: a shipped name or a file; None for the usual ones.
        known_failures: the user's own file of them; None without.
        baseline: the user's own folder of earlier measurements; None without.
        device: whose profile judges; None for the one that is recognized.
    """

    name: str
    candidates: tuple[CandidateTable, ...]
    texts: TextsTable
    labels: tuple[str, ...] | str | None = None
    ordered: bool = False
    tokenizer: TokenizerSettings | None = None
    reference: str | None = None
    reference_table: CandidateTable | None = None
    recorded: Path | None = None
    length: int | None = None
    where: Path | None = None
    description: str = "Files that were handed in"
    budgets: str | None = None
    known_failures: str | None = None
    baseline: str | None = None
    device: str | None = None


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
            "the file names no labelled texts",
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
