"""The outcome of a gate is stored in separate fields, not only in a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.backends.matrix import _said
from fixtures.results.outcomes import outcome_after
from fixtures.session.endings import (
    CannotRun,
    VerdictFailed,
    cannot_run,
    fails,
    pytest_runtest_makereport,
)
from models.runtime.failures import RunnerDied


def reported(error):
    """Return pytest's report of a gate that raised an error in its set-up."""
    report = SimpleNamespace(
        nodeid="suites/a.py::test_a",
        when="setup",
        passed=False,
        skipped=True,
        duration=0.1,
        longrepr=("a.py", 3, f"Skipped: CannotRun: {error}"),
    )
    call = SimpleNamespace(excinfo=SimpleNamespace(value=error))
    hook = pytest_runtest_makereport(SimpleNamespace(user_properties=[]), call)
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    return report


def test_skip_reason_separates_the_missing_thing_from_its_symptom():
    with pytest.raises(CannotRun) as raised:
        cannot_run("no network namespace", "unshare: EPERM")
    outcome = outcome_after(None, reported(raised.value))
    assert outcome.outcome == "skipped"
    assert outcome.message == "no network namespace: unshare: EPERM"
    assert outcome.lacking == "no network namespace"
    assert outcome_after(outcome, reported_pass("teardown")) == outcome


def reported_pass(when):
    return SimpleNamespace(
        nodeid="suites/a.py::test_a", when=when, passed=True, skipped=False, duration=0.0
    )


def test_ordinary_pytest_skip_names_no_missing_thing():
    outcome = outcome_after(None, reported(pytest.skip.Exception("no gpu: none")))
    assert outcome.lacking == ""


def test_cell_of_the_backend_matrix_shows_the_reason_of_a_failed_verdict():
    with pytest.raises(VerdictFailed, match=r"^fail: 33 %$") as raised:
        fails("33 %")
    assert _said(raised.value) == ("33 %", "")
    assert _said(AssertionError("fail: 33 %")) == ("fail: 33 %", "")


def test_cell_of_the_backend_matrix_shows_the_signal_that_killed_the_backend():
    died = RunnerDied("was killed by SIGSEGV", "loading", None, "")
    died.signal = "SIGSEGV"
    assert _said(died) == ("was killed by SIGSEGV", "SIGSEGV")
