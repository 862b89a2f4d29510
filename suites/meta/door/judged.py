"""Run the suites on given files, and read the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.meta.gates.running import PytestRun, run_pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FIGURES = ("suites/accuracy", "suites/agreement", "suites/size")
BEHAVIOR = "suites/conformance"
TIMEOUT = 600


@dataclass(frozen=True)
class Judged:
    """The result of a run that judged files.

    Attributes:
        outcome: its exit code, its output and its tests.
    """

    outcome: PytestRun

    def figure(self, metric: str, candidate: str) -> float:
        """Return the value of the only measurement of a metric for a candidate."""
        (figure,) = (
            measurement["value"]
            for measurement in self.outcome.results()["measurements"]
            if (measurement["metric"], measurement["scheme"]) == (metric, candidate)
        )
        return float(figure)

    def figures(self, metric: str) -> dict[str, float]:
        """Return the values of a metric by candidate."""
        measured: list[dict[str, Any]] = self.outcome.results()["measurements"]
        return {
            measurement["scheme"]: measurement["value"]
            for measurement in measured
            if measurement["metric"] == metric
        }

    def red(self, candidate: str) -> set[str]:
        """Return the names of a candidate's tests that failed."""
        ended = (*self.outcome.ids("failed"), *self.outcome.ids("error"))
        of_candidate = (
            name for name in ended if f"-{candidate}]" in name or f"-{candidate}-" in name
        )
        return {name.partition("::")[2].partition("[")[0] for name in of_candidate}


def judge(
    folder: Path,
    arguments: Sequence[str],
    suites: Sequence[str] = FIGURES,
    store: Path | None = None,
) -> Judged:
    """Judge files in a separate pytest, which must end with exit code 0 or 1."""
    store_option = f"--edge-cache-dir={store or folder / 'store'}"
    baseline = f"--edge-baseline={folder / 'baseline'}"
    arguments_given = [*suites, store_option, baseline, *arguments]
    outcome = run_pytest(folder / "reports", arguments_given, timeout=TIMEOUT)
    assert outcome.code in {0, 1}, outcome.output
    for sign in ("INTERNALERROR", "Traceback"):
        assert sign not in outcome.output, outcome.output
    return Judged(outcome)


def options(texts: Any, labels: Sequence[str], **more: str) -> list[str]:
    """Return the options that name texts, labels and a tokenizer."""
    settings = {
        "corpus": str(texts.corpus),
        "columns": "text=review,label=mood",
        "labels": ",".join(labels),
        "tokenizer": f"text_vectorization:{texts.vocabulary}",
        **more,
    }
    return [f"--edge-{name}={value}" for name, value in settings.items() if value]
