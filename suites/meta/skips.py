"""A test that skips runs somewhere else, or the run fails: `pytest -p suites.meta.skips`.

`skips.toml` lists the tests that `tox -e meta` skips, with the environment that runs them, and what
a machine may lack. A test that skipped and is not listed is told at the end of the run, and so is
one that is listed and ran; either fails it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from models.files.toml_tables import Table, read_table

FILE = Path(__file__).with_suffix(".toml")
SWITCH = "--complete"


class Elsewhere(Table, frozen=True, kw_only=True):
    """Tests that another environment runs; the keys are explained in `skips.toml`."""

    tests: tuple[str, ...]
    reason: str
    runs: str
    in_ci: bool

    def lists(self, test: str) -> bool:
        """Tell whether a test, or a file of them, is among those that are listed."""
        return test.startswith(self.tests)


class Lacking(Table, frozen=True, kw_only=True):
    """A need that a machine may lack; the keys are explained in `skips.toml`."""

    reason: str
    lacks: str
    optional: bool = False


class Skips(Table, frozen=True, kw_only=True):
    """The whole file."""

    elsewhere: tuple[Elsewhere, ...]
    machine: tuple[Lacking, ...]

    def problem_of(self, test: str, ended: str, reason: str, *, complete: bool) -> str | None:
        """Return the problem of a test's ending; None if there is none.

        Args:
            test: its id, or a file that was skipped as a whole.
            ended: "skipped", or any other ending.
            reason: why it was skipped.
            complete: whether the machine has to have all that is not optional.
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
    """Read the list."""
    return read_table(FILE, Skips)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that CI gives."""
    parser.addoption(SWITCH, action="store_true", help="fail where this machine lacks something")


def pytest_configure(config: pytest.Config) -> None:
    """Watch in the process that reports: under xdist that is not the one that tests."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watcher(load_skips(), config.getoption(SWITCH)), "skips")


class Watcher:
    """Compares the endings of tests with the list.

    Args:
        skips: what is listed.
        complete: whether the machine has to have all that is not optional.
    """

    def __init__(self, skips: Skips, complete: bool) -> None:  # noqa: FBT001 - given by name
        self._skips, self._complete = skips, complete
        self.problems: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Look at a file that was skipped as a whole."""
        if report.skipped:
            self._look(report.nodeid, "skipped", report.longrepr)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at a test that was skipped, or that has run."""
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
        """Fail a run that would be green."""
        if self.problems and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say each."""
        for problem in self.problems:
            terminalreporter.write_line(problem, red=True)
