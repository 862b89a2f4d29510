"""Show the planted faults of each gate on the first page of the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reports.documents.faults import META, by_gate, gate_of, planted_at
from reports.templates import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.documents.faults import PlantedFault

TITLE = "Can each gate fail?"
# The command that plants the faults, and the file with its results.
COMMAND = "tox -e meta"
FILE = "reports/out/faults.json"
NEVER = "not planted here yet"
# CSS class and text for each result of a fault.
_ENDED = {
    "red": ("good", "turned red"),
    "missed": ("bad", "did not turn red"),
    "skipped": ("unsure", "not planted on this machine"),
}


def as_html(
    faults: Sequence[PlantedFault] | None, tests: Iterable[str], links: Mapping[str, str]
) -> str:
    """Return the section, collapsed and searchable: counts first, then each gate with its faults.

    Args:
        faults: the planted faults; None if they are unknown.
        tests: ids of the tests in the report.
        links: address of each test in the page, by its id.
    """
    if faults is None:
        return fill("fault_table.html", title=TITLE, command=COMMAND, file=FILE, gates=None)
    grouped = by_gate(faults)
    shown_at: dict[str, str] = {}
    for test, address in links.items():
        shown_at.setdefault(gate_of(test), address)
    return fill(
        "fault_table.html",
        title=TITLE,
        command=COMMAND,
        counts=_counts(faults, grouped),
        planted="; ".join(planted_at(faults)),
        bare=sorted({gate_of(test) for test in tests} - set(grouped)),
        gates=[
            (gate, shown_at.get(gate), [_row(fault) for fault in own])
            for gate, own in grouped.items()
        ],
    )


def _counts(faults: Sequence[PlantedFault], grouped: Mapping[str, object]) -> str:
    """Return how many faults are planted, for how many gates, and with which results."""
    ended = Counter(fault.seen.outcome if fault.seen else "" for fault in faults)
    words = [f"{ended[kind]:,} {label}" for kind, (_, label) in _ENDED.items() if ended[kind]]
    if ended[""]:
        words.append(f"{ended['']:,} {NEVER}")
    own = sum(gate.startswith(META) for gate in grouped)
    return (
        f"{len(faults):,} faults one by one, and each must turn its gate red: "
        f"{len(grouped) - own:,} gates of the suites, {own:,} of edgeproof itself. "
        f"Of the faults: {', '.join(words) or 'none'}."
    )


def _row(fault: PlantedFault) -> dict[str, str]:
    """Return the values for a planted fault's row in the template of the table."""
    place = ", ".join(filter(None, (fault.of, fault.file, fault.only.strip("-"))))
    kind, ended = _ENDED[fault.seen.outcome] if fault.seen else ("quiet", NEVER)
    message = fault.seen.said if fault.seen else ""
    return {"name": fault.name, "where": place, "kind": kind, "ended": ended, "said": message}
