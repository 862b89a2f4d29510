"""Each planted fault in edgeproof's source makes a test of edgeproof fail."""

from __future__ import annotations

import json

import pytest

from reports.documents.faults import SAID
from suites.meta.gates.faults_in_code import FAULTS
from suites.meta.gates.running import run_pytest
from suites.meta.gates.turning_red import first_words

VARIABLE = "EDGEPROOF_META_SOURCE"
PLUGIN = ("-p", "suites.meta.gates.planted_source", "-x", "-q")


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_detected_by_its_test(name, tmp_path, record_property):
    fault = FAULTS[name]
    planted = {"file": fault.file, "replacements": fault.replacements}
    outcome = run_pytest(tmp_path, [fault.gate, *PLUGIN], {VARIABLE: json.dumps(planted)})
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    failed = outcome.ids("failed")
    assert failed, outcome.output
    assert outcome.ids("error") == [], outcome.output
    record_property(SAID, first_words(outcome.tests[failed[0]][1]))
