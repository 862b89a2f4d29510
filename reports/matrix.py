"""The matrix of candidates and backends: which of them execute which files rightly."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from models.foreign_text import one_line
from models.tables import Table
from reports.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class State(StrEnum):
    """What is known of a candidate on a backend, the worst first."""

    WRONG = "wrong"
    KNOWN = "known to be wrong"
    REFUSED = "refused"
    RIGHT = "right"


_WORST_FIRST = list(State)


class Seen(msgspec.Struct, frozen=True):
    """What one gate found.

    Attributes:
        gate: the test's name.
        state: what it found.
        why: what it says where that is not right.
    """

    gate: str
    state: State
    why: str = ""


class Cell(Table, frozen=True, kw_only=True):
    """A candidate on a backend.

    Attributes:
        candidate: its name.
        backend: what executed it.
        version: of the backend's package.
        required: whether the device has to support the backend.
        texts: how many were answered.
        taken: operators that its accelerator took over, and all of them; None if not told.
        left: names of those that it left.
        by: what computes the others, as the accelerator calls it.
        state: the worst that a gate found.
        gate: the first test that found it.
        why: what that says.
        departs: where it departs from the judged backend, and the smallest file that shows it.
    """

    candidate: str
    backend: str
    version: str
    required: bool
    texts: int
    taken: tuple[int, int] | None = None
    left: tuple[str, ...] = ()
    by: str = ""
    state: State = State.RIGHT
    gate: str = ""
    why: str = ""
    departs: str = ""

    def after(self, seen: Seen) -> Cell:
        """Return the cell after one more gate has looked at it."""
        state = State(seen.state)
        if _WORST_FIRST.index(state) >= _WORST_FIRST.index(State(self.state)):
            return self
        return msgspec.structs.replace(self, state=state, gate=seen.gate, why=seen.why)

    @property
    def short(self) -> str:
        """What a table shows of it."""
        if self.state == State.RIGHT:
            share = "" if self.taken is None else f" {self.taken[0]}/{self.taken[1]}"
            return f"right{share}"
        if self.state == State.REFUSED:
            return "refused"
        killed = self.why.removeprefix("was killed by ")
        said = killed if killed != self.why else SHORT.get(self.gate, self.gate)
        return f"{said} (known)" if self.state == State.KNOWN else said


LEGEND = (
    "right 141/154: operators that the accelerator took over, of all; known: written down in "
    "fixtures/known_pairs.toml, with its reason"
)
# What a gate's failure is called in a table.
SHORT = {
    "test_backend_loads_the_file": "does not load",
    "test_backend_answers_every_text": "does not answer",
    "test_backend_gives_finite_answers": "NaN",
    "test_backend_gives_different_answers_to_different_texts": "constant",
    "test_backend_gives_the_labels_of_the_judged_one": "other labels",
    "test_backend_gives_the_logits_of_the_judged_one": "other logits",
    "test_backend_repeats_its_answers": "not repeated",
    "test_fresh_process_of_the_backend_repeats_them": "not repeated",
    "test_number_of_threads_changes_no_label_on_the_backend": "threads",
    "test_accelerator_takes_the_operators": "few operators",
}


def cells_of(document: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of a run's document."""
    return msgspec.convert(document["run"].get("backends", []), list[Cell])


def as_text(document: Mapping[str, Any]) -> str:
    """Return the matrix for a terminal, columns aligned; nothing where one backend was asked."""
    texts = []
    for part in parts_of(document):
        table = as_table(cells_of(part), str(part["circumstances"].get("runtime") or "judged"))
        if len(table) > 1:
            widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
            lines = (
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                for row in table
            )
            shown = "\n".join(one_line(line.rstrip()) for line in lines)
            texts.append(f"\n{shown}\n\n{LEGEND}\n")
            texts += [
                one_line(f"{one.candidate} on {one.backend}: {one.departs}") + "\n"
                for one in cells_of(part)
                if one.departs
            ]
    return "".join(texts)


def fit_on(document: Mapping[str, Any]) -> str:
    """Say on which backends the candidates of a run are right, and on which some are not."""
    cells = cells_of(document)
    judged = document["circumstances"].get("runtime")
    said = []
    for backend in dict.fromkeys(one.backend for one in cells):
        own = [one for one in cells if one.backend == backend]
        wrong = [one.candidate for one in own if one.state in {State.WRONG, State.KNOWN}]
        refused = sum(one.state == State.REFUSED for one in own)
        parts = [f"not for {', '.join(wrong)}"] if wrong else []
        parts += [f"which refuses {refused}"] if refused else []
        said.append(", ".join([backend, *parts]))
    also = f" (right also on {'; '.join(said)})" if said else ""
    return f"on {judged}{also}"


def as_table(cells: Iterable[Cell], judged: str) -> list[list[str]]:
    """Return the matrix: a row for each candidate, a column for each backend.

    Args:
        cells: of one run.
        judged: the backend that the run itself judged, whose column says so.
    """
    cells = list(cells)
    backends = list(dict.fromkeys(one.backend for one in cells))
    found = {(one.candidate, one.backend): one.short for one in cells}
    candidates = list(dict.fromkeys(one.candidate for one in cells))
    rows = [
        [name, "judged", *(found.get((name, backend), "-") for backend in backends)]
        for name in candidates
    ]
    return [["candidate", judged, *backends], *rows]
