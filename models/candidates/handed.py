"""Define what a user gives: files and declarations; read them from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.candidates.declaration import CandidateTable, ReferenceTable, read_candidates
from models.candidates.reference_answers import OF_ITS_OWN
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.files.toml_tables import read_toml
from models.tokenizers.kinds import parse_option

if TYPE_CHECKING:
    from pathlib import Path

    from models.tokenizers.kinds import TokenizerSettings


@dataclass(frozen=True, kw_only=True)
class Handed:
    """The files and declarations of a user, from options or a TOML file, with absolute paths.

    Attributes:
        name: name of the subject.
        candidates: the files, with the declarations about each.
        texts: the file of labelled texts.
        labels: the labels, or a file of labels; None if the metadata or the texts define them.
        ordered: whether the labels are ordered, from the worst to the best.
        tokenizer: the tokenizer; None if the metadata contains one, or the texts contain ids.
        reference: a candidate's name, or a file; None without a reference.
        reference_table: declarations about a separate reference file; None if there are none.
        recorded: file of recorded answers to judge; None if a runtime answers.
        length: row length in tokens, if no file defines it.
        where: the TOML file; None if options were used.
        description: description in one sentence.
        budgets: name of shipped budgets, or a file of budgets; None for the default.
        known_failures: the user's file of known failures; None without one.
        baseline: the user's folder of earlier measurements; None without one.
        device: name or file of the required device profile; None for that of the recognized device.
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
    """Tell whether a TOML file lists existing files, and is not a subject to build.

    Raises:
        UsageMistake: the file cannot be read.
    """
    return "candidates" in read_toml(path)


def read_handed(path: Path) -> Handed:
    """Read a TOML file of candidates.

    Raises:
        UsageMistake: the file cannot be read, does not follow the grammar, or names no labelled
            texts.
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
        reference=own.file if own else reference,  # type: ignore[arg-type] # not a table, if `own` is None
        reference_table=own.as_candidate(OF_ITS_OWN) if own and own.declares else None,
        where=path,
        description=table.description or "Files that were handed in",
        budgets=table.budgets,
        known_failures=table.known_failures,
        baseline=table.baseline,
        device=table.device,
    )
