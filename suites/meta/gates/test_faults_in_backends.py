"""Each fault planted in a backend turns its gate red."""

from __future__ import annotations

import pytest

from suites.meta.gates.faults_in_backends import FAULTS
from suites.meta.gates.turning_red import assert_its_gate_turns_red


@pytest.mark.parametrize("name", FAULTS)
def test_its_gate_turns_red(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
