"""Use a reference other than a FlatBuffer: recorded answers, or an ONNX file."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from models.candidates import declaration
from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.candidates.recorded import Recording
    from models.store import Stage, Store

OPTION = "--edge-reference"
INPUTS_OPTION = "--edge-reference-inputs"
OUTPUT_OPTION = "--edge-reference-output"
# Name of a reference that has a file of its own and is not one of the candidates.
OF_ITS_OWN = "reference"
# Hints at the end of a remedy about options that exist only for candidates.
_OF_CANDIDATES = re.compile(r", or --edge-(?:signature|length)=\S+")


class ReferenceAnswers(Protocol):
    """The interface of a reference that needs no runner to answer."""

    @property
    def name(self) -> str:
        """Return the name of the reference in results."""

    @property
    def has_scores(self) -> bool:
        """Tell whether the answers contain probabilities, and not only labels."""

    @property
    def stage(self) -> Stage | None:
        """Return the stage of the answers; None if they need not be computed."""

    @property
    def binding(self) -> str | None:
        """Return inputs and output of the reference's file on one line; None if it has no file."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return remarks for the user about the reference, one sentence each."""

    def make(self, store: Store) -> None:
        """Compute and store the reference's answers, if a store lacks them.

        Raises:
            EdgeproofError: the answers cannot be computed.
        """

    def recording(self, store: Store) -> Recording:
        """Return the reference's stored answers to the texts."""


@dataclass(frozen=True)
class RecordedReference:
    """Answers that were recorded elsewhere, as the reference.

    Attributes:
        answers: the recorded answers.
    """

    answers: Recording
    name: str = "recorded"
    stage: None = None
    binding: None = None
    remarks: tuple[str, ...] = ()

    @property
    def has_scores(self) -> bool:
        """Tell whether the answers contain probabilities, and not only labels."""
        return self.answers.probabilities is not None

    def make(self, store: Store) -> None:
        """Do nothing, because the answers exist already."""

    def recording(self, store: Store) -> Recording:  # noqa: ARG002 - the answers are already in memory
        """Return the recorded answers to the texts."""
        return self.answers


@contextmanager
def of_the_reference() -> Iterator[None]:
    """Change usage mistakes from inside the block, so that they name the reference's options."""
    try:
        yield
    except UsageMistake as mistake:
        remedy = _OF_CANDIDATES.sub("", mistake.remedy)
        for of_candidates, of_reference in (
            (declaration.INPUTS_OPTION, INPUTS_OPTION),
            (declaration.OUTPUT_OPTION, OUTPUT_OPTION),
            ("[[candidates]]", "[reference]"),
        ):
            remedy = remedy.replace(of_candidates, of_reference)
        parts = mistake.describe() | {"remedy": remedy}
        raise UsageMistake(**parts) from None  # type: ignore[arg-type] # an error's own fields
