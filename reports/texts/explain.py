"""Explain why a test failed, from results.json alone, for a terminal, Markdown and HTML.

An explanation says what was measured, which budget it broke, under which circumstances, what
changed since the baseline, where in the network the error begins, and which command reproduces the
failure.
"""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.escaping import as_markdown, one_line, several_lines, visible
from models.verdicts.baselines import Move
from models.verdicts.details import Looked, Timed
from models.verdicts.judge import Verdict, describe
from models.verdicts.metrics import metric_named
from models.verdicts.quantities import human
from reports.documents.naming import commit_of, moment_of
from reports.templates import fill
from reports.texts.budget_lines import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.verdicts.measurement import BudgetRecord, Measurement
    from reports.documents.document import Circumstances, DeviceRecord, Document, Outcome
    from reports.documents.localizations import Localization

RED = {"failed", "error", "xpassed"}
MEANING = {
    Verdict.PASS: "the whole interval keeps the budget",
    Verdict.FAIL: "the whole interval breaks the budget",
    Verdict.INCONCLUSIVE: "the limit lies inside the interval: more samples would decide",
    Verdict.INVALID: "the circumstances were wrong, so the number is not judged",
}
NO_BASELINE = "this measurement has no baseline (--edge-update-baseline records one)"
UNSURE = {Verdict.INCONCLUSIVE, Verdict.INVALID}
# Number of texts with flipped labels that are shown; results.json contains more of them.
FLIPS = 5
# Number of lines at the end of a message that are shown, if the test measured nothing.
LAST_LINES = 12
# Maximum length of the command to copy, in characters.
LONGEST_COMMAND = 8000
_WIDTH = 100
# Headings whose text HTML shows as code, with its line ends.
_AS_CODE = {"Reproduce", "What happened"}
# Headings whose text can have several lines.
_OF_LINES = {"What happened", "Labels that flipped", "First difference"}


@dataclass(frozen=True)
class Explanation:
    """The explanation of a test's outcome.

    Attributes:
        test: id of the test.
        title: verdict, metric and scheme, or how the test ended.
        rows: pairs of a heading and a text, in reading order.
        outcome: how the test ended.
        measurement: the explained measurement; None if the test only asserts.
    """

    test: str
    title: str
    rows: tuple[tuple[str, str], ...]
    outcome: str
    measurement: Measurement | None = None

    @property
    def unsure(self) -> bool:
        """Tell whether the outcome is undecided: too few samples, or invalid circumstances."""
        measurement = self.measurement
        return (
            measurement is not None
            and not is_worse(measurement)
            and not _breaks_its_budget(measurement)
        )

    @property
    def is_regression(self) -> bool:
        """Tell whether a value became worse although no requirement is known to be broken."""
        measurement = self.measurement
        return (
            measurement is not None
            and is_worse(measurement)
            and not _breaks_its_budget(measurement)
        )

    @property
    def red(self) -> bool:
        """Tell whether the explained test is red."""
        return self.outcome in RED

    @property
    def is_known(self) -> bool:
        """Tell whether the test failed in the expected way."""
        return self.outcome == "xfailed"

    def as_text(self) -> str:
        """Return the explanation for a terminal, wrapped, with the command on a separate line."""
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
        # Escape once more, because wrapping can move a part that was inside a line to its
        # beginning.
        return several_lines("\n".join(lines), LONGEST_COMMAND) + "\n"

    def as_markdown(self) -> str:
        """Return the explanation for GitHub, collapsed under its title."""
        rows = "\n".join(
            f"| {label} | {_markdown_cell(label, text)} |" for label, text in self.rows
        )
        return (
            f"<details><summary>{as_markdown(self.title)}</summary>\n\n"
            f"| | |\n|---|---|\n| Test | {_markdown_code(self.test)} |\n{rows}\n\n</details>\n"
        )

    def as_html(self) -> str:
        """Return the explanation as an HTML description list for the report."""
        rows = [(label, text.split("\n"), label in _AS_CODE) for label, text in self.rows]
        return fill("explanation.html", rows=rows)


