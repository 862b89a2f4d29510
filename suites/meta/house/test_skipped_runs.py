"""A run in which every gate was skipped has not passed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.results.all_skipped import GateTally


def ended(session_status, *reports):
    counter, session = GateTally(), SimpleNamespace(exitstatus=session_status)
    for nodeid, when, skipped in reports:
        counter.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, when=when, skipped=skipped))
    counter.pytest_sessionfinish(session)
    return session.exitstatus


GATE, META = "suites/size/test_size.py::test_a", "suites/meta/house/test_b.py::test_b"
SKIPPED_EARLY, SKIPPED, PASSED = ("setup", True), ("call", True), ("call", False)


@pytest.mark.parametrize("phase", [SKIPPED_EARLY, SKIPPED])
def test_run_with_only_skipped_gates_exits_with_the_code_for_no_tests(phase):
    assert ended(pytest.ExitCode.OK, (GATE, *phase)) == pytest.ExitCode.NO_TESTS_COLLECTED


def test_run_with_one_judged_gate_exits_with_success():
    assert ended(pytest.ExitCode.OK, (GATE, *SKIPPED), (GATE, *PASSED)) == pytest.ExitCode.OK


def test_exit_code_of_a_failed_run_is_not_changed():
    failed = pytest.ExitCode.TESTS_FAILED
    assert ended(failed, (GATE, *SKIPPED)) == failed


def test_run_of_edgeproofs_own_tests_may_skip_every_test():
    assert ended(pytest.ExitCode.OK, (META, *SKIPPED)) == pytest.ExitCode.OK
