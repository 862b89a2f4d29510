"""Measure how few texts decide each gate of the default subject."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.limits import judged
from models.store import PROJECT

SUITES = ("suites/accuracy", "suites/agreement")


def measure_deciding() -> dict[str, Any]:
    """Return the share of the texts that decided each gate, and the median share.

    Baselines are not used, because a gate with a baseline uses at least as many texts as its
    baseline.
    """
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder)
        command = [sys.executable, "-m", "pytest", *SUITES, "-q", "-p", "no:cacheprovider"]
        command += [f"--edge-report-dir={reports}", f"--edge-baseline={reports}"]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if not (reports / "results.json").is_file():
            raise RuntimeError(f"exit code {done.returncode}:\n{done.stdout[-4000:]}")
        document = json.loads((reports / "results.json").read_text("utf-8"))
    decided = [
        measurement
        for measurement in document["measurements"]
        if measurement["verdict"] and "looked" in measurement["details"]
    ]
    shares = {
        f"{measurement['metric']} of {measurement['scheme']}": measurement["details"]["looked"][
            "texts"
        ]
        / measurement["details"]["looked"]["of"]
        for measurement in decided
    }
    share = statistics.median(shares.values())
    return judged("deciding", {"median_share": share}, {"shares": shares, "gates": len(shares)})
