"""Build a small run with a test for every kind of outcome, for the tests of reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from models.verdicts.judge import Budget, Estimate, Verdict
from models.verdicts.measurement import measure
from reports.documents.document import Document, Outcome
from suites.meta.reports.documents import document_from

if TYPE_CHECKING:
    from models.verdicts.measurement import Measurement

EMBEDDED = "models/verdicts/limits/budgets/embedded.toml"
DROP = Budget("accuracy_drop", "max", 0.041, "4.1 points", EMBEDDED, "accuracy_drop.max")
AGREEMENT = Budget("agreement", "min", 0.97, "97 %", EMBEDDED, "agreement.min")
RATIO = Budget("latency_ratio", "max", 1.25, "1.25 x", EMBEDDED, "latency_ratio.float16.max")
FLOOR = Budget("accuracy", "min", 0.41, "41 % (always A)", "the corpus", "majority of the train")
DROP_TEST = "suites/accuracy/test_accuracy_drop.py::test_drop[host-float16]"
FINDINGS = {"baseline": {"move": "worse", "reason": "worse by 3 points since yesterday"}}
CURVE = [
    {"operator": operator, "tensor": f"layer_{place}", "nan": nan, "inf": inf, "sqnr_db": level,
     "cosine": None}
    for place, (operator, nan, inf, level) in enumerate(
        [("GATHER", 0, 0, None), ("ADD", 0, 0, 41.5), ("FULLY_CONNECTED", 0, 0, 12.3),
         ("SOFTMAX", 7, 2, None), ("MUL", 0, 0, 9.0)]
    )
]  # fmt: skip
LOCALIZATION = {
    "scheme": "float16",
    "tests": [DROP_TEST],
    "flipped": 9,
    "flips": [
        {"row": 3, "gold": "BAD", "labels": {"float32": "BAD", "float16": "GOOD"},
         "margins": {"float32": 2.5, "float16": 0.25}, "text": "never again", "group": "E1"},
        {"row": 7, "gold": "GOOD", "labels": {"float32": "SO SO", "float16": "GOOD"},
         "margins": {"float32": 0.125, "float16": 1.0}},
    ],
    "texts": 8,
    "diverged_db": 20.0,
    "diverges_at": CURVE[3],
    "mended_by_float": ["SOFTMAX"],
    "tried": [{"operators": ["SOFTMAX"], "agreement": 1.0}],
    "curve": CURVE,
}  # fmt: skip
# The extent of a run of the whole suite.
WHOLE = {"suites": ["accuracy", "size"], "collected": 15, "run": 15}
TABLE = [[50, 3, 2], [4, 60, 1], [0, 5, 75]]


def make_measurement(
    metric: str, scheme: str, estimate: tuple[float, float, float, int], **more: Any
) -> Measurement:
    """Return a measurement on the host."""
    usual = {
        "device": "host",
        "backend": "ai_edge_litert",
        "test": f"suites/size/test_it.py::test_{metric}[host-{scheme}]",
    }
    return measure(Estimate(*estimate), metric=metric, scheme=scheme, **(usual | more))


def of_variant(
    scheme: str, size: float, right: float, drop: tuple[float, float, float]
) -> list[Any]:
    """Return the measurements of a variant in a run."""
    seconds = [0.001 + 0.00001 * index for index in range(40)]
    return [
        make_measurement(
            "accuracy",
            scheme,
            (right, right - 0.02, right + 0.02, 200),
            budget=FLOOR,
            details={"confusion": TABLE},
        ),
        make_measurement("flatbuffer_bytes", scheme, (size, size, size, 1), backend=None),
        make_measurement(
            "size_ratio_weights", scheme, (8e6 / size, 8e6 / size, 8e6 / size, 1), backend=None
        ),
        make_measurement(
            "accuracy_drop",
            scheme,
            (*drop, 200),
            budget=DROP,
            test=DROP_TEST.replace("float16", scheme),
            details=FINDINGS if scheme == "float16" else {},
        ),
        make_measurement(
            "latency_p50", scheme, (0.0012, 0.0011, 0.0013, 40), details={"seconds": seconds}
        ),
        make_measurement("latency_p90", scheme, (0.0014, 0.0013, 0.0015, 40)),
    ]


def measurements() -> list[Measurement]:
    """Return measurements of two variants and the full model, with every kind of verdict."""
    return [
        make_measurement(
            "accuracy", "full_model", (0.9, 0.88, 0.92, 200), details={"confusion": TABLE}
        ),
        make_measurement("weights_bytes", "full_model", (8e6, 8e6, 8e6, 1), backend=None),
        *of_variant("float32", 2e6, 0.9, (0.0, -0.01, 0.01)),
        *of_variant("float16", 1e6, 0.85, (0.05, 0.042, 0.06)),
        make_measurement(
            "agreement",
            "float16",
            (0.98, 0.96, 0.99, 200),
            budget=AGREEMENT,
            details={"flips": TABLE},
        ),
        make_measurement(
            "latency_ratio",
            "float16",
            (1.1, 1.0, 1.2, 40),
            budget=RATIO,
            invalid_because="the cores were shared",
        ),
    ]


def endings() -> list[Outcome]:
    """Return the outcomes of the tests, including a failed test without a measurement."""
    bare = Outcome(
        id="suites/conformance/test_file.py::test_signature[host-float32]",
        outcome="failed",
        seconds=0.1,
        message="def test_signature():\n>   assert 1 == 2\nE   assert 1 == 2",
    )
    judged: dict[str, Literal["passed", "failed"]] = {
        measurement.test: "passed" if measurement.verdict in {None, Verdict.PASS} else "failed"
        for measurement in measurements()
    }
    return [
        *(Outcome(id=test, outcome=ended, seconds=0.2) for test, ended in judged.items()),
        bare,
    ]


def document(device: str | dict[str, Any] = "host", **changes: Any) -> Document:
    """Return the content of results.json for a small run.

    Args:
        device: the name of the device, or its whole table.
        changes: tables of the document that replace the usual ones.
    """
    parts: dict[str, Any] = {
        "run": {
            "id": "1",
            "started": "2024-05-06T07:08:09+00:00",
            "version": "0.1.0",
            "command": "python -m pytest --edge-subject=mini.toml",
            "commit": "0123456789abcdef",
            "localizations": [LOCALIZATION],
            "extent": WHOLE,
        },
        "subject": {
            "name": "mini",
            "schemes": ["float32", "float16"],
            "labels": ["BAD", "SO SO", "GOOD"],
        },
        "device": {"name": device, "emulated": False} if isinstance(device, str) else device,
        "circumstances": {
            "backend": "ai_edge_litert",
            "backends": {"ai_edge_litert": "2.3.0"},
            "threads": 1,
            "python": "3.11.7",
        },
        "artefacts": [],
        "measurements": measurements(),
        "tests": endings(),
    }
    return document_from(**(parts | changes))
