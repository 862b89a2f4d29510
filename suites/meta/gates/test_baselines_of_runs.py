"""A run reports changes, missing baselines, and baselines of other machines."""

from __future__ import annotations

import json
import shutil

import pytest

from suites.meta.gates.running import run

SIZE = "suites/size/test_size.py::test_file_is_within_budget"
MEMORY = "suites/memory/test_memory.py::test_peak_memory_is_within_budget"
BASELINE = "mini/host/float32.json"


@pytest.fixture
def compared(miniature, clean_baselines, tmp_path):
    """Return `compared(change)`, which runs gates with changed baselines of the clean run."""
    folder = tmp_path / "baselines"

    def ran(change, *arguments, gates=(SIZE,)):
        shutil.copytree(clean_baselines, folder)
        file = folder / BASELINE
        document = json.loads(file.read_text(encoding="utf-8"))
        change(document)
        file.write_text(json.dumps(document), encoding="utf-8")
        options = [f"--edge-baseline={folder}", "--edge-schemes=float32", *arguments]
        return run(miniature, tmp_path / "reports", gates, options)

    return ran


def scaled(document, metric, factor):
    """Scale the measurements of a metric in a baseline's document."""
    for measurement in document["measurements"]:
        if measurement["metric"] == metric:
            for key in ("value", "low", "high"):
                measurement[key] *= factor


def test_run_without_a_baseline_says_how_to_record_a_baseline(clean_run):
    assert (
        "baseline: there is none for dynamic_wi8_afp32, float16, float32, full_model"
        in clean_run.output
    )
    assert "record it with --edge-update-baseline" in clean_run.output


def test_repeated_run_reports_no_change_from_its_baseline(compared):
    outcome = compared(lambda _: None)
    assert outcome.code == 0, outcome.output
    assert "baseline: 2 same" in outcome.output


def test_improvement_over_the_baseline_is_reported(compared):
    outcome = compared(lambda document: scaled(document, "flatbuffer_bytes", 2))
    assert outcome.code == 0, outcome.output
    assert "baseline: improvement: flatbuffer_bytes of float32 moved by -" in outcome.output


def test_run_is_not_compared_with_a_baseline_of_another_machine(compared):
    def change(document):
        scaled(document, "peak_rss", 0.1)
        document["taken"]["machine"] = "another"

    outcome = compared(change, gates=(SIZE, MEMORY))
    assert outcome.code == 0, outcome.output
    assert "2 same, 1 not compared (the baseline was taken on another machine)" in outcome.output


def test_rejects_baseline_of_another_subject(compared):
    outcome = compared(lambda document: document.update(subject="another"))
    assert outcome.code != 0
    expected = "is a baseline of another run: version 3, subject another, device host"
    assert expected in outcome.output
    assert outcome.ids("passed") + outcome.ids("failed") == []


def test_baseline_of_another_subject_is_replaced_on_request(compared):
    outcome = compared(
        lambda document: document.update(subject="another"), "--edge-update-baseline"
    )
    assert outcome.code == 0, outcome.output
    assert f"{BASELINE}: 2 measurements written, 0 left out" in outcome.output


def test_updating_a_baseline_from_a_partial_run_names_the_dropped_measurements(compared):
    outcome = compared(lambda _: None, "--edge-update-baseline")
    assert outcome.code == 0, outcome.output
    assert (
        "; in the replaced file, but not in this run: accuracy, accuracy_drop, " in outcome.output
    )
