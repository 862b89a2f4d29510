"""Which runtimes are installed here, found without importing any of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from models.runtime.runner import RUNTIMES

# TensorFlow can answer too, but no board has it: it is the builder's, and asked for by name.
EDGE_RUNTIMES = ("ai_edge_litert", "tflite_runtime")

_LAST_PYTHON_OF_TFLITE_RUNTIME = (3, 11)
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
    """The runtimes a local runner can use.

    Args:
        tensorflow: also list TensorFlow's own interpreter if it is installed.
    """
    names = (*EDGE_RUNTIMES, "tensorflow") if tensorflow else EDGE_RUNTIMES
    return [RuntimeInfo(name, _version(name)) for name in names if why_absent(name) is None]


def absent_runtimes() -> list[AbsentRuntime]:
    """The edge runtimes that cannot answer here."""
    reasons = ((name, why_absent(name)) for name in EDGE_RUNTIMES)
    return [AbsentRuntime(name, reason) for name, reason in reasons if reason is not None]


def why_absent(name: str) -> str | None:
    """Why a runtime cannot answer here; None if it can.

    Args:
        name: one of `RUNTIMES`.
    """
    distribution = RUNTIMES[name][1]
    if find_spec(name) is None:
        if name == "tflite_runtime" and sys.version_info[:2] > _LAST_PYTHON_OF_TFLITE_RUNTIME:
            python = ".".join(map(str, sys.version_info[:2]))
            return f"{distribution} has no wheel for CPython {python}, 3.11 is its last"
        return f"{distribution} is not installed"
    if name == "tflite_runtime" and not metadata.version("numpy").startswith("1."):
        # It imports, and then every Interpreter() raises SystemError.
        return f"{distribution} needs numpy below 2, {metadata.version('numpy')} is installed"
    return None


def has_xnnpack(name: str, bits: int) -> bool:
    """Whether a runtime's wheels hold XNNPACK's kernels.

    Args:
        name: one of `EDGE_RUNTIMES`.
        bits: a pointer's, where the runtime runs.
    """
    return (name, bits) not in _WITHOUT_XNNPACK


def _version(name: str) -> str:
    return metadata.version(RUNTIMES[name][1])
