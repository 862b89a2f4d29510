"""Explain why a test failed, from results.json alone, for a terminal, Markdown and HTML.

What was measured, which budget it broke, under which circumstances, what changed since the
baseline, where the error enters the network, and the one command that shows it again.
"""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.foreign_text import as_markdown, one_line, several_lines, visible
from models.verdicts.baselines import Move
from models.verdicts.details import Looked, Timed
from models.verdicts.judge import Verdict, describe
from models.verdicts.metrics import metric_named
from models.verdicts.quantities import human
from reports.budget_lines import place_of
from reports.naming import commit_of, moment_of
from reports.templates import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.verdicts.measurement import BudgetRecord, Measurement
    from reports.document import Circumstances, DeviceRecord, Document, Outcome
    from reports.localizations import Localization

RED = {"failed", "error", "xpassed"}
MEANING = {
    Verdict.PASS: "the whole interval keeps the budget",
    Verdict.FAIL: "the whole interval breaks the budget",
    Verdict.INCONCLUSIVE: "the limit lies inside the interval: more samples would decide",
    Verdict.INVALID: "the circumstances were wrong: nothing follows from the number",
}
NO_BASELINE = "there is none of this measurement (--edge-update-baseline keeps one)"
UNSURE = {Verdict.INCONCLUSIVE, Verdict.INVALID}
# Texts that are shown of those whose label flipped; results.json holds more.
FLIPS = 5
# Of the message of a test that measured nothing.
LAST_LINES = 12
# Of the command that is there to be copied.
LONGEST_COMMAND = 8000
_WIDTH = 100
# Labels beside which HTML shows code, with its line ends.
_AS_CODE = {"Reproduce", "What happened"}
# Labels below which several lines stand.
_OF_LINES = {"What happened", "Labels that flipped", "First difference"}


@dataclass(frozen=True)
class Explanation:
    """Why a test did not pass.

    Attributes:
        test: its id.
        title: verdict, metric and scheme, or how the test ended.
        rows: what is said, by what it is about, in reading order.
        outcome: how the test ended.
        measurement: None if the test asserts and measures nothing.
    """

    test: str
    title: str
    rows: tuple[tuple[str, str], ...]
    outcome: str
    measurement: Measurement | None = None

    @property
    def unsure(self) -> bool:
        """Whether nothing is known to be wrong: too few samples, or wrong circumstances."""
        one = self.measurement
        return one is not None and not is_worse(one) and not _breaks_its_budget(one)

    @property
    def is_regression(self) -> bool:
        """Whether something is worse than it was, and no requirement is known to be broken."""
        one = self.measurement
        return one is not None and is_worse(one) and not _breaks_its_budget(one)

    @property
    def red(self) -> bool:
        """Whether the test failed."""
        return self.outcome in RED

    @property
    def is_known(self) -> bool:
        """Whether the test failed as it was expected to."""
        return self.outcome == "xfailed"

    def as_text(self) -> str:
        """Write it for a terminal, wrapped; the command stands on its own line, to be copied."""
        width = max(len(label) for label, _ in self.rows) + 2
        lines = [one_line(self.title), f"  {one_line(self.test)}"]
        for label, text in self.rows:
            head = f"  {label:<{width}}"
            if label == "Reproduce":
                lines.append(head + one_line(text, LONGEST_COMMAND))
                continue
            for part in several_lines(text).split("\n"):
                wrapped = textwrap.wrap(part, _WIDTH - len(head)) or [""]
                lines += [(head if n == 0 else " " * len(head)) + w for n, w in enumerate(wrapped)]
                head = " " * len(head)
        # Again: where a line is wrapped, what was inside it begins one.
        return several_lines("\n".join(lines), LONGEST_COMMAND) + "\n"

    def as_markdown(self) -> str:
        """Write it for GitHub, collapsed under its title."""
        rows = "\n".join(
            f"| {label} | {_markdown_cell(label, text)} |" for label, text in self.rows
        )
        return (
            f"<details><summary>{as_markdown(self.title)}</summary>\n\n"
            f"| | |\n|---|---|\n| Test | {_markdown_code(self.test)} |\n{rows}\n\n</details>\n"
        )

    def as_html(self) -> str:
        """Return a description list for the report."""
        rows = [(label, text.split("\n"), label in _AS_CODE) for label, text in self.rows]
        return fill("explanation.html", rows=rows)


