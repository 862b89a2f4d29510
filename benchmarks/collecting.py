"""Measure how much time edgeproof adds to pytest's collection."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.limits import judged
from models.store import PROJECT

PAIRS = 7


def measure_collecting() -> dict[str, Any]:
    """Return the seconds that pytest collects with and without edgeproof, and their difference.

    Each is a median. Differences are taken between runs that directly follow each other.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n", encoding="utf-8")
        bare = [_seconds(Path(folder))]
        with_edgeproof = [_seconds(PROJECT)]
        for _ in range(PAIRS):
            bare.append(_seconds(Path(folder)))
            with_edgeproof.append(_seconds(PROJECT))
    # The first pair only filled the disk cache.
    added = statistics.median(
        own - plain for own, plain in zip(with_edgeproof[1:], bare[1:], strict=True)
    )
    details = {
        "bare_seconds": statistics.median(bare[1:]),
        "edgeproof_seconds": statistics.median(with_edgeproof[1:]),
        "pairs": PAIRS,
    }
    return judged("collecting", {"added": added}, details)


def _seconds(folder: Path) -> float:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    started = time.perf_counter()
    subprocess.run([*command, "--ignore=suites/meta"], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started
