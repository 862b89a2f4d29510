"""A board over ssh is judged with a bundle, by the pytest command that a user would run."""

from __future__ import annotations

import os
import time

import pytest

from models.devices.recognition import recognize
from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root
from suites.meta.devices.boards import Board
from suites.meta.gates.running import run_pytest
from suites.meta.runtime.old_pythons import python38, with_runtime
from suites.meta.runtime.sshd import why_no_sshd

pytestmark = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
SUITES = ("suites/agreement", "suites/conformance/test_file.py", "suites/privacy", "suites/size")


@pytest.fixture
def judge_on(bundle, tmp_path):
    """Return `judge_on(board, suites, arguments)`, which judges a board with the bundle."""

    def judged(board, suites=SUITES, arguments=()):
        options = [f"--edge-target={board.target}", f"--edge-bundle={bundle}"]
        options += [f"--edge-cache-dir={tmp_path / 'store'}", *arguments]
        path = {"PATH": f"{board.client}:{os.environ['PATH']}"}
        return run_pytest(tmp_path / "reports", [*suites, *options], path)

    return judged


@pytest.fixture
def board(tmp_path):
    """Start a board with the Python of this process."""
    started = Board(tmp_path / "board")
    yield started
    started.stop()


def test_board_over_ssh_is_judged_from_the_bundle_alone(judge_on, board):
    outcome = judge_on(board)
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    assert outcome.ids("failed") == []
    golden = [name for name in outcome.ids("passed") if "test_golden.py" in name]
    assert golden or outcome.ids("skipped")
    results = outcome.results()
    assert results["device"]["name"] == recognize().device
    assert results["device"]["emulated"] is False
    assert {measurement["device"] for measurement in results["measurements"]} == {
        results["device"]["name"]
    }
    assert board.starts > len(results["subject"]["schemes"])


def test_rejects_ssh_address_of_a_device_other_than_the_requested_one(judge_on, board):
    refused = judge_on(board, ["suites/size"], ["-m", "rpi4"])
    assert refused.code == pytest.ExitCode.USAGE_ERROR
    assert f"-m rpi4: {board.target} is " in refused.output
    assert "--edge-emulate rpi4" in refused.output


def test_lost_board_ends_the_run_and_earlier_measurements_are_saved(judge_on, board):
    plug = board.stop_after(5)
    start = time.monotonic()
    outcome = judge_on(board, ["suites/size", "suites/agreement", "suites/conformance"])
    plug.join()
    assert time.monotonic() - start < 120
    assert outcome.code == pytest.ExitCode.INTERRUPTED, outcome.output
    assert "earlier measurements are kept" in outcome.output
    assert "the connection was lost" in outcome.output or "cannot be reached" in outcome.output
    metrics = {measurement["metric"] for measurement in outcome.results()["measurements"]}
    assert "flatbuffer_bytes" in metrics


@pytest.mark.slow
@pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable()))
def test_emulated_raspberry_pi_over_ssh_is_recognized_and_judged(judge_on, tmp_path):
    """An emulated board replaces the real one: sshd is real, device tree and Python are ARM's."""
    sysroot = prepare_sysroot(Store(default_root()), "aarch64")
    raspberry = Board(tmp_path / "raspberry", sysroot)
    try:
        # static_wi8_ai8_dense is left out: if a zero point happens to be 0, four threads of this
        # processor compute wrong logits (docs/quantization.md).
        schemes = "--edge-schemes=float32,float16,dynamic_wi8_afp32"
        outcome = judge_on(raspberry, arguments=["-m", "rpi4", "--edge-texts=8", schemes])
    finally:
        raspberry.stop()
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    device = outcome.results()["device"]
    assert (device["name"], device["machine"]) == ("rpi4", "aarch64")
    assert device["model"].startswith("Raspberry Pi 4")


@pytest.mark.slow
def test_board_with_python_38_is_judged(judge_on, tmp_path):
    """The board's Python is too old for pytest, but only the runner runs there."""
    python = python38()
    if python is None:
        pytest.skip("no CPython 3.8 on this machine")
    board = Board(tmp_path / "board", python=str(with_runtime(python, tmp_path / "python")))
    suites = ("suites/agreement", "suites/conformance", "suites/latency/test_throughput.py")
    try:
        outcome = judge_on(board, suites)
    finally:
        board.stop()
    assert not outcome.ids("error"), outcome.output
    answered = {measurement["backend"] for measurement in outcome.results()["measurements"]}
    assert answered == {"tflite_runtime", None}
    assert outcome.code == pytest.ExitCode.OK, outcome.output
