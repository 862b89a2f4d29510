"""Each planted fault in an artefact turns its gate red."""

from __future__ import annotations

import pytest

from suites.meta.gates.faults_in_files import FAULTS
from suites.meta.gates.turning_red import assert_its_gate_turns_red


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
