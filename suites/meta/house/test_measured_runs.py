"""A gate without a budget is shown neither as passed nor as skipped in any report of a run."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from suites.meta.gates.running import run_pytest

EXAMPLE = "docs/example"
GIVEN = [
    f"--edge-flatbuffer={EXAMPLE}/sentiment.tflite",
    f"--edge-corpus={EXAMPLE}/reviews.csv",
    "--edge-labels=negative,positive",
    f"--edge-tokenizer={EXAMPLE}/vocab.txt",
]
SIZE = "suites/size/test_size.py::test_file_is_within_budget[host-sentiment]"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return a run of the size suite, whose only gate that applies has no budget."""
    return run_pytest(tmp_path_factory.mktemp("measured"), ["suites/size", *GIVEN])


def test_gate_without_a_budget_has_the_outcome_measured(measured):
    ended = {test["id"]: test["outcome"] for test in measured.results()["tests"]}
    assert ended == {SIZE: "measured"}


def test_terminal_summary_counts_measured_gates_separately(measured):
    last = measured.output.rstrip().splitlines()[-1]
    assert "1 measured" in last
    assert "skipped" not in last
    assert "passed" not in last
    assert "Tests: 1 measured without a budget" in measured.output
    assert "2 measurements, 0 judged: none, 2 without a budget" in measured.output


def test_run_with_only_measured_gates_does_not_exit_with_success(measured):
    assert measured.code == pytest.ExitCode.NO_TESTS_COLLECTED


def test_junit_counts_a_measured_gate_neither_as_passed_nor_as_skipped(measured):
    suite = ET.parse(measured.reports / "junit.xml").getroot().find("testsuite")  # noqa: S314 - a trusted file, written by pytest
    assert suite.findall("testcase") == []
    assert [suite.get(name) for name in ("tests", "skipped", "failures", "errors")] == ["0"] * 4
    properties = [(element.get("name"), element.get("value")) for element in suite.iter("property")]
    assert ("measured", "1") in properties
    assert ("measured_test", SIZE) in properties


def test_allure_shows_a_measured_gate_neither_as_passed_nor_as_skipped(measured):
    results = [
        json.loads(file.read_text("utf-8"))
        for file in (measured.reports / "allure").glob("*-result.json")
    ]
    assert [(result["status"], result["name"]) for result in results] == [
        ("unknown", "test_file_is_within_budget[host-sentiment]")
    ]
    assert {"name": "ending", "value": "measured"} in results[0]["labels"]
    assert re.search("measured, not judged", results[0]["statusDetails"]["message"])


def test_allure_report_contains_measurements_and_no_fixtures(measured):
    folder = measured.reports / "allure"
    assert list(folder.glob("*-attachment.json"))
    assert list(folder.glob("*-container.json")) == []
