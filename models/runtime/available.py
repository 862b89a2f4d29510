"""Which runtimes are installed here, found without importing any of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from models.runtime.interpreters import interpreter_for
from models.runtime.runner import RUNTIMES

# TensorFlow can answer too, but no board has it: it is the builder's, and asked for by name.
EDGE_RUNTIMES = ("ai_edge_litert", "tflite_runtime")

# The newest CPython that has a wheel, where it is not the newest there is.
_NEWEST_PYTHON = {"tflite_runtime": (3, 11)}
# With a later numpy it imports, and then every Interpreter() raises SystemError.
_NUMPY_BELOW = {"tflite_runtime": 2}
# By the bits of a pointer. The 2.14 wheel for 32-bit ARM defines none of XNNPACK's kernels.
_WITHOUT_XNNPACK = {("tflite_runtime", 32)}


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """A runtime that is installed: its import name and its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class AbsentRuntime:
    """A runtime that cannot answer here, and why."""

    name: str
    reason: str


def available_runtimes(*, tensorflow: bool = False) -> list[RuntimeInfo]:
    """Return the runtimes a local runner can use.

    Args:
        tensorflow: also list TensorFlow's own interpreter if it is installed.
    """
    names = (*EDGE_RUNTIMES, "tensorflow") if tensorflow else EDGE_RUNTIMES
    found = {name: interpreter_for(name).version(RUNTIMES[name][1]) for name in names}
    return [
        RuntimeInfo(name, version)
        for name, version in found.items()
        if version is not None and why_absent(name) is None
    ]


def absent_runtimes() -> list[AbsentRuntime]:
    """Return the edge runtimes that cannot answer here."""
    reasons = ((name, why_absent(name)) for name in EDGE_RUNTIMES)
    return [AbsentRuntime(name, reason) for name, reason in reasons if reason is not None]


def why_absent(name: str) -> str | None:
    """Return why a runtime cannot answer here; None if it can.

    Args:
        name: one of `RUNTIMES`.
    """
    distribution = RUNTIMES[name][1]
    python = interpreter_for(name)
    if python.version(distribution) is None:
        reason = why_no_wheel(name, sys.version_info[:2])
        reason = reason or f"{distribution} is not installed"
    else:
        reason = why_numpy_breaks(name, python.version("numpy"))
    if reason is None or name not in _NUMPY_BELOW:
        return reason
    return f"{reason}; `python -m models.runtime.own_python {name}` gives it a Python of its own"


def why_numpy_breaks(name: str, numpy: str | None) -> str | None:
    """Return why a runtime cannot answer beside a numpy; None if it can.

    Args:
        name: one of `RUNTIMES`.
        numpy: the version of it, where the runtime runs.
    """
    distribution, below = RUNTIMES[name][1], _NUMPY_BELOW.get(name)
    if numpy is None:
        return f"{distribution} needs numpy, which is not installed"
    if below is None or int(numpy.split(".")[0]) < below:
        return None
    return f"{distribution} needs numpy below {below}, {numpy} is installed"


def why_no_wheel(name: str, python: tuple[int, ...]) -> str | None:
    """Return why a runtime cannot be installed for a CPython; None if it can.

    Args:
        name: a runtime's import name.
        python: the version, like (3, 11).
    """
    newest = _NEWEST_PYTHON.get(name)
    if newest is None or python <= newest:
        return None
    asked, last = (".".join(map(str, version)) for version in (python, newest))
    return f"{RUNTIMES[name][1]} has no wheel for CPython {asked}, {last} is its last"


def has_xnnpack(name: str, bits: int) -> bool:
    """Tell whether a runtime's wheels hold XNNPACK's kernels.

    Args:
        name: one of `EDGE_RUNTIMES`.
        bits: a pointer's, where the runtime runs.
    """
    return (name, bits) not in _WITHOUT_XNNPACK
