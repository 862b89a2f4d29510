"""Define a finding, and the data that checks use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models.toml_tables import Table, read_table

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
        id: the same for all findings of a kind, and from version to version.
        severity: `error`, no text classifier can be right like this; `warning`, it bites somewhere;
            `note`, worth knowing.
        what: a plain sentence.
        where: the tensors or operators that it is about.
        remedy: what to do about it.
    """

    id: str
    severity: Severity
    what: str
    where: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Inspected:
    """The data that checks use.

    Attributes:
        data: the whole file.
        metadata: None if the file has none, or if it cannot be read.
        unread: why the metadata cannot be read; None if it can.
        scheme: which it is.
        claimed: which it is said to be; None if nothing says so.
        claimed_by: who says so.
        declared: whether a user says so, and not only the file's name.
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
        """The operators of the first graph."""
        return tuple(operator for operator in self.report.operators if operator.subgraph == 0)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Of the first graph, in its order."""
        return self.report.subgraphs[0].inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Of the first graph, in its order."""
        return self.report.subgraphs[0].outputs


@cache
def limits() -> Limits:
    """Return `findings.toml`."""
    return read_table(_TABLE, Limits)


def several(names: Iterable[str]) -> str:
    """List names in a sentence: the first few, and how many more there are."""
    listed = list(names)
    shown = listed[: limits().names]
    more = f" and {len(listed) - len(shown)} more" if len(listed) > len(shown) else ""
    return ", ".join(shown) + more


def shape_of(tensor: Tensor) -> str:
    """Format a tensor's shape, with -1 for dynamic dimensions."""
    pairs = zip(tensor.shape, tensor.dynamic, strict=False)
    return "[" + ", ".join("-1" if dynamic else str(size) for size, dynamic in pairs) + "]"


def named(tensor: Tensor, among: Sequence[Tensor]) -> str:
    """Name a tensor, by its position if it has no name."""
    return repr(tensor.name) if tensor.name else f"number {list(among).index(tensor)}"
