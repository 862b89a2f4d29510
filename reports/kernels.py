"""Write the table of kernels: `python -m reports.kernels [FOLDER]` writes it into docs/kernels.md.

What stands between two marks on the page is replaced by what the last runs of `tox -e kernels` and
`tox -e kernels-gpu` left: an operator and kind of operands a row, a backend a column.
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
from reports.pages import replace_between

PAGE = PROJECT / "docs" / "kernels.md"
# Of each environment that asks kernels of this machine.
CELLS = [
    PROJECT / "reports" / "out" / environment / "kernels" / FOLDER
    for environment in ("kernels", "kernels-gpu")
]
NOT_COVERED = "-"


def table_of(cells: list[Cell]) -> str:
    """Return the table with an explanation of its columns, as Markdown."""
    columns = sorted({_column(one) for one in cells})
    rows = sorted({(one.operator, one.kind) for one in cells})
    known = {(one.operator, one.kind, *_column(one)): one for one in cells}
    lines = ["| operator | operands | " + " | ".join(_head(*one) for one in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for operator, kind in rows:
        found = [known.get((operator, kind, *one)) for one in columns]
        states = [NOT_COVERED if one is None else one.state for one in found]
        lines.append(f"| {operator} | {kind} | " + " | ".join(states) + " |")
    counted = Counter(one.state for one in cells)
    total = sum(one.examples for one in cells)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))
    return "\n".join([f"{total:,} examples; of {len(cells):,} cells {summary}.", "", *lines])


def deviations_of() -> str:
    """Return the known deviations as Markdown."""
    lines = ["| name | operators | backends | versions | what is wrong |", "|---|---|---|---|---|"]
    for one in known_deviations():
        machines = [*one.machines, *one.processors]
        where = f" on {', '.join(machines)}" if machines else ""
        names = ", ".join(one.operators) + (f" ({', '.join(one.kinds)})" if one.kinds else "")
        backends = ", ".join(one.backends) + where
        known = f" ([more]({one.link}))" if one.link.startswith("https:") else ""
        what = one.reason + known
        lines.append(f"| {one.name} | {names} | {backends} | {', '.join(one.versions)} | {what} |")
    return "\n".join(lines)


def _column(cell: Cell) -> tuple[str, str, str]:
    return cell.backend, cell.version, cell.target or cell.machine


def _head(backend: str, version: str, where: str) -> str:
    return f"{backend} {version}" + ("" if where == "x86_64" else f" ({where})")


def write_page(page: Path, cells: list[Cell]) -> None:
    """Replace the table of a page.

    Raises:
        UsageMistake: the page has no place for it.
    """
    replace_between(
        page, f"\n\n{table_of(cells)}\n\n### Those that are known\n\n{deviations_of()}\n\n"
    )


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write the table of docs/kernels.md.")
    parser.add_argument("folders", nargs="*", type=Path, help="of cells (default: the last runs')")
    given = parser.parse_args().folders or [one for one in CELLS if one.exists()] or CELLS[:1]
    write_page(PAGE, [cell for folder in given for cell in read_cells(folder)])
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
