"""Measure how long `tox -e host` takes: in a clean clone with an empty store, and once more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.idle import busy_cores, why_too_busy, worked_seconds
from benchmarks.limits import judged
from models.processes import programs
from models.store import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# With -v, pytest writes a test's verdict as a word.
COMMAND = (sys.executable, "-m", "tox", "-e", "host", "--", "-v", "--color=no")
VERDICT = re.compile(rb"::.*\b(PASSED|FAILED|ERROR)\b", re.DOTALL)
_LONGEST = 3600.0
# Beginnings of the environment variables that the command does not get: those of a tox that runs
# the benchmarks, and edgeproof's options, which would change what is judged.
_OTHERS = ("TOX", "EDGEPROOF_")
# A sample of two processes with TensorFlow takes 25 ms of a core, which they lack meanwhile.
_SECONDS_BETWEEN_SAMPLES = 1.0
_REMEDY = "Install tox for this Python, or run tox -e benchmarks"


class Timed(NamedTuple):
    """How long a command took.

    Attributes:
        seconds: seconds from its start to its end.
        first_verdict: seconds from its start to the first verdict on the screen.
        processor: seconds of CPU time of its processes.
        foreign: number of cores that other programs kept busy meanwhile.
        peak: largest memory of its processes together, in bytes; shared pages are counted once.
    """

    seconds: float
    first_verdict: float
    processor: float
    foreign: float
    peak: float


def measure_host() -> dict[str, Any]:
    """Return the seconds of a first and a second run, and the artefacts that the second made again.

    The clone has the last commit of this checkout. On a machine that other programs keep busy,
    nothing is judged, and nothing is run if it is busy at the start.
    """
    busy = why_too_busy(before := busy_cores())
    if busy:
        return _not_judged({"load": os.getloadavg(), "busy_cores_before": before}, busy)
    with tempfile.TemporaryDirectory() as folder:
        clone, store = Path(folder, "clone"), Path(folder, "store")
        _cloned(clone)
        cold = timed(COMMAND, clone, store)
        made = _artefacts(store)
        warm = timed(COMMAND, clone, store)
        rebuilt = sorted({name for name, _ in set(_artefacts(store).items()) ^ set(made.items())})
    return judge_host(cold, warm, rebuilt)


def judge_host(cold: Timed, warm: Timed, rebuilt: Sequence[str]) -> dict[str, Any]:
    """Return the table of a cold and a warm run, see `benchmarks.limits.judged`.

    Args:
        cold: the first run.
        warm: the second run.
        rebuilt: the artefacts that the second run made again; there should be none.
    """
    figures = {
        "cold": cold.seconds,
        "first_verdict": cold.first_verdict,
        "warm": warm.seconds,
        "peak_memory": max(cold.peak, warm.peak),
    }
    details = {
        "cold": cold._asdict(),
        "warm": warm._asdict(),
        "rebuilt": list(rebuilt),
        "load": os.getloadavg(),
    }
    if busy := why_too_busy(max(cold.foreign, warm.foreign)):
        return _not_judged({"figures": figures, **details}, busy)
    table = judged("host", figures, details)
    if rebuilt:
        table["missed"].append(f"the second run made again: {', '.join(rebuilt)}")
    return table | {"kept": not table["missed"]}


def _not_judged(table: dict[str, Any], because: str) -> dict[str, Any]:
    """Return the table with the reason why it was not judged, and with "kept" set to False."""
    return table | {"missed": [f"not judged on a busy machine: {because}"], "kept": False}


def timed(command: Sequence[str], folder: Path, store: Path) -> Timed:
    """Run a command of tox in a folder with a store, and time it.

    Raises:
        RuntimeError: the command failed, or showed no verdict.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)},
        "EDGEPROOF_CACHE_DIR": str(store),
        "PYTHONUNBUFFERED": "1",
    }
    began, worked, own = time.monotonic(), worked_seconds(), _own_seconds()
    process = programs.start(
        command, remedy=_REMEDY, stderr=subprocess.STDOUT, environment=environment, folder=folder
    )
    output, first, stopping = b"", None, began + _LONGEST
    with _sampled(process.pid) as samples, process.stdout as stream:  # type: ignore[union-attr]
        while time.monotonic() < stopping and (piece := os.read(stream.fileno(), 65_536)):
            output += piece
            if first is None and VERDICT.search(output):
                first = time.monotonic() - began
    code = programs.wait(process, 60.0)
    seconds, processor = time.monotonic() - began, _own_seconds() - own
    if code != 0 or first is None:
        raise RuntimeError(f"exit code {code}:\n{output[-4000:].decode(errors='replace')}")
    foreign = max(0.0, worked_seconds() - worked - processor) / seconds
    return Timed(seconds, first, processor, foreign, float(max(samples, default=0)))


def _cloned(folder: Path) -> None:
    """Clone this repository at its last commit into a folder."""
    command = ["git", "clone", "--quiet", str(PROJECT), str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def _own_seconds() -> float:
    """Return the CPU seconds of this process and of all that it started and that has ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@contextmanager
def _sampled(pid: int) -> Iterator[list[int]]:
    """Sample the memory of a process and its descendants, in bytes, while a `with` block runs."""
    samples: list[int] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SECONDS_BETWEEN_SAMPLES):
            samples.append(sum(_memory(one) for one in _family(pid)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def _family(pid: int) -> set[int]:
    """Return the ids of a process and of all its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(after_name[1])
    family, generation = {pid}, {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation} - family
        family |= generation
    return family


def _memory(pid: int) -> int:
    """Return the bytes of a process, with its share of shared pages (proc_pid_smaps(5): Pss)."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0


def _artefacts(store: Path) -> dict[str, int]:
    """Return when each artefact of a store was completed, in nanoseconds since 1970."""
    return {
        str(path.relative_to(store)): path.stat().st_mtime_ns
        for path in store.glob("*/*/manifest.json")
    }
