"""Importing models.verdicts loads no runtime, no training package and no scipy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import models.verdicts

HEAVY = ("scipy", "sklearn", "tensorflow", "keras", "ai_edge_litert", "tflite_runtime", "pytest")


@pytest.mark.parametrize("module", ["reports.scoreboard", "models.verdicts.estimates"])
def test_importing_the_verdicts_package_imports_no_heavy_package(module: str) -> None:
    code = (
        f"import sys, {module}; "
        f"print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)}))"
    )
    root = Path(models.verdicts.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
