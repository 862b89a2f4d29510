"""A run writes its results, a second run rebuilds no artefact, and damage is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from models.runtime.available import why_absent
from models.store import PROJECT
from suites.meta.gates.miniature import Miniature
from suites.meta.gates.running import run

if TYPE_CHECKING:
    from pathlib import Path

# Required metrics of results.json, all of which are measured in a run of every gate.
CONTRACT = {
    *("accuracy", "balanced_accuracy", "macro_f1", "accuracy_drop", "agreement"),
    *("flatbuffer_bytes", "size_ratio_weights", "size_ratio_checkpoint"),
    *("size_ratio_bert_large_weights", "size_ratio_bert_large_checkpoint"),
    *("latency_p50", "latency_p90", "latency_p99", "latency_ratio", "texts_per_second"),
    *("cold_start", "peak_rss"),
}


def test_results_of_a_run_follow_their_json_schema(clean_run):
    schema = json.loads(
        (PROJECT / "reports" / "documents" / "results.schema.json").read_text("utf-8")
    )
    jsonschema.validate(clean_run.results(), schema)


def test_results_of_a_run_contain_every_required_metric(clean_run):
    assert {
        measurement["metric"] for measurement in clean_run.results()["measurements"]
    } >= CONTRACT


def test_every_measurement_names_a_test_that_ran(clean_run):
    tests = {measurement["test"] for measurement in clean_run.results()["measurements"]}
    assert tests <= set(clean_run.tests)


def test_output_of_a_run_contains_the_scoreboard(clean_run):
    for scheme in ("full_model", "float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8_dense"):
        assert f"\n{scheme} " in clean_run.output


def made_at(store: Path) -> dict[str, int]:
    return {
        str(path.relative_to(store)): path.stat().st_mtime_ns
        for path in store.rglob("*")
        # Builders of other workers write locks and logs although nothing is to be built, and every
        # run writes its durations.
        if not {"locks", "logs", "durations"} & set(path.parts)
    }


def test_second_run_rebuilds_no_artefact(miniature, clean_run, tmp_path):
    assert clean_run.code == 0
    before = made_at(miniature.store)
    outcome = run(miniature, tmp_path, ["suites/accuracy", "suites/agreement", "suites/size"])
    assert outcome.code == 0, outcome.output
    assert made_at(miniature.store) == before


def test_run_stops_if_a_byte_of_an_artefact_was_changed(miniature, tmp_path):
    mini = miniature.copied_to(tmp_path / "store")
    file = mini.flatbuffer("float32")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    mini.rewrite(file, bytes(content), manifest=False)
    outcome = run(mini, tmp_path / "reports", ["suites/size"])
    message = f"{file}: the artefact was changed or damaged after it was made. Delete {file.parent}"
    assert outcome.code == 1, outcome.output
    assert outcome.output.count(message) == 1, outcome.output
    assert "Traceback" not in outcome.output
    assert outcome.ids("passed") == []


@pytest.mark.parametrize("runtime", ["ai_edge_litert", "tflite_runtime"])
@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_truncated_flatbuffer_fails_only_the_gates_that_use_the_file(
    cut, runtime, miniature, tmp_path
):
    """The manifest matches the truncated file, so that the store accepts the file."""
    if why_absent(runtime):
        pytest.skip(str(why_absent(runtime)))
    mini = miniature.copied_to(tmp_path / "store")
    file = mini.flatbuffer("dynamic_wi8_afp32")
    content = file.read_bytes()
    mini.rewrite(file, content[: int(len(content) * cut)])
    arguments = [f"--edge-backend={runtime}", "--edge-schemes=dynamic_wi8_afp32"]
    outcome = run(mini, tmp_path / "reports", ["suites/agreement", "suites/size"], arguments)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    agreement = {
        f"suites/agreement/test_agreement.py::{test}[host-dynamic_wi8_afp32]"
        for test in ("test_labels_agree_with_float32", "test_probabilities_stay_close_to_float32")
    }
    failed = set(outcome.ids("failed"))
    naming_the_file = [name for name in failed if str(file) in outcome.tests[name][1]]
    assert failed & agreement
    assert sorted(naming_the_file) == sorted(failed)
    # One gate reports the error, and gates that need the same answers point to it.
    for name in agreement - failed:
        assert (
            f"the same error made {next(iter(failed & agreement))} fail" in outcome.tests[name][1]
        )
    assert outcome.ids("error") == []
    assert "Traceback" not in outcome.output
    assert "fixtures/" not in outcome.output, "the output contains a stack trace"


def test_store_that_is_not_a_folder_stops_the_run(miniature, tmp_path):
    mini = Miniature(miniature.folder, tmp_path / "store")
    mini.store.write_text("no folder", encoding="utf-8")
    outcome = run(mini, tmp_path / "reports", ["suites/size"])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    assert outcome.output.count(f"{mini.store} is a file, not a folder") == 1, outcome.output
    assert "--edge-cache-dir" in outcome.output
    assert "Traceback" not in outcome.output


def test_run_fails_if_its_results_cannot_be_written(miniature, tmp_path):
    """All gates pass, but results.json cannot be written."""
    reports = tmp_path / "reports"
    (tmp_path / "in_the_way.py").write_text(
        "from pathlib import Path\n\n\n"
        "def pytest_runtest_teardown():\n"
        f"    Path({str(reports / 'results.json')!r}, 'below').mkdir(parents=True, exist_ok=True)\n"
    )
    outcome = run(
        miniature,
        reports,
        ["suites/size"],
        ["--edge-schemes=float32", "-p", "in_the_way"],
        {"PYTHONPATH": str(tmp_path)},
    )
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    assert outcome.ids("failed") == []
    assert outcome.output.count(f"{reports / 'results.json'}: cannot be written") == 1
    assert "Results: " not in outcome.output
    # A file that cannot be written does not prevent the others from being written.
    assert (reports / "scoreboard.csv").is_file()
    assert "Traceback" not in outcome.output
