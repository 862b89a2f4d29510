"""The kernels of a board are judged on the board, in a run of pytest as a user starts one."""

from __future__ import annotations

import os

import pytest

from models.kernels.records import FOLDER, read_cells
from suites.meta.devices.boards import Board
from suites.meta.gates.running import run_pytest
from suites.meta.runtime.sshd import why_no_sshd

# A float operator, an integer operator and a pattern of operators, on one backend.
FEW = "ai_edge_litert-builtin and (RELU-float32 or FULLY_CONNECTED-int8_channel or ATTENTION)"


@pytest.mark.slow
@pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
def test_kernels_of_a_board_are_judged_over_ssh(tmp_path):
    board = Board(tmp_path / "board")
    try:
        arguments = ["suites/kernels", f"--edge-target={board.target}", "-k", FEW]
        path = {"PATH": f"{board.client}:{os.environ['PATH']}"}
        outcome = run_pytest(tmp_path / "reports", arguments, path)
    finally:
        board.stop()
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    assert outcome.ids("failed") == []
    cells = read_cells(tmp_path / "reports" / "kernels" / FOLDER)
    assert {(cell.operator, cell.state) for cell in cells} == {
        ("ATTENTION", "proven"),
        ("FULLY_CONNECTED", "proven"),
        ("RELU", "proven"),
    }
    assert all(cell.examples == 15 for cell in cells)
