"""A board classifies only part of the texts, and wrong answers are still detected."""

from __future__ import annotations

import os

import pytest

from models.runtime.assembling import NAME
from suites.meta.devices.boards import Board
from suites.meta.gates.planting import RUNNER_VARIABLE, runner_with
from suites.meta.gates.running import run_pytest
from suites.meta.runtime.sshd import why_no_sshd

pytestmark = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
SUITES = ("suites/accuracy", "suites/agreement")
TEXTS = 600
PLUGIN = ("-p", "suites.meta.gates.planted_programs")


@pytest.fixture
def judge_on_board(bundle, tmp_path):
    """Return a function that judges a board whose runner counts its answers, and may have a fault.

    `judge_on_board(fault, arguments)` returns the outcome and the number of answers.
    """

    def judged(fault="nothing", arguments=()):
        board, noted = Board(tmp_path / "board"), tmp_path / "answers"
        runner = tmp_path / NAME
        runner.write_bytes(runner_with(fault, noted))
        options = [f"--edge-target={board.target}", f"--edge-bundle={bundle}"]
        options += [f"--edge-cache-dir={tmp_path / 'store'}", *PLUGIN, *arguments]
        variables = {
            "PATH": f"{board.client}:{os.environ['PATH']}",
            RUNNER_VARIABLE: str(runner),
        }
        try:
            outcome = run_pytest(tmp_path / "reports", [*SUITES, *options], variables)
        finally:
            board.stop()
        return outcome, noted.stat().st_size

    return judged


def test_board_that_agrees_with_the_host_classifies_only_part_of_the_texts(judge_on_board):
    outcome, answers = judge_on_board()
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    results = outcome.results()
    schemes = len(results["subject"]["schemes"])
    assert answers < 0.6 * TEXTS * schemes
    looked = [
        measurement["details"]["looked"]
        for measurement in results["measurements"]
        if _few(measurement)
    ]
    assert looked
    assert {look["of"] for look in looked} == {TEXTS}
    carried = [
        look for look in looked if look["because"].startswith("the host classified all texts")
    ]
    assert len(carried) > len(looked) / 2
    assert f"of {TEXTS} test texts" in outcome.output.lower()


def _few(measurement):
    """Tell whether a measurement may stop after a part of the texts."""
    return "looked" in measurement["details"]


def test_gates_fail_if_a_board_gives_wrong_labels(judge_on_board):
    """The planted board gives a wrong label to every fourth text."""
    outcome, _ = judge_on_board("every fourth turned around")
    assert outcome.code == pytest.ExitCode.TESTS_FAILED
    failed = {name.partition("[")[0].rpartition("::")[2] for name in outcome.ids("failed")}
    assert "test_labels_agree_with_the_host" in failed
    assert "test_drop_from_float32_is_within_budget" in failed
    assert "test_labels_agree_with_float32" in failed


def test_fixed_sample_option_makes_a_board_classify_every_text(judge_on_board):
    outcome, answers = judge_on_board(arguments=["--edge-fixed-sample", "-k", "agree"])
    assert outcome.code == pytest.ExitCode.OK, outcome.output
    assert answers >= TEXTS * len(outcome.results()["subject"]["schemes"])
    assert not any(
        "looked" in measurement["details"] for measurement in outcome.results()["measurements"]
    )
