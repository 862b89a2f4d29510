"""The miniature and its clean run, and what plants a fault in them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.planting import PLUGIN, RUNNER_VARIABLE, write_runner
from suites.meta.gates.running import run as run_suites
from suites.meta.gates.sharing import clean_run, miniature, shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suites.meta.gates.miniature import Miniature
    from suites.meta.gates.planting import Fault
    from suites.meta.gates.running import Outcome

__all__ = ["clean_run", "miniature", "run_with", "shared_folder"]


@pytest.fixture
def run_with(miniature: Miniature, tmp_path: Path) -> Callable[[Fault], Outcome]:
    """Run a fault's gate with the fault planted: `run_with(fault)`."""

    def run(fault: Fault) -> Outcome:
        subject = miniature.copied_to(tmp_path / "store")
        # Answers that another run left there would be right.
        shutil.rmtree(subject.store / "answers", ignore_errors=True)
        arguments = [*fault.arguments, f"--edge-schemes={','.join(fault.schemes)}"]
        variables = {}
        if fault.plant is not None:
            fault.plant(subject)
        if fault.runner is not None:
            variables[RUNNER_VARIABLE] = str(tmp_path / "runner.py")
            write_runner(fault.runner, tmp_path / "runner.py")
            arguments += PLUGIN
        return run_suites(subject, tmp_path / "reports", [fault.gate], arguments, variables)

    return run
