"""Write the table of kernels: `python -m reports.kernels [FOLDER]` writes it into docs/kernels.md.

The text between two marks on the page is replaced by a table from the last runs of `tox -e kernels`
and `tox -e kernels-gpu`: a row for each operator and kind of operands, a column for each backend.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from models.command_line import run_command
from models.kernels.deviations import known_deviations
from models.kernels.records import FOLDER, Cell, read_cells
from models.store import PROJECT
from reports.texts.pages import replace_between

PAGE = PROJECT / "docs" / "kernels.md"
# Folders with the results of the kernels, one for each environment that runs on this machine.
CELLS = [
    PROJECT / "reports" / "out" / environment / "kernels" / FOLDER
    for environment in ("kernels", "kernels-gpu")
]
NOT_COVERED = "-"


def table_of(cells: list[Cell]) -> str:
    """Return the table with an explanation of its columns, as Markdown."""
    columns = sorted({_column(cell) for cell in cells})
    rows = sorted({(cell.operator, cell.kind) for cell in cells})
    cell_of = {(cell.operator, cell.kind, *_column(cell)): cell for cell in cells}
    lines = ["| operator | operands | " + " | ".join(_head(*column) for column in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for operator, kind in rows:
        found_cells = [cell_of.get((operator, kind, *column)) for column in columns]
        states = [NOT_COVERED if cell is None else cell.state for cell in found_cells]
        lines.append(f"| {operator} | {kind} | " + " | ".join(states) + " |")
    counted = Counter(cell.state for cell in cells)
    total = sum(cell.examples for cell in cells)
    summary = ", ".join(f"{count:,} {state}" for state, count in sorted(counted.items()))
    return "\n".join([f"{total:,} examples. {len(cells):,} cells: {summary}.", "", *lines])


def deviations_of() -> str:
    """Return a table of the known deviations as Markdown."""
    lines = ["| name | operators | backends | versions | what is wrong |", "|---|---|---|---|---|"]
    for deviation in known_deviations():
        machines = [*deviation.machines, *deviation.processors]
        platforms = f" on {', '.join(machines)}" if machines else ""
        names = ", ".join(deviation.operators) + (
            f" ({', '.join(deviation.kinds)})" if deviation.kinds else ""
        )
        backends = ", ".join(deviation.backends) + platforms
        link = f" ([more]({deviation.link}))" if deviation.link.startswith("https:") else ""
        reason = deviation.reason + link
        versions = ", ".join(deviation.versions)
        lines.append(f"| {deviation.name} | {names} | {backends} | {versions} | {reason} |")
    return "\n".join(lines)


def _column(cell: Cell) -> tuple[str, str, str]:
    return cell.backend, cell.version, cell.target or cell.machine


def _head(backend: str, version: str, machine: str) -> str:
    return f"{backend} {version}" + ("" if machine == "x86_64" else f" ({machine})")


def write_page(page: Path, cells: list[Cell]) -> None:
    """Replace the generated table in a documentation page.

    Raises:
        UsageMistake: the page lacks the marks around the table.
    """
    replace_between(
        page, f"\n\n{table_of(cells)}\n\n### List of known deviations\n\n{deviations_of()}\n\n"
    )


def main() -> int:
    """Write the table of kernels into its page; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the table of docs/kernels.md.")
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        help="folders of results of suites/kernels (default: those of the last runs)",
    )
    folders = (
        parser.parse_args().folders or [folder for folder in CELLS if folder.exists()] or CELLS[:1]
    )
    write_page(PAGE, [cell for folder in folders for cell in read_cells(folder)])
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
