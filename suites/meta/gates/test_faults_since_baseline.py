"""Each planted fault that keeps every budget turns its gate red by comparison with the baseline."""

from __future__ import annotations

import re

import pytest

from suites.meta.gates.faults_since_baseline import FAULTS
from suites.meta.gates.turning_red import assert_its_gate_turns_red

# A regression's message states the change, its interval unless the number is exact, both values,
# and the commit of the baseline.
SENTENCE = re.compile(
    r"regression: \w+ of \w+ moved by -?[\d.,]+[^,]*?( \[[^]]+\] \(95 % interval\))?, "
    r"from [\d.,]+.* to [\d.,]+.*, since commit [0-9a-f]{9}"
)


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, run_with, record_property):
    outcome = assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
    for ended, message in outcome.tests.values():
        assert ended == "failed"
        assert "fail: " not in message, message
        assert SENTENCE.search(message), message
    # The end of the run repeats the messages of its tests.
    assert "baseline: regression: " in outcome.output
