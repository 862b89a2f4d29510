"""Define a finding, and the data of a file that the checks for findings use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models.files.toml_tables import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.flatbuffers.metadata import ModelMetadata
    from models.flatbuffers.recognizing import Recognized
    from models.flatbuffers.structure import FlatBufferReport, Operator, Tensor

Severity = Literal["error", "warning", "note"]
ORDER: tuple[Severity, ...] = ("error", "warning", "note")
_TABLE = Path(__file__).parents[1] / "findings.toml"


class Limits(Table, frozen=True, kw_only=True):
    """The limits in `findings.toml`, which explains them."""

    half_largest: float
    float_share: float
    float_bytes: int
    surest_probability: float
    probability_step: float
    logit_step: float
    neighbors: int
    names: int
    old_runtime: str
    metadata_parser: str


@dataclass(frozen=True)
class Finding:
    """A problem, or a possible problem, of a file.

    Attributes:
        id: the kind of the finding, the same in every version of this project.
        severity: `error` if no text classifier can work like this, `warning` if it causes problems
            in some cases, `note` if it is useful to know.
        what: a sentence that describes the problem.
        where: the names of the affected tensors or operators.
        remedy: a sentence that says what to do.
    """

    id: str
    severity: Severity
    what: str
    where: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Inspected:
    """The data of a file that the checks for findings use.

    Attributes:
        data: the bytes of the file.
        metadata: the metadata of the file; None if there is none, or if it cannot be read.
        unread: the reason why the metadata cannot be read; None if it can.
        scheme: the scheme that was recognized from the graph.
        claimed: the scheme that the file should have; None if unknown.
        claimed_by: the source of `claimed`, for messages.
        declared: whether a user declared `claimed`; otherwise it comes from the file's name.
    """

    data: bytes
    report: FlatBufferReport
    metadata: ModelMetadata | None
    unread: str | None
    scheme: Recognized
    claimed: str | None
    claimed_by: str
    declared: bool

    @property
    def main(self) -> tuple[Operator, ...]:
        """Return the operators of the first graph."""
        return tuple(operator for operator in self.report.operators if operator.subgraph == 0)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Return the inputs of the first graph, in order."""
        return self.report.subgraphs[0].inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Return the outputs of the first graph, in order."""
        return self.report.subgraphs[0].outputs


@cache
def limits() -> Limits:
    """Return the limits in `findings.toml`."""
    return read_table(_TABLE, Limits)


def several(names: Iterable[str]) -> str:
    """Return names as a list for a sentence: the first few, and the number of the others."""
    listed = list(names)
    shown = listed[: limits().names]
    more = f" and {len(listed) - len(shown)} more" if len(listed) > len(shown) else ""
    return ", ".join(shown) + more


def shape_of(tensor: Tensor) -> str:
    """Format a tensor's shape, with -1 for dynamic dimensions."""
    pairs = zip(tensor.shape, tensor.dynamic, strict=False)
    return "[" + ", ".join("-1" if dynamic else str(size) for size, dynamic in pairs) + "]"


def named(tensor: Tensor, among: Sequence[Tensor]) -> str:
    """Return a tensor's name, or its position if it has no name."""
    return repr(tensor.name) if tensor.name else f"number {list(among).index(tensor)}"
