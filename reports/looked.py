"""Report how many test texts the gates of a run looked at, out of how many, and why no more."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from models.foreign_text import one_line
from models.verdicts.details import Looked

if TYPE_CHECKING:
    from reports.document import Document


def as_sentence(document: Document) -> str:
    """Return a line on the texts of a run's gates; empty if a fixed sample was requested.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    measured = document.measurements
    looked = [one.details.looked for one in measured if isinstance(one.details.looked, Looked)]
    if not looked:
        return ""
    of = max(one.of for one in looked)
    some = sorted(one.texts for one in looked if one.texts < one.of)
    every = Counter(one.because for one in looked if one.texts == one.of)
    said = []
    if some:
        range_ = f"{some[0]:,} to {some[-1]:,}, median {median(some):,.0f}"
        said.append(f"{_gates(len(some))} decided by some ({range_})")
    said += [f"{_gates(count)} by all ({one_line(why)})" for why, count in every.most_common()]
    return f"Of {of:,} test texts: {'; '.join(said)}"


def _gates(count: int) -> str:
    return f"{count:,} gate{'' if count == 1 else 's'}"
