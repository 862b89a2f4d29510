"""Store how long the gates of earlier runs took, to predict the duration of a run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from models.files.json_documents import parse_json
from models.files.regular_files import LARGEST_DOCUMENT, read_regular, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# Units of a limit, in seconds.
_UNITS = {"s": 1, "min": 60, "h": 3600}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h)")
_MINUTE, _HOUR = 60, 3600


class Expected(NamedTuple):
    """The predicted duration of some gates.

    Attributes:
        seconds: predicted duration of all gates, in seconds.
        timed: number of gates that an earlier run has timed; the others are assumed to take their
            mean.
        tests: number of gates.
    """

    seconds: float
    timed: int
    tests: int


class Durations:
    """The seconds that each gate took in its last run.

    Args:
        file: the file of durations; if it cannot be read, no durations are known.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds = _read(file)

    def of(self, test: str) -> float | None:
        """Return how long a gate took in its last run, in seconds; None if it was never timed."""
        return self._seconds.get(test)

    def expected(self, tests: Iterable[str]) -> Expected | None:
        """Return the predicted duration of some gates; None if none of them was ever timed."""
        every = list(tests)
        timed = [self._seconds[test] for test in every if test in self._seconds]
        if not timed:
            return None
        return Expected(sum(timed) / len(timed) * len(every), len(timed), len(every))

    def keep(self, durations: Mapping[str, float]) -> None:
        """Store the durations of gates, in seconds, and keep those of all other gates.

        Raises:
            OSError: the file cannot be written.
        """
        self._seconds |= {test: round(seconds, 3) for test, seconds in durations.items()}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(self._file) as file:
            file.write(json.dumps(self._seconds, indent=0, sort_keys=True).encode())


def _read(file: Path) -> dict[str, float]:
    try:
        document = parse_json(read_regular(file, LARGEST_DOCUMENT))
        seconds_by_test = msgspec.convert(document, dict[str, float])
    except (OSError, ValueError):
        return {}
    return {test: seconds for test, seconds in seconds_by_test.items() if seconds >= 0.0}


def parse_duration(text: str) -> float:
    """Parse a duration such as "90s", "20min" or "1.5h"; return it in seconds.

    Raises:
        ValueError: the text has another form, or the duration is 0.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0.0:
        raise ValueError(text)
    return float(match[1]) * _UNITS[match[2]]


def in_words(seconds: float) -> str:
    """Return a duration in words: "4 s", "2 min 10 s", "1 h 5 min"."""
    whole_seconds = round(seconds)
    if whole_seconds < _MINUTE:
        return f"{whole_seconds} s" if whole_seconds else f"{seconds:.1f} s"
    if whole_seconds < _HOUR:
        minutes, remaining = divmod(whole_seconds, _MINUTE)
        return f"{minutes} min {remaining} s" if remaining else f"{minutes} min"
    hours, remaining = divmod(round(whole_seconds / _MINUTE), _MINUTE)
    return f"{hours} h {remaining} min" if remaining else f"{hours} h"
