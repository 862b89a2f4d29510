"""Find the commands in the documentation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from models.store import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("docs/*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"(?<![\w/=.-])[A-Z][A-Z0-9_]+(?![\w.])|\.\.\.")
NEEDS_A_BOARD = "# needs a board"


class Command(NamedTuple):
    """A command in a code block, with its page."""

    page: str
    text: str

    @property
    def needs_a_board(self) -> bool:
        """Tell whether the page marks the command as needing a board."""
        return self.text.endswith(NEEDS_A_BOARD)

    @property
    def is_a_form(self) -> bool:
        """Tell whether the command contains placeholders such as FOLDER."""
        return bool(_PLACEHOLDER.search(self.text.partition("#")[0]))


def commands() -> list[Command]:
    """Return every command of every page, in reading order."""
    return [
        Command(page.name, line)
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    all_blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in all_blocks if name == language]
