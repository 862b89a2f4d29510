"""Measure how fast an accuracy run classifies texts, compared with a bare loop."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.runner import RUNTIME
from models.artefact_names import FLATBUFFER
from models.building.plan import make_plan, make_request
from models.corpus.artefact import load_encoded
from models.flatbuffers.signature import NAMES
from models.runtime.client import Runner
from models.runtime.predictions import answer_split_at_once, inputs_of, rows_of
from models.runtime.transports import RUNNER_ENVIRONMENT, LocalTransport
from models.store import Store, default_root
from models.subjects import load_subject

if TYPE_CHECKING:
    from pathlib import Path

# RepLab's test split has 58,568 texts; EDGEPROOF_BENCHMARK_TEXTS=58568 uses as many.
TEXTS = int(os.environ.get("EDGEPROOF_BENCHMARK_TEXTS", "4000"))
SCHEMES = ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8_dense")
ROUNDS, ROUND_TEXTS = 9, 300
SHARE_OF_BARE = 0.97
TWO_CORES = 1.8
# Limits for twice as many texts: the ratio of the times lies in this range, and that of the memory
# is at most 1.05.
LINEAR, FLAT = (1.7, 2.3), 1.05

# A bare loop of numpy, the runtime and a clock. It reads "go" and prints the seconds for all texts.
BARE = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
inputs = interpreter.get_input_details()
output = interpreter.get_output_details()[0]["index"]
arrays = dict(np.load(sys.argv[2]))
given = [(one["index"], next(name for name in arrays if name in one["name"])) for one in inputs]
for _ in sys.stdin:
    answers = []
    started, cpu = time.perf_counter(), time.process_time()
    for row in range(len(arrays["input_ids"])):
        for index, name in given:
            interpreter.set_tensor(index, arrays[name][row : row + 1])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(output))
    print(time.perf_counter() - started, time.process_time() - cpu, flush=True)
"""


def measure_answering() -> dict[str, Any]:
    """Return ratios of texts per second: to a bare loop, of two runners, and of more texts."""
    plan, store = make_plan(make_request(load_subject("embedded"))), Store(default_root())
    variants = {name: plan.variants[name] for name in SCHEMES if name in plan.variants}
    if not all(store.has(stage) for stage in (plan.corpus, *variants.values())):
        raise SystemExit("The artefacts are not made yet: run tox -e host first.")
    every = inputs_of(load_encoded(store.artefact(plan.corpus))["test"])
    files = {name: store.artefact(stage).path(FLATBUFFER) for name, stage in variants.items()}
    bare = {name: _over_bare(file, every, store) for name, file in files.items()}
    scale = {name: _scale(file, every) for name, file in files.items()}
    share = min(figures["cpu"] for figures in bare.values())
    pair = statistics.median(figures["two_over_one"] for figures in scale.values())
    linear = statistics.median(figures["twice_over_once"] for figures in scale.values())
    memory = max(figures["memory_twice_over_once"] for figures in scale.values())
    return {
        "over_bare_loop": bare,
        "scale": scale,
        "texts": TEXTS,
        "least_share_of_bare_loop": share,
        "two_over_one": pair,
        "twice_over_once": linear,
        "memory_twice_over_once": memory,
        "limits": {
            "share_of_bare_loop": SHARE_OF_BARE,
            "two_over_one": TWO_CORES,
            "twice_over_once": LINEAR,
            "memory_twice_over_once": FLAT,
        },
        "kept": share >= SHARE_OF_BARE
        and pair >= TWO_CORES
        and LINEAR[0] <= linear <= LINEAR[1]
        and memory <= FLAT,
    }


def _over_bare(file: Path, every: Any, store: Store) -> dict[str, float]:
    """Return texts per second relative to a bare loop, by wall time and by CPU time."""
    first_rows = rows_of(every, slice(ROUND_TEXTS))
    inputs = store.root / "benchmark-answering.npz"
    np.savez(inputs, **{NAMES[role]: rows for role, rows in first_rows.items()})  # type: ignore[arg-type]  # its stubs
    pipe, command = subprocess.PIPE, [sys.executable, "-c", BARE, str(file), str(inputs)]
    inputs_by_name = {NAMES[role]: rows for role, rows in first_rows.items()}
    walls, processors = [], []
    with (
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env={**RUNNER_ENVIRONMENT}
        ) as bare,
        Runner(LocalTransport(), RUNTIME) as runner,
    ):
        if bare.stdin is None or bare.stdout is None:
            raise TypeError("no pipes")
        runner.load("variant", file)
        for _ in range(ROUNDS):
            bare.stdin.write("go\n")
            bare.stdin.flush()
            wall, cpu = map(float, bare.stdout.readline().split())
            before, started = runner.usage().cpu_ns, time.perf_counter()
            runner.answer("variant", inputs_by_name)
            walls.append(wall / (time.perf_counter() - started))
            processors.append(cpu * 1e9 / (runner.usage().cpu_ns - before))
        bare.stdin.close()
    inputs.unlink()
    # The first round only warms up both programs.
    return {"wall": statistics.median(walls[1:]), "cpu": statistics.median(processors[1:])}


def _scale(file: Path, every: Any) -> dict[str, float]:
    """Return how time and memory change with two runners, and with twice the texts."""
    half, all_rows = (_repeated(every, count) for count in (TEXTS // 2, TEXTS))
    once, memory = _answer(file, half, runners=1)
    of_whole, memory_of_whole = _answer(file, all_rows, runners=1)
    shared, _ = _answer(file, all_rows, runners=2)
    return {
        "texts_per_second": TEXTS / of_whole,
        "twice_over_once": of_whole / once,
        "two_over_one": of_whole / shared,
        "memory_twice_over_once": memory_of_whole / memory,
    }


def _repeated(every: Any, count: int) -> Any:
    rows = np.arange(count) % len(next(iter(every.values())))
    return {NAMES[role]: array[rows] for role, array in every.items()}


def _answer(file: Path, inputs: Any, *, runners: int) -> tuple[float, float]:
    """Return the seconds that all texts take, and the largest memory of a runner."""
    with ExitStack() as opened:
        ready = [opened.enter_context(Runner(LocalTransport(), RUNTIME)) for _ in range(runners)]
        for runner in ready:
            runner.load("variant", file)
        waiting = iter(ready)

        def start() -> Any:
            # The runners have already started, so that only classification is timed.
            return Entered(next(waiting))

        started = time.perf_counter()
        answer_split_at_once(start, lambda _: None, "variant", inputs, runners=runners)
        seconds = time.perf_counter() - started
        return seconds, float(max(runner.usage().peak_rss_bytes for runner in ready))


class Entered:
    """Provide a runner that is already entered, and do not close it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __enter__(self) -> Runner:
        """Return the runner."""
        return self._runner

    def __exit__(self, *_: object) -> None:
        """Do nothing, so that the runner stays open."""
