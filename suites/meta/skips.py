"""Fail a run that skips a test which no environment runs: `pytest -p suites.meta.skips`.

`skips.toml` lists the tests that `tox -e meta` skips, with the environments that run these tests,
and programs and data that a machine may lack. The run fails if a skipped test is not listed, or if
a listed test ran; its last lines name these tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from models.files.toml_tables import Table, read_table

FILE = Path(__file__).with_suffix(".toml")
SWITCH = "--complete"


class Elsewhere(Table, frozen=True, kw_only=True):
    """Tests that another environment runs; `skips.toml` explains the keys."""

    tests: tuple[str, ...]
    reason: str
    runs: str
    in_ci: bool

    def lists(self, test: str) -> bool:
        """Tell whether a test, or a whole file of tests, is listed."""
        return test.startswith(self.tests)


class Lacking(Table, frozen=True, kw_only=True):
    """Something that a machine may lack; `skips.toml` explains the keys."""

    reason: str
    lacks: str
    optional: bool = False


class Skips(Table, frozen=True, kw_only=True):
    """The content of `skips.toml`."""

    elsewhere: tuple[Elsewhere, ...]
    machine: tuple[Lacking, ...]

    def problem_of(self, test: str, ended: str, reason: str, *, complete: bool) -> str | None:
        """Return why a test's outcome does not fit the list; None if it fits.

        Args:
            test: id of the test, or path of a file that was skipped as a whole.
            ended: "skipped" or another outcome.
            reason: reason for skipping it.
            complete: whether a machine may lack only what is optional.
        """
        listed = next((entry for entry in self.elsewhere if entry.lists(test)), None)
        if ended != "skipped":
            return None if listed is None else f"{test} ran ({ended}): remove it from {FILE.name}"
        if listed is not None and listed.reason in reason:
            return None
        lacking = next((entry for entry in self.machine if entry.reason in reason), None)
        if lacking is None:
            return f"{test} was skipped, which {FILE.name} does not list: {reason}"
        if complete and not lacking.optional:
            return f"{test} was skipped ({reason}): this machine lacks {lacking.lacks}"
        return None


def load_skips() -> Skips:
    """Read `skips.toml`."""
    return read_table(FILE, Skips)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--complete`, which fails a run if this machine lacks something that a test needs."""
    parser.addoption(
        SWITCH,
        action="store_true",
        help="fail if a test is skipped because this machine lacks something",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the watcher in the reporting process, which runs no tests under xdist."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watcher(load_skips(), config.getoption(SWITCH)), "skips")


class Watcher:
    """Compares the outcomes of tests with `skips.toml`.

    Args:
        skips: content of `skips.toml`.
        complete: whether a machine may lack only what is optional.
    """

    def __init__(self, skips: Skips, complete: bool) -> None:  # noqa: FBT001 - an option that is read once
        self._skips, self._complete = skips, complete
        self.problems: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Check a file that was skipped as a whole."""
        if report.skipped:
            self._look(report.nodeid, "skipped", report.longrepr)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Check a test that was skipped or has run."""
        if hasattr(report, "wasxfail"):
            return
        if report.skipped or report.when == "call":
            self._look(report.nodeid, report.outcome, report.longrepr)

    def _look(self, test: str, ended: str, skip: object) -> None:
        reason = str(skip[-1]).removeprefix("Skipped: ") if isinstance(skip, tuple) else str(skip)
        problem = self._skips.problem_of(test, ended, reason, complete=self._complete)
        if problem is not None and problem not in self.problems:
            self.problems.append(problem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would otherwise pass, if it has problems."""
        if self.problems and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the problems."""
        for problem in self.problems:
            terminalreporter.write_line(problem, red=True)
