"""Write the table of faults and gates: `python -m suites.meta.gates.table FILE.md`.

The table is written as Markdown, and as FILE.json, which the report shows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from models.command_line import Parser
from models.errors import EdgeproofError, UsageMistake
from reports.documents.faults import PlantedFault, Seen, read_faults, write_faults
from suites.meta.gates import (
    faults_in_backends,
    faults_in_checkpoints,
    faults_in_code,
    faults_in_emulation,
    faults_in_files,
    faults_in_lengths,
    faults_in_recordings,
    faults_in_runners,
    faults_on_boards,
    faults_since_baseline,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.meta.gates.planting import Fault

# Faults that are planted in runs of the suite, by the kind of error.
PLANTED: dict[str, Mapping[str, Fault]] = {
    "data": faults_in_files.DATA,
    "training": faults_in_files.TRAINING,
    "conversion": faults_in_files.CONVERSION,
    "checkpoints": faults_in_checkpoints.FAULTS,
    "rows of several lengths": faults_in_lengths.FAULTS,
    "runtime": faults_in_runners.FAULTS,
    "another backend": faults_in_backends.FAULTS,
    "runtime of a board": faults_in_emulation.FAULTS,
    "budgets and sensors of a board": faults_on_boards.FAULTS,
    "an app's recording": faults_in_recordings.FAULTS,
    "baselines": faults_since_baseline.FAULTS,
}
HEAD = """# Planted faults and the gates that turn red

Each fault is planted by itself, and the gate beside it has to turn red: `suites/meta/gates`.
A gate without a fault fails `tox -e meta`.
"""


def planted() -> list[PlantedFault]:
    """Return every fault with its gate."""
    faults = [
        PlantedFault(name=name, of=room, gate=fault.gate, only=fault.only)
        for room, faults in PLANTED.items()
        for name, fault in faults.items()
    ]
    return faults + [
        PlantedFault(name=name, of=fault.room, gate=fault.gate, file=fault.file)
        for name, fault in faults_in_code.FAULTS.items()
    ]


def table() -> str:
    """Return the whole document as Markdown."""
    faults = planted()
    lines = ["| fault | of | gate |", "|---|---|---|"]
    for fault in faults:
        of = f"{fault.of}: `{fault.file}`" if fault.file else fault.of
        only = f" `{fault.only}`" if fault.only else ""
        lines.append(f"| {fault.name} | {of} | {_short(fault.gate)}{only} |")
    return "\n".join([HEAD, f"{len(faults)} faults.", "", *lines, ""])


def keep(file: Path, results: Mapping[str, Seen]) -> None:
    """Write every fault with its result, for the report.

    Args:
        file: JSON file to update; the results of faults not planted in this run are kept.
        results: results of the planted faults, by name.

    Raises:
        EdgeproofError: the file cannot be written.
    """
    try:
        before = {(fault.name, fault.gate): fault.seen for fault in read_faults(file)}
    except UsageMistake:  # there is no readable file yet
        before = {}
    faults = []
    for fault in planted():
        ended = results.get(fault.name, before.get((fault.name, fault.gate)))
        faults.append(msgspec.structs.replace(fault, seen=ended))
    write_faults(file, faults)


def _short(gate: str) -> str:
    file, test = gate.split("::", 1)
    return f"`{file.removeprefix('suites/')}` {test}"


def main(arguments: list[str] | None = None) -> int:
    """Write both files; return the exit code."""
    parser = Parser(
        prog="python -m suites.meta.gates.table",
        description="Write the table of planted faults and their gates.",
        epilog="exit codes: 0 written; 1 the disk failed; 4 usage",
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE.md",
        help="the Markdown file; FILE.json is written to the same folder",
    )
    try:
        file = parser.parse_args(arguments).file
        keep(file.with_suffix(".json"), {})
    except EdgeproofError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the command's message
        return error.exit_code
    file.write_text(table(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
