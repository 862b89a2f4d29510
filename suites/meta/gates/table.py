"""The table of faults and gates, as Markdown: `python -m suites.meta.gates.table FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from suites.meta.gates import (
    faults_in_code,
    faults_in_emulation,
    faults_in_files,
    faults_in_runners,
    faults_on_boards,
    faults_since_baseline,
)

# What is planted in a run of the suite, by what goes wrong there.
PLANTED = {
    "data": faults_in_files.DATA,
    "training": faults_in_files.TRAINING,
    "conversion": faults_in_files.CONVERSION,
    "runtime": faults_in_runners.FAULTS,
    "runtime of a board": faults_in_emulation.FAULTS,
    "budgets and sensors of a board": faults_on_boards.FAULTS,
    "baselines": faults_since_baseline.FAULTS,
}
HEAD = """# Planted faults and the gates that turn red

Each fault is planted by itself, and the gate beside it has to turn red: `suites/meta/gates`.
A gate without a fault fails `tox -e meta`.
"""


def table() -> str:
    """The whole document."""
    rows = [
        (name, room, fault.gate + (f" `{fault.only}`" if fault.only else ""))
        for room, faults in PLANTED.items()
        for name, fault in faults.items()
    ]
    rows += [
        (name, f"{fault.room}: `{fault.file}`", fault.gate)
        for name, fault in faults_in_code.FAULTS.items()
    ]
    lines = ["| fault | of | gate |", "|---|---|---|"]
    lines += [f"| {name} | {room} | {_short(gate)} |" for name, room, gate in rows]
    return "\n".join([HEAD, f"{len(rows)} faults.", "", *lines, ""])


def _short(gate: str) -> str:
    file, test = gate.split("::", 1)
    return f"`{file.removeprefix('suites/')}` {test}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(table(), encoding="utf-8")
