"""Build and judge subjects whose model is a checkpoint."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from models.building.plan import make_plan, make_request
from models.progress import Progress
from models.subjects import load_subject
from suites.meta.gates.running import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

    from models.building.plan import Plan
    from models.store import Store

GATES = ("suites/accuracy", "suites/agreement", "suites/conformance", "suites/privacy")


def build(subject: Path, corpus: Path, store: Store) -> Plan:
    """Make every artefact of a subject in this process, which has already imported PyTorch."""
    from models.huggingface.builder import Builder  # noqa: PLC0415 - imports PyTorch

    plan = make_plan(make_request(load_subject(str(subject)), corpus=corpus))
    with warnings.catch_warnings():
        # Libraries may emit warnings in the builder's process, but here warnings are errors.
        warnings.simplefilter("ignore")
        Builder(store, plan, Progress(io.StringIO())).build()
    return plan


def judge(subject: Path, corpus: Path, store: Store, reports: Path) -> tuple[int, str]:
    """Run the gates on a subject; return the exit code and the output."""
    options = [f"--edge-subject={subject}", f"--edge-corpus={corpus}"]
    done = run_pytest(reports, [*GATES, *options, f"--edge-cache-dir={store.root}"])
    return done.code, done.output
