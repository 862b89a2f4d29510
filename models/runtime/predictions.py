"""What a FlatBuffer answers on a split: made once per backend and processor, kept in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from models.roles import LENGTH, ROLES
from models.row_lengths import shortest_that_fit
from models.runtime.available import read_backend
from models.sources import hash_imports
from models.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.runtime.client import Runner

ANSWERS = "answers"
LOGITS = "logits.npy"
SECONDS_PER_TEXT = 5.0
# Fewer are answered before a second runner has started.
FEWEST_FOR_A_RUNNER = 500


Inputs = dict[str, "NDArray[np.int32]"]
Rows = slice | np.ndarray[Any, np.dtype[np.int64]]


def inputs_of(split: Encoded, roles: Iterable[str] = ROLES, lengths: Sequence[int] = ()) -> Inputs:
    """Return the inputs of a split by their roles, each [n, tokens].

    Args:
        split: the encoded texts.
        roles: what the file takes.
        lengths: of its rows, ascending: where there are several, the length [n] that answers each
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
    """Return the stage of one FlatBuffer's answers, by all that can change them.

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
    """Return how many seconds a runner may take to answer so many texts, before it hangs."""
    return 60.0 + SECONDS_PER_TEXT * texts


def answer_split(
    runner: Runner, name: str, inputs: Inputs, rows: Rows = slice(None)
) -> NDArray[np.float32]:
    """Return the outputs [rows, values] that `name`, loaded in `runner`, gives to some rows.

    Raises:
        RunnerDied: the FlatBuffer killed the runner.
        RunnerRefused: the backend cannot run it.
    """
    asked = rows_of(inputs, rows)
    allowed = seconds_for(_count(asked))
    return runner.answer(name, asked, timeout=allowed).logits


def answer_split_at_once(
    start: Callable[[], Runner],
    load: Callable[[Runner], None],
    name: str,
    inputs: Inputs,
    *,
    runners: int,
) -> NDArray[np.float32]:
    """Return what `answer_split` does, from several runners that share the texts.

    Args:
        start: makes a runner, not yet entered.
        load: loads `name` into one.
        name: what answers.
        inputs: of the texts, by role.
        runners: at the most; a few texts need only one.

    Raises:
        RunnerDied: the FlatBuffer killed a runner.
        RunnerRefused: the backend cannot run it.
    """
    texts = _count(inputs)
    shares = np.array_split(np.arange(texts), max(1, min(runners, texts // FEWEST_FOR_A_RUNNER)))
    # The runners end first, and with them whoever still waits for an answer.
    with ThreadPoolExecutor(len(shares)) as pool, ExitStack() as started:
        answering = []
        for rows in shares:
            runner = started.enter_context(start())
            load(runner)
            answering.append(pool.submit(answer_split, runner, name, inputs, rows))
        return np.concatenate([logits.result() for logits in answering])


def _count(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def processor_features() -> list[str]:
    """Return what kernels are chosen by: the processor's features, [] where Linux does not say."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a device, not a path of ours
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return []
    return sorted(lines[0].split(":", 1)[1].split()) if lines else []
