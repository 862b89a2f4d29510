"""Find errors and future problems of a FlatBuffer: `findings_of` lists them.

Each module contains checks of one kind. A check is a function from `Inspected` to findings. The ids
of findings are stable, and `docs/inspect.md` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.flatbuffers.findings import described, operators, outputs, ports, schemes, weights
from models.flatbuffers.findings.finding import ORDER, Finding, Inspected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Finding", "Inspected", "findings_of"]

_CHECKS: tuple[Callable[[Inspected], Iterator[Finding]], ...] = (
    *operators.CHECKS,
    *ports.CHECKS,
    *outputs.CHECKS,
    *weights.CHECKS,
    *schemes.CHECKS,
    *described.CHECKS,
)


def findings_of(inspected: Inspected) -> tuple[Finding, ...]:
    """Return every finding, errors first, then warnings, then notes."""
    findings = [finding for check in _CHECKS for finding in check(inspected)]
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.severity)))
