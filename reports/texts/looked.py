"""Report how many test texts the gates of a run used, and why they stopped."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from models.escaping import one_line
from models.verdicts.details import Looked

if TYPE_CHECKING:
    from reports.documents.document import Document


def as_sentence(document: Document) -> str:
    """Return a line about how many texts gates used; empty if a fixed sample was requested.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    measured = document.measurements
    looked = [
        measurement.details.looked
        for measurement in measured
        if isinstance(measurement.details.looked, Looked)
    ]
    if not looked:
        return ""
    of = max(look.of for look in looked)
    some = sorted(look.texts for look in looked if look.texts < look.of)
    every = Counter(look.because for look in looked if look.texts == look.of)
    parts = []
    if some:
        range_ = f"{some[0]:,} to {some[-1]:,}, median {median(some):,.0f}"
        parts.append(f"{_gates(len(some))} decided by some ({range_})")
    parts += [
        f"{_gates(count)} by all ({one_line(reason)})" for reason, count in every.most_common()
    ]
    return f"Of {of:,} test texts: {'; '.join(parts)}"


def _gates(count: int) -> str:
    return f"{count:,} gate{'' if count == 1 else 's'}"
