"""A float32 file that deviates from PyTorch turns each gate of parity red.

Needs the dependency group `torch`.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.faults_in_checkpoints import FAULTS
from suites.meta.gates.planting import Fault, plant
from suites.meta.gates.running import PytestRun, run
from suites.meta.gates.turning_red import assert_its_gate_turns_red

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suites.meta.gates.miniature import Miniature

pytestmark = [
    pytest.mark.skipif(
        find_spec("litert_torch") is None,
        reason="converting a checkpoint needs the dependency group 'torch'",
    ),
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(
    name: str,
    trained: Callable[[str], Miniature],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    def run_with(fault: Fault) -> PytestRun:
        mini = trained("distilbert").copied_to(tmp_path / "store")
        shutil.rmtree(mini.store / "answers", ignore_errors=True)
        arguments, variables = plant(fault, mini, tmp_path)
        return run(mini, tmp_path / "reports", [fault.gate], arguments, variables)

    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)
