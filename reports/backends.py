"""Write the matrix of backends: `python -m reports.backends [RESULTS ...]` writes docs/backends.md.

The text between two marks on the page is replaced by a table from the results.json of runs of
`suites/backends`: a row for each candidate and a column for each backend. Below the table, each
wrong candidate is listed with its backends and the smallest file that shows the fault.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from models.command_line import path, run_command
from models.errors import UsageMistake
from models.store import PROJECT
from reports.documents.matrix import LEGEND, Cell, State, as_table, judged_in, markdown_table
from reports.documents.naming import require_distinct
from reports.documents.results import read_results
from reports.texts.pages import replace_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reports.documents.document import Document

PAGE = PROJECT / "docs" / "backends.md"
OUT = PROJECT / "reports" / "out"
# Results of `tox -e backends`.
RESULTS = (OUT / "backends" / "results.json", OUT / "backends" / "gpu" / "results.json")
FAULTS = ["candidate", "backends", "message of the gate", "smallest file with the fault"]


def page_of(documents: Sequence[Document]) -> str:
    """Return the matrix of some runs, with its faults, as Markdown.

    Raises:
        UsageMistake: no run compared the judged backend with another one.
    """
    cells = [cell for document in documents for cell in document.run.backends]
    if not cells:
        raise UsageMistake(
            "none of the runs compared several backends",
            remedy="Run `tox -e backends` first, or a suite with --edge-backends=all",
        )
    table = markdown_table(as_table(cells, judged_in(documents[0])))
    runs = "; ".join(dict.fromkeys(map(_circumstances, documents)))
    return f"{runs}.\n\n{table}\n\n{LEGEND}.\n\n{markdown_table([FAULTS, *_faults(cells)])}"


def _circumstances(document: Document) -> str:
    """Return subject, device, number of texts and versions of backends for a run's matrix."""
    cells, device = document.run.backends, document.device
    versions = dict.fromkeys(f"{cell.backend.split('-')[0]} {cell.version}" for cell in cells)
    texts = " to ".join(f"{count:,}" for count in sorted({cell.texts for cell in cells}))
    adapters = dict.fromkeys(cell.by for cell in cells if cell.by)
    place = ", ".join(filter(None, [device.name, device.machine, *adapters]))
    return f"{document.subject.name} on {place}: {texts} texts, {', '.join(versions)}"


def _faults(cells: Sequence[Cell]) -> list[list[str]]:
    """Return a row for each fault: candidate, backends, message, and smallest file that shows it.

    A file that a backend must refuse is not a fault.
    """
    together: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        if not cell.is_right and cell.state != State.REFUSED:
            fault = cell.candidate, _said(cell), _smallest(cell)
            together.setdefault(fault, []).append(cell.backend)
    return [[name, ", ".join(on), why, file] for (name, why, file), on in together.items()]


def _said(cell: Cell) -> str:
    """Return how a cell ended, and the first line of the message of the gate that failed."""
    first_line, *_ = cell.why.split("\n")
    return f"{cell.short}: {first_line}"


def _smallest(cell: Cell) -> str:
    departure = cell.departure
    if departure is None:
        return "-"
    if departure.unknown_because:
        return departure.text
    operators = ", ".join(dict.fromkeys(departure.operators))
    # The gate's message already contains the reason of a refusal and the signal of a crash.
    figures = f", {departure.said}" if departure.said not in cell.why else ""
    return f"{departure.bytes:,} bytes: {operators} ({departure.how}{figures})"


def main() -> int:
    """Write the matrix of backends into docs/backends.md; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the matrix of docs/backends.md.")
    parser.add_argument("results", nargs="*", type=path, help="results.json of runs")
    options_given: list[Path] = parser.parse_args().results
    files = options_given or [file for file in RESULTS if file.exists()]
    documents = [read_results(file) for file in files]
    require_distinct(zip(files, documents, strict=True))
    replace_between(PAGE, f"\n\n{page_of(documents)}\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
