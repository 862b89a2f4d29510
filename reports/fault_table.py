"""Show the planted faults of each gate on the first page of the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from models.foreign_text import as_markup
from reports.faults import META, by_gate, gate_of, planted_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.faults import PlantedFault

TITLE = "Can each gate fail?"
META_RUN = "<code>tox -e meta</code>"
NONE = (
    "There is not a table of planted faults, so this report cannot show that its gates can fail: "
    f"{META_RUN} plants every fault, and leaves the table in <code>reports/out/faults.json</code>."
)
NEVER = "not planted here yet"
# A class and words for each way a fault may have ended.
_ENDED = {
    "red": ("good", "turned red"),
    "missed": ("bad", "not seen to turn red"),
    "skipped": ("unsure", "not planted on this machine"),
}


def as_html(
    faults: Sequence[PlantedFault] | None, tests: Iterable[str], links: Mapping[str, str]
) -> str:
    """Return the section, collapsed and searchable: counts first, then each gate with its faults.

    Args:
        faults: None if there is no table of them.
        tests: ids of the tests of the report.
        links: where in the page a test is shown, by its id.
    """
    head = f'<h2 id="edgeproof-planted">{TITLE}</h2>'
    if faults is None:
        return f'{head}<p class="unsure">{NONE}</p>'
    grouped = by_gate(faults)
    shown_at: dict[str, str] = {}
    for test, address in links.items():
        shown_at.setdefault(gate_of(test), address)
    gates = "".join(_gate(gate, own, shown_at.get(gate)) for gate, own in grouped.items())
    return (
        f"{head}{_counts(faults, grouped)}{_without(tests, grouped)}"
        '<details id="edgeproof-faults"><summary>Each gate, and the faults that turn it red'
        '</summary><p><input type="search" placeholder="a gate, a test or a fault" '
        'aria-label="Search the planted faults"> <output class="quiet"></output></p>'
        '<table class="faults"><thead><tr><th>gate, and what is planted</th>'
        f"<th>what the gate said</th></tr></thead>{gates}</table></details>"
    )


def _counts(faults: Sequence[PlantedFault], grouped: Mapping[str, object]) -> str:
    ended = Counter(fault.seen.outcome if fault.seen else "" for fault in faults)
    words = [f"{ended[kind]:,} {said}" for kind, (_, said) in _ENDED.items() if ended[kind]]
    if ended[""]:
        words.append(f"{ended['']:,} {NEVER}")
    own = sum(gate.startswith(META) for gate in grouped)
    said = (
        f"A gate that cannot fail proves nothing: {META_RUN} plants {len(faults):,} faults one by "
        f"one, and each has to turn its gate red: {len(grouped) - own:,} of the suites, {own:,} of "
        f"edgeproof itself. Of the faults: {', '.join(words) or 'none'}."
    )
    planted = planted_at(faults)
    at = f'<p class="quiet">Planted at {as_markup("; ".join(planted))}.</p>' if planted else ""
    return f"<p>{said}</p>{at}"


def _without(tests: Iterable[str], grouped: Mapping[str, object]) -> str:
    """Name the gates of the report without a planted fault."""
    bare = sorted({gate_of(test) for test in tests} - set(grouped))
    if not bare:
        return ""
    names = "".join(f"<li><code>{as_markup(gate)}</code></li>" for gate in bare)
    return f'<p class="unsure">Gates of this report without a planted fault:</p><ul>{names}</ul>'


def _gate(gate: str, faults: Sequence[PlantedFault], address: str | None) -> str:
    show = f' <a href="{address}">Show the test</a>' if address else ""
    rows = "".join(map(_fault, faults))
    return (
        f'<tbody><tr><th colspan="2" scope="rowgroup"><code>{as_markup(gate)}</code>{show}</th>'
        f"</tr>{rows}</tbody>"
    )


def _fault(fault: PlantedFault) -> str:
    where = ", ".join(filter(None, (fault.of, fault.file, fault.only.strip("-"))))
    kind, ended = _ENDED[fault.seen.outcome] if fault.seen else ("quiet", NEVER)
    said = as_markup(fault.seen.said) if fault.seen else ""
    return (
        f'<tr><td>{as_markup(fault.name)} <span class="quiet">{as_markup(where)}</span></td>'
        f'<td><b class="{kind}">{ended}</b> <span class="quiet">{said}</span></td></tr>'
    )
