"""Answer texts with an ONNX file: `python -m models.onnx.answering REQUEST ROWS ANSWERS`.

This program runs in its own process, which imports onnxruntime and has limits for its memory and
for the time of each text. If it cannot answer, it prints one line of JSON. `models.onnx.asking`
writes REQUEST.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.files.numpy_files import read_npz

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Log level at which the runtime reports only fatal errors.
_FATAL = 4


class CannotAnswerError(Exception):
    """The ONNX file gives no answers; the message says why."""


def answer(request: Mapping[str, Any], rows: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the file's answer to each row, [n, values].

    Raises:
        CannotAnswerError: onnxruntime cannot load or run the file, or the answers have a wrong type
            or size.
    """
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    session = _session(request["file"], request["threads"])
    answers: list[NDArray[Any]] = []
    for at in range(len(next(iter(rows.values())))):
        # The timer's signal has no handler, so the kernel kills this process even if native code
        # hangs.
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        feeds = {
            port["name"]: rows[port["role"]][at].reshape(port["shape"]).astype(port["dtype"])
            for port in request["inputs"]
        }
        answers.append(_answer_of(session, feeds, request))
    return np.stack(answers)


def _session(file: str, threads: int) -> Any:
    import onnxruntime  # noqa: PLC0415 - only after the memory of this process is limited

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the library raises its own classes
        raise CannotAnswerError(f"onnxruntime cannot load it ({_message_of(error)})") from None


def _answer_of(
    session: Any, feeds: dict[str, NDArray[Any]], request: Mapping[str, Any]
) -> NDArray[Any]:
    try:
        (output,) = session.run([request["output"]], feeds)
    except Exception as error:  # noqa: BLE001 - the library raises its own classes
        raise CannotAnswerError(f"onnxruntime cannot run it ({_message_of(error)})") from None
    values = np.asarray(output)
    if values.dtype.kind not in "fiu" or not 1 <= values.size <= request["most"]:
        raise CannotAnswerError(
            f"answers a text with {values.size:,} values of {values.dtype}, but at "
            f"most {request['most']:,} numbers are expected"
        )
    if request["values"] is not None and values.size != request["values"]:
        raise CannotAnswerError(
            f"answers a text with {values.size:,} numbers, but {request['values']} were expected"
        )
    return values.reshape(-1)


def _message_of(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or repr(error)


def _bound_memory(most: int | None) -> None:
    """Limit the memory of this process; requests beyond it fail with an error."""
    if most is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def main(arguments: list[str]) -> int:
    """Write the answers to a file; return the exit code: 0, or 1 if there are no answers."""
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    _bound_memory(request["memory"])
    try:
        rows = read_npz(Path(arguments[1]), remedy="Run again")
        np.save(Path(arguments[2]), answer(request, rows))
    except (CannotAnswerError, MemoryError, EdgeproofError, ValueError) as error:
        sys.stdout.write(json.dumps({"cannot": str(error) or "it needs more memory"}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
