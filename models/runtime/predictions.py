"""Compute a FlatBuffer's answers to a split once per backend and processor, and store them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.input_roles import LENGTH, ROLES
from models.row_lengths import shortest_that_fit
from models.runtime.available import read_backend
from models.sources import hash_imports
from models.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.runtime.client import Runner
    from models.runtime.journal import Journal

ANSWERS = "answers"
LOGITS = "logits.npy"
SECONDS_PER_TEXT = 5.0
# Number of texts for which a further runner starts; fewer are classified before it is ready.
FEWEST_FOR_A_RUNNER = 500
# Number of texts in one request: about as many as take a second, so that a kill loses no more.
FEWEST_AT_ONCE, MOST_AT_ONCE = 32, 4096
SECONDS_AT_ONCE = 1.0


Inputs = dict[str, "NDArray[np.int32]"]
Rows = slice | np.ndarray[Any, np.dtype[np.int64]]


def inputs_of(split: Encoded, roles: Iterable[str] = ROLES, lengths: Sequence[int] = ()) -> Inputs:
    """Return the inputs of a split by their roles, each [n, tokens].

    Args:
        split: the encoded texts.
        roles: what the file takes.
        lengths: of its rows, ascending: if there are several, the length [n] that answers each
            text is among the inputs, the shortest that it fits.
    """
    inputs = {role: getattr(split, role) for role in roles}
    if len(lengths) > 1:
        inputs[LENGTH] = shortest_that_fit(split.mask, lengths)
    return inputs


def rows_of(inputs: Inputs, rows: Rows) -> Inputs:
    """Return some rows of each input."""
    return {role: array[rows] for role, array in inputs.items()}


def answers_stage(
    sha256: str, split_key: str, backend: str, threads: int, place: dict[str, Any]
) -> Stage:
    """Return the stage of one FlatBuffer's answers, keyed by all that can change them.

    Args:
        sha256: of the FlatBuffer.
        split_key: of the texts.
        backend: which executes it.
        threads: of its kernels.
        place: versions, machine and processor where it answers.
    """
    recipe: dict[str, Any] = {
        "flatbuffer": sha256,
        "split": split_key,
        "backend": backend,
        "threads": threads,
        **place,
        "source": hash_imports(
            "models.runner.serving", "models.runtime.predictions", read_backend(backend).__module__
        ),
    }
    return Stage(ANSWERS, recipe)


def seconds_for(texts: int) -> float:
    """Return how many seconds a runner may take to answer a number of texts before it hangs."""
    return 60.0 + SECONDS_PER_TEXT * texts


def answer_split(
    runner: Runner, name: str, inputs: Inputs, rows: Rows = slice(None)
) -> NDArray[np.float32]:
    """Return the outputs [rows, values] of `name`, loaded in `runner`, for some rows.

    Raises:
        RunnerDied: the FlatBuffer killed the runner.
        RunnerRefused: the backend cannot run it.
    """
    rows_asked = rows_of(inputs, rows)
    seconds = seconds_for(_count(rows_asked))
    return runner.answer(name, rows_asked, timeout=seconds).logits


def answer_split_at_once(  # noqa: PLR0913 - all named
    start: Callable[[], Runner],
    load: Callable[[Runner], object],
    name: str,
    inputs: Inputs,
    *,
    runners: int,
    journal: Journal | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Return the result of `answer_split`, computed by several runners that share the texts.

    Each takes the next few texts as soon as it has answered those before, and what was answered is
    kept in the journal: a run that is killed goes on where it was.

    Args:
        start: makes a runner, not yet entered.
        load: loads `name` into one.
        name: what answers.
        inputs: of the texts, by role.
        runners: at the most; a few texts need only one.
        journal: what was answered before, and what will be; None if nothing is kept.
        report: is told how far it is, after each few texts.

    Raises:
        RunnerDied: the FlatBuffer killed a runner.
        RunnerRefused: the backend cannot run it.
    """
    texts = _count(inputs)
    before = journal.rows if journal else np.array([], np.int64)
    missing = np.setdiff1d(np.arange(texts), before)
    shared = _Shared(missing, len(before), texts, journal, report)
    count = max(1, min(runners, len(missing) // FEWEST_FOR_A_RUNNER))
    # On exit the runners end first, which also ends the threads that wait for their replies.
    with ThreadPoolExecutor(count) as pool, ExitStack() as started:
        answering = []
        for _ in range(count if len(missing) else 0):
            runner = started.enter_context(start())
            load(runner)
            answering.append(pool.submit(shared.answer_with, runner, name, inputs))
        for answer in answering:
            answer.result()
    return shared.all(before)


class Progress(NamedTuple):
    """The progress of answering.

    Attributes:
        done: how many are answered, those of an earlier run too.
        texts: out of how many.
        seconds: since the first of this run was asked.
        now: how many of them this run has answered.
    """

    done: int
    texts: int
    seconds: float
    now: int


class _Shared:
    """The unanswered texts, handed out a few at a time to free runners."""

    def __init__(
        self,
        missing: NDArray[np.int64],
        before: int,
        texts: int,
        journal: Journal | None,
        report: Callable[[Progress], None],
    ) -> None:
        self._missing, self._before, self._texts = missing, before, texts
        self._journal, self._told = journal, report
        self._lock = threading.Lock()
        self._next = self._now = 0
        self._began = time.monotonic()
        self._answered: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []

    def answer_with(self, runner: Runner, name: str, inputs: Inputs) -> None:
        """Answer texts until none are left, or another runner has failed."""
        count = FEWEST_AT_ONCE
        while len(rows := self._take(count)):
            began = time.monotonic()
            try:
                logits = answer_split(runner, name, inputs, rows)
            except BaseException:
                self._take(self._texts)
                raise
            elapsed = time.monotonic() - began
            self._give(rows, logits)
            count = min(
                MOST_AT_ONCE, max(FEWEST_AT_ONCE, int(len(rows) * SECONDS_AT_ONCE / elapsed))
            )

    def all(self, before: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the answers to all texts in order, including those of an earlier run."""
        parts = list(self._answered)
        if self._journal and len(before):
            parts.append((before, self._journal.at(before)))
        rows = np.concatenate([numbers for numbers, _ in parts])
        logits = np.concatenate([answers for _, answers in parts])
        return np.asarray(logits[np.argsort(rows, kind="stable")], np.float32)

    def _take(self, count: int) -> NDArray[np.int64]:
        with self._lock:
            rows = self._missing[self._next : self._next + count]
            self._next += len(rows)
        return rows

    def _give(self, rows: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        if self._journal is not None:
            self._journal.add(rows, logits)
        with self._lock:
            self._answered.append((rows, logits))
            self._now += len(rows)
            done, seconds = self._before + self._now, time.monotonic() - self._began
            self._told(Progress(done, self._texts, seconds, self._now))


def _count(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def processor_features() -> list[str]:
    """Return the processor's features, which kernels depend on; [] if Linux does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a device, not a path of ours
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return []
    return sorted(lines[0].split(":", 1)[1].split()) if lines else []
