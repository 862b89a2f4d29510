"""A failed test explains itself: from results.json alone, for a terminal, Markdown and HTML.

What was measured, which budget it broke, under which circumstances, what changed since the
baseline, where the error enters the network, and the one command that shows it again.
"""

from __future__ import annotations

import html
import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.verdicts.judge import Estimate, Verdict, describe
from models.verdicts.metrics import metric_named
from models.verdicts.quantities import human
from reports.budget_lines import place_of
from reports.localizations import localizations_of
from reports.results import measurements_of, outcomes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.verdicts.measurement import BudgetRecord, Measurement
    from reports.results import Outcome

RED = {"failed", "error", "xpassed"}
MEANING = {
    Verdict.PASS: "the whole interval keeps the budget",
    Verdict.FAIL: "the whole interval breaks the budget",
    Verdict.INCONCLUSIVE: "the limit lies inside the interval: more samples would decide",
    Verdict.INVALID: "the circumstances were wrong: nothing follows from the number",
}
UNSURE = {Verdict.INCONCLUSIVE, Verdict.INVALID}
_WIDTH = 100


@dataclass(frozen=True)
class Explanation:
    """Why a test is not green.

    Attributes:
        test: its id.
        title: verdict, metric and scheme, or how the test ended.
        rows: what is said, by what it is about, in reading order.
        measurement: None where the test asserts and measures nothing.
    """

    test: str
    title: str
    rows: tuple[tuple[str, str], ...]
    measurement: Measurement | None = None

    @property
    def unsure(self) -> bool:
        """Whether nothing is known to be wrong: too few samples, or wrong circumstances."""
        return self.measurement is not None and self.measurement.verdict in UNSURE

    def as_text(self) -> str:
        """For a terminal, wrapped; the command on a line of its own, ready to be copied."""
        width = max(len(label) for label, _ in self.rows) + 2
        lines = [self.title, f"  {self.test}"]
        for label, text in self.rows:
            head = f"  {label:<{width}}"
            if label == "Reproduce":
                lines.append(head + text)
                continue
            for part in text.splitlines() or [""]:
                wrapped = textwrap.wrap(part, _WIDTH - len(head)) or [""]
                lines += [(head if n == 0 else " " * len(head)) + w for n, w in enumerate(wrapped)]
                head = " " * len(head)
        return "\n".join(lines) + "\n"

    def as_markdown(self) -> str:
        """For GitHub, folded away under its title."""
        rows = "\n".join(
            f"| {label} | {_markdown_cell(label, text)} |" for label, text in self.rows
        )
        return (
            f"<details><summary>{html.escape(self.title)}</summary>\n\n"
            f"| | |\n|---|---|\n| Test | `{self.test}` |\n{rows}\n\n</details>\n"
        )

    def as_html(self) -> str:
        """A list of terms for the report, which wraps wherever it is put."""
        rows = "".join(
            f"<dt><b>{html.escape(label)}</b></dt><dd>{_html_cell(label, text)}</dd>"
            for label, text in self.rows
        )
        return f"<dl>{rows}</dl>"


def explanations(document: Mapping[str, Any]) -> list[Explanation]:
    """Explain every test of a run that is red: failures first, then what is not known.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    measured: dict[str, list[Measurement]] = {}
    for one in measurements_of(document):
        if one.verdict not in {None, Verdict.PASS}:
            measured.setdefault(one.test, []).append(one)
    found = []
    for test in outcomes_of(document):
        if test.outcome in RED:
            judged = measured.get(test.id) or [None]
            found += [_explanation(document, test, one) for one in judged]
    return sorted(found, key=lambda one: one.unsure)


def reproduce(document: Mapping[str, Any], test: str) -> str:
    """The one command that runs a test as the run did, for a shell in the checkout."""
    command = document["run"].get("command", "python -m pytest")
    return f"{command} {shlex.quote(test)}"


def circumstances(document: Mapping[str, Any]) -> str:
    """What the numbers of a run depend on, in one line."""
    known, run = document["circumstances"], document["run"]
    runtime = known.get("runtime", "")
    threads = known.get("threads")
    commit = run.get("commit")
    parts = [
        document["device"]["name"] + (" (emulated)" if document["device"]["emulated"] else ""),
        f"{runtime} {known.get('runtimes', {}).get(runtime, '')}".strip(),
        f"{threads} thread{'' if threads == 1 else 's'}" if threads else "",
        f"Python {known['python']}" if "python" in known else "",
        f"load {known['load_before']:.1f} before, {known['load_after']:.1f} after"
        f" on {known.get('cores', '?')} cores"
        if {"load_before", "load_after"} <= set(known)
        else "",
        f"commit {commit[:9]}{' with changes' if run.get('changed') else ''}" if commit else "",
        f"run of {run['started']}",
    ]
    return ", ".join(filter(None, parts))


def measured_as(one: Measurement) -> str:
    """The measurement in words, with its interval and sample size."""
    low = float("-inf") if one.low is None else one.low
    high = float("inf") if one.high is None else one.high
    said = describe(
        Estimate(one.value, low, high, one.n), metric_named(one.metric), scheme=one.scheme
    )
    return f"{said}, 95 % interval" if low < high else said


def budget_as(metric: str, budget: BudgetRecord) -> str:
    """The budget in words, with its file, key and line."""
    kind = metric_named(metric)
    side = "at most" if budget.limit == "max" else "at least"
    place = place_of(budget.source)
    line = f", line {place.line}" if place else ""
    limit = human(budget.value, kind.unit, difference=kind.difference)
    return f"{side} {limit} ({budget.source}{line})"


def _explanation(
    document: Mapping[str, Any], test: Outcome, one: Measurement | None
) -> Explanation:
    rows = [("What happened", _last_lines(test.message))] if one is None else _judged(one)
    localized = [found for found in localizations_of(document) if test.id in found.tests]
    rows += [
        *(("Localizer", found.as_sentence()) for found in localized),
        ("Circumstances", circumstances(document)),
        ("Reproduce", reproduce(document, test.id)),
    ]
    title = f"{test.outcome}: {test.id.rpartition('::')[2]}"
    if one is not None:
        title = f"{one.verdict}: {one.metric} of {one.scheme} on {one.device}"
    return Explanation(test.id, title, tuple(rows), one)


def _judged(one: Measurement) -> list[tuple[str, str]]:
    rows = [("Measured", measured_as(one))]
    if one.budget is not None:
        rows.append(("Budget", budget_as(one.metric, one.budget)))
    if one.verdict is not None:
        why = one.reason.rpartition(": ")[2]
        rows.append(("Verdict", f"{one.verdict}: {why or MEANING[one.verdict]}"))
    if "baseline" in one.details:
        rows.append(("Since the baseline", str(one.details["baseline"]["reason"])))
    return rows


def _last_lines(message: str, lines: int = 12) -> str:
    kept = [line for line in message.splitlines() if line.strip()]
    return "\n".join(kept[-lines:]) or "no message"


def _markdown_cell(label: str, text: str) -> str:
    if label == "Reproduce":
        return f"`{text}`"
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", "<br>")


def _html_cell(label: str, text: str) -> str:
    escaped = html.escape(text, quote=False)
    if label in {"Reproduce", "What happened"}:
        return f'<code style="white-space:pre-wrap;overflow-wrap:anywhere">{escaped}</code>'
    return escaped.replace("\n", "<br>")
