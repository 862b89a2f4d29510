"""Replace the generated part of a documentation page, which stands between two marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"


def replace_between(page: Path, body: str) -> None:
    """Replace the text between the marks of a page.

    Args:
        page: the page's file.
        body: the new text between the marks.

    Raises:
        UsageMistake: the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, generated = text.partition(BEGIN)
    _, end, after = generated.partition(END)
    if not (begin and end):
        raise UsageMistake(
            "the page lacks the two marks around the table",
            file=page,
            remedy=f"Write {BEGIN} before the table and {END} after it",
        )
    page.write_text(f"{before}{begin}{body}{end}{after}", encoding="utf-8")
