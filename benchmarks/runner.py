"""Compare the runner's latencies with a bare loop of `invoke()`."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

import numpy as np

from benchmarks.limits import judged
from models.artefact_names import FLATBUFFER
from models.building.plan import make_plan, make_request
from models.corpus.artefact import load_encoded
from models.flatbuffers.signature import NAMES
from models.runtime.client import Runner
from models.runtime.predictions import inputs_of, rows_of
from models.runtime.transports import RUNNER_ENVIRONMENT, LocalTransport
from models.store import Store, default_root
from models.subjects import load_subject

ROUNDS = 30
TEXTS = 100
RUNTIME = "ai_edge_litert"

# A bare loop of numpy, the runtime and a clock. It reads "go" and prints the median time of its
# answers.
BARE = """
import statistics, sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
inputs = interpreter.get_input_details()
arrays = dict(np.load(sys.argv[2]))
for _ in sys.stdin:
    nanoseconds = []
    for row in range(len(arrays["input_ids"])):
        for given in inputs:
            name = next(name for name in arrays if name in given["name"])
            interpreter.set_tensor(given["index"], arrays[name][row : row + 1])
        started = time.perf_counter_ns()
        interpreter.invoke()
        nanoseconds.append(time.perf_counter_ns() - started)
    print(statistics.median(nanoseconds), flush=True)
"""


def measure_runner() -> dict[str, Any]:
    """Return the median ratio of runner to bare loop per scheme; the loops take turns."""
    plan = make_plan(make_request(load_subject("embedded")))
    store = Store(default_root())
    if not all(store.has(stage) for stage in plan.stages()):
        raise SystemExit("The artefacts are not made yet: run tox -e host first.")
    encoded = load_encoded(store.artefact(plan.corpus))["test"]
    arrays = {NAMES[role]: rows for role, rows in rows_of(inputs_of(encoded), slice(TEXTS)).items()}
    inputs = store.root / "benchmark-inputs.npz"
    np.savez(inputs, **arrays)  # type: ignore[arg-type]  # numpy's stubs take one for allow_pickle
    ratios = {}
    for scheme, stage in plan.variants.items():
        ratios[scheme] = _ratio(store.artefact(stage).path(FLATBUFFER), inputs, arrays)
    inputs.unlink()
    worst = max(abs(ratio - 1.0) for ratio in ratios.values())
    return judged("runner", {"largest_difference": worst}, {"ratios": ratios, "rounds": ROUNDS})


def _ratio(flatbuffer: Any, inputs: Any, arrays: Any) -> float:
    command = [sys.executable, "-c", BARE, str(flatbuffer), str(inputs)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env={**RUNNER_ENVIRONMENT}
        ) as bare,
        Runner(LocalTransport(), RUNTIME) as runner,
    ):
        assert bare.stdin is not None  # noqa: S101 - Popen opened a pipe; mypy cannot know
        assert bare.stdout is not None  # noqa: S101 - Popen opened a pipe; mypy cannot know
        runner.load("variant", flatbuffer)
        ratios = []
        for _ in range(ROUNDS):
            bare.stdin.write("go\n")
            bare.stdin.flush()
            bare_ns = float(bare.stdout.readline())
            runner_ns = float(np.median(runner.answer("variant", arrays).invoke_ns))
            ratios.append(runner_ns / bare_ns)
        bare.stdin.close()
    # The first round only warms up both programs.
    return statistics.median(ratios[1:])
