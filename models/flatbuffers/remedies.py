"""Suggest remedies for a file that a runtime rejects, or whose answers are not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.flatbuffers.describing import inspect_file
from models.flatbuffers.findings import findings_of

if TYPE_CHECKING:
    from pathlib import Path

# Names of findings (see `findings_of`) that can explain NaN or infinity, or that an old runtime
# rejects.
_NOT_FINITE = {"nan-weights", "half-overflow", "infinite-constant"}
_TOO_NEW = {"needs-newer-runtime"}
_OLD, _NEWER = "tflite_runtime", "ai_edge_litert"


def remedy_where_refused(file: Path, runtime: str) -> str:
    """Return the remedy for a file that a runtime does not load.

    Args:
        file: the FlatBuffer.
        runtime: the runtime's import name.
    """
    sentence = _first(file, _TOO_NEW) if runtime == _OLD else None
    if sentence is None:
        return "Judge it on another backend (--edge-backend), or convert it for this one"
    return f"{sentence}; where {_NEWER} can be installed, judge it with --edge-backend={_NEWER}"


def remedy_where_not_finite(file: Path) -> str | None:
    """Return what makes a file's answers NaN or infinite, and a remedy; None if unknown."""
    return _first(file, _NOT_FINITE)


def _first(file: Path, ids: set[str]) -> str | None:
    finding = next(
        (finding for finding in findings_of(inspect_file(file)) if finding.id in ids), None
    )
    return None if finding is None else f"{finding.what} {finding.remedy}"
