"""Measure edgeproof's own claims and print one JSON document: `python -m benchmarks [NAME ...]`.

`collecting`: seconds that edgeproof adds to bare pytest with the same plugins, interleaved.
`runner`: ratio of the runner's latency to that of a bare loop of `invoke()`, interleaved in rounds.
`answering`: ratio of texts per second of an accuracy run to a bare loop of `invoke()`, interleaved.
`scale`: ratio of speed of two cores to one, and of time and memory for twice as many texts, with as
many texts as RepLab has; EDGEPROOF_BENCHMARK_TEXTS=4000 tries fewer.
`resuming`: share of stored answers that are computed again after a run was killed at a random
moment.
`deciding`: share of the texts that is enough to decide a gate, for the default subject's
candidates.
`given`: seconds to the first and to the last verdict on a file of 1 MB with 2,000 texts.
`kernels`: number of examples of small operators that are judged in a second of one core's time.
`lengths`: ratio of texts per second of files with several row lengths to files with one length.
`arm`: instructions of the small files and of the paper's recipe on emulated ARM cores.
`front`: bytes, accuracy lost and texts per second of the small files of `airline` and
`twitter_entity`, and of usual alternatives; it needs ../shared, and reports if that is missing.
`slow_board`: answers of a run for four schemes on a board that takes a second for each, by suite.
`times`: times estimated by the model that `[shrunk]` uses, compared with measured times.
`host`: seconds of `tox -e host` from a clean clone with an empty store (cold), to its first
verdict, and again (warm), with the largest memory; it judges nothing on a busy machine.

The limits of the figures are in benchmarks/limits.toml. The exit code is 1 if a figure misses its
limit, or was not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from benchmarks.answering import measure_answering
from benchmarks.arm import measure_arm
from benchmarks.collecting import measure_collecting
from benchmarks.deciding import measure_deciding
from benchmarks.front import measure_front
from benchmarks.given import measure_given
from benchmarks.host import measure_host
from benchmarks.kernels import measure_kernels
from benchmarks.lengths import measure_lengths
from benchmarks.resuming import measure_resuming
from benchmarks.runner import measure_runner
from benchmarks.scale import measure_scale
from benchmarks.slow_board import measure_slow_board
from benchmarks.times import measure_times
from models.command_line import run_command

BENCHMARKS = {
    "collecting": measure_collecting,
    "runner": measure_runner,
    "answering": measure_answering,
    "scale": measure_scale,
    "resuming": measure_resuming,
    "deciding": measure_deciding,
    "given": measure_given,
    "kernels": measure_kernels,
    "lengths": measure_lengths,
    "front": measure_front,
    "arm": measure_arm,
    "slow_board": measure_slow_board,
    "times": measure_times,
    "host": measure_host,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, by default all.

    Return 1 if a figure misses its limit or was not judged, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS), metavar="NAME")
    names = parser.parse_args(arguments).names
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {list(BENCHMARKS)}")
    tables = {name: BENCHMARKS[name]() for name in names}
    missed = {name: table["missed"] for name, table in tables.items() if table.get("missed")}
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
    document = {"machine": machine, **tables, "missed": missed}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return int(not all(table.get("kept", True) for table in tables.values()))


if __name__ == "__main__":
    sys.exit(run_command(main))
