"""Allure gets metrics in readable units, with a key of subject, device, scheme and metric."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from models.verdicts.measurement import Measurement
from reports.page.metrics import FILE_NAME, metric_samples, write_metric_samples
from suites.meta.reports.documents import document_from

if TYPE_CHECKING:
    from pathlib import Path


def measured(metric: str, value: float, unit: str, backend: str | None) -> Measurement:
    return Measurement(
        metric=metric,
        scheme="float16",
        device="rpi4",
        backend=backend,
        value=value,
        unit=unit,
        n=2000,
        low=None,
        high=None,
        budget=None,
        verdict=None,
        test="suites/test_x.py::test_x",
    )


DOCUMENT = document_from(
    run={"id": "1", "started": "2026-01-02T03:04:05+00:00", "version": "0.1.0"},
    subject={"name": "embedded", "schemes": ["float16"]},
    device={"name": "rpi4", "emulated": False},
    circumstances={"backend": "main"},
    artefacts=[],
    measurements=[
        measured("accuracy_drop", 0.0123, "fraction", "main"),
        measured("latency_p50", 0.00085, "seconds", "main"),
        measured("latency_p50", 0.002, "seconds", "other"),
        measured("flatbuffer_bytes", 1_100_000, "bytes", None),
    ],
)


def test_metrics_are_shown_in_readable_units() -> None:
    values = {
        sample["title"]: (round(sample["value"], 6), sample["unit"], sample["better"])
        for sample in metric_samples(DOCUMENT)
    }
    assert values == {
        "float16: accuracy_drop": (1.23, "points", "lower"),
        "float16: latency_p50": (0.85, "ms", "lower"),
        "float16 on other: latency_p50": (2.0, "ms", "lower"),
        "float16: flatbuffer_bytes": (1.1, "MB", "lower"),
    }


def test_every_metric_sample_has_a_unique_key() -> None:
    keys = [sample["key"] for sample in metric_samples(DOCUMENT)]
    assert len(set(keys)) == len(keys)
    assert "embedded/rpi4/float16/latency_p50" in keys


def test_metrics_file_has_the_name_and_format_that_allure_reads(tmp_path: Path) -> None:
    path = write_metric_samples(DOCUMENT, tmp_path)
    assert path.name == FILE_NAME
    assert path.name.endswith("-perf.json")
    assert json.loads(path.read_text()) == metric_samples(DOCUMENT)
