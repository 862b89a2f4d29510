"""Store the results of planted faults for the report."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from fixtures.judging.document import changed, commit
from fixtures.session.options import SETTINGS
from models.errors import EdgeproofError
from reports.documents.faults import SAID, Seen
from reports.documents.runs import FAULTS
from suites.meta.gates.turning_red import first_words

if TYPE_CHECKING:
    import pytest

# The first line of pytest's output.
OUTPUT = "= test session starts ="
# The name of a fault is the parameter of the test that plants it.
_PLANTS = re.compile(
    r"suites/meta/gates/test_faults_\w+\.py::"
    r"test_planted_fault_(?:turns_its_gate_red|is_detected_by_its_test)\[(.+)\]"
)


class FaultsSeen:
    """Collect the outcomes of the tests that plant faults, and write them to a file.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ended: dict[str, tuple[Literal["red", "missed", "skipped"], str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the result of a fault; the test that plants it passes if the gate turns red."""
        plants = _PLANTS.fullmatch(report.nodeid)
        if plants is None:
            return
        if report.skipped:
            self._ended[plants[1]] = "skipped", _reason(report)
        elif report.failed:
            self._ended[plants[1]] = "missed", _wrong(report.longreprtext)
        elif report.when == "call":
            message = dict(report.user_properties).get(SAID, "")
            self._ended[plants[1]] = "red", str(message)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the results, and print the path of the file."""
        if not self._ended:
            return
        from suites.meta.gates.table import keep  # noqa: PLC0415 - imports numpy, which only runs with faults need

        file = self._config.stash[SETTINGS].report_dir / FAULTS
        now, of, has_changes = datetime.now(UTC).isoformat(), commit() or "", changed()
        results = {
            name: Seen(outcome=end, said=message, when=now, commit=of, changed=has_changes)
            for name, (end, message) in self._ended.items()
        }
        try:
            keep(file, results)
        except EdgeproofError as error:
            terminalreporter.write_line(f"planted faults: {error}", red=True)
        else:
            terminalreporter.write_line(f"planted faults: {len(results)} are in {file}")


def _reason(report: pytest.TestReport) -> str:
    representation = report.longrepr
    reason = (
        str(representation[2]) if isinstance(representation, tuple) else _wrong(report.longreprtext)
    )
    return reason.removeprefix("Skipped: ")


def _wrong(text: str) -> str:
    """Return the error in a traceback that may contain the whole output of a run."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    if lines and OUTPUT in lines[0]:
        lines = [line for line in lines if line.startswith("assert ")]
    return first_words(next(iter(lines), text.strip().rpartition("\n")[2]))
