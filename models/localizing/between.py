"""Compare two backends on one file: `python -m models.localizing.between REQUEST ANSWER`.

Both backends run parts of the file. Bisection finds the first operator at which the backend
deviates from the judged one, and then the shortest part that ends there and still shows the
deviation: the smallest file. This file is written together with its inputs, both answers and a
script, for an upstream report. REQUEST and ANSWER are JSON files.
"""

from __future__ import annotations

import functools
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from models.command_line import run_command
from models.errors import EdgeproofError
from models.files.numpy_files import read_npz
from models.localizing.curve import DIVERGED_DB
from models.localizing.cutting import REMEDY, Cut, Cutter
from models.localizing.files import answer_file
from models.localizing.reproducing import write_folder
from models.runtime.binding import Binding, BoundInput
from models.runtime.client import Runner, RunnerDied, RunnerRefused
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.runtime.answers import RunnerInfo, SignatureTensor

    Values = dict[int, NDArray[Any]]

NOT_SHOWN = (
    "no part of the file shows the fault: the signal-to-noise ratio between both backends is at "
    "least {:g} dB"
)
# Seconds for one part of a file, including the first compilation of shaders.
SECONDS = 120.0
CRASHED, REFUSED, NOT_FINITE, DEPARTED = "crashes", "refuses", "is NaN or infinite", "departs"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the request file.

    Attributes:
        file: path of the FlatBuffer.
        inputs: an .npz with a few rows [n, ...] of each input, by role.
        binding: roles of the inputs, as in a runner's request.
        judged: name of the backend that is right.
        backend: name of the backend that deviates.
        environment: environment variables of both runners.
        folder: folder for the smallest file, its inputs, the answers and the script.
    """

    file: str
    inputs: str
    binding: dict[str, Any]
    judged: str
    backend: str
    environment: dict[str, str]
    folder: str


@dataclass(frozen=True)
class Shown:
    """The fault that a part of a file shows.

    Attributes:
        how: kind of the fault: the backend crashes, refuses, returns NaN, or deviates.
        said: description of the fault, with numbers or with the backend's message.
        expected: outputs of the judged backend [n, values].
        actual: outputs of the other backend; None if it gives none.
    """

    how: str
    said: str
    expected: NDArray[np.float32]
    actual: NDArray[np.float32] | None = None

    def is_like(self, second: Shown) -> bool:
        """Return whether this fault and a second one are the same.

        A part of a file may show another fault than the whole file. Crashes are the same if their
        signals are equal, and refusals if their messages are equal. All wrong values count as the
        same fault, whether finite or not.
        """
        values = {NOT_FINITE, DEPARTED}
        if {self.how, second.how} <= values:
            return True
        return (self.how, self.said) == (second.how, second.said)


class Between:
    """Compares parts of a file on two backends, in a `with` block.

    Each backend runs in one process, which is replaced if a part has crashed it.

    Args:
        flatbuffer: the content of the file.
        rows: values of the file's inputs [n, ...], by tensor index.
        judged: name of the backend that is right.
        backend: name of the backend that deviates.
        environment: environment variables of both runners.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        rows: Values,
        judged: str,
        backend: str,
        environment: dict[str, str],
    ) -> None:
        self.cutter = Cutter(flatbuffer)
        self._rows = rows
        self._backends = judged, backend
        self._transport = LocalTransport(environment=environment)
        self._known: Values = {}
        self._runners: dict[str, Runner] = {}
        self._started = ExitStack()
        self.info: RunnerInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    @functools.cache  # noqa: B019 - the process ends after one file
    def shown(self, first: int, last: int) -> Shown | None:
        """Return how the second backend fails or deviates in the operators `first` to `last`.

        None if it gives the same answers as the first backend.
        """
        part = self.cutter.cut(first, last)
        inputs = self.given(part)
        expected, scale = self._answer(self._backends[0], part, inputs)
        try:
            actual, _ = self._answer(self._backends[1], part, inputs)
        except RunnerDied as death:
            return Shown(CRASHED, death.ending, expected)
        except RunnerRefused as refusal:
            return Shown(REFUSED, refusal.message, expected)
        return _difference(expected, actual, scale)

    def given(self, part: Cut) -> Values:
        """Return the inputs of a part: the file's inputs, and activations of the judged backend."""
        return {tensor: self._value(tensor) for tensor in part.inputs}

    def _value(self, tensor: int) -> NDArray[Any]:
        if tensor in self._rows:
            return self._rows[tensor]
        if tensor not in self._known:
            part = self.cutter.cut(0, self.cutter.maker_of(tensor))
            if part.output != tensor:
                raise EdgeproofError(
                    f"the file cannot be cut after {part.operators[-1]}, an operator with several "
                    "outputs",
                    remedy=REMEDY,
                )
            self._known[tensor] = self._answer(self._backends[0], part, self.given(part))[0]
        return self._known[tensor]

    def _answer(
        self, backend: str, part: Cut, part_inputs: Values
    ) -> tuple[NDArray[np.float32], float]:
        """Return a backend's output for a part [n, values], and the output's quantization step."""
        inputs = tuple(BoundInput(str(tensor), place) for place, tensor in enumerate(part.inputs))
        runner = self._runner(backend)
        try:
            loaded = runner.load("part", part.data, binding=Binding(inputs, output=0))
            bound = zip(part_inputs.items(), loaded.inputs, strict=True)
            rows = {str(index): _rows(array, tensor) for (index, array), tensor in bound}
            answers = runner.answer("part", rows).logits
        except RunnerDied:
            del self._runners[backend]
            raise
        return answers, max(loaded.output.scales, default=0.0)

    def _runner(self, backend: str) -> Runner:
        """Return the running process of a backend; start it if there is none."""
        if backend not in self._runners:
            starting = Runner(self._transport, backend, timeout=SECONDS)
            self._runners[backend] = self._started.enter_context(starting)
            if backend == self._backends[1]:
                self.info = starting.info
        return self._runners[backend]


