"""Find the line of a pytest log that says why the run ended."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from models.processes.programs import TAIL_BYTES

if TYPE_CHECKING:
    from pathlib import Path

# Lines without a reason: rulers with or without words, and pytest's summary of tests.
_RULER = r"(?:=+|_{3,}|-{3,})(?: |$)"
_SUMMARY = r"(?:FAILED|ERROR|SKIPPED|XFAIL|XPASS|PASSED|RERUN) ?[\[\w]"
_REPEATED = re.compile(f"{_RULER}|{_SUMMARY}|::")
# pytest writes the reason of an interruption between exclamation marks.
_STOPPED = re.compile(r"!+ (?:Interrupted: |_pytest\.outcomes\.Exit: )?(.*?)(?: !+)?")
_MISTAKE = "ERROR: "


def last_words(log: Path) -> str:
    """Return the last line of a log that says why the run ended; empty if there is none.

    This line contains the message of a mistake or of a lost connection, or the headline if gates
    failed.
    """
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        end = file.read(TAIL_BYTES).decode("utf-8", "replace")
    for line in reversed(end.splitlines()):
        words = line.strip()
        if stopped := _STOPPED.fullmatch(words):
            return stopped[1]
        if words.startswith(_MISTAKE):
            return words.removeprefix(_MISTAKE)
        if words and not _REPEATED.match(words):
            return words
    return ""
