"""Write the metrics of a run for Allure, which shows their trend, from results.json alone.

Allure reads every `*-perf.json` in a folder of results, and averages values with the same key. A
key therefore consists of subject, device, scheme and metric, and of the backend if it is not the
judged backend.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.verdicts.metrics import Metric, metric_named
from models.verdicts.quantities import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from reports.documents.document import Document

FILE_NAME = "edgeproof-perf.json"

# The unit that a reader expects, and the factor, by canonical unit.
_SHOWN = {
    Unit.FRACTION: ("%", 100.0),
    Unit.BYTES: ("MB", 1e-6),
    Unit.SECONDS: ("ms", 1e3),
    Unit.RATIO: ("x", 1.0),
    Unit.PER_SECOND: ("texts/s", 1.0),
    Unit.INSTRUCTIONS: ("M instructions", 1e-6),
    Unit.LOGITS: ("logits", 1.0),
    Unit.NATS: ("nats", 1.0),
}


def write_metric_samples(document: Document, folder: Path) -> Path:
    """Write a run's metrics into its folder of Allure results.

    Args:
        document: the document of a run.
        folder: folder of the same run's Allure results.

    Raises:
        EdgeproofError: a measurement is not valid.
    """
    path = folder / FILE_NAME
    path.write_text(json.dumps(metric_samples(document), indent=1) + "\n", encoding="utf-8")
    return path


def metric_samples(document: Document) -> list[dict[str, Any]]:
    """Return an Allure metric for each measurement: key, shown value, and preferred direction."""
    started = datetime.fromisoformat(document.run.started)
    milliseconds = int(started.timestamp() * 1000)
    subject = document.subject.name
    main = document.circumstances.backend
    samples = []
    for measurement in document.measurements:
        metric = metric_named(measurement.metric)
        unit, factor = _shown(metric)
        scheme = measurement.scheme
        if measurement.backend not in (None, main):
            scheme = f"{scheme} on {measurement.backend}"
        key = f"{subject}/{measurement.device}/{scheme}/{measurement.metric}"
        sample = {
            "id": key,
            "key": key,
            "value": measurement.value * factor,
            "start": milliseconds,
            "stop": milliseconds,
            "title": f"{scheme}: {measurement.metric}",
            "unit": unit,
            "better": metric.better,
            "group": f"{subject}/{measurement.device}",
            "groupTitle": f"{subject} on {measurement.device}",
        }
        samples.append(sample)
    return samples


def _shown(metric: Metric) -> tuple[str, float]:
    return ("points", 100.0) if metric.difference else _SHOWN[metric.unit]
