"""Compute cases on a backend, and start a new runner after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from models.runtime.client import Runner, RunnerDied, RunnerRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.kernels.case import Case
    from models.runtime.answers import RunnerInfo
    from models.runtime.transports import Transport

    Runs = Sequence[Sequence[NDArray[Any]]]

# Time limit for one case in seconds. After it, the runner is killed, because a driver may hang. On
# a busy machine, an emulated processor or GPU needs several times as long without hanging.
SECONDS, EMULATED_SECONDS = 20.0, 120.0


@dataclass(frozen=True)
class Answer:
    """The outcome of a case on a backend.

    Attributes:
        kind: whether the case was computed, was refused, or ended the runner's process.
        runs: the outputs of each run, if the case was computed.
        said: the backend's message if the case was refused, or how the process ended.
    """

    kind: Literal["computed", "refused", "died"]
    runs: Runs = ()
    said: str = ""


class Answering(Protocol):
    """The interface of an object that computes cases: a backend, or one with a planted fault."""

    def answer(self, case: Case) -> Answer:
        """Compute a case; return a failure as an answer, too, instead of raising an error."""
        ...


class AskedBackend:
    """A backend on a target; a new runner replaces one that died.

    Args:
        transport: the connection to the target that runs the runners.
        name: the name of the backend.
        seconds: the time limit for one case.
    """

    def __init__(self, transport: Transport, name: str, seconds: float = SECONDS) -> None:
        self._transport = transport
        self._runner: Runner | None = None
        self._seconds = seconds
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def info(self) -> RunnerInfo:
        """Return the description of the runner: its runtime, version and machine."""
        return self._running().info

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time of the runner so far, in seconds."""
        return self._running().usage().cpu_ns / 1e9

    def answer(self, case: Case) -> Answer:
        """Compute a case; a refusal or a crash is returned, not raised."""
        return self.compute(case.flatbuffer(), case.runs, case.threads)

    def compute(self, flatbuffer: bytes, runs: Runs, threads: int) -> Answer:
        """Compute all runs of a file; after a crash, the next call starts a new process."""
        runner = self._running()
        try:
            computed = runner.compute(flatbuffer, runs, threads=threads, timeout=self._seconds)
        except RunnerRefused as refusal:
            return Answer("refused", said=refusal.message)
        except RunnerDied as death:
            self.close()
            return Answer("died", said=death.what)
        return Answer("computed", computed)

    def close(self) -> None:
        """End the runner."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _running(self) -> Runner:
        if self._runner is None:
            runner = Runner(self._transport, self.name)
            self._runner = runner.__enter__()
        return self._runner
