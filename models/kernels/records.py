"""Store the results of searches, from which `reports.kernels` makes a table of kernels.

Each file contains the result of one family on one backend.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

import msgspec

from models.errors import UsageMistake
from models.files.regular_files import LARGEST_TABLE, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.kernels.case import Family
    from models.kernels.deviations import KnownDeviation
    from models.kernels.searching import Record
    from models.runtime.answers import RunnerInfo

State = Literal["proven", "deviates", "refused"]
FOLDER = "cells"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search for deviations, in one family on one backend.

    Attributes:
        state: "proven" if every result was right, "deviates" if one was wrong, whether known or
            not, and "refused" if the backend refused every case.
        examples: the number of cases that were drawn.
        refused: the number of these cases that the backend refused to execute.
        target: the target on which the backend ran; "" for this machine.
        known: the names of the known deviations that apply to this family and backend.
        new: a description of a deviation that is not known; "" if there is none.
    """

    operator: str
    kind: str
    backend: str
    version: str
    machine: str
    target: str = ""
    state: State
    examples: int
    refused: int
    known: list[str]
    new: str = ""


def cell_of(
    family: Family,
    info: RunnerInfo,
    record: Record,
    entries: Sequence[KnownDeviation],
    target: str = "",
) -> Cell:
    """Return the result of a search as a record that can be stored.

    A family with known deviations is not "proven" even if every case of this search was right,
    because longer searches found the deviations.
    """
    state: State = "proven" if record.right else "refused"
    if (entries and state == "proven") or record.known or record.deviating:
        state = "deviates"
    return Cell(
        operator=family.operator,
        kind=family.kind,
        backend=info.backend,
        version=info.runtime_version,
        machine=info.machine,
        target=target,
        state=state,
        examples=record.examples,
        refused=record.refused.total(),
        known=sorted(entry.name for entry in entries),
        new=record.deviating.deviation.what if record.deviating else "",
    )


def write_cell(folder: Path, cell: Cell) -> None:
    """Write the result of a search into a folder, replacing that of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", f"{cell.operator}-{cell.kind}@{cell.backend}@{cell.machine}")
    text = json.dumps(msgspec.to_builtins(cell), indent=1)
    (folder / f"{name}.json").write_text(text + "\n", "utf-8")


def read_cells(folder: Path) -> list[Cell]:
    """Read the results of searches that are stored in a folder.

    Raises:
        UsageMistake: the folder contains no results, or a file in it is not a result.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UsageMistake(
            "contains no results of suites/kernels", file=folder, remedy="Run suites/kernels first"
        )
    cells = []
    for file in files:
        try:
            cells.append(msgspec.json.decode(read_text(file, LARGEST_TABLE), type=Cell))
        except (msgspec.DecodeError, OSError, UnicodeDecodeError) as error:
            raise UsageMistake(
                f"is not a result that suites/kernels wrote ({error})",
                file=file,
                remedy="Remove this file, and run suites/kernels again",
            ) from None
    return cells
