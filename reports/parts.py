"""Split a document into its runs, where `reports.merge` joined several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def parts_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a document for each run, of one subject on one device."""
    merged = document["run"].get("merged")
    if merged is None:
        return [dict(document)]
    shared = {"schema": document["schema"], "artefacts": document["artefacts"]}
    return [
        shared | one | {kind: _of(one, document[kind]) for kind in ("measurements", "tests")}
        for one in merged
    ]


def require_distinct(documents: Iterable[tuple[Path, Mapping[str, Any]]]) -> None:
    """Check that each document holds one run, and that no two are the same.

    Raises:
        UsageMistake: one is of several runs already, or two are of the same; names the file.
    """
    seen: dict[str, Path] = {}
    for file, document in documents:
        if document["run"].get("merged") is not None:
            raise UsageMistake(
                "is of several runs", file=file, remedy="Name the folders of the runs instead"
            )
        first = seen.setdefault(str(document["run"]["id"]), file)
        if first is not file:
            raise UsageMistake(
                f"holds the same run as {first}", file=file, remedy="Name each run once"
            )


def title_of(document: Mapping[str, Any]) -> str:
    """Return subject and device as a title."""
    return f"{document['subject']['name']} on {document['device']['name']}"


def _of(run: Mapping[str, Any], taken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whose = run["subject"]["name"], run["device"]["name"]
    return [one for one in taken if (one.get("subject"), one.get("device")) == whose]
