"""Each planted fault in the runner turns its gate red."""

from __future__ import annotations

import pytest

from suites.meta.gates import planted_runner, planted_watcher
from suites.meta.gates.faults_in_runners import BEHAVIOR, FAULTS
from suites.meta.gates.planting import Fault
from suites.meta.gates.table import PLANTED
from suites.meta.gates.turning_red import assert_its_gate_turns_red


def test_gate_passes_if_the_planted_runner_has_no_fault(run_with):
    outcome = run_with(
        Fault(gate=BEHAVIOR + "test_answers_are_repeated_bit_for_bit", runner="nothing")
    )
    assert outcome.code == pytest.ExitCode.OK, outcome.output


def test_every_fault_of_the_planted_runner_and_watcher_is_used_by_a_test():
    faults_given = [fault for faults in PLANTED.values() for fault in faults.values()]
    # Tests of boards plant these faults.
    without_gate = {
        *("nothing", "every fourth turned around", "every sixth turned around on ARM"),
        *("texts backwards", "nothing but counting"),
    }
    assert {fault.runner for fault in faults_given} - {""} == set(
        planted_runner.FAULTS
    ) - without_gate
    assert {fault.watcher for fault in faults_given} - {""} == set(planted_watcher.FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
