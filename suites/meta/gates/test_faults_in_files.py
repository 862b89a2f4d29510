"""Each fault in an artefact fails its gate."""

from __future__ import annotations

import pytest

from suites.meta.gates.faults_in_files import FAULTS
from suites.meta.gates.turning_red import assert_its_gate_turns_red


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_fails_its_gate(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
