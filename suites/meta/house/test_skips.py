"""`tox -e meta` may skip only listed tests; the list names the environment that runs each."""

from __future__ import annotations

import configparser
import re
from types import SimpleNamespace

import pytest

from models.store import PROJECT
from suites.meta.skips import Watcher, load_skips

SKIPS = load_skips()
PARITY = "suites/meta/networks/test_parity.py"
GROUP = "comparing with transformers needs the dependency group 'parity'"
NO_SSHD = "OpenSSH's server and client are not installed"


@pytest.mark.parametrize(
    ("test", "ended", "reason", "part_of_problem"),
    [
        (f"{PARITY}::test_logits_agree[1]", "skipped", GROUP, None),
        (PARITY, "skipped", GROUP, None),
        (f"{PARITY}::test_logits_agree[1]", "passed", "", "ran (passed): remove it"),
        (f"{PARITY}::test_logits_agree[1]", "failed", "", "ran (failed): remove it"),
        (f"{PARITY}::test_logits_agree[1]", "skipped", "another reason", "does not list"),
        ("suites/meta/a.py::test_a", "skipped", "another reason", "does not list: another reason"),
        ("suites/meta/a.py::test_a", "skipped", NO_SSHD, None),
        ("suites/meta/a.py::test_a", "passed", "", None),
    ],
)
def test_unlisted_skips_and_listed_tests_that_ran_are_problems(
    test, ended, reason, part_of_problem
):
    problem = SKIPS.problem_of(test, ended, reason, complete=False)
    assert problem is None if part_of_problem is None else part_of_problem in problem


@pytest.mark.parametrize(
    ("reason", "part_of_problem"),
    [(NO_SSHD, "lacks Debian's openssh-server"), ("needs ../shared/data", None)],
)
def test_complete_run_allows_only_optional_things_to_be_missing(reason, part_of_problem):
    problem = SKIPS.problem_of("suites/meta/a.py::test_a", "skipped", reason, complete=True)
    assert problem is None if part_of_problem is None else part_of_problem in problem


def skipped(test, reason):
    """Return pytest's report of a skipped test."""
    return SimpleNamespace(
        nodeid=test, when="setup", outcome="skipped", skipped=True,
        longrepr=("a.py", 1, f"Skipped: {reason}"),
    )  # fmt: skip


def test_run_with_an_unlisted_skip_fails():
    watcher = Watcher(SKIPS, complete=False)
    watcher.pytest_runtest_logreport(skipped("suites/meta/a.py::test_a", "no reason"))
    session = SimpleNamespace(exitstatus=0)
    watcher.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED
    assert len(watcher.problems) == 1


def test_run_with_only_listed_skips_succeeds():
    watcher = Watcher(SKIPS, complete=True)
    watcher.pytest_runtest_logreport(skipped(f"{PARITY}::test_logits_agree[1]", GROUP))
    watcher.pytest_collectreport(skipped("suites/meta/reports/test_categories.py",
                                         "the report environment has node"))  # fmt: skip
    session = SimpleNamespace(exitstatus=0)
    watcher.pytest_sessionfinish(session)
    assert (session.exitstatus, watcher.problems) == (0, [])


def test_expected_failure_is_not_counted_as_a_skip():
    watcher = Watcher(SKIPS, complete=True)
    failed = skipped("suites/meta/a.py::test_a", "no reason")
    failed.wasxfail = "known"
    watcher.pytest_runtest_logreport(failed)
    assert watcher.problems == []


def environments():
    """Return the commands of each tox environment, by name."""
    read = configparser.ConfigParser(interpolation=None)
    read.read(PROJECT / "tox.ini", encoding="utf-8")
    sections = {name.removeprefix("testenv:"): read[name] for name in read.sections()}
    return {name: section.get("commands", "") for name, section in sections.items()}


def test_every_listed_test_runs_in_its_listed_tox_environment():
    commands = environments()
    assert "-p suites.meta.skips" in commands["meta"]
    for entry in SKIPS.elsewhere:
        paths = re.findall(r"suites/[\w/.]+", commands[entry.runs])
        for test in entry.tests:
            assert any(test.startswith(path) for path in paths), (entry.runs, test)


def test_every_test_in_the_list_of_skips_exists():
    for test in (test for entry in SKIPS.elsewhere for test in entry.tests):
        file, _, name = test.partition("::")
        assert f"def {name}" in (PROJECT / file).read_text(encoding="utf-8"), test
