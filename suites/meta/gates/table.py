"""The table of faults and gates, as Markdown: `python -m suites.meta.gates.table FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from suites.meta.gates import (
    faults_in_code,
    faults_in_emulation,
    faults_in_files,
    faults_in_runners,
)

PLANTED = {
    "what the builder made": faults_in_files.FAULTS,
    "the runner": faults_in_runners.FAULTS,
    "emulated boards": faults_in_emulation.FAULTS,
}
HEAD = """# Planted faults and the gates that turn red

Each fault is planted by itself, and the gate beside it has to turn red: `suites/meta/gates`.
A gate without a fault fails `tox -e meta`.
"""


def table() -> str:
    """The whole document."""
    rows = [
        (name, where, fault.gate + (f" `{fault.only}`" if fault.only else ""))
        for where, faults in PLANTED.items()
        for name, fault in faults.items()
    ]
    rows += [
        (name, f"{fault.room}: `{fault.file}`", fault.gate)
        for name, fault in faults_in_code.FAULTS.items()
    ]
    lines = ["| fault | planted in | gate |", "|---|---|---|"]
    lines += [f"| {name} | {where} | {_short(gate)} |" for name, where, gate in rows]
    return "\n".join([HEAD, f"{len(rows)} faults.", "", *lines, ""])


def _short(gate: str) -> str:
    file, test = gate.split("::", 1)
    return f"`{file.removeprefix('suites/')}` {test}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(table(), encoding="utf-8")
