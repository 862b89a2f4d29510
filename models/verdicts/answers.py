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

# Ids of an entity and a tweet.
Key = tuple[str, str]
COLUMNS = ("entity_id", "tweet_id", "polarity")


@dataclass(frozen=True, slots=True)
class Polarities:
    """The polarities in one file.

    Attributes:
        labels: index into POLARITIES, by the ids of entity and tweet.
        without_polarity: line numbers where the polarity is not in POLARITIES.
        repeated: line numbers where the tweet has an earlier line; the first line counts.
        unreadable: line numbers where the line does not follow the format.
    """

    labels: dict[Key, int]
    without_polarity: list[int]
    repeated: list[int]
    unreadable: list[int]

    def describe(self) -> dict[str, int]:
        """Return how many rows of each kind the file contains."""
        return {
            "tweets": len(self.labels),
            "without_polarity": len(self.without_polarity),
            "repeated": len(self.repeated),
            "unreadable": len(self.unreadable),
        }


def read_polarities(path: Path) -> Polarities:
    """Read a gold standard or a system's output.

    Raises:
        UsageMistake: the file cannot be read, lacks a column or contains no polarity.
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
            remedy=f"Write one of {', '.join(POLARITIES)} into the column polarity",
        )
    return polarities


def aligned(gold: Mapping[Key, int], system: Mapping[Key, int]) -> NDArray[np.int64]:
    """Return the system's label of each gold tweet, [n]; MISSING for a tweet without label."""
    return np.array([system.get(key, MISSING) for key in gold])
