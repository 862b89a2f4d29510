"""Format tables of cells, aligned for a terminal or as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import escaping

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Table = Sequence[Sequence[str]]

# Maximum length of a cell in characters, so that one long name does not hide the other columns.
LONGEST = 80


def without_empty(table: Table, empty: str, *, may_go: Collection[str] | None = None) -> Table:
    """Drop columns that are empty in every row.

    Args:
        table: rows with equal numbers of cells, the header first.
        empty: text of an empty cell.
        may_go: headers of the columns that may be dropped; None for all but the first.
    """
    head, *rows = table
    positions = [
        at
        for at, title in enumerate(head)
        if any(row[at] != empty for row in rows)
        or at == 0
        or (may_go is not None and title not in may_go)
    ]
    return [tuple(row[at] for at in positions) for row in table]


def as_lines(table: Table, *, left: Collection[int], ruled: bool = True) -> list[str]:
    """Return the lines of a table, its header first.

    Args:
        table: rows with equal numbers of cells, the header first.
        left: positions of left-aligned columns (names); the others (numbers) are right-aligned.
        ruled: whether a line separates the header from the rows.
    """
    safe = [[escaping.one_line(cell, LONGEST) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    lines = []
    for row in safe:
        cells = [
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    if ruled:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def as_markdown(table: Table, *, left: Collection[int]) -> str:
    """Return the lines of a table in Markdown."""
    head, *rows = ([escaping.as_markdown(cell, LONGEST) for cell in row] for row in table)
    rule = ["---" if at in left else "---:" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
