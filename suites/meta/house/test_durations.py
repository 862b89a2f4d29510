"""A run predicts its duration, reports how long each suite took, and keeps a time limit."""

from __future__ import annotations

import json

import pytest

from models.durations import Durations, in_words, parse_duration
from models.store import PROJECT
from reports.texts.durations import cost_of
from suites.meta.gates.running import run_pytest

EXAMPLE = PROJECT / "docs" / "example"
GIVEN = (
    f"--edge-flatbuffer={EXAMPLE / 'sentiment.tflite'}",
    f"--edge-corpus={EXAMPLE / 'reviews.csv'}",
    "--edge-labels=negative,positive",
    f"--edge-tokenizer={EXAMPLE / 'vocab.txt'}",
)
SUITES = ("suites/conformance/test_file.py", "suites/size")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("20min", 1200.0), ("1.5 h", 5400.0), (" 2 min ", 120.0)]
)
def test_duration_with_a_unit_is_parsed(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "0s", "-5min", "20 minutes", "1h30min", "nan s"])
def test_rejects_text_that_is_not_a_duration(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (0.3, "0.3 s"),
        (4.2, "4 s"),
        (130, "2 min 10 s"),
        (120, "2 min"),
        (3900, "1 h 5 min"),
    ],
)
def test_duration_is_written_in_hours_minutes_and_seconds(seconds, text):
    assert in_words(seconds) == text


def test_duration_of_untimed_gates_is_estimated_from_timed_gates(tmp_path):
    durations = Durations(tmp_path / "folder" / "times.json")
    assert durations.expected(["one"]) is None
    durations.keep({"one": 3.0, "two": 1.0})
    again = Durations(tmp_path / "folder" / "times.json")
    assert again.of("one") == 3.0
    assert again.expected(["one", "two", "three"]) == (6.0, 2, 3)


@pytest.mark.parametrize("text", ["", "[]", '{"one": "x"}', '{"one": 1, "one": 2}', "\xff"])
def test_unreadable_file_of_durations_is_ignored(tmp_path, text):
    file = tmp_path / "times.json"
    file.write_text(text, encoding="latin-1")
    assert Durations(file).expected(["one"]) is None


def test_slowest_suite_is_named_first():
    seconds = {"suites/size/test_a.py::b": 1.0, "suites/latency/test_c.py::d": 61.0}
    assert cost_of(seconds) == "1 min 2 s: latency 1 min 1 s, size 1 s"
    assert cost_of({}) == ""


def test_second_run_predicts_its_duration_and_obeys_the_time_limit(tmp_path):
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[flatbuffer_bytes]\nmax = "10 MB"\n', encoding="utf-8")
    usual = [*SUITES, *GIVEN, f"--edge-cache-dir={tmp_path / 'store'}", f"--edge-budgets={budgets}"]

    def judged(name, *more):
        return run_pytest(tmp_path / name, [*usual, *more])

    first = judged("first")
    assert first.code == pytest.ExitCode.OK, first.output
    assert (
        "expected duration: unknown, because no run like this was timed here before" in first.output
    )
    second = judged("second")
    assert "edgeproof: expected duration: about " in second.output
    assert "edgeproof: suites/size: " in second.output
    assert "\nduration: " in second.output
    (file,) = (tmp_path / "store" / "durations").iterdir()
    slow = [test for test in json.loads(file.read_text("utf-8")) if "schema" in test]
    Durations(file).keep(dict.fromkeys(slow, 1000.0))
    limited = judged("limited", "--edge-time-limit=500s")
    assert limited.code == pytest.ExitCode.TESTS_FAILED, limited.output
    said_of = f"no time for {len(slow)} gates within --edge-time-limit=8 min 20 s: conformance"
    assert said_of.replace("1 gates", "1 gate") in limited.output
    extent = limited.results()["run"]["extent"]
    assert [(group["reason"], group["count"]) for group in extent["not_run"]] == [
        ("its expected duration exceeds the time left of --edge-time-limit=8 min 20 s", len(slow))
    ]
    assert extent["run"] == extent["collected"] - len(slow) > 0
    assert "is partial" in limited.output
    ended = [test["id"].split("/")[1] for test in limited.results()["tests"]]
    assert ended == sorted(ended, key=["size", "conformance"].index)
