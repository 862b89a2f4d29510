"""Several subjects' results become one document that says which number is whose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.errors import EdgeproofError
from models.verdicts.judge import Budget, Estimate
from models.verdicts.measurement import measure
from reports.merge import as_table, main, merge
from reports.results import SCHEMA_FILE, Outcome, new_document, read_results, write_results

BUDGET = Budget("accuracy_drop", "max", 0.01, "1 points", "mine.toml", "accuracy_drop.max")


def document(name: str, size: float, drop: float, device: str = "host") -> dict[str, Any]:
    """One subject's run."""
    place = {"scheme": "dynamic_wi8_afp32", "device": device, "test": "test_it", "runtime": None}
    return new_document(
        run={"id": "1", "started": "2024-05-06T07:08:09+00:00", "version": "0.1.0"},
        subject={
            "name": name,
            "schemes": ["float32", "dynamic_wi8_afp32"],
            "vocabulary": {"pieces": 5000},
        },
        device={"name": device, "emulated": False},
        circumstances={"runtime": "ai_edge_litert"},
        artefacts=[{"name": "small/model.json", "sha256": "0f" * 32, "bytes": 10}],
        measurements=[
            measure(Estimate(size, size, size, 1), metric="flatbuffer_bytes", **place),
            measure(Estimate(0.84, 0.83, 0.85, 4000), metric="accuracy", **place),
            measure(
                Estimate(drop, drop - 0.005, drop + 0.005, 4000),
                metric="accuracy_drop",
                budget=BUDGET,
                **place,
            ),
        ],
        tests=[Outcome(id="test_it", outcome="passed", seconds=0.5)],
    )


BOTH = (document("large", 8e6, 0.001), document("little", 1e6, 0.03))


def test_every_measurement_and_every_test_says_its_subject():
    merged = merge(BOTH)
    subjects = [one["subject"] for one in merged["measurements"]]
    assert {name: subjects.count(name) for name in subjects} == {"large": 3, "little": 3}
    assert [one["id"] for one in merged["tests"]] == ["test_it of large", "test_it of little"]
    assert [one["name"] for one in merged["artefacts"]] == [
        "large/small/model.json",
        "little/small/model.json",
    ]


def test_what_was_localized_stays_with_the_tests_of_its_subject():
    found = {"scheme": "dynamic_wi8_afp32", "tests": ["test_it"], "flips": []}
    large, little = ({**one, "run": {**one["run"], "localizations": [found]}} for one in BOTH)
    localized = merge([large, little])["run"]["localizations"]
    assert [one["tests"] for one in localized] == [["test_it of large"], ["test_it of little"]]


def test_the_document_keeps_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(merge(BOTH))


def test_the_table_lists_the_smallest_file_first_with_its_verdict():
    head, first, second = as_table(merge(BOTH)).splitlines()
    assert head.split() == [
        *("subject", "scheme", "bytes", "smaller", "pieces", "accuracy", "drop", "verdicts")
    ]
    assert first.split()[:3] == ["little", "dynamic_wi8_afp32", "1,000,000"]
    assert "3.0 [2.5, 3.5] points" in first
    assert first.endswith("fail")
    assert second.split()[0] == "large"
    assert second.endswith("pass")


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([document("large", 1e6, 0.0)], "one subject"),
        ([document("board", 1e6, 0.0, device="rpi4")], "one device"),
    ],
)
def test_what_does_not_go_together_is_refused(others, why):
    with pytest.raises(EdgeproofError, match=why):
        merge([BOTH[0], *others])


def test_the_command_writes_the_document_and_prints_the_table(tmp_path, capsys):
    for name, one in zip(("a", "b"), BOTH, strict=True):
        write_results(tmp_path / name / "results.json", one)
    out = tmp_path / "both" / "results.json"
    assert main(["--out", str(out), str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert read_results(out)["subject"]["name"] == "large + little"
    assert "little" in capsys.readouterr().out


def test_a_run_that_left_nothing_is_named(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out.json"), str(tmp_path / "absent")]) == 1
    assert "absent" in capsys.readouterr().err
