"""Each planted fault in a backend turns its gate red."""

from __future__ import annotations

import pytest

from suites.meta.gates.faults_in_backends import ACCELERATOR, FAULTS
from suites.meta.gates.planting import Fault
from suites.meta.gates.turning_red import assert_its_gate_turns_red


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)


def test_backend_without_a_fault_passes_every_gate(run_with):
    outcome = run_with(Fault(gate="suites/backends", backend="planted"))
    assert outcome.code == 0, outcome.output
    passed = [name for name in outcome.ids("passed") if name.endswith("-planted]")]
    assert any(name.startswith(ACCELERATOR) for name in passed), outcome.output
