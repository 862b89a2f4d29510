"""Count the answers of a run for four schemes on a board that takes one second per answer.

This machine and a virtual clock replace the board, so that no answer really takes a second. The
answers of every gate on every backend are counted, for two subjects: four files without a full
model, as a user brings them, and four schemes of the default subject, which are also compared with
their full model, and one of which is close to its limit. Only the first have a limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.counted_answers import COUNTS_VARIABLE
from benchmarks.default_subject import SCHEMES
from benchmarks.limits import judged
from models.store import PROJECT
from suites.meta.devices.four_schemes import write_four

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # Number of answers, by test id and by backend.
    Counts = Mapping[str, Mapping[str, int]]

BOARD = PROJECT / "benchmarks" / "slow_board.toml"
# The first backend of the board is the judged one.
JUDGED = "ai_edge_litert"
SECONDS_OF_AN_ANSWER = 1.0
# The gates whose answers a bundle needs.
JUDGING = ("suites/accuracy/test_accuracy_floor.py", "suites/agreement", "suites/backends")
# The suites that make a board classify texts. The kernels of a file are checked on the host.
ASKING = (
    *("suites/accuracy", "suites/agreement", "suites/backends/test_backends.py"),
    *("suites/conformance/test_behavior.py", "suites/latency", "suites/memory", "suites/privacy"),
)
COUNTS = "answers.json"
COUNTING = (f"--edge-device={BOARD}", "-p", "benchmarks.counted_answers")


def measure_slow_board() -> dict[str, Any]:
    """Return how many answers each suite takes, and the seconds of a board for all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        brought = _counted(folder / "brought", f"--edge-subject={write_four(folder / 'files')}")
        own = _counted(folder / "own", f"--edge-schemes={','.join(SCHEMES)}")
    details = {"inconclusive": brought.undecided, "inconclusive_of_default": own.undecided}
    return judge_counts(brought.counts, details, of_default=own.counts)


class Counted(NamedTuple):
    """The answers that a run on the board took.

    Attributes:
        counts: number of answers, by test id and by backend.
        undecided: metric and scheme of each inconclusive verdict.
    """

    counts: Counts
    undecided: list[str]


def _counted(folder: Path, subject: str) -> Counted:
    """Export a bundle of four files, and judge it on the board.

    Args:
        folder: folder of the bundle and the reports.
        subject: the option that chooses the files.
    """
    folder.mkdir()
    bundle = folder / "four.edge"
    _run(folder, [*JUDGING, subject, f"--edge-export-bundle={bundle}"])
    given = [f"--edge-bundle={bundle}", f"--edge-cache-dir={folder / 'store'}"]
    document = _run(folder, [*ASKING, *given, *COUNTING])
    counts = json.loads((folder / COUNTS).read_text("utf-8"))
    undecided = [
        f"{measurement['metric']} of {measurement['scheme']}"
        for measurement in document["measurements"]
        if measurement["verdict"] == "inconclusive"
    ]
    return Counted(counts, undecided)


def judge_counts(
    counts: Counts, details: Mapping[str, Any] | None = None, *, of_default: Counts | None = None
) -> dict[str, Any]:
    """Return the answers of each suite, gate and backend, and whether they keep the limits.

    Args:
        counts: the counted answers.
        details: further entries of the table.
        of_default: the counted answers for the default subject, which have no limit.
    """
    of_suites: dict[str, Counter[str]] = defaultdict(Counter)
    of_gates: dict[str, Counter[str]] = defaultdict(Counter)
    of_backends: Counter[str] = Counter()
    for test, asked in counts.items():
        of_suites[suite_of(test)].update(asked)
        of_gates[test.rpartition("::")[2].partition("[")[0]].update(asked)
        of_backends.update(asked)
    figures = {
        "judged_backend": SECONDS_OF_AN_ANSWER * of_backends[JUDGED],
        "all_backends": SECONDS_OF_AN_ANSWER * of_backends.total(),
    }
    if of_default is not None:
        answers_of_default = sum(asked.get(JUDGED, 0) for asked in of_default.values())
        figures["default_subject"] = SECONDS_OF_AN_ANSWER * answers_of_default
    answers = {
        "answers_of_backends": dict(of_backends),
        "answers_of_suites": {name: dict(asked) for name, asked in of_suites.items()},
        "answers_of_gates": {name: dict(asked) for name, asked in of_gates.items()},
    }
    return judged("slow_board", figures, {**answers, **(details or {})})


def suite_of(test: str) -> str:
    """Return the name of the suite that contains a test, from the test's id."""
    return test.split("/")[1] if "/" in test else test


def _run(folder: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """Run pytest; return its results.json.

    Raises:
        RuntimeError: the run ended without results.
    """
    results = folder / "reports" / "results.json"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider"]
    command += [f"--edge-report-dir={results.parent}", f"--edge-baseline={folder}"]
    variables = os.environ | {COUNTS_VARIABLE: str(folder / COUNTS)}
    done = subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, check=False
    )
    if not results.is_file():
        raise RuntimeError(f"exit code {done.returncode}:\n{done.stdout[-4000:]}")
    document: dict[str, Any] = json.loads(results.read_text("utf-8"))
    return document