def explanations(document: Document) -> list[Explanation]:
    """Explain every test that did not pass: failures first, then undecided ones.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    return sorted(
        (account for account in accounts(document) if account.red), key=lambda one: one.unsure
    )


def accounts(document: Document) -> list[Explanation]:
    """Say of every test that measured or failed why it ended as it did.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    measured: dict[str, list[Measurement]] = {}
    for measurement in document.measurements:
        measured.setdefault(measurement.test, []).append(measurement)
    localized = document.run.localizations
    found = []
    for test in document.tests:
        own = [one for one in localized if test.id in one.tests]
        taken: list[Measurement | None] = [*measured.get(test.id, [])]
        if test.outcome in {*RED, "xfailed"}:
            taken = [one for one in taken if one and _is_wrong(one)] or [None]
        found += [_explanation(document, test, one, own) for one in taken]
    return found


def reproduce(document: Document, test: str) -> str:
    """Return the command that reruns a test as in the run."""
    return f"{document.run.command or 'python -m pytest'} {shlex.quote(test)}"


def circumstances(document: Document) -> str:
    """Return the circumstances of a run, in one line."""
    known, run = document.circumstances, document.run
    backend, threads = known.backend or "", known.threads
    parts = [
        _device(document.device),
        f"{backend} {known.backends.get(backend, '')}".strip(),
        f"{threads} thread{'' if threads == 1 else 's'}" if threads else "",
        f"Python {known.python}" if known.python else "",
        _load(known),
        commit_of(run.commit, changed=run.changed),
        f"run of {moment_of(run.started)}",
    ]
    return ", ".join(filter(None, parts))


def _load(known: Circumstances) -> str:
    """Return the machine's load before and after the run; empty if it is not known."""
    if known.load_before is None or known.load_after is None:
        return ""
    cores = "?" if known.cores is None else known.cores
    return f"load {known.load_before:.1f} before, {known.load_after:.1f} after on {cores} cores"


def _device(device: DeviceRecord) -> str:
    """Name the device and its kind: "host (x86_64)", "rpi4-emulated (emulated aarch64)"."""
    emulated = "emulated " if device.emulated else ""
    known = ", ".join(filter(None, (device.machine, device.core, device.target)))
    return f"{device.name} ({emulated}{known})" if emulated or known else device.name


def measured_as(one: Measurement) -> str:
    """Return the measurement in words, with its interval and sample size."""
    estimate = one.estimate
    said = describe(estimate, metric_named(one.metric), scheme=one.scheme)
    exact = estimate.low == estimate.high
    return f"{said}, an exact number" if exact else f"{said}, 95 % interval in brackets"


def budget_as(metric: str, budget: BudgetRecord) -> str:
    """Return the budget in words, with its file, key and line."""
    kind = metric_named(metric)
    side = "at most" if budget.limit == "max" else "at least"
    place = place_of(budget.file, budget.key)
    line = f", line {place.line}" if place else ""
    limit = human(budget.value, kind.unit, difference=kind.difference, exact=kind.exact)
    return f"{side} {limit} ({budget.source}{line})"


def _explanation(
    document: Document,
    test: Outcome,
    one: Measurement | None,
    localized: Sequence[Localization],
) -> Explanation:
    rows = [("What happened", _last_lines(test.message))] if one is None else _judged(one)
    rows += [
        *(row for found in localized for row in _localized(found)),
        ("Circumstances", circumstances(document)),
        ("Reproduce", reproduce(document, test.id)),
    ]
    title = f"{test.outcome}: {test.id.rpartition('::')[2]}"
    if one is not None:
        what = _in_a_word(one)
        title = f"{what}: {one.metric} of {one.scheme} on {document.device.name}"
    shown = tuple((label, _told(label, text)) for label, text in rows)
    return Explanation(test.id, title, shown, test.outcome, one)


