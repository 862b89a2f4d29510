"""Measure how fast an accuracy run classifies texts, compared with a bare loop."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.default_subject import default_subject, repeated
from benchmarks.limits import judged
from benchmarks.runner import RUNTIME
from models.runtime.client import Runner
from models.runtime.transports import RUNNER_ENVIRONMENT, LocalTransport

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS, ROUND_TEXTS = 9, 300
# Number of times that both programs are started. Two starts of the same program differ by 2 %,
# probably because its arrays lie elsewhere in memory.
STARTS = 7

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
    """Return texts per second relative to a bare loop, by scheme; the loops take turns."""
    files, inputs = default_subject()
    texts = repeated(inputs, ROUND_TEXTS)
    # The schemes take turns, too, so that a change of the machine's speed affects all of them.
    started = [
        {name: _over_bare(file, texts) for name, file in files.items()} for _ in range(STARTS)
    ]
    bare = {
        name: {
            clock: statistics.median(shares[name][clock] for shares in started)
            for clock in ("wall", "cpu")
        }
        for name in files
    }
    share = min(figures["cpu"] for figures in bare.values())
    details = {"over_bare_loop": bare, "starts": STARTS, "rounds": ROUNDS, "texts": ROUND_TEXTS}
    return judged("answering", {"share_of_bare_loop": share}, details)


def _over_bare(file: Path, inputs: dict[str, NDArray[Any]]) -> dict[str, float]:
    """Return a runner's texts per second, divided by those of a loop that only runs inferences.

    One ratio is of wall time, the other of CPU time.
    """
    walls, processors = [], []
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, "inputs.npz")
        np.savez(stored, **inputs)  # type: ignore[arg-type]  # numpy's stubs take one for allow_pickle
        pipe, command = subprocess.PIPE, [sys.executable, "-c", BARE, str(file), str(stored)]
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
                runner.answer("variant", inputs)
                walls.append(wall / (time.perf_counter() - started))
                processors.append(cpu * 1e9 / (runner.usage().cpu_ns - before))
            bare.stdin.close()
    # The first round only warms up both programs.
    return {"wall": statistics.median(walls[1:]), "cpu": statistics.median(processors[1:])}
