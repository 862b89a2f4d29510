"""Write the folders of runs for the tests that draw a real report."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from models.verdicts.judge import Verdict
from reports.documents.faults import PlantedFault, Seen
from reports.documents.results import write_results
from reports.page.metrics import write_metric_samples
from suites.meta.reports.documents import changed
from suites.meta.reports.runs import DROP_TEST, document

if TYPE_CHECKING:
    from pathlib import Path

    from reports.documents.document import Document, Outcome

# An attachment that loads external addresses if the browser allows it.
SPY = '<b>attached</b><img src="https://spy.example/x.png"><script src="//spy.example/x"></script>'
DROP_GATE = DROP_TEST.partition("[")[0]
STATUS = {"passed": "passed", "failed": "failed", "error": "broken", "skipped": "skipped"}


def write_run(folder: Path, device: str, *, commit: str | None = None) -> Path:
    """Write the small run on a device: results.json, and Allure's result of each test.

    As with allure-pytest, a test has the same ids on every device and at every commit.
    """
    results = folder / "allure-results"
    results.mkdir(parents=True)
    own = {"id": f"{device} {commit}"} | ({} if commit is None else {"commit": commit})
    own_document = changed(_on(device), run=own)
    write_results(folder / "results.json", own_document)
    write_metric_samples(own_document, results)
    (results / f"{device}-spy-attachment.html").write_text(SPY, encoding="utf-8")
    measurement_of = {measurement.test: measurement for measurement in own_document.measurements}
    for number, test in enumerate(own_document.tests):
        message = measurement_of[test.id].reason if test.id in measurement_of else test.message
        failed = test.id in measurement_of and measurement_of[test.id].verdict is Verdict.FAIL
        verdict = "fail" if failed else "inconclusive"
        result = _result(device, number, test, f"Failed: {verdict}: {message}")
        result["uuid"] += commit or ""
        (results / f"{device}-{number}-result.json").write_text(json.dumps(result))
    return folder


def planted() -> list[PlantedFault]:
    """Return a fault of each outcome; the small run has the gate of the second and the third."""

    def seen(outcome: Any, message: str) -> Seen:
        return Seen(
            outcome=outcome, said=message, when="2024-05-06T07:08:09+00:00", commit="c" * 40
        )

    own = "suites/meta/verdicts/test_intervals.py::test_mcnemar"
    size = "suites/size/test_it.py::test_flatbuffer_bytes"
    return [
        PlantedFault(name="a test of one side", of="statistics", gate=own, file="intervals.py",
                     seen=seen("red", "assert 0.02 == 0.04")),
        PlantedFault(name="classes that quantization permutes", of="conversion", gate=DROP_GATE,
                     only="float16", seen=seen("red", "fail: accuracy_drop of <float16>")),
        PlantedFault(name="weights that are not numbers", of="conversion", gate=DROP_GATE),
        PlantedFault(name="a file of nothing", of="conversion", gate=size,
                     seen=seen("missed", "test_size passed")),
        PlantedFault(name="a file for a board", of="runtime", gate=size,
                     seen=seen("skipped", "there is no C compiler")),
    ]  # fmt: skip


def _on(device: str) -> Document:
    on_device = document(device)
    return changed(
        on_device,
        measurements=[
            replace(measurement, device=device) for measurement in on_device.measurements
        ],
    )


def _result(device: str, number: int, test: Outcome, message: str) -> dict[str, Any]:
    path, _, name = test.id.partition("::")
    now = int(time.time() * 1000)
    return {
        "uuid": f"{device}-{number}",
        "historyId": str(number),
        "testCaseId": str(number),
        "name": name,
        "fullName": f"{path.removesuffix('.py').replace('/', '.')}#{name.partition('[')[0]}",
        "titlePath": path.split("/"),
        "description": "The requirement in one sentence.",
        "status": STATUS[test.outcome],
        "statusDetails": {"message": message},
        "labels": [{"name": "device", "value": device}],
        "attachments": [
            {"name": "spy", "source": f"{device}-spy-attachment.html", "type": "text/html"}
        ],
        "start": now,
        "stop": now + 1,
    }
