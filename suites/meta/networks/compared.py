"""Compare edgeproof's networks with those of `transformers` on one of Keras' backends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("parity_check.py")
TOLERANCE = 1e-4
LENGTHS = ("1", "7", "16", "64")
CASES = (
    "bert",
    "bert_gelu_new",
    "mobilebert",
    "mobilebert_pooled",
    "mobilebert_tiny",
    "mobilebert_tiny_unshared",
    "mobilebert_layer_norm",
    "mobilebert_without_bottlenecks",
)


def compare(folder: Path, backend: str, *cases: str) -> dict[str, Any]:
    """Return the results of parity_check.py for these cases, by case."""
    outcome: dict[str, Any] = json.loads(printed_by(SCRIPT, folder, *cases, KERAS_BACKEND=backend))
    return outcome
