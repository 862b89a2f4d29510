"""Tables of cells, for a terminal with their columns aligned and for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Table = Sequence[Sequence[str]]


def as_lines(table: Table, *, left: Collection[int], ruled: bool = True) -> list[str]:
    """The lines of a table, its head first.

    Args:
        table: rows of as many cells each.
        left: columns of names, which stand to the left; numbers stand to the right.
        ruled: whether a line parts the head from the rest.
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    if ruled:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def as_markdown(table: Table, *, left: Collection[int]) -> str:
    """The same as a Markdown table."""
    head, *rows = table
    rule = ["---" if at in left else "---:" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
