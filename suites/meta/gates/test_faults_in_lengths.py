"""A wrong length turns its gate red; a correct file with several lengths passes every gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.faults_in_lengths import FAULTS
from suites.meta.gates.running import GATES, run_pytest
from suites.meta.gates.turning_red import assert_its_gate_turns_red
from suites.meta.lengths_files import of_lengths
from suites.meta.recordings import write_app

if TYPE_CHECKING:
    from suites.meta.recordings import App


@pytest.fixture
def app(tmp_path) -> App:
    app_written = write_app(tmp_path / "app")
    (app_written.folder / "app.tflite").write_bytes(of_lengths())
    return app_written


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, app, tmp_path, record_property):
    def run(fault):
        (app.folder / "app.tflite").write_bytes(of_lengths(edits=fault.edits))
        return run_pytest(tmp_path / "reports", [fault.gate, *app.arguments()])

    assert_its_gate_turns_red(FAULTS[name], run, record_property)


def test_correct_file_with_several_lengths_passes_every_gate(app, tmp_path):
    outcome = run_pytest(tmp_path / "reports", [*GATES, *app.arguments()])
    assert outcome.code == 0, outcome.output
    passed = {name.partition("::")[2].partition("[")[0] for name in outcome.ids("passed")}
    assert {fault.gate.partition("::")[2] for fault in FAULTS.values()} <= passed
    measured = {
        measurement["metric"]: measurement for measurement in outcome.results()["measurements"]
    }
    assert measured["agreement_lengths"]["value"] == 1.0
    kernels = measured["kernel_coverage"]["details"]["kernels"]
    assert (kernels["asked_graphs"], kernels["texts"], kernels["drawn_alone"]) == (3, 6, [])
    answered_by = measured["accuracy"]["details"]["answered_by"]
    assert list(answered_by) == ["tokens_4", "tokens_6", "tokens_8"]
    assert min(answered_by.values()) > 0
    assert sum(answered_by.values()) == len(app.answers)
    assert "one classifier at 4, 6, 8 tokens" in outcome.output
