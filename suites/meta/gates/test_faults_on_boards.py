"""A board's budgets and sensors: its gates pass without a fault, and each fault turns one red."""

from __future__ import annotations

import pytest

from models.devices.profile import HOST
from models.devices.recognition import recognize
from suites.meta.gates.faults_on_boards import FAULTS, ON_BOARD
from suites.meta.gates.running import run
from suites.meta.gates.turning_red import assert_its_gate_turns_red

pytestmark = pytest.mark.skipif(recognize().device != HOST, reason="this machine is a board")


def test_its_gates_pass_where_nothing_is_planted(miniature, tmp_path):
    gates = sorted({fault.gate for fault in FAULTS.values()})
    outcome = run(miniature, tmp_path, gates, [*ON_BOARD, "--edge-schemes=float32"])
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    judged = {one["metric"]: one for one in outcome.results()["measurements"] if one["budget"]}
    own = {name for name, one in judged.items() if "board.toml" in one["budget"]["source"]}
    assert own == {"tweets_per_second", "latency_p90", "peak_rss", "cold_start"}


@pytest.mark.parametrize("name", FAULTS)
def test_its_gate_turns_red(name, run_with):
    assert_its_gate_turns_red(FAULTS[name], run_with)
