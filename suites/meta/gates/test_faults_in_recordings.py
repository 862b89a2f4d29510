"""Each planted fault in an app's recording turns its gate red; a correct one passes every gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.faults_in_recordings import FAULTS
from suites.meta.gates.running import GATES, run_pytest
from suites.meta.gates.turning_red import assert_its_gate_turns_red
from suites.meta.recordings import write_app

if TYPE_CHECKING:
    from suites.meta.recordings import App


@pytest.fixture
def app(tmp_path) -> App:
    return write_app(tmp_path / "app")


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, app, tmp_path, record_property):
    def run(fault):
        app.answers[:] = [fault.change(at, row) for at, row in enumerate(app.answers)]
        recorded = f"--edge-recorded={app.record()}"
        arguments = app.arguments(recorded, *fault.arguments)
        return run_pytest(tmp_path / "reports", [fault.gate, *arguments])

    assert_its_gate_turns_red(FAULTS[name], run, record_property)


def test_recording_of_a_correct_app_passes_every_gate(app, tmp_path):
    arguments = app.arguments(f"--edge-recorded={app.record()}")
    outcome = run_pytest(tmp_path / "reports", [*GATES, *arguments])
    assert outcome.code == 0, outcome.output
    passed = {name.partition("::")[2].partition("[")[0] for name in outcome.ids("passed")}
    assert {fault.gate.partition("::")[2] for fault in FAULTS.values()} - passed == {
        "test_latency_percentile_is_within_budget"  # no profile limits the time
    }
    document = outcome.results()
    assert document["device"]["name"] == "recorded"
    measured = {measurement["metric"]: measurement for measurement in document["measurements"]}
    assert measured["token_parity"]["value"] == 1.0
    assert measured["agreement_golden"]["value"] == 1.0
    assert measured["logit_difference"]["value"] < 1e-5
    assert measured["latency_p50"]["value"] == pytest.approx(0.00424, abs=0.00001)
    assert measured["latency_p50"]["backend"] == "recorded"
    assert "the judged answers were recorded elsewhere: no runner is started" in outcome.output
