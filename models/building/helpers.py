"""Start a builder's helpers: the same builder in several processes, which share its tasks.

Models that do not need each other train side by side, and schemes are converted side by side. Each
process makes all of an artefact, so its bytes do not depend on how many there are.
"""

from __future__ import annotations

import json
import os
import selectors
import sys
import time
from typing import TYPE_CHECKING

from models.errors import EdgeproofError, UsageMistake
from models.networks.architecture import from_published, from_table
from models.networks.parameters import count
from models.processes import programs
from models.runtime.failures import ending_of
from models.store import PROJECT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from models.building.plan import Plan, Request
    from models.processes.programs import Ended
    from models.store import Stage, Store

# Limit for the memory of all helpers together, in bytes, whatever the machine has.
_MOST_MEMORY = 6 << 30
# Memory of a process with TensorFlow, and its growth per byte of float32 weights: converting the
# 1.3 GB of BERT-large took 13.6 GB.
_LEAST_MEMORY = 1 << 30
_TIMES_THE_WEIGHTS = 10
_FLOAT32_BYTES = 4
# Least work for which helpers start, in texts times parameters: importing TensorFlow takes a second
# process 5 s, and in this time a core learns from 1,500 texts with two million parameters.
_WORTH_A_START = 5 * 10**9
# Assumed number of training texts where the subject sets no limit.
_USUAL_TEXTS = 10_000
# Environment variables from which TensorFlow reads its numbers of threads.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# Seconds added to the time that a helper itself takes to stop, see `models.build`.
_SECONDS_TO_CLEAR = 1.0
# TensorFlow needs a moment to free its memory and threads.
_SECONDS_TO_END = 30.0
_RUN_AGAIN = "Run again, with more free memory if it was SIGKILL: finished artefacts are kept"


def size(plan: Plan, store: Store) -> int:
    """Return how many helpers are worth starting; 0 if the builder is as fast alone."""
    if plan.request.by_pytorch:
        # Only one model is trained and one file converted; everything after that takes seconds.
        return 0
    missing = [stage for stage in plan.stages() if not store.has(stage)]
    if _texts_times_parameters(plan, missing) < _WORTH_A_START:
        return 0
    helpers = min(len(missing), _cores(), _MOST_MEMORY // _memory_of(plan))
    return helpers if helpers > 1 else 0


def threads(plan: Plan, store: Store) -> int:
    """Return how many threads TensorFlow gets in each helper.

    Those of two trainings that share the cores wait for each other: on two cores they took 4.0 s of
    CPU for what one thread each does in 2.9, and the weights were the same.
    """
    tables = plan.request.subject.models()
    side_by_side = [
        role
        for role, stage in plan.models().items()
        if not store.has(stage) and not tables[role].distillation
    ]
    return max(1, _cores() // max(1, len(side_by_side)))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _texts_times_parameters(plan: Plan, missing: Sequence[Stage]) -> int:
    """Return how much is left to learn: texts times parameters, over all epochs and models."""
    texts = plan.request.subject.corpus.counts.train or _USUAL_TEXTS
    return sum(
        texts * table.require_training().epochs * parameters
        for (role, table), parameters in zip(
            plan.request.subject.models().items(), _parameters(plan.request), strict=True
        )
        if plan.models()[role] in missing
    )


def _memory_of(plan: Plan) -> int:
    """Return how many bytes of memory a helper may come to need."""
    weights = _FLOAT32_BYTES * max(_parameters(plan.request))
    return _LEAST_MEMORY + _TIMES_THE_WEIGHTS * weights


def _parameters(request: Request) -> list[int]:
    """Return how many parameters each model has that starts from a table or a checkpoint."""
    subject = request.subject
    sizes = {
        "vocabulary": subject.tokenizer.vocabulary or 0,
        "classes": len(subject.corpus.labels),
        "positions": subject.max_tokens,
    }
    return [
        count(
            from_published(request.checkpoints[role], classes=sizes["classes"])
            if table.network is None
            else from_table(table.network, **sizes)
        )
        for role, table in subject.models().items()
    ]


def work(
    helpers: int,
    arguments: Sequence[str],
    *,
    threads: int,
    stderr: int,
    seconds_to_stop: float,
) -> None:
    """Start helpers, and wait until they have made every artefact they can.

    Args:
        helpers: how many.
        arguments: of the builder; each helper is given them.
        threads: of TensorFlow in each of them.
        stderr: descriptor where their progress goes.
        seconds_to_stop: what a helper takes to stop.

    Raises:
        EdgeproofError: one failed, and all were stopped.
    """
    command = [sys.executable, "-m", "models.build", *arguments, "--beside-others"]
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    # The helpers stop at the end of their stdin, which comes however this process ends.
    read_end, write_end = os.pipe()
    started: list[subprocess.Popen[bytes]] = []
    with os.fdopen(read_end, "rb") as stdin, os.fdopen(write_end, "wb"):
        try:
            started.extend(
                programs.start(
                    command,
                    remedy=_RUN_AGAIN,
                    stdin=stdin,
                    stderr=stderr,
                    environment=environment,
                    folder=PROJECT,
                )
                for _ in range(helpers)
            )
            _follow(started)
        finally:
            _stop(started, seconds_to_stop + _SECONDS_TO_CLEAR)


def _follow(helpers: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for all helpers, or for the first that fails.

    Raises:
        EdgeproofError: what it failed of.
    """
    outputs = {helper.pid: bytearray() for helper in helpers}
    with selectors.DefaultSelector() as waiting:
        for helper in helpers:
            waiting.register(helper.stdout, selectors.EVENT_READ, helper)  # type: ignore[arg-type] # a pipe
        while waiting.get_map():
            for key, _ in waiting.select():
                helper, piece = key.data, os.read(key.fd, programs.PIECE)
                # A builder's document is never longer than this, so the rest is not kept.
                outputs[helper.pid] += piece[: programs.OUTPUT_BYTES - len(outputs[helper.pid])]
                if not piece:
                    waiting.unregister(key.fileobj)
                    code = programs.wait(helper, _SECONDS_TO_END)
                    text = outputs[helper.pid].decode("utf-8", "replace")
                    if code != 0:
                        raise failure_of(programs.Ended(-9 if code is None else code, text, ""))


def _stop(helpers: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for helper in helpers:
        programs.terminate(helper)
    for helper in helpers:
        programs.wait(helper, max(deadline - time.monotonic(), 0.0))
        if helper.stdout is not None:
            helper.stdout.close()


def failure_of(ended: Ended) -> EdgeproofError:
    """Return the error that a builder reported; if it reported none, describe its exit."""
    lines = ended.stdout.strip().splitlines()
    if lines:
        kind = UsageMistake if ended.code == UsageMistake.exit_code else EdgeproofError
        return kind(**json.loads(lines[-1])["error"])
    return EdgeproofError(f"the builder {ending_of(ended.code)}", remedy=_RUN_AGAIN)
