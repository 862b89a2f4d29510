"""Start a builder's helpers: the same builder in several processes, which share its tasks.

Independent models are trained in parallel, and schemes are converted in parallel. Each artefact is
made by one process, so that its bytes do not depend on the number of processes.
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
# Seconds to wait for a helper that has closed its stdout: TensorFlow still has to free its memory
# and threads.
_SECONDS_TO_END = 30.0
_RUN_AGAIN = "Run again, with more free memory if it was SIGKILL: finished artefacts are kept"


def size(plan: Plan, store: Store) -> int:
    """Return the number of helpers that make the build faster; 0 if none does."""
    if plan.request.by_pytorch:
        # Only one model is trained and one file converted; everything after that takes seconds.
        return 0
    missing = [stage for stage in plan.stages() if not store.has(stage)]
    if _texts_times_parameters(plan, missing) < _WORTH_A_START:
        return 0
    helpers = min(len(missing), _cores(), _MOST_MEMORY // _memory_of(plan))
    return helpers if helpers > 1 else 0


def threads(plan: Plan, store: Store) -> int:
    """Return the number of TensorFlow threads in each helper.

    The threads of two trainings that share the cores wait for each other: on two cores they took
    4.0 s of CPU time for work that one thread each does in 2.9 s, and the weights were the same.
    To teach a shrunk model, helpers compute the full model's answers to several copies of the train
    split at the same time, with one thread each.
    """
    if _is_taught(plan) and not store.has(plan.cut):
        return 1
    tables = plan.request.subject.models()
    side_by_side = [
        role
        for role, stage in plan.models().items()
        if not store.has(stage) and not tables[role].distillation
    ]
    return max(1, _cores() // max(1, len(side_by_side)))


def _is_taught(plan: Plan) -> bool:
    """Return whether the full model answers texts to teach a shrunk one."""
    shrunk = plan.request.subject.shrunk
    return shrunk is not None and shrunk.is_taught


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _texts_times_parameters(plan: Plan, missing: Sequence[Stage]) -> int:
    """Return the remaining work: texts times parameters, summed over all epochs.

    To teach a shrunk model, the full one answers the texts at least once.
    """
    texts = plan.request.subject.corpus.counts.train or _USUAL_TEXTS
    models = zip(plan.request.subject.models().items(), _parameters(plan.request), strict=True)
    work = 0
    for (role, table), parameters in models:
        if plan.models()[role] in missing:
            work += texts * table.require_training().epochs * parameters
        elif role == "full" and plan.cut in missing and _is_taught(plan):
            work += texts * parameters
    return work


def _memory_of(plan: Plan) -> int:
    """Return the largest memory that a helper may need, in bytes."""
    weights = _FLOAT32_BYTES * max(_parameters(plan.request))
    return _LEAST_MEMORY + _TIMES_THE_WEIGHTS * weights


def _parameters(request: Request) -> list[int]:
    """Return the number of parameters of each model that a subject trains, except a shrunk one."""
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
    """Start helpers, and wait until they have made every artefact that they can make.

    Args:
        helpers: number of helpers.
        arguments: arguments of the builder, which each helper gets too.
        threads: number of TensorFlow threads in each helper.
        stderr: descriptor to which the helpers print their progress.
        seconds_to_stop: time that a helper takes to stop, in seconds.

    Raises:
        EdgeproofError: a helper failed, whereupon all helpers were stopped.
    """
    command = [sys.executable, "-m", "models.build", *arguments, "--beside-others"]
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    # The helpers stop when their stdin ends. The system closes it even if this process is killed.
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
        EdgeproofError: the error of the helper that failed.
    """
    outputs = {helper.pid: bytearray() for helper in helpers}
    with selectors.DefaultSelector() as waiting:
        for helper in helpers:
            waiting.register(helper.stdout, selectors.EVENT_READ, helper)  # type: ignore[arg-type] # stdout is a pipe, never None
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
    """Return the error that a builder reported, or else an error that describes its exit."""
    lines = ended.stdout.strip().splitlines()
    if lines:
        kind = UsageMistake if ended.code == UsageMistake.exit_code else EdgeproofError
        return kind(**json.loads(lines[-1])["error"])
    return EdgeproofError(f"the builder {ending_of(ended.code)}", remedy=_RUN_AGAIN)
