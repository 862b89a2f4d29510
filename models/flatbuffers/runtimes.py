"""Find the TFLite runtime that a FlatBuffer needs, from its operators.

A file declares a minimum runtime in its metadata and a version with each operator. Both can be too
low: litert-quantizer changes operand types but not these declarations, and an old runtime loads
such a file and gives wrong answers. So each operator's version is raised to the one that its
operand types need before it is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from models.files.toml_tables import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.flatbuffers.structure import FlatBufferReport, Operator

UNKNOWN = "unknown"
_TABLE = Path(__file__).with_name("runtimes.toml")


class Need(Table, frozen=True, kw_only=True):
    """The version that an operator needs for the dtypes of its first inputs."""

    operator: str
    inputs: list[str]
    channels: bool = False
    version: int


class Runtimes(Table, frozen=True, kw_only=True):
    """The content of `runtimes.toml`.

    Attributes:
        runtimes: by operator, the runtime that its n-th version needs, as the n-th entry.
        needs: the versions that operand types need.
    """

    runtimes: dict[str, list[str]]
    needs: list[Need]


@dataclass(frozen=True)
class RuntimeNeed:
    """The runtime that one kind of operator in a FlatBuffer needs, and why.

    Attributes:
        declared: the version that the file declares.
        version: the version that the operand types need, at least `declared`.
        runtime: the first TFLite runtime that supports this version; None if unknown.
    """

    operator: str
    declared: int
    version: int
    runtime: str | None

    @property
    def understated(self) -> bool:
        """Return whether the file declares a lower version than its operand types need."""
        return self.declared < self.version


def runtime_needs(operators: Iterable[Operator]) -> tuple[RuntimeNeed, ...]:
    """Return the runtime that each kind of built-in operator needs, by name and version."""
    needs = {_need(operator) for operator in operators if not operator.custom}
    return tuple(sorted(needs, key=lambda need: (need.operator, need.version, need.declared)))


def unknown_operators(report: FlatBufferReport) -> tuple[str, ...]:
    """Return the operators that need an unknown runtime, as `NAME vN`, and the custom operators."""
    needs = runtime_needs(report.operators)
    built_in = {f"{need.operator} v{need.version}" for need in needs if need.runtime is None}
    return (*sorted(built_in), *report.custom_operators)


def minimum_runtime(report: FlatBufferReport) -> str:
    """Return the oldest TFLite runtime that can run the file, as far as known.

    It is the maximum of the declared `min_runtime_version` and the runtimes that operators need.
    Operators in `unknown_operators` are ignored. The result is `"unknown"` if nothing is known.
    """
    versions = [need.runtime for need in runtime_needs(report.operators) if need.runtime]
    if report.declared_runtime and version_key(report.declared_runtime):
        versions.append(report.declared_runtime)
    return max(versions, key=version_key, default=UNKNOWN)


def version_key(version: str) -> tuple[int, ...]:
    """Parse `"2.14.0"` into `(2, 14, 0)`, and invalid text into `()`, which sorts first."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


@cache
def _table() -> Runtimes:
    return read_table(_TABLE, Runtimes)


def _need(operator: Operator) -> RuntimeNeed:
    needed = (need.version for need in _table().needs if _applies(need, operator))
    version = max(operator.version, *needed, 1)
    runtimes = _table().runtimes.get(operator.name, [])
    runtime = runtimes[version - 1] if version <= len(runtimes) else ""
    return RuntimeNeed(operator.name, operator.version, version, runtime or None)


def _applies(need: Need, operator: Operator) -> bool:
    if need.operator != operator.name:
        return False
    inputs = operator.inputs[: len(need.inputs)]
    if [tensor and tensor.dtype for tensor in inputs] != need.inputs:
        return False
    quantization = inputs[-1].quantization if inputs and inputs[-1] else None
    # Scales per block need the same operator version as scales per channel.
    fine = quantization is not None and (quantization.per_channel or bool(quantization.block))
    return not need.channels or fine
