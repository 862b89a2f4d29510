"""Build the matrix of candidates and backends: which backend runs which file correctly."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from models import escaping
from models.escaping import one_line
from models.files.toml_tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.documents.document import Document


class State(StrEnum):
    """The states that a candidate can have on a backend, from the worst to the best."""

    WRONG = "wrong"
    KNOWN = "known to be wrong"
    REFUSED = "refused"
    RIGHT = "right"


_WORST_FIRST = list(State)


class Seen(msgspec.Struct, frozen=True):
    """What one gate found out about a candidate on a backend.

    Attributes:
        gate: name of the gate's test.
        state: the state that the gate found.
        why: message of the gate; "" if the state is right.
        signal: name of the signal that ended the backend's process; "" if none did.
    """

    gate: str
    state: State
    why: str = ""
    signal: str = ""


class Departure(Table, frozen=True, kw_only=True):
    """The operator at which a backend deviates from the judged one.

    Attributes:
        unknown_because: why the operator is unknown; "" if it is known.
        operator: name of the first operator whose output deviates.
        how: what the backend does there: crash, refuse, deviate, or give NaN or infinity.
        said: the deviation as a sentence with numbers.
        operators: names of the operators in the smallest file that shows the deviation, in order.
        bytes: size of that file.
        folder: folder with that file, its inputs, both backends' answers and a script.
    """

    unknown_because: str = ""
    operator: str = ""
    how: str = ""
    said: str = ""
    operators: tuple[str, ...] = ()
    bytes: int = 0
    folder: str = ""

    @property
    def text(self) -> str:
        """Return the operator that deviates and the smallest file that shows it, in one line."""
        if self.unknown_because:
            return f"not localized: {self.unknown_because}"
        return (
            f"{self.operator} {self.how} ({self.said}); the smallest file that shows it has "
            f"{self.bytes:,} bytes: {self.folder}"
        )


class Cell(Table, frozen=True, kw_only=True):
    """A cell of the matrix: the results of a candidate on a backend.

    Attributes:
        candidate: name of the candidate.
        backend: name of the backend.
        version: version of the backend's package.
        required: whether the device must support the backend.
        texts: number of texts that were classified.
        taken: number of operators that the accelerator runs, and number of all operators; None if
            the backend does not report them.
        left: names of the operators that the accelerator does not run.
        by: name of the accelerator, as the backend reports it.
        state: the worst state that a gate found.
        gate: the first test that found this state.
        why: message of that test.
        signal: name of the signal that ended the backend's process in that test; "" if none did.
        departure: where the backend deviates from the judged one; None if not localized.
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
    signal: str = ""
    departure: Departure | None = None

    def after(self, seen: Seen) -> Cell:
        """Return the cell with the worse of its own state and that of another gate's result."""
        state = State(seen.state)
        if _WORST_FIRST.index(state) >= _WORST_FIRST.index(State(self.state)):
            return self
        changes = {"gate": seen.gate, "why": seen.why, "signal": seen.signal}
        return msgspec.structs.replace(self, state=state, **changes)

    @property
    def is_right(self) -> bool:
        """Tell whether every gate found the candidate right on this backend."""
        return self.state == State.RIGHT

    @property
    def short(self) -> str:
        """Return the text of the cell in a table."""
        if self.is_right:
            share = "" if self.taken is None else f" {self.taken[0]}/{self.taken[1]}"
            return f"right{share}"
        if self.state == State.REFUSED:
            return REFUSED
        label = self.signal or SHORT.get(self.gate, self.gate)
        return f"{label} (known)" if self.state == State.KNOWN else label


LEGEND = (
    "right 141/154: the accelerator runs 141 of 154 operators; known: listed in "
    "fixtures/known_pairs.toml, with a reason"
)
# Texts of cells that are neither right nor wrong.
JUDGED, NOT_ASKED, REFUSED = "judged", "-", "refused"
# Short names of failures for the table, by gate.
SHORT = {
    "test_backend_loads_the_file": "does not load",
    "test_backend_answers_every_text": "does not answer",
    "test_backend_gives_finite_answers": "NaN",
    "test_backend_gives_different_answers_to_different_texts": "constant",
    "test_backend_gives_the_labels_of_the_judged_one": "other labels",
    "test_backend_gives_the_logits_of_the_judged_one": "other logits",
    "test_backend_repeats_its_answers": "not repeated",
    "test_fresh_process_of_the_backend_repeats_its_answers": "not repeated",
    "test_number_of_threads_changes_no_label_on_the_backend": "threads",
    "test_accelerator_takes_the_operators": "few operators",
}


