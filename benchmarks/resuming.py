"""Measure how many answers a kill loses: kill runs at random moments, and resume the last one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.default_subject import default_subject, repeated
from benchmarks.limits import judged
from benchmarks.runner import RUNTIME
from benchmarks.scale import TEXTS
from models.runtime.client import Runner
from models.runtime.journal import Journal
from models.runtime.predictions import Progress, answer_split_at_once
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[Any]]

RUNNERS = 2
KILLS, SEED = 3, 0
# Seconds within which a run must have started and stored answers, so that it can be killed.
_SECONDS_TO_START = 60.0


def measure_resuming() -> dict[str, Any]:
    """Return the share of stored answers that were computed again, and the share that differ.

    Each candidate's run is killed at several moments, which are drawn from a seed.
    """
    files, inputs = default_subject()
    texts = repeated(inputs, TEXTS)
    found = {name: _killed(name, file, texts) for name, file in files.items()}
    figures = {
        name: max(one[name] for one in found.values()) for name in ("asked_again", "different")
    }
    return judged("resuming", figures, {"texts": TEXTS, "kills": KILLS, "candidates": found})


def _killed(scheme: str, file: Path, texts: Inputs) -> dict[str, float]:
    """Kill several runs of one candidate, resume the last, and compare with a run without kills."""
    began = time.monotonic()
    expected = _answered(file, texts, None)[0]
    seconds, draw = time.monotonic() - began, random.Random(SEED)  # noqa: S311 - moments of kills
    stored = []
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "answers.journal")
        for _ in range(KILLS):
            _kill_after(draw.uniform(0.0, seconds / (KILLS + 1)), scheme, journal)
            with Journal(journal, len(expected)) as opened:
                stored.append(len(opened.rows))
        with Journal(journal, len(expected)) as opened:
            resumed, computed = _answered(file, texts, opened)
    needed = len(expected) - stored[-1]
    return {
        "asked_again": (computed - needed) / len(expected),
        "different": float((resumed != expected).any(axis=1).mean()),
        "stored_at_the_last_kill": stored[-1] / len(expected),
    }


def _kill_after(seconds: float, scheme: str, journal: Path) -> None:
    """Start a run, and kill it this many seconds after it has stored its first new answers."""
    before = journal.stat().st_size if journal.exists() else 0
    command = [sys.executable, "-m", "benchmarks.resuming", scheme, str(journal)]
    process = subprocess.Popen(command, start_new_session=True)
    stopping = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < stopping:
        if journal.exists() and journal.stat().st_size > before:
            time.sleep(seconds)
            break
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answered(
    file: Path, texts: Inputs, journal: Journal | None
) -> tuple[NDArray[np.float32], int]:
    """Return the logits of all texts, and how many of them this run has computed."""
    computed = [0]

    def count(progress: Progress) -> None:
        computed.append(progress.now)

    logits = answer_split_at_once(
        lambda: Runner(LocalTransport(), RUNTIME),
        lambda runner: runner.load("variant", file),
        "variant",
        texts,
        runners=RUNNERS,
        journal=journal,
        report=count,
    )
    return logits, max(computed)


def _run(scheme: str, journal: str) -> None:
    """Answer all texts that a journal lacks; this is the run that is killed."""
    files, inputs = default_subject()
    with Journal(Path(journal), TEXTS) as opened:
        _answered(files[scheme], repeated(inputs, TEXTS), opened)


if __name__ == "__main__":
    _run(*sys.argv[1:])
