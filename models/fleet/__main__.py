"""Run `python -m models.fleet --bundle FILE TARGET... [-- ARGUMENTS]`: judge several boards.

Each board is judged by its own pytest process in its own folder. If one fails or crashes, the
others continue. All results are merged into one results.json, and `tox -e report -- FOLDER` writes
one report for all boards. ARGUMENTS are passed to pytest; relative paths in them start from the
current folder.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.command_line import Parser, path, run_command
from models.errors import EdgeproofError, UsageMistake
from models.escaping import one_line
from models.files.paths import current_folder
from models.fleet.last_words import last_words
from models.processes import programs
from models.processes.signals import SECONDS_TO_STOP
from models.store import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = "results.json"
LOG = "pytest.log"
SEPARATOR = "--"
# A complete run takes one hour on the slowest board.
SECONDS_FOR_A_BOARD = 12 * 3600.0
SECONDS_TO_MERGE = 600.0
_BY_HAND = "Merge the results by hand: python -m reports.merge FOLDER... --out FILE"


@dataclass(frozen=True)
class Judged:
    """The outcome of a board's run.

    Attributes:
        target: address of the board.
        folder: folder of the run's files.
        code: pytest's exit code; None if pytest took too long and was killed.
    """

    target: str
    folder: Path
    code: int | None

    @property
    def has_results(self) -> bool:
        """Return whether anything was measured on the board."""
        return (self.folder / RESULTS).is_file()

    def describe(self) -> str:
        """Describe in one line how the run ended and why, with the path of its log."""
        ending = "passed"
        if self.code is None:
            ending = f"took more than {SECONDS_FOR_A_BOARD / 3600:.0f} h and was killed"
        elif self.code:
            reason = last_words(self.folder / LOG).removeprefix(f"{self.target}: ")
            ending = f"failed with exit code {self.code}" + (f": {reason}" if reason else "")
        remark = "" if self.has_results else ", nothing was measured"
        return f"{self.target}: {ending}{remark} ({self.folder / LOG})"


def folders_of(targets: list[str], folder: Path) -> dict[str, Path]:
    """Return a distinct folder for each board, named after its address.

    Raises:
        UsageMistake: an address is given twice; a board can only be judged by one run at a time.
    """
    names = {
        target: "".join(letter if letter.isalnum() else "-" for letter in target)
        for target in targets
    }
    for target in targets:
        if targets.count(target) > 1:
            raise UsageMistake("is given twice", key=target, remedy="Name each board once")
    # File names may lose the characters in which two addresses differ, and some file systems ignore
    # case.
    shared = Counter(name.casefold() for name in names.values())
    return {
        target: folder / (f"{name}-{_digest(target)}" if shared[name.casefold()] > 1 else name)
        for target, name in names.items()
    }


def _digest(target: str) -> str:
    return hashlib.sha256(target.encode()).hexdigest()[:8]


def judge(target: str, bundle: Path, own: Path, more: list[str]) -> Judged:
    """Judge one board in a process of its own; write the output to a log in the folder `own`."""
    own.mkdir(parents=True, exist_ok=True)
    (own / RESULTS).unlink(missing_ok=True)
    # pytest starts in the caller's folder, because ARGUMENTS may contain relative paths. With -P,
    # files of that folder cannot shadow installed modules.
    command = [sys.executable, "-P", "-m", "pytest", "-c", str(PROJECT / "pytest.ini")]
    command += [str(PROJECT / "suites"), f"--ignore={PROJECT / 'suites' / 'meta'}"]
    command += ["-p", "no:cacheprovider", f"--edge-target={target}", f"--edge-bundle={bundle}"]
    command += [f"--edge-report-dir={own}", f"--alluredir={own / 'allure-results'}"]
    # Files of pytest-benchmark and hypothesis belong into the report folder, not into the caller's.
    command += [f"--benchmark-storage=file://{own / 'benchmarks'}", *more]
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(own / "hypothesis")}
    with (own / LOG).open("wb") as log:
        running = programs.start(
            command,
            folder=current_folder(),
            environment=environment,
            stdout=log,
            stderr=log,
            remedy="Check that this Python can still be executed",
        )
        code = programs.wait(running, SECONDS_FOR_A_BOARD)
    return Judged(target, own, code)


def main() -> int:
    """Judge all boards and merge their results; return 0 if every board passed."""
    parser = Parser(prog="python -m models.fleet", description=__doc__)
    parser.add_argument(
        "targets", nargs="+", help="a board's address: ssh://... or labgrid://PLACE"
    )
    parser.add_argument(
        "--bundle", type=path, required=True, help="the bundle that a host exported"
    )
    out = PROJECT / "reports" / "out" / "fleet"
    parser.add_argument("--report-dir", type=path, default=out, help="default: %(default)s")
    words = sys.argv[1:]
    end = words.index(SEPARATOR) if SEPARATOR in words else len(words)
    options, more = parser.parse_args(words[:end]), words[end + 1 :]
    folder, bundle = options.report_dir, options.bundle
    places = folders_of(options.targets, folder)
    with ThreadPoolExecutor(len(places)) as pool:
        running = [pool.submit(judge, target, bundle, own, more) for target, own in places.items()]
        ended = []
        try:
            for done in as_completed(running):
                ended.append(done.result())
                sys.stdout.write(f"{one_line(ended[-1].describe())}\n")
                sys.stdout.flush()
        except BaseException:
            # Each run closes its connections to the board; the pool waits for that.
            programs.terminate_all()
            raise
    measured = [str(run.folder) for run in ended if run.has_results]
    if measured:
        merge = [sys.executable, "-m", "reports.merge", *sorted(measured)]
        command = [*merge, "--out", str(folder / RESULTS)]
        merged = programs.run(command, folder=PROJECT, seconds=SECONDS_TO_MERGE, remedy=_BY_HAND)
        if merged.code:
            raise EdgeproofError(
                f"the results cannot be merged ({merged.last_line})", file=folder, remedy=_BY_HAND
            )
    return 0 if all(run.code == 0 for run in ended) else 1


if __name__ == "__main__":
    # Allow twice the usual time, because each run closes its own connections first.
    sys.exit(run_command(main, seconds=2 * SECONDS_TO_STOP))
