"""Read bad files one after the other, in a process that may crash.

The module `running` starts `python -m suites.meta.fuzz.worker`, which prints its progress and its
findings in lines of JSON. If it crashes, its folder still contains the current input.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError

if TYPE_CHECKING:
    from suites.meta.fuzz.reader import Reader

# Limits for one input: seconds of CPU time, because other programs use the machine, and bytes of
# memory.
SECONDS = 2.0
BYTES = 1 << 30
# Seconds of wall time after which an alarm kills the process.
PATIENCE = 30.0
# Bytes that can be allocated beyond the peak of the good files: far more than `BYTES`, so that an
# excess is measured instead of failing, and far less than the machine's memory.
ROOM = 3 << 30
# Maximum length of a message in characters: place, key, fault and remedy have up to about a
# thousand each.
LONGEST_MESSAGE = 4100
REPORT_EVERY = 0.5
POSITION, INPUTS, FINDINGS = "position", "inputs", "findings"


@dataclass
class Tally:
    """The counts and maxima over the inputs that were read so far."""

    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_at: str = ""
    peak: int = 0


class Worker:
    """Passes numbered inputs to a reader: first the crafted ones, then mutated ones.

    Args:
        chosen: the reader.
        folder: folder for inputs and findings.
        seed: seed of the random choices.
        every: 1 for all crafted inputs, 2 for every second one, and so on.
    """

    def __init__(self, chosen: Reader, folder: Path, seed: int, every: int) -> None:
        self._reader, self._folder, self._seed = chosen, folder, seed
        self._path = folder / INPUTS / chosen.file
        self._seeds = list(chosen.seeds())
        self._crafted = list(itertools.islice(chosen.crafted(), 0, None, every))
        self._tally = Tally()
        self._position = os.open(folder / POSITION, os.O_WRONLY | os.O_CREAT)

    def prepare(self) -> None:
        """Read the good files, which must be accepted; this imports the needed packages."""
        for seed in self._seeds:
            self._write(seed)
            self._reader.read(self._path)
        warnings.simplefilter("error")
        most = _pages() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    def run(self, start: int, inputs: int, share: int, shares: int) -> None:
        """Read one share of the crafted inputs and of some mutated ones.

        Args:
            start: number of the first input; another process has read the inputs before it.
            inputs: number of mutated inputs.
            share: index of the share, from 0.
            shares: number of shares.
        """
        last_report = time.monotonic()
        for number in range(start, len(self._crafted) + inputs):
            if number % shares != share:
                continue
            os.pwrite(self._position, f"{number:<20}".encode(), 0)
            name, content = self.input(number)
            self._judge(number, name, content)
            if time.monotonic() - last_report > REPORT_EVERY:
                last_report = time.monotonic()
                _say("progress", tally=asdict(self._tally))
        _say("done", tally=asdict(self._tally))

    def input(self, number: int) -> tuple[str, Any]:
        """Return the name and the content of an input."""
        if number < len(self._crafted):
            return self._crafted[number]
        generator = random.Random(f"{self._seed}/{self._reader.name}/{number}")  # noqa: S311 - repeatable, not a secret
        return f"mutated {number}", self._reader.mutate(generator, generator.choice(self._seeds))

    def _write(self, content: Any) -> None:
        self._path.parent.mkdir(exist_ok=True)
        if self._path.is_symlink() or not self._path.is_dir():
            self._path.unlink(missing_ok=True)
        else:
            self._path.rmdir()
        if callable(content):
            content(self._path)
        else:
            self._path.write_bytes(content)

    def _judge(self, number: int, name: str, content: Any) -> None:
        self._write(content)
        problem, detail = "", ""
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        started = time.process_time()
        try:
            self._reader.read(self._path)
            self._tally.accepted += 1
        except EdgeproofError as error:
            self._tally.refused += 1
            problem, detail = _fault_of(str(error)), str(error)
        except BaseException as error:  # noqa: BLE001 - every other exception is a finding
            problem, detail = f"raised {type(error).__name__}", traceback.format_exc()
        seconds = time.process_time() - started
        signal.setitimer(signal.ITIMER_REAL, 0)
        if seconds > self._tally.slowest:
            self._tally.slowest, self._tally.slowest_at = seconds, name
        peak = peak_memory()
        self._tally.peak = peak
        if seconds > SECONDS:
            problem = problem or f"took {seconds:.1f} s"
        if peak > BYTES:
            problem = problem or f"took {peak / 1e9:.1f} GB"
        if problem:
            self._keep(number, name, problem, detail)
        if peak > BYTES:
            # The peak of a process never decreases, so the next inputs need a new process.
            _say("full", tally=asdict(self._tally))
            sys.exit(0)

    def _keep(self, number: int, name: str, problem: str, detail: str) -> None:
        folder = self._folder / FINDINGS
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_text(
            f"{self._reader.name}: {name}\n{problem}\n\n{detail}\n",
            encoding="utf-8",
            errors="backslashreplace",
        )
        if self._path.is_file():
            (folder / f"{number}.bin").write_bytes(self._path.read_bytes())
        _say("finding", number=number, name=name, problem=problem, detail=_last_line(detail))


def _fault_of(message: str) -> str:
    """Return what is wrong with an error message; "" if nothing is."""
    if len(message) > LONGEST_MESSAGE:
        return f"a message of {len(message):,} characters"
    if len(message.splitlines()) > 1 or any(ord(sign) < ord(" ") for sign in message):
        return "a message of several lines, or with control characters"
    return ""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else ""


def peak_memory() -> int:
    """Return the peak memory of this process, in bytes.

    `ru_maxrss` would also contain the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _pages() -> int:
    """Return the size of this process's address space, in bytes."""
    size = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(size) * resource.getpagesize()


def _say(kind: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
    sys.stdout.flush()


def main(module: str, name: str, folder: str, seed: str, every: str, *numbers: str) -> None:
    """Read a share of a reader's inputs; `Worker.run` explains `numbers`."""
    chosen = importlib.import_module(module).READERS[name]
    worker = Worker(chosen, Path(folder), int(seed), int(every))
    worker.prepare()
    worker.run(*map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
