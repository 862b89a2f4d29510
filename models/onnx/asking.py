"""Run an ONNX file in a process with limited time and memory, and return its answers."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import UsageMistake
from models.files.unfinished_files import scratch_folder
from models.onnx.reading import KEY
from models.processes.programs import Overrun, run
from models.runtime.failures import ending_of
from models.store import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

RUNTIME = "onnxruntime"
GROUP = "onnx"
# Time limit for a text in seconds; a classifier for phones needs only milliseconds.
SECONDS_PER_TEXT = 60.0
SECONDS_IN_ALL = 4 * 3600.0
MOST_THREADS = 8
_MEMORY = "/proc/meminfo"
_FREE = "MemAvailable:"


@dataclass(frozen=True, kw_only=True)
class Fed:
    """One input of an ONNX file.

    Attributes:
        role: the role of the rows that the input takes.
        name: its name in the file.
        dtype: dtype of its values.
        shape: shape of the row of one text.
    """

    role: str
    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to run an ONNX file, without the texts.

    Attributes:
        file: the file.
        inputs: its inputs.
        output: name of the output with the answers.
        values: number of values per answer; None if the file does not fix it.
        most: largest number of values per answer.
        threads: number of threads that compute an answer; the answer's last bits depend on it.
    """

    file: Path
    inputs: tuple[Fed, ...]
    output: str
    values: int | None
    most: int
    threads: int


def require_onnxruntime(file: Path) -> None:
    """Check that onnxruntime is installed, without importing it.

    Raises:
        UsageMistake: it is not installed.
    """
    if find_spec(RUNTIME) is None:
        project = PROJECT / "pyproject.toml"
        raise UsageMistake(
            f"running an ONNX file needs {RUNTIME}, which is not installed here",
            file=file,
            key=KEY,
            remedy=f"Run `{sys.executable} -m pip install --group {project}:{GROUP}`, or judge "
            "with `tox -e judge-onnx`",
        )


def ask(call: Call, rows: Mapping[str, NDArray[np.int32]]) -> NDArray[Any]:
    """Return the output [n, values] of an ONNX file for the texts, without converting it.

    Args:
        call: the file, and how to run it.
        rows: the encoded texts [n, tokens] by role.

    Raises:
        UsageMistake: the file cannot be run, or takes too long or too much memory.
    """
    request = {
        **asdict(call),
        "file": str(call.file.absolute()),
        "seconds": SECONDS_PER_TEXT,
        "memory": _free_memory(),
    }
    with scratch_folder("edgeproof-onnx-") as scratch:
        request_file, encoded, answers = (
            scratch / name for name in ("q.json", "rows.npz", "a.npy")
        )
        request_file.write_text(json.dumps(request), encoding="utf-8")
        np.savez(encoded, **{port.role: rows[port.role] for port in call.inputs})  # type: ignore[arg-type] # no role is named like another argument of savez
        command = [
            sys.executable,
            "-m",
            "models.onnx.answering",
            *map(str, (request_file, encoded)),
        ]
        return _answered([*command, str(answers)], call.file, answers)


def _answered(command: list[str], file: Path, answers: Path) -> NDArray[Any]:
    from models.files.numpy_files import read_npy  # noqa: PLC0415 - only needed if there are answers

    try:
        ended = run(command, folder=PROJECT, seconds=SECONDS_IN_ALL, remedy=_OTHERWISE)
    except Overrun as overrun:
        raise _mistake(file, overrun.what) from None
    if ended.code == 0:
        return read_npy(answers, remedy=_OTHERWISE, kind=UsageMistake)
    lines = ended.stdout.strip().splitlines()
    if ended.code == 1 and lines:
        raise _mistake(file, str(json.loads(lines[-1])["cannot"]))
    if ended.code == -signal.SIGALRM:
        raise _mistake(
            file, f"took longer than {SECONDS_PER_TEXT:g} s to load or to answer one text"
        )
    raise _mistake(
        file, f"the process that runs the file {ending_of(ended.code)}: {ended.last_error_line}"
    )


_OTHERWISE = (
    "Export the model again for onnxruntime's CPU, or record the model's answers "
    "elsewhere and give the recording (docs/my-app.md)"
)


def _mistake(file: Path, problem: str) -> UsageMistake:
    return UsageMistake(problem, file=file, key=KEY, remedy=_OTHERWISE)


def _free_memory() -> int | None:
    """Return the free memory in bytes; None if it is unknown."""
    try:
        with open(_MEMORY, encoding="utf-8") as file:  # noqa: PTH123 - a file of the kernel
            lines = [line.split() for line in file if line.startswith(_FREE)]
    except OSError:
        return None
    return int(lines[0][1]) * 1024 if lines else None
