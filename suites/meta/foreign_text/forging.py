"""Write a results.json in which every field from outside contains a given text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.files.extensible_tables import as_plain
from reports.documents.results import as_document
from reports.texts import sizes
from suites.meta.reports.runs import document

if TYPE_CHECKING:
    from reports.documents.document import Document

# Keys of values that a report compares or computes with. These values are validated when a document
# is read, so that they cannot contain a payload.
CHOSEN = {
    *("metric", "unit", "verdict", "outcome", "started", "finished", "move", "limit", "better"),
    *("sha256", "schema", "expires"),
}
LEDGER = {
    "paper": {
        "published_ratio": 160,
        "flatbuffer_for_bert_large_checkpoint": 1,
        "flatbuffer_for_bert_large_weights": 1,
    },
    **{
        model: {"parameters": {"total": 1}, "weights": 2, "checkpoint": 3}
        for model in ("full_model", "small_model")
    },
    "variants": {
        "float16": {
            "flatbuffer": 1,
            "flatbuffer_zipped": 1,
            "resident": None,
            "ratios": dict.fromkeys(sizes.RATIOS, 1.0),
        }
    },
}
# One measurement of each ending is enough: failed, inconclusive, not judged.
TAKEN = {
    *(("full_model", "accuracy"), ("float16", "flatbuffer_bytes")),
    *(("float16", "accuracy_drop"), ("float16", "agreement")),
}
KNOWN = set(sizes.RATIOS) | {"full_model", "small_model"}


def forged(payload: str) -> Document:
    """Return a small run's results, with the payload before each text that is from outside."""
    plain = as_plain(
        document({"name": "host", "emulated": False, "machine": "m", "core": "c", "target": "t"})
    )
    plain["subject"] |= {
        "description": "d",
        "remarks": ["r"],
        "sizes": LEDGER,
        "floors": {"always": {"accuracy": 0.4}},
    }
    measurements = [
        measurement
        for measurement in plain["measurements"]
        if (measurement["scheme"], measurement["metric"]) in TAKEN
    ]
    tests_kept = {measurement["test"] for measurement in measurements}
    plain["tests"] = [
        test for test in plain["tests"] if test["id"] in tests_kept or test.get("message")
    ]
    plain["measurements"] = [measurement | {"subject": "mini"} for measurement in measurements]
    plain["measurements"][0]["known_failure"] = "known"
    plain["artefacts"] = [{"name": "a", "sha256": "0", "bytes": 1}]
    return as_document(_with(payload, plain))


def _with(payload: str, value: Any) -> Any:
    if isinstance(value, str):
        return payload + value
    if isinstance(value, list):
        return [_with(payload, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _key(payload, name): value if name in CHOSEN else _with(payload, value)
        for name, value in value.items()
    }


def _key(payload: str, name: str) -> str:
    """Insert the payload before a key that names a scheme, a runtime or a trivial classifier."""
    own_names = {"float32", "float16", "ai_edge_litert", "always"}
    return payload + name if name in own_names and name not in KNOWN else name
