"""Provide the miniature subject, its run without faults, and a function that plants faults."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from suites.meta.gates.planting import plant
from suites.meta.gates.running import run as run_suites
from suites.meta.gates.sharing import clean_baselines, clean_run, miniature, shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suites.meta.gates.miniature import Miniature
    from suites.meta.gates.planting import Fault
    from suites.meta.gates.running import PytestRun

__all__ = ["clean_baselines", "clean_run", "miniature", "run_with", "shared_folder"]


@pytest.fixture
def run_with(
    request: pytest.FixtureRequest, miniature: Miniature, tmp_path: Path
) -> Callable[[Fault], PytestRun]:
    """Return `run_with(fault)`, which plants a fault and runs its gate."""

    def run(fault: Fault) -> PytestRun:
        subject = miniature.copied_to(tmp_path / "store")
        # Stored logits and proven kernels of an earlier run would hide the fault.
        for name in ("answers", "kernel-coverage"):
            shutil.rmtree(subject.store / name, ignore_errors=True)
        arguments, variables = plant(fault, subject, tmp_path)
        if fault.compared:
            arguments.append(f"--edge-baseline={request.getfixturevalue('clean_baselines')}")
        return run_suites(subject, tmp_path / "reports", [fault.gate], arguments, variables)

    return run
