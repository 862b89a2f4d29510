"""Compute a FlatBuffer's answers to a split, once for each backend and processor."""

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
# Number of texts for each runner. For fewer, a further runner is not started, because the texts
# would be classified before it is ready.
FEWEST_FOR_A_RUNNER = 500
# Smallest and largest number of texts in one request. In between, a request has about as many texts
# as are classified in a second, so that a killed run loses no more than that.
FEWEST_AT_ONCE, MOST_AT_ONCE = 32, 4096
SECONDS_AT_ONCE = 1.0


Inputs = dict[str, "NDArray[np.int32]"]
Rows = slice | np.ndarray[Any, np.dtype[np.int64]]


def inputs_of(split: Encoded, roles: Iterable[str] = ROLES, lengths: Sequence[int] = ()) -> Inputs:
    """Return the inputs of a split by their roles, each [n, tokens].

    Args:
        split: the tokenized texts.
        roles: roles of the file's inputs.
        lengths: accepted row lengths, ascending; if there are several, the result also contains
            each text's length [n], the shortest that it fits.
    """
    inputs = {role: getattr(split, role) for role in roles}
    if len(lengths) > 1:
        inputs[LENGTH] = shortest_that_fit(split.mask, lengths)
    return inputs


def rows_of(inputs: Inputs, rows: Rows) -> Inputs:
    """Return the inputs of the texts at positions `rows`."""
    return {role: array[rows] for role, array in inputs.items()}


def answers_stage(
    sha256: str, split_key: str, backend: str, threads: int, place: dict[str, Any]
) -> Stage:
    """Return the stage that computes a FlatBuffer's answers.

    Its key follows from everything that can change the answers.

    Args:
        sha256: hash of the FlatBuffer.
        split_key: key of the texts.
        backend: name of the backend.
        threads: threads of the kernels.
        place: versions, machine and processor of the target.
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
    """Return the time limit, in seconds, for a request with a number of texts."""
    return 60.0 + SECONDS_PER_TEXT * texts


def answer_split(
    runner: Runner, name: str, inputs: Inputs, rows: Rows = slice(None)
) -> NDArray[np.float32]:
    """Return the logits [rows, values] of the model `name` in a runner, for some rows.

    Raises:
        RunnerDied: the runner crashed or hung.
        RunnerRefused: the backend refused the file or a text.
    """
    rows_asked = rows_of(inputs, rows)
    seconds = seconds_for(_count(rows_asked))
    return runner.answer(name, rows_asked, timeout=seconds).logits


def answer_split_at_once(  # noqa: PLR0913 - options by keyword
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

    Each runner gets the next few texts as soon as it has classified its previous ones. Answers are
    stored in the journal, so that a killed run can be resumed.

    Args:
        start: returns a runner, not yet entered.
        load: loads the model into a runner.
        name: name of the model.
        inputs: the texts as arrays by role.
        runners: largest number of runners; for few texts, only one is used.
        journal: stores answers, and contains those of a killed run; None to store nothing.
        report: called with the progress after every few texts.

    Raises:
        RunnerDied: a runner crashed or hung.
        RunnerRefused: the backend refused the file or a text.
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
    """The progress of classifying texts.

    Attributes:
        done: number of classified texts, including those of an earlier run.
        texts: number of all texts.
        seconds: seconds since this run began to classify.
        now: number of texts that this run has classified.
    """

    done: int
    texts: int
    seconds: float
    now: int


class _Shared:
    """The texts that are not classified yet; each idle runner gets a small part of them."""

    def __init__(
        self,
        missing: NDArray[np.int64],
        before: int,
        texts: int,
        journal: Journal | None,
        report: Callable[[Progress], None],
    ) -> None:
        self._missing, self._before, self._texts = missing, before, texts
        self._journal, self._report = journal, report
        self._lock = threading.Lock()
        self._next = self._now = 0
        self._began = time.monotonic()
        self._answered: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []

    def answer_with(self, runner: Runner, name: str, inputs: Inputs) -> None:
        """Classify texts until none are left, or another runner has failed."""
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
            self._report(Progress(done, self._texts, seconds, self._now))


def _count(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def processor_features() -> list[str]:
    """Return the processor's features, on which kernels depend; [] if Linux does not report any."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a file of the kernel, not of a user
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return []
    return sorted(lines[0].split(":", 1)[1].split()) if lines else []