def explanations(document: Document) -> list[Explanation]:
    """Explain every test that did not pass: failures first, then undecided ones.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    return sorted(
        (account for account in accounts(document) if account.red),
        key=lambda account: account.unsure,
    )


def accounts(document: Document) -> list[Explanation]:
    """Explain the outcome of every test that failed or recorded a measurement.

    Each measurement has an explanation of its own. For a failed test, measurements that passed are
    left out.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    measured: dict[str, list[Measurement]] = {}
    for measurement in document.measurements:
        measured.setdefault(measurement.test, []).append(measurement)
    localized = document.run.localizations
    explanations_found = []
    for test in document.tests:
        localizations = [
            localization for localization in localized if test.id in localization.tests
        ]
        measurements: list[Measurement | None] = [*measured.get(test.id, [])]
        if test.outcome in {*RED, "xfailed"}:
            measurements = [
                measurement
                for measurement in measurements
                if measurement and _is_wrong(measurement)
            ] or [None]
        explanations_found += [
            _explanation(document, test, measurement, localizations) for measurement in measurements
        ]
    return explanations_found


def reproduce(document: Document, test: str) -> str:
    """Return the command that reruns a test as in the run."""
    return f"{document.run.command or 'python -m pytest'} {shlex.quote(test)}"


def circumstances(document: Document) -> str:
    """Return the circumstances of a run, in one line."""
    recorded, run = document.circumstances, document.run
    backend, threads = recorded.backend or "", recorded.threads
    parts = [
        _device(document.device),
        f"{backend} {recorded.backends.get(backend, '')}".strip(),
        f"{threads} thread{'' if threads == 1 else 's'}" if threads else "",
        f"Python {recorded.python}" if recorded.python else "",
        _load(recorded),
        commit_of(run.commit, changed=run.changed),
        f"run of {moment_of(run.started)}",
    ]
    return ", ".join(filter(None, parts))


def _load(recorded: Circumstances) -> str:
    """Return the machine's load before and after the run; empty if it is not known."""
    if recorded.load_before is None or recorded.load_after is None:
        return ""
    cores = "?" if recorded.cores is None else recorded.cores
    return (
        f"load {recorded.load_before:.1f} before, {recorded.load_after:.1f} after on {cores} cores"
    )


def _device(device: DeviceRecord) -> str:
    """Name the device and its kind: "host (x86_64)", "rpi4-emulated (emulated aarch64)"."""
    emulated = "emulated " if device.emulated else ""
    facts = ", ".join(filter(None, (device.machine, device.core, device.target)))
    return f"{device.name} ({emulated}{facts})" if emulated or facts else device.name


def measured_as(measurement: Measurement) -> str:
    """Return the measurement in words, with its interval and sample size."""
    estimate = measurement.estimate
    text = describe(estimate, metric_named(measurement.metric), scheme=measurement.scheme)
    exact = estimate.low == estimate.high
    return f"{text}, an exact number" if exact else f"{text}, 95 % interval in brackets"


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
    measurement: Measurement | None,
    localized: Sequence[Localization],
) -> Explanation:
    rows = (
        [("What happened", _last_lines(test.message))]
        if measurement is None
        else _judged(measurement)
    )
    rows += [
        *(row for localization in localized for row in _localized(localization)),
        ("Circumstances", circumstances(document)),
        ("Reproduce", reproduce(document, test.id)),
    ]
    title = f"{test.outcome}: {test.id.rpartition('::')[2]}"
    if measurement is not None:
        verdict = _in_a_word(measurement)
        title = f"{verdict}: {measurement.metric} of {measurement.scheme} on {document.device.name}"
    described = tuple((label, _told(label, text)) for label, text in rows)
    return Explanation(test.id, title, described, test.outcome, measurement)


def _in_a_word(measurement: Measurement) -> str:
    """Return a measurement's worst verdict: of budget, guard or baseline; "measured" if none."""
    if is_worse(measurement) and not _breaks_its_budget(measurement):
        return "regression"
    guard = None if measurement.guard is None else measurement.guard.verdict
    return (
        guard
        if guard in UNSURE and measurement.verdict in {None, Verdict.PASS}
        else (measurement.verdict or guard or "measured")
    )


