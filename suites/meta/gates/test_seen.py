"""The outcome of a test that plants a fault is recorded as the result of the fault."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.session.options import SETTINGS
from reports.documents.faults import SAID, read_faults
from suites.meta.gates.seen import FaultsSeen
from suites.meta.gates.table import planted
from suites.meta.gates.turning_red import LONGEST, first_words

NAME = planted()[0].name
TEST = f"suites/meta/gates/test_faults_in_files.py::test_planted_fault_turns_its_gate_red[{NAME}]"
WRONG = ">   assert ended == 'failed'\nE   AssertionError: it passed\nE   assert 1 == 2\n\na.py:3"

OUTPUT = "E   AssertionError: === test session starts ===\nE   x\nE   assert 1 == 0"


def report(outcome, longrepr=None, when="call", nodeid=TEST):
    properties = [(SAID, "fail: it is")] if outcome == "passed" else []
    return pytest.TestReport(
        nodeid, ("a.py", 1, ""), {}, outcome, longrepr, when, user_properties=properties
    )


@pytest.fixture
def ended(tmp_path):
    """Return `ended(*reports)`: pass reports to the plugin, and return the stored results."""

    def take(*reports):
        config = SimpleNamespace(stash={SETTINGS: SimpleNamespace(report_dir=tmp_path)})
        plugin = FaultsSeen(config)
        for phase in reports:
            plugin.pytest_runtest_logreport(phase)
        lines = []
        plugin.pytest_terminal_summary(
            SimpleNamespace(write_line=lambda *line, **_: lines.append(line))
        )
        file = tmp_path / "faults.json"
        assert file.exists() == bool(lines)
        faults = read_faults(file) if lines else []
        return {fault.name: (fault.seen.outcome, fault.seen.said) for fault in faults if fault.seen}

    return take


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([report("passed", when="setup"), report("passed")], ("red", "fail: it is")),
        ([report("failed", WRONG), report("passed", when="teardown")],
         ("missed", "it passed")),
        ([report("failed", "no space left", when="setup")], ("missed", "no space left")),
        ([report("passed"), report("failed", WRONG, when="teardown")],
         ("missed", "it passed")),
        ([report("failed", OUTPUT)],
         ("missed", "assert 1 == 0")),
        ([report("skipped", ("a.py", 1, "Skipped: there is no C compiler"), when="setup")],
         ("skipped", "there is no C compiler")),
    ],
    ids=["passed", "failed", "error", "error_afterwards", "output", "skipped"],
)  # fmt: skip
def test_result_of_each_planted_fault_is_recorded(reports, expected, ended):
    assert ended(*reports) == {NAME: expected}


def test_run_without_planted_faults_records_no_results(ended):
    test_without_fault = "suites/meta/gates/test_table.py::test_every_kind_of_fault_is_planted"
    assert ended(report("passed", when="setup"), report("passed", nodeid=test_without_fault)) == {}


@pytest.mark.parametrize(
    ("message", "part_expected", "expected"),
    [
        ("Failed: fail: size of float32: 2 MB (/tmp/x/budgets.toml: size.max)\nmore", "",
         "fail: size of float32: 2 MB (budgets.toml: size.max)"),
        ("AssertionError: /tmp/pytest-of-root/store/model.tflite: inputs", "",
         "model.tflite: inputs"),
        ("fail: of float32 (limits/soundness.toml: a.min), 1 / 2, https://a.example/b/c", "",
         "fail: of float32 (limits/soundness.toml: a.min), 1 / 2, https://a.example/b/c"),
        ("assert [] == ['ab...']\n\nE     At index 0: SOFTMAX", "SOFTMAX", "At index 0: SOFTMAX"),
        ("x" * (LONGEST + 1), "", "x" * LONGEST + "..."),
        ("", "", ""),
    ],
    ids=["budget", "file", "relative", "what_it_has_to_say", "long", "nothing"],
)  # fmt: skip
def test_gate_message_is_one_line_without_machine_details(message, part_expected, expected):
    assert first_words(message, part_expected) == expected
