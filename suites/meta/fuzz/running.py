"""Feed bad files to a reader, in processes that may crash."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.store import PROJECT
from suites.meta.fuzz.worker import FINDINGS, INPUTS, PATIENCE, POSITION

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = "suites.meta.fuzz.readers"
# Number of findings after which a reader gets no more inputs, because it is clearly broken.
MOST_FINDINGS = 40
# If there is a folder in memory, use it, because it avoids a million writes to the disk.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - it will contain a folder with a random name


@dataclass(frozen=True)
class Finding:
    """An input that a reader neither accepted nor rejected as it must.

    Attributes:
        problem: what happened.
        detail: last line of the traceback, or the message.
        kept: path of the stored input and traceback.
    """

    reader: str
    name: str
    problem: str
    detail: str
    kept: Path

    def __str__(self) -> str:
        return f"{self.reader}: {self.name}: {self.problem}: {self.detail} ({self.kept})"


@dataclass
class ReaderResult:
    """The results of all inputs of a reader."""

    reader: str
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_at: str = ""
    peak: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """Return the number of inputs that were read."""
        return self.accepted + self.refused + len(self.findings)


def fuzz(  # noqa: PLR0913 - callers pass options by name
    reader: str,
    out: Path,
    *,
    inputs: int,
    every: int = 1,
    seed: int = 0,
    jobs: int = 1,
    module: str = READERS,
    progress: Callable[[str], None] = lambda _: None,
) -> ReaderResult:
    """Feed all crafted inputs and some mutated ones to a reader.

    Args:
        reader: name of the reader.
        out: folder for findings; its subfolder with the reader's name is replaced.
        inputs: number of mutated inputs.
        every: 1 for all crafted inputs, 2 for every second one, and so on.
        seed: seed of the random choices.
        jobs: number of parallel processes.
        module: name of the module with READERS.
        progress: called regularly with the results so far.
    """
    folder_of_reader = out / reader
    shutil.rmtree(folder_of_reader, ignore_errors=True)
    run = _Run(reader, folder_of_reader, inputs, (module, seed, every), progress)
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(run.share, number, jobs) for number in range(jobs)]:
            future.result()
    return run.outcome


class _Run:
    """The inputs of one reader, divided among processes, with the results so far."""

    def __init__(
        self,
        reader: str,
        folder_of_reader: Path,
        inputs: int,
        inputs_of_run: tuple[str, int, int],
        progress: Callable[[str], None],
    ) -> None:
        self.outcome = ReaderResult(reader)
        self._kept, self._inputs, self._which, self._progress = (
            folder_of_reader,
            inputs,
            inputs_of_run,
            progress,
        )
        self._lock = threading.Lock()

    def share(self, share: int, shares: int) -> None:
        """Read all inputs of one share; start a new process after each crash."""
        scratch = _IN_MEMORY if _IN_MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="edgeproof-fuzz-", dir=scratch) as name:
            start: int | None = 0
            while start is not None and len(self.outcome.findings) < MOST_FINDINGS:
                start = self._process(Path(name), start, share, shares)

    def _process(self, folder: Path, start: int, share: int, shares: int) -> int | None:
        """Read inputs in a process until it ends.

        Return the number of the next input; None if all inputs were read.
        """
        numbers = map(str, (start, self._inputs, share, shares))
        module, seed, every = self._which
        command = [sys.executable, "-m", "suites.meta.fuzz.worker", module, self.outcome.reader]
        command += [str(folder), str(seed), str(every), *numbers]
        ended = False
        with (
            (folder / "stderr").open("wb") as errors,
            subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors) as worker,
        ):
            last: dict[str, Any] = {}
            try:
                for line in worker.stdout or ():
                    message = json.loads(line)
                    last = self._take(message, last, folder)
                    ended = message["kind"] == "done"
            finally:
                worker.kill()
                status = worker.wait()
        if ended:
            return None
        position = folder / POSITION
        at = position.read_text(encoding="ascii").strip() if position.is_file() else ""
        if not at:
            errors_said = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{self.outcome.reader} reads not even good files:\n{errors_said}")
        if status:
            self._died(folder, int(at), status)
        return int(at) + 1

    def _take(self, message: dict[str, Any], last: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Add a report of a process to the results; return the latest tally of the process."""
        with self._lock:
            if message["kind"] == "finding":
                self._keep(folder, message)
                return last
            tally, outcome = message["tally"], self.outcome
            outcome.accepted += tally["accepted"] - last.get("accepted", 0)
            outcome.refused += tally["refused"] - last.get("refused", 0)
            outcome.peak = max(outcome.peak, tally["peak"])
            if tally["slowest"] > outcome.slowest:
                outcome.slowest, outcome.slowest_at = tally["slowest"], tally["slowest_at"]
            self._progress(
                f"{outcome.reader}: {outcome.inputs:,} inputs, {len(outcome.findings)} findings"
            )
            return dict(tally)

    def _keep(self, folder: Path, message: dict[str, Any]) -> None:
        self._kept.mkdir(parents=True, exist_ok=True)
        for file in (folder / FINDINGS).glob(f"{message['number']}.*"):
            shutil.move(file, self._kept / file.name)
        file_of_finding = self._kept / f"{message['number']}.txt"
        facts = message["name"], message["problem"], message["detail"]
        self.outcome.findings.append(Finding(self.outcome.reader, *facts, file_of_finding))

    def _died(self, folder: Path, number: int, status: int) -> None:
        """Store the end of a crashed process as a finding."""
        problem = f"exit status {status}" if status > 0 else signal.Signals(-status).name
        if -status == signal.SIGALRM:
            problem = f"no answer after {PATIENCE:g} s"
        errors = (folder / "stderr").read_text(encoding="utf-8", errors="replace")[-3000:]
        with self._lock:
            self._kept.mkdir(parents=True, exist_ok=True)
            for file in (folder / INPUTS).glob("*"):
                if file.is_file():
                    shutil.copy(file, self._kept / f"{number}.bin")
            file_of_finding = self._kept / f"{number}.txt"
            file_of_finding.write_text(
                f"{self.outcome.reader}\n{problem}\n\n{errors}\n", encoding="utf-8"
            )
            lines = errors.strip().splitlines()
            detail = lines[-1] if lines else "nothing was said"
            self.outcome.findings.append(
                Finding(self.outcome.reader, f"input {number}", problem, detail, file_of_finding)
            )


def cores() -> int:
    """Return how many processes can run at a time."""
    return len(os.sched_getaffinity(0))