def localize(request: Request) -> dict[str, Any]:
    """Return the first operator at which a backend deviates, and write the smallest file.

    Raises:
        EdgeproofError: the file cannot be cut, or the judged backend cannot run a part of it.
    """
    flatbuffer = Path(request.file).read_bytes()
    inputs = read_npz(
        Path(request.inputs), remedy="Run again: edgeproof writes this file anew for each run"
    )
    places = Cutter(flatbuffer).places(request.binding.get("signature"))
    place_of = {role: places[place] for role, place, *_ in request.binding["inputs"]}
    rows = {place_of[role]: array for role, array in inputs.items()}
    judged, backend = request.judged, request.backend
    with Between(flatbuffer, rows, judged, backend, request.environment) as between:
        return _localized(request, between)


def _localized(request: Request, between: Between) -> dict[str, Any]:
    """Find by bisection a shortest series of operators that shows the fault of a backend.

    Write it as a FlatBuffer of its own into the request's folder, and return its description.
    """
    order = between.cutter.varying
    difference = between.shown(0, order[-1])
    if difference is None:
        return {"not_localized": NOT_SHOWN.format(DIVERGED_DB)}

    def holds(first: int, last: int) -> bool:
        difference_of_part = between.shown(first, last)
        return difference_of_part is not None and difference_of_part.is_like(difference)

    end = _first_true(0, len(order) - 1, lambda position: holds(0, order[position]))
    last = order[end]
    start = _last_true(0, end, lambda position: holds(order[position], last))
    first = order[start]
    part, shown = between.cutter.cut(first, last), between.shown(first, last)
    if shown is None or between.info is None:
        return {"not_localized": "the smallest part shows the fault only sometimes"}
    backends = request.judged, request.backend
    files = write_folder(
        Path(request.folder), part, between.given(part), shown, backends, between.info
    )
    return {
        "operator": part.operators[-1],
        "index": last,
        "how": shown.how,
        "said": shown.said,
        "operators": list(part.operators),
        "bytes": len(part.data),
        "folder": request.folder,
        "files": files,
    }


def _difference(
    expected: NDArray[np.float32], actual: NDArray[np.float32], scale: float
) -> Shown | None:
    """Return how an answer differs from the expected one; None if rounding explains it.

    The result is also None if the expected answer contains NaN or infinity.
    """
    if not np.isfinite(expected).all():
        return None
    broken = int((~np.isfinite(actual)).sum())
    if broken:
        return Shown(NOT_FINITE, f"{broken} of {actual.size} values", expected, actual)
    noise = np.abs(expected.astype(np.float64) - actual)
    signal = float((expected.astype(np.float64) ** 2).sum())
    decibels = 10 * np.log10(signal / float((noise**2).sum())) if signal and noise.any() else np.inf
    # A difference of one step of a quantized output is rounding, however small its values are.
    if decibels >= DIVERGED_DB or float(noise.max(initial=0.0)) <= scale:
        return None
    sentence = f"{decibels:.1f} dB, largest difference {noise.max():.4g}"
    return Shown(DEPARTED, sentence, expected, actual)


def _rows(array: NDArray[Any], tensor: SignatureTensor) -> NDArray[Any]:
    """Return the values of an input as a runner accepts them: [n, values].

    If the tensor contains ids or a mask, the values are converted to its dtype, because they may be
    the output of another part, which is always float32.
    """
    if not tensor.scales and np.dtype(tensor.dtype).kind in "iub":
        array = array.astype(tensor.dtype)
    return array.reshape(len(array), -1)


def _first_true(low: int, high: int, holds: Any) -> int:
    """Return the first integer from `low` to `high` for which a condition holds, by bisection."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _last_true(low: int, high: int, holds: Any) -> int:
    """Return the last integer from `low` to `high` for which a condition holds, by bisection."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def main() -> int:
    """Read the request from the first file, and write the answer into the second."""
    return answer_file("python -m models.localizing.between", __doc__, Request, localize)


if __name__ == "__main__":
    sys.exit(run_command(main))
