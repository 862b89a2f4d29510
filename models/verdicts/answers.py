"""Read polarities in RepLab's official format: entity_id, tweet_id, polarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.corpus.quoted import read_quoted
from models.corpus.replab_layout import POLARITIES
from models.errors import UsageMistake
from models.verdicts.confusion import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# An entity and a tweet.
Key = tuple[str, str]
COLUMNS = ("entity_id", "tweet_id", "polarity")


@dataclass(frozen=True, slots=True)
class Polarities:
    """The polarities in one file.

    Attributes:
        labels: of each entity and tweet, an index into POLARITIES.
        without_polarity: lines whose polarity is none of the three.
        repeated: lines of a tweet that an earlier line was about; the first one counts.
        unreadable: lines that are no row.
    """

    labels: dict[Key, int]
    without_polarity: list[int]
    repeated: list[int]
    unreadable: list[int]

    def describe(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        return {
            "tweets": len(self.labels),
            "without_polarity": len(self.without_polarity),
            "repeated": len(self.repeated),
            "unreadable": len(self.unreadable),
        }


def read_polarities(path: Path) -> Polarities:
    """Read a gold standard or a system's output.

    Raises:
        UsageMistake: the file cannot be read, lacks a column or has no polarity at all.
    """
    sheet = read_quoted(path, COLUMNS)
    polarities = Polarities({}, [], [], sheet.broken)
    for line, values in sheet.rows:
        key = values["entity_id"].strip(), values["tweet_id"].strip()
        polarity = values["polarity"].strip().upper()
        if polarity not in POLARITIES:
            polarities.without_polarity.append(line)
        elif key in polarities.labels:
            polarities.repeated.append(line)
        else:
            polarities.labels[key] = POLARITIES.index(polarity)
    if not polarities.labels:
        raise UsageMistake(
            "gives no polarity for any tweet",
            file=path,
            remedy=f"The polarity column must hold {', '.join(POLARITIES)}",
        )
    return polarities


def aligned(gold: Mapping[Key, int], system: Mapping[Key, int]) -> NDArray[np.int64]:
    """Return the system's label for each gold tweet, MISSING if there is none, [n]."""
    return np.array([system.get(key, MISSING) for key in gold])
