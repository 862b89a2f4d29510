"""Find the line of a budget in its file, for annotations and explanations."""

from __future__ import annotations

import re
from typing import NamedTuple

from models.files.regular_files import LARGEST_TABLE, read_text
from models.files.toml_tables import ROOT

_TABLE = re.compile(r"\s*\[\s*([^\[\]#]+?)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


class FileLine(NamedTuple):
    """A line of a file; `file` is relative to the checkout if the file is inside it."""

    file: str
    line: int


def place_of(file: str, key: str) -> FileLine | None:
    """Find the line of a budget; None if the budget was derived from data and is in no file.

    Args:
        file: path of the file as in a measurement, for example "budgets/mine.toml".
        key: key of the budget, for example "accuracy_drop.max".
    """
    if not file.endswith(".toml"):
        return None
    try:
        lines = read_text(ROOT / file, LARGEST_TABLE).splitlines()
    except (OSError, ValueError):
        # The run may belong to another checkout, and `file` need not be the path of a file.
        return None
    table = ""
    for number, line in enumerate(lines, start=1):
        if header := _TABLE.match(line):
            table = header[1]
        elif (entry := _KEY.match(line)) and f"{table}.{entry[1]}".lstrip(".") == key:
            return FileLine(file, number)
    return None