def _told(label: str, text: str) -> str:
    """Return the text of a row, in one line unless edgeproof itself broke it into lines."""
    if label in _OF_LINES:
        return text
    return one_line(text, LONGEST_COMMAND) if label == "Reproduce" else one_line(text)


def _localized(localization: Localization) -> list[tuple[str, str]]:
    """Return rows that tell at which operator the error begins, and which labels it flipped."""
    rows = [("Error localization", localization.as_sentence())]
    if localization.flips:
        count = localization.flipped or len(localization.flips)
        head = f"{count:,}, by descending margin of the reference (in logits):"
        flips = "\n".join([head, *(flip.as_sentence() for flip in localization.flips[:FLIPS])])
        rows.append(("Labels that flipped", flips))
    return rows


def _is_wrong(measurement: Measurement) -> bool:
    guarded = measurement.guard is not None and measurement.guard.verdict is not Verdict.PASS
    return measurement.verdict not in {None, Verdict.PASS} or guarded or is_worse(measurement)


def _breaks_its_budget(measurement: Measurement) -> bool:
    return measurement.verdict is Verdict.FAIL


def is_worse(measurement: Measurement) -> bool:
    """Tell whether a measurement breaks its regression guard, or is worse than its baseline."""
    broken = measurement.guard is not None and measurement.guard.verdict is Verdict.FAIL
    moved = measurement.details.since_baseline
    return broken or (moved is not None and moved.move == Move.REGRESSION)


def _judged(measurement: Measurement) -> list[tuple[str, str]]:
    rows = [("Measured", measured_as(measurement))]
    if measurement.budget is not None:
        rows.append(("Budget", budget_as(measurement.metric, measurement.budget)))
    if measurement.verdict is not None:
        rows.append(("Verdict", _verdict_as(measurement, measurement.budget, measurement.verdict)))
    elif measurement.guard is None:
        rows.append(("Verdict", "none: no budget limits this measurement"))
    if measurement.guard is not None:
        rows.append(("Regression guard", budget_as(measurement.metric, measurement.guard)))
        rows.append(
            (
                "Verdict of the guard",
                _verdict_as(measurement, measurement.guard, measurement.guard.verdict),
            )
        )
    if measurement.known_failure:
        rows.append(("Known failure", measurement.known_failure))
    details = measurement.details
    if isinstance(details.looked, Looked):
        rows.append(("Texts used", _looked(details.looked)))
    if isinstance(details.timed, Timed):
        answers = f"{details.timed.asked:,} of {details.timed.of:,}: {details.timed.because}"
        rows.append(("Timed answers", answers))
    if details.answered_by:
        backends = ", ".join(f"{name} {count:,}" for name, count in details.answered_by.items())
        rows.append(("Texts answered by", backends))
    if details.first_difference:
        rows.append(("First difference", details.first_difference))
    moved = details.since_baseline
    return [*rows, ("Since the baseline", NO_BASELINE if moved is None else moved.reason)]


def _verdict_as(measurement: Measurement, limit: BudgetRecord | None, verdict: Verdict) -> str:
    """Return a verdict on a measurement with its reason, in words."""
    if verdict is not Verdict.INVALID:
        return (
            f"{verdict}: {MEANING[verdict] if limit is None else measurement.why(limit, verdict)}"
        )
    # Results of earlier versions state the circumstances only in the sentence.
    because = measurement.details.invalid_because
    is_known = isinstance(because, str)
    return f"{verdict}: {f'not judged, {because}' if is_known else measurement.reason}"


def _looked(looked: Looked) -> str:
    """Return how many of the test texts a gate used, and why it stopped there."""
    return f"{looked.texts:,} of {looked.of:,}: {looked.because}"


def _last_lines(message: str) -> str:
    lines = [line for line in visible(message).split("\n") if line.strip()]
    return "\n".join(lines[-LAST_LINES:]) or "no message"


def _markdown_cell(label: str, text: str) -> str:
    if label == "Reproduce":
        return _markdown_code(text)
    return "<br>".join(map(as_markdown, visible(text).split("\n")))


def _markdown_code(text: str) -> str:
    # Not in backticks, because the text can contain backticks, and bars would end a table's cell.
    return f"<code>{as_markdown(text, LONGEST_COMMAND)}</code>"
