"""Without a fault a board's gates pass; each planted fault turns a gate red."""

from __future__ import annotations

import pytest

from models.devices.profile import HOST
from models.devices.recognition import recognize
from suites.meta.gates.faults_on_boards import FAULTS, ON_BOARD, THROUGHPUT
from suites.meta.gates.running import run
from suites.meta.gates.turning_red import assert_its_gate_turns_red

pytestmark = pytest.mark.skipif(recognize().device != HOST, reason="this machine is a board")


@pytest.fixture(scope="module")
def calm(miniature, tmp_path_factory):
    """Return a run, without a fault, of the gates that the faults turn red."""
    gates = sorted({fault.gate for fault in FAULTS.values()})
    folder = tmp_path_factory.mktemp("calm")
    return run(miniature, folder, gates, [*ON_BOARD, "--edge-schemes=float32"])


def test_every_gate_of_a_board_passes_if_no_fault_is_planted(calm):
    assert not calm.ids("failed") + calm.ids("error"), calm.output
    assert calm.code == pytest.ExitCode.OK


def test_board_is_judged_by_the_limits_in_its_profile(calm):
    measurements = calm.results()["measurements"]
    assert {measurement["device"] for measurement in measurements} == {"board"}
    own = {
        measurement["metric"]
        for measurement in measurements
        if measurement["budget"] and "board.toml" in measurement["budget"]["source"]
    }
    assert own == {"texts_per_second", "latency_p90", "peak_rss", "cold_start"}


def test_timed_measurement_includes_sensor_readings_and_their_cost(calm):
    (throughput,) = [
        measurement
        for measurement in calm.results()["measurements"]
        if measurement["test"].startswith(THROUGHPUT)
    ]
    (circumstances,) = throughput["details"]["circumstances"]
    assert circumstances["readings"] >= 2
    assert circumstances["before"]["load"] >= 0
    assert circumstances["after"]["memory_available"] > 0
    assert 0 <= circumstances["cost"] < 1


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(name, run_with, record_property):
    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