def as_text(document: Document) -> str:
    """Return the matrix for a terminal, columns aligned; empty if only one backend was judged."""
    texts = []
    for part in document.parts():
        table = as_table(part.run.backends, judged_in(part))
        if len(table) > 1:
            widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
            lines = (
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                for row in table
            )
            shown = "\n".join(one_line(line.rstrip()) for line in lines)
            texts.append(f"\n{shown}\n\n{LEGEND}\n")
            texts += [one_line(sentence) + "\n" for sentence in departures_in(part.run.backends)]
    return "".join(texts)


def as_markdown(document: Document) -> str:
    """Return the matrix as Markdown; empty if only one backend was judged."""
    texts = []
    for part in document.parts():
        cells = part.run.backends
        if cells:
            table = as_table(cells, judged_in(part))
            departures = "".join(
                f"* {escaping.as_markdown(departure)}\n" for departure in departures_in(cells)
            )
            texts.append(f"\n{markdown_table(table)}\n\n{LEGEND}.\n\n{departures}")
    return "".join(texts)


def markdown_table(table: Iterable[Iterable[str]]) -> str:
    """Return a table, its header first, as Markdown."""
    head, *rows = [[escaping.as_markdown(cell) for cell in row] for row in table]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def judged_in(document: Document) -> str:
    """Return the judged backend of a run."""
    return document.circumstances.backend or "judged"


def departures_in(cells: Iterable[Cell]) -> list[str]:
    """Return a line for each candidate that deviates on a backend, with the first such operator.

    If the operator is not known, the line says why.
    """
    return [
        f"{cell.candidate} on {cell.backend}: {cell.departure.text}"
        for cell in cells
        if cell.departure is not None
    ]


def fit_on(document: Document) -> str:
    """Return the backends on which candidates are correct, and exceptions, for the headline.

    For a document of several runs, list each run with its device.
    """
    parts = document.parts()
    places = []
    for part in parts:
        of = f" of {part.device.name}" if len(parts) > 1 else ""
        places.append(f"on {judged_in(part)}{of}{_also_on(part.run.backends)}")
    return ", ".join(places)


def _also_on(cells: Iterable[Cell]) -> str:
    """Return which candidates were right on other backends, in parentheses; "" without others."""
    by_backend: dict[str, list[Cell]] = {}
    for cell in cells:
        by_backend.setdefault(cell.backend, []).append(cell)
    right_backends = [
        name for name, own in by_backend.items() if all(cell.is_right for cell in own)
    ]
    parts = [f"also on {', '.join(right_backends)}"] if right_backends else []
    for name, own in by_backend.items():
        if name not in right_backends and any(cell.is_right for cell in own):
            but = ", ".join(f"{cell.candidate} ({cell.short})" for cell in own if not cell.is_right)
            parts.append(f"on {name} all but {but}")
        elif name not in right_backends:
            parts.append(f"on {name} none")
    return f" ({'; '.join(parts)})" if parts else ""


def as_table(cells: Iterable[Cell], judged: str) -> list[list[str]]:
    """Return the matrix: a row for each candidate, a column for each backend.

    Args:
        cells: the cells of one run.
        judged: name of the run's judged backend, whose column is marked "judged".
    """
    cells = list(cells)
    backends = list(dict.fromkeys(cell.backend for cell in cells))
    shown = {(cell.candidate, cell.backend): cell.short for cell in cells}
    candidates = list(dict.fromkeys(cell.candidate for cell in cells))
    rows = [
        [name, JUDGED, *(shown.get((name, backend), NOT_ASKED) for backend in backends)]
        for name in candidates
    ]
    return [["candidate", judged, *backends], *rows]
