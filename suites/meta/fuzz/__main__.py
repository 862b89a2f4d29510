"""Feed thousands of bad files to every reader.

`python -m suites.meta.fuzz [READER ...]`: each file must be accepted or refused with one message,
within two seconds and a gigabyte. A file that breaks this rule is stored in `reports/out/fuzz/`,
and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from models.escaping import one_line
from models.progress import Progress
from suites.meta.fuzz.readers import READERS
from suites.meta.fuzz.running import cores, fuzz

if TYPE_CHECKING:
    from suites.meta.fuzz.running import ReaderResult

OUT = Path("reports/out/fuzz")
INPUTS = 100_000


def main() -> int:
    """Fuzz the named readers, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m suites.meta.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument(
        "--inputs", type=int, default=INPUTS, help="number of mutated files per reader"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random choices")
    parser.add_argument("--jobs", type=int, default=cores(), help="number of parallel processes")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for findings")
    options = parser.parse_args()
    unknown = [name for name in options.readers if name not in READERS]
    if unknown:
        parser.error(f"no reader is called {', '.join(unknown)}; there are {', '.join(READERS)}")
    progress = Progress(sys.stderr)
    outcomes = []
    for name in options.readers or READERS:
        started = time.monotonic()
        outcome = fuzz(
            name,
            options.out,
            inputs=options.inputs,
            seed=options.seed,
            jobs=options.jobs,
            progress=progress.tick,
        )
        progress.say(f"{name}: {outcome.inputs:,} inputs, {time.monotonic() - started:.0f} s")
        outcomes.append(outcome)
    sys.stdout.write(report(outcomes))
    return 1 if any(outcome.findings for outcome in outcomes) else 0


def report(outcomes: list[ReaderResult]) -> str:
    """Return a table of the results, and each finding on a line."""
    head = ("reader", "inputs", "accepted", "refused", "slowest s", "peak MB", "findings")
    rows = [
        (
            outcome.reader,
            *(f"{number:,}" for number in (outcome.inputs, outcome.accepted, outcome.refused)),
            f"{outcome.slowest:.2f}",
            f"{outcome.peak / 1e6:.0f}",
            str(len(outcome.findings)),
        )
        for outcome in outcomes
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    # The message of a reader can contain any character.
    findings = [one_line(finding) for outcome in outcomes for finding in outcome.findings]
    return "\n".join([*lines, *findings]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
