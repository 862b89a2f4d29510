"""A user's mistake ends in exit code 4 and one message that names file, key and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.running import run_pytest
from suites.meta.house.mistakes import WHEN_ASKED, WHEN_BUILDING

if TYPE_CHECKING:
    from suites.meta.gates.running import PytestRun

GATE = "suites/size/test_size.py::test_file_is_within_budget"
PARALLEL = ("-n", "2")
ASKED = WHEN_ASKED["an unknown scheme"]


def assert_one_message(outcome: PytestRun, says: tuple[str, ...]) -> None:
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    for sign in ("Traceback", "INTERNALERROR", "^^^^", "crashed"):
        assert sign not in outcome.output, outcome.output
    lines = [line for line in outcome.output.splitlines() if all(part in line for part in says)]
    assert len(lines) == 1, outcome.output


@pytest.mark.parametrize("name", WHEN_ASKED)
def test_invalid_options_are_reported_in_one_message(name, tmp_path):
    mistake = WHEN_ASKED[name]
    outcome = run_pytest(tmp_path / "reports", [GATE, *mistake.make(tmp_path / "files")])
    assert_one_message(outcome, mistake.says)


@pytest.mark.parametrize("name", WHEN_BUILDING)
def test_invalid_inputs_are_reported_in_one_message(name, tmp_path):
    mistake = WHEN_BUILDING[name]
    outcome = run_pytest(tmp_path / "reports", [GATE, *mistake.make(tmp_path / "files")])
    assert_one_message(outcome, mistake.says)


@pytest.mark.parametrize(
    "mistake",
    [ASKED, WHEN_BUILDING["a column that is not there"]],
    ids=["asked", "given"],
)
def test_mistake_in_a_parallel_run_is_reported_in_one_message(mistake, tmp_path):
    arguments = [GATE, *PARALLEL, *mistake.make(tmp_path / "files")]
    outcome = run_pytest(tmp_path / "reports", arguments)
    assert_one_message(outcome, mistake.says)
    if mistake is not ASKED:
        assert "corpus: reading and encoding" in outcome.output, (
            "the progress of the builder is missing"
        )