def _in_a_word(one: Measurement) -> str:
    """Return what a measurement comes down to: its worst verdict, or that it has none."""
    if is_worse(one) and not _breaks_its_budget(one):
        return "regression"
    guard = None if one.guard is None else one.guard.verdict
    return (
        guard
        if guard in UNSURE and one.verdict in {None, Verdict.PASS}
        else (one.verdict or guard or "measured")
    )


def _told(label: str, text: str) -> str:
    """Return a labelled text, which may have several lines where edgeproof breaks them."""
    if label in _OF_LINES:
        return text
    return one_line(text, LONGEST_COMMAND) if label == "Reproduce" else one_line(text)


def _localized(found: Localization) -> list[tuple[str, str]]:
    """Return where the error begins, and the texts whose label it flipped."""
    rows = [("Localizer", found.as_sentence())]
    if found.flips:
        count = found.flipped or len(found.flips)
        head = f"{count:,}, surest in the reference (by logits over the next label):"
        said = "\n".join([head, *(flip.as_sentence() for flip in found.flips[:FLIPS])])
        rows.append(("Labels that flipped", said))
    return rows


def _is_wrong(one: Measurement) -> bool:
    guarded = one.guard is not None and one.guard.verdict is not Verdict.PASS
    return one.verdict not in {None, Verdict.PASS} or guarded or is_worse(one)


def _breaks_its_budget(one: Measurement) -> bool:
    return one.verdict is Verdict.FAIL


def is_worse(one: Measurement) -> bool:
    """Tell whether it breaks its regression guard, or is worse than its baseline."""
    broken = one.guard is not None and one.guard.verdict is Verdict.FAIL
    moved = one.details.since_baseline
    return broken or (moved is not None and moved.move == Move.REGRESSION)


def _judged(one: Measurement) -> list[tuple[str, str]]:
    rows = [("Measured", measured_as(one))]
    if one.budget is not None:
        rows.append(("Budget", budget_as(one.metric, one.budget)))
    if one.verdict is not None:
        rows.append(("Verdict", _verdict_as(one, one.budget, one.verdict)))
    elif one.guard is None:
        rows.append(("Verdict", "none: it is measured, and not judged"))
    if one.guard is not None:
        rows.append(("Regression guard", budget_as(one.metric, one.guard)))
        rows.append(("Its verdict", _verdict_as(one, one.guard, one.guard.verdict)))
    if one.known_failure:
        rows.append(("Known failure", one.known_failure))
    details = one.details
    if isinstance(details.looked, Looked):
        rows.append(("Texts looked at", _looked(details.looked)))
    if isinstance(details.timed, Timed):
        asked = f"{details.timed.asked:,} of {details.timed.of:,}: {details.timed.because}"
        rows.append(("Timed answers", asked))
    if details.answered_by:
        said = ", ".join(f"{name} {count:,}" for name, count in details.answered_by.items())
        rows.append(("Texts answered by", said))
    if details.first_difference:
        rows.append(("First difference", details.first_difference))
    moved = details.since_baseline
    return [*rows, ("Since the baseline", NO_BASELINE if moved is None else moved.reason)]


def _verdict_as(one: Measurement, limit: BudgetRecord | None, verdict: Verdict) -> str:
    """Return a verdict and why."""
    if verdict is not Verdict.INVALID:
        return f"{verdict}: {MEANING[verdict] if limit is None else one.why(limit, verdict)}"
    # An earlier run has kept the circumstances in its sentence alone.
    because = one.details.invalid_because
    known = isinstance(because, str)
    return f"{verdict}: {f'not judged, {because}' if known else one.reason}"


def _looked(looked: Looked) -> str:
    """Say how many texts were looked at, out of how many, and why no more."""
    return f"{looked.texts:,} of {looked.of:,}: {looked.because}"


def _last_lines(message: str) -> str:
    kept = [line for line in visible(message).split("\n") if line.strip()]
    return "\n".join(kept[-LAST_LINES:]) or "no message"


def _markdown_cell(label: str, text: str) -> str:
    if label == "Reproduce":
        return _markdown_code(text)
    return "<br>".join(map(as_markdown, visible(text).split("\n")))


def _markdown_code(text: str) -> str:
    # No backticks: what is between them could hold some, and in a table bars end the cell.
    return f"<code>{as_markdown(text, LONGEST_COMMAND)}</code>"
