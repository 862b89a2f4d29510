"""Race a FlatBuffer against an unchanged copy of itself, and against an artificially slowed one.

Other cores can be kept busy during a race.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration import slowed_runner
from models.processes import programs
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.verdicts.comparison import RacedRatio, latency_ratio, noise_floor, race_until_sure
from models.verdicts.judge import Budget, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.runtime.answers import LoadedModel

REFERENCE, AGAIN, CANDIDATE = "reference", "again", "candidate"
# 320 rounds are 32 blocks. A race takes half a second if an inference takes half a millisecond.
ROUNDS = 320
TEXTS = 20
# Upper limit of the random token ids, small enough for every vocabulary.
LARGEST_ID = 90
SCHEME = "itself"
NONE_SLOWER = Budget(
    metric="latency_ratio",
    limit="max",
    value=1.0,
    text="1 x",
    file="calibration",
    key="the same FlatBuffer",
)
_START = "Check that this Python can still be executed"
_SECONDS_TO_END = 5.0
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))\n"


@dataclass(frozen=True)
class Comparison:
    """The result of comparing a file with a copy of itself.

    Attributes:
        claimed: whether the comparison claims that the candidate is slower.
        races: one race, or two if the first was suspicious.
    """

    claimed: bool
    races: tuple[RacedRatio, ...]


@dataclass(frozen=True)
class Calibrator:
    """Compares one FlatBuffer with a copy of itself, to find how often the comparison errs.

    Attributes:
        flatbuffer: the bytes of the file.
        backend: the name of the backend.
    """

    flatbuffer: bytes
    backend: str

    def comparison(self, slowdown: float = 0.0, *, seed: int = 0) -> Comparison:
        """Compare the file with a copy of itself, which may be slowed.

        A race is suspicious if its ratio exceeds 1 plus its noise floor. Then a second race is run
        in a new runner. The comparison claims a slowdown if the whole interval of the second race
        exceeds 1 plus its noise floor.

        Args:
            slowdown: additional time of the copy, as a share of its own time; 0.0 for none.
            seed: seed of the random order of texts and models.
        """
        transport = LocalTransport()
        if slowdown:
            variables = {"EDGEPROOF_SLOWED": CANDIDATE, "EDGEPROOF_SLOWDOWN": repr(slowdown)}
            program = Path(slowed_runner.__file__)
            transport = LocalTransport(environment=variables, program=program)
        races = race_until_sure(
            lambda number, _: self._race(transport, 2 * seed + number), _suspicion
        )
        judgment = judge(races[-1].widened, NONE_SLOWER, scheme=SCHEME)
        claimed = len(races) > 1 and judgment.verdict is Verdict.FAIL
        return Comparison(claimed, tuple(races))

    def _race(self, transport: LocalTransport, seed: int) -> RacedRatio:
        with Runner(transport, self.backend) as runner:
            for name in (REFERENCE, AGAIN, CANDIDATE):
                loaded = runner.load(name, self.flatbuffer)
            race = runner.race(
                dict.fromkeys((REFERENCE, AGAIN, CANDIDATE), inputs_for(loaded)),
                rounds=ROUNDS,
                seed=seed,
                timeout=600,
            )
        seconds = {name: nanoseconds / 1e9 for name, nanoseconds in race.invoke_ns.items()}
        return RacedRatio(
            latency_ratio(seconds[CANDIDATE], seconds[REFERENCE]),
            noise_floor(seconds[AGAIN], seconds[REFERENCE]),
        )


def _suspicion(race: RacedRatio) -> Verdict:
    """Return FAIL if the ratio of a race exceeds 1 plus its noise floor, else PASS.

    The result is never INCONCLUSIVE, because `race_until_sure` would prolong such a race.
    """
    return Verdict.FAIL if race.ratio.value > 1.0 + race.noise_floor else Verdict.PASS


def inputs_for(loaded: LoadedModel) -> dict[str, NDArray[Any]]:
    """Return random inputs [texts, ...] for a loaded FlatBuffer, with no token masked."""
    draw = np.random.default_rng(0)
    inputs: dict[str, NDArray[Any]] = {}
    for tensor in loaded.inputs:
        shape = (TEXTS, *tensor.shape[1:])
        if np.dtype(tensor.dtype).kind == "f":
            inputs[tensor.name] = draw.standard_normal(shape).astype(tensor.dtype)
        elif tensor.name == "attention_mask":
            inputs[tensor.name] = np.ones(shape, tensor.dtype)
        elif tensor.name == "token_type_ids":
            inputs[tensor.name] = np.zeros(shape, tensor.dtype)
        else:
            inputs[tensor.name] = draw.integers(1, LARGEST_ID, shape).astype(tensor.dtype)
    return inputs


@contextmanager
def other_cores_busy(cores: int) -> Iterator[None]:
    """Keep a number of cores busy inside the block.

    The processes that keep them busy end, too, if this process ends.
    """
    command = [sys.executable, "-c", BUSY]
    busy = [programs.start(command, stdout=None, stderr=None, remedy=_START) for _ in range(cores)]
    try:
        yield
    finally:
        for process in busy:
            programs.kill(process)
            programs.wait(process, _SECONDS_TO_END)


def cores_beside_one() -> int:
    """Return the number of usable cores besides that of the timed process, at least 1."""
    return max(1, len(os.sched_getaffinity(0)) - 1)
