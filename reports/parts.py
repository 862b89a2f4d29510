"""The runs that a document holds: itself, or those that `reports.merge` has put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def parts_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One document for each run, of one subject on one device, in the order they were merged."""
    merged = document["run"].get("merged")
    if merged is None:
        return [dict(document)]
    shared = {"schema": document["schema"], "artefacts": document["artefacts"]}
    return [
        shared | one | {kind: _of(one, document[kind]) for kind in ("measurements", "tests")}
        for one in merged
    ]


def title_of(document: Mapping[str, Any]) -> str:
    """Which subject, and on which device."""
    return f"{document['subject']['name']} on {document['device']['name']}"


def _of(run: Mapping[str, Any], taken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    whose = run["subject"]["name"], run["device"]["name"]
    return [one for one in taken if (one["subject"], one["device"]) == whose]
