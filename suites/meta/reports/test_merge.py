"""Several runs are merged into one document, which can be split into its runs again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.files.extensible_tables import as_plain
from models.verdicts.judge import Budget, Estimate
from models.verdicts.measurement import measure
from reports.documents.document import Document, Outcome
from reports.documents.naming import device_names, identity_of
from reports.documents.results import SCHEMA_FILE, read_results, write_results
from reports.merge import as_table, main, merge
from reports.texts.explain import explanations
from suites.meta.reports.documents import changed, document_from

BUDGET = Budget("accuracy_drop", "max", 0.01, "1 points", "mine.toml", "accuracy_drop.max")
STARTED = "2024-05-06T07:08:09+00:00"


def document(
    name: str, size: float, drop: float, *, device: str = "host", sha: str = "0f", **run: Any
) -> Document:
    """Return the document of one run of a subject."""
    place = {"scheme": "dynamic_wi8_afp32", "device": device, "test": "test_it", "backend": None}
    return document_from(
        run={
            "id": f"{name} on {device}",
            "started": STARTED,
            "version": "0.1.0",
            "command": "pytest",
            **run,
        },
        subject={
            "name": name,
            "schemes": ["float32", "dynamic_wi8_afp32"],
            "vocabulary": {"pieces": 5000},
        },
        device={"name": device, "emulated": False},
        circumstances={"backend": "ai_edge_litert"},
        artefacts=[{"name": "small/model.json", "sha256": sha * 32, "bytes": 10}],
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
        tests=[Outcome(id="test_it", outcome="failed" if drop > 0.01 else "passed", seconds=0.5)],
    )


BOTH = (document("large", 8e6, 0.001), document("little", 1e6, 0.03))


def test_merged_measurements_and_tests_name_their_subject():
    merged = merge(BOTH)
    subjects = [measurement.subject for measurement in merged.measurements]
    assert {name: subjects.count(name) for name in subjects} == {"large": 3, "little": 3}
    assert [(test.id, test.subject) for test in merged.tests] == [
        ("test_it", "large"),
        ("test_it", "little"),
    ]
    assert [artefact.name for artefact in merged.artefacts] == [
        "large/small/model.json",
        "little/small/model.json",
    ]


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([{}, {"device": "rpi4"}], ["host", "rpi4"]),
        ([{"commit": "a" * 40}, {"commit": "b" * 40}], [f"host, commit {c * 9}" for c in "ab"]),
        (
            [{"commit": "a" * 40}, {"commit": "a" * 40, "changed": True}],
            ["host, commit aaaaaaaaa", "host, commit aaaaaaaaa with changes"],
        ),
        (
            [{}, {"started": "2024-05-07T09:00:00+02:00"}],
            ["host, 2024-05-06 07:08 UTC", "host, 2024-05-07 07:00 UTC"],
        ),
        ([{}, {}], ["host-1", "host-2"]),
    ],
    ids=["devices", "commits", "changes", "times", "alike"],
)
def test_merged_runs_of_one_subject_on_one_device_get_different_names(runs, names):
    documents = [document("mine", 1e6, 0.001 * number, **run) for number, run in enumerate(runs)]
    assert device_names([identity_of(run) for run in documents]) == names
    merged = merge(documents)
    drops = [
        (measurement.device, measurement.value)
        for measurement in merged.measurements
        if "drop" in measurement.metric
    ]
    assert sorted(drops) == sorted((name, 0.001 * at) for at, name in enumerate(names))


def test_merged_boards_of_one_model_are_distinguished_by_address():
    board = document("mine", 1e6, 0.0, device="rpi4")
    boards = [changed(board, device={"target": f"ssh://pi@{number}"}) for number in range(2)]
    assert device_names([identity_of(run) for run in boards]) == ["rpi4, pi@0", "rpi4, pi@1"]


def test_different_subjects_may_share_a_device_name():
    assert device_names([identity_of(run) for run in BOTH]) == ["host", "host"]


def test_merged_document_can_be_split_into_its_runs():
    for run, part in zip(BOTH, merge(BOTH).parts(), strict=True):
        assert (part.run, part.subject) == (run.run, run.subject)
        assert len(part.measurements) == len(run.measurements)
        assert [test.id for test in part.tests] == ["test_it"]
    _, little = merge(BOTH).parts()
    (red,) = explanations(little)
    assert red.title == "fail: accuracy_drop of dynamic_wi8_afp32 on host"
    assert dict(red.rows)["Reproduce"] == "pytest test_it"


def test_document_with_one_run_has_itself_as_its_only_part():
    assert BOTH[0].parts() == [BOTH[0]]


def test_merged_artefacts_shared_by_boards_are_listed_once():
    devices = [("rpi3", "0f"), ("rpi4", "0f"), ("jetson", "ab")]
    merged = merge([document("mine", 1e6, 0.0, device=name, sha=sha) for name, sha in devices])
    assert {artefact.name: artefact.sha256[:2] for artefact in merged.artefacts} == {
        "mine/small/model.json": "0f",
        "jetson/mine/small/model.json": "ab",
    }


def test_merged_document_follows_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(as_plain(merge(BOTH)))


def test_merged_table_lists_the_smallest_file_first():
    head, first, second = as_table(merge(BOTH)).splitlines()
    assert head.split() == [
        *("subject", "scheme", "bytes", "smaller", "pieces", "accuracy", "drop", "verdicts")
    ]
    assert first.split()[:3] == ["little", "dynamic_wi8_afp32", "1,000,000"]
    assert "3.0 [2.5, 3.5] points" in first
    assert first.endswith("fail")
    assert second.split()[0] == "large"
    assert second.endswith("pass")


def test_merge_command_writes_the_document_and_prints_the_tables(tmp_path, capsys):
    for name, run in zip(("a", "b"), BOTH, strict=True):
        write_results(tmp_path / name / "results.json", run)
    out = tmp_path / "both" / "results.json"
    assert main(["--out", str(out), str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert read_results(out).subject.name == "large + little"
    output = capsys.readouterr().out
    assert "little on host\n\nscheme" in output
    assert "little   dynamic_wi8_afp32  1,000,000" in output


def test_error_names_a_run_without_results(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out.json"), str(tmp_path / "absent")]) == 1
    assert "absent" in capsys.readouterr().err
