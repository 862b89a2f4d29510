"""Measure how long the main job takes, cold and warm."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from models.store import PROJECT

COLD_LIMIT_SECONDS = 480.0
WARM_LIMIT_SECONDS = 60.0


def measure_host() -> dict[str, Any]:
    """Return the seconds of a first and a second run, and the artefacts that the second rebuilt."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        cold = _run(store)
        before = _artefacts(store)
        warm = _run(store)
        rebuilt = sorted(set(_artefacts(store).items()) ^ set(before.items()))
    return {
        "cold_seconds": cold,
        "cold_limit_seconds": COLD_LIMIT_SECONDS,
        "warm_seconds": warm,
        "warm_limit_seconds": WARM_LIMIT_SECONDS,
        "rebuilt": [name for name, _ in rebuilt],
        "kept": cold < COLD_LIMIT_SECONDS and warm < WARM_LIMIT_SECONDS and not rebuilt,
    }


def _run(store: Path) -> float:
    command = [sys.executable, "-m", "pytest", "--ignore=suites/meta", "-q"]
    command += [f"--edge-cache-dir={store}", f"--edge-report-dir={store.parent}"]
    started = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _artefacts(store: Path) -> dict[str, int]:
    """Return when each artefact was made, in nanoseconds."""
    return {
        str(path.relative_to(store)): path.stat().st_mtime_ns
        for path in store.glob("*/*/manifest.json")
    }
