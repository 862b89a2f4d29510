"""Recorded answers are judged, and serve as a reference."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from models.candidates.declaration import CandidateTable
from models.candidates.given import take
from models.candidates.handed import Handed
from models.candidates.scores import softmax
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings
from suites.meta.gates.running import run_pytest
from suites.meta.recordings import LABELS, write_app

COMPARING = ("suites/accuracy", "suites/agreement", "suites/size")
NO_FILE = "the reference is not a FlatBuffer, so no file can race against it"
LABELS_ALONE = "the recorded answers of the reference contain only labels"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return write_app(tmp_path_factory.mktemp("app"))


def with_shares(app):
    """Return the app with probabilities in addition to its logits."""
    rows = [row | {"probabilities": softmax(np.array([row["logits"]]))[0].tolist()}
            for row in app.answers]  # fmt: skip
    return type(app)(app.folder, rows)


def reasons(outcome):
    return {group.reason for group in outcome.document().run.extent.not_applicable}


def values(outcome):
    return {
        measurement["metric"]: measurement["value"]
        for measurement in outcome.results()["measurements"]
    }


@pytest.mark.parametrize("scores", ["label", "logits", "probabilities"])
def test_file_can_be_compared_with_recorded_answers(scores, app, tmp_path):
    without = {"label", "logits", "probabilities", "ids", "latency_ms"} - {scores}
    reference = with_shares(app).record(f"{scores}.jsonl", *without)
    arguments = app.arguments(f"--edge-reference={reference}")
    outcome = run_pytest(tmp_path / "reports", [*COMPARING, *arguments])
    assert outcome.code == 0, outcome.output
    measured = values(outcome)
    assert measured["agreement"] == 1.0
    assert measured["accuracy_drop_float32"] == 0.0
    assert NO_FILE in reasons(outcome)
    if scores == "label":
        assert "total_variation" not in measured
        assert LABELS_ALONE in reasons(outcome)
    else:
        assert measured["total_variation"] < 1e-6


def test_recorded_answers_can_be_judged_without_a_file(app, tmp_path):
    recorded = app.record("without.jsonl", "logits")
    reference = app.record("reference.jsonl", "ids", "latency_ms")
    more = (f"--edge-recorded={recorded}", f"--edge-reference={reference}")
    arguments = app.arguments(*more, "--edge-length=8", file=False)
    outcome = run_pytest(tmp_path / "reports", [*COMPARING, "suites/tokenization", *arguments])
    assert outcome.code == 0, outcome.output
    measured = values(outcome)
    assert measured["agreement"] == measured["token_parity"] == 1.0
    assert "flatbuffer_bytes" not in measured
    expected = {
        "only recorded answers are given, no file (--edge-flatbuffer)",
        "the recorded answers contain only labels: no logits, no probabilities",
    }
    assert expected <= reasons(outcome)


def handed(app, recorded, **more):
    """Return the declaration of an app's recording, by default with the app's FlatBuffer."""
    table = CandidateTable(name="app", flatbuffer=str(app.folder / "app.tflite"))
    usual = {
        "name": "given",
        "candidates": (table,),
        "texts": TextsTable(file=str(app.folder / "texts.csv"), id="id"),
        "labels": LABELS,
        "tokenizer": TokenizerSettings(file=str(app.folder / "vocab.txt"), kind="wordpiece"),
        "recorded": recorded,
    }
    return Handed(**{**usual, **more})


def test_rejects_one_recording_for_two_files(app):
    file = str(app.folder / "app.tflite")
    two = tuple(CandidateTable(name=name, flatbuffer=file) for name in ("one", "two"))
    with pytest.raises(
        UsageMistake, match="a recording contains the answers of one file, but 2 files are"
    ):
        take(handed(app, app.record(), candidates=two))


@pytest.mark.parametrize("reference", ["app", "other.tflite"])
def test_rejects_comparing_a_recording_with_a_file(reference, app):
    with pytest.raises(UsageMistake, match="can be compared only with recorded answers"):
        take(handed(app, app.record(), reference=reference))


def test_rejects_recorded_ids_that_contradict_the_tokenizer(app):
    file = app.folder / "numbered.csv"
    with (app.folder / "texts.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, [*rows[0], "ids"])
        writer.writeheader()
        writer.writerows(row | {"ids": row["id"][1:]} for row in rows)
    recorded = app.record("numbered.jsonl")
    texts = TextsTable(file=str(file), id="id", ids="ids")
    with pytest.raises(UsageMistake, match="both a tokenizer and a column of ids"):
        take(handed(app, recorded, candidates=(), texts=texts))
    subject = take(handed(app, recorded, candidates=(), texts=texts, tokenizer=None))
    assert subject.answered.expected[5] == (5,)


def test_expected_ids_are_truncated_to_the_length_of_the_file(app):
    """Without a file, texts are not truncated unless a row length is given."""
    subject = take(handed(app, app.record()))
    assert subject.answered.expected == subject.answered.recording.ids
    unlimited = take(handed(app, app.record(), candidates=()))
    longest = max(map(len, unlimited.answered.expected))
    assert longest == 9
    limited = take(handed(app, app.record(), candidates=(), length=8))
    assert limited.answered.expected == limited.answered.recording.ids


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--edge-emulate=rpi4", "has no effect, because --edge-recorded judges recorded answers"),
        (
            "--edge-target=ssh://nobody@nowhere",
            "has no effect, because --edge-recorded judges recorded answers",
        ),
        (
            "--edge-backend=ai_edge_litert",
            "has no effect, because --edge-recorded judges recorded answers",
        ),
        (
            "--edge-export-golden=golden",
            "has no effect, because --edge-recorded judges recorded answers",
        ),
        ("--edge-recorded=missing.jsonl", "cannot be read (No such file or directory)"),
    ],
)
def test_option_that_contradicts_a_recording_is_reported_in_one_message(
    option, message, app, tmp_path
):
    recorded = [] if "recorded" in option else [f"--edge-recorded={app.record()}"]
    arguments = app.arguments(*recorded, option)
    outcome = run_pytest(tmp_path / "reports", ["suites/size", *arguments])
    assert outcome.code == 4
    (line,) = [line for line in outcome.output.splitlines() if line.startswith("ERROR")]
    assert message in line
    assert "Traceback" not in outcome.output


def test_golden_vectors_are_a_valid_recording(tmp_path):
    """The golden vectors of a file equal the recording of a correct app."""
    small_app = write_app(tmp_path / "few", texts=150)
    folder = tmp_path / "golden"
    arguments = small_app.arguments(f"--edge-export-golden={folder}")
    outcome = run_pytest(tmp_path / "reports", ["suites/agreement", "suites/accuracy", *arguments])
    assert f"golden vectors: {folder}, 150 texts: app" in outcome.output
    assert {file.name for file in folder.iterdir()} == {"app.jsonl", "labels.txt", "README.md"}
    lines = [json.loads(line) for line in (folder / "app.jsonl").read_text("utf-8").splitlines()]
    answer_of = {row["id"]: row for row in small_app.answers}
    for line in lines:
        assert list(line) == ["id", "text", "ids", "mask", "segments", "logits", "label"]
        expected = answer_of[line["id"]]
        assert line["ids"] == (expected["ids"] + [0] * 8)[:8]
        assert sum(line["mask"]) == len(expected["ids"])
        assert line["label"] == expected["label"]
        assert line["logits"] == pytest.approx(expected["logits"], abs=1e-5)
    subject = take(handed(small_app, folder / "app.jsonl"))
    assert subject.answered.expected == subject.answered.recording.ids
    contract = Path(folder / "README.md").read_text("utf-8").partition("```json\n")[2]
    contract_read = json.loads(contract.partition("```")[0])
    assert [port["takes"] for port in contract_read["inputs"]] == ["ids", "mask", "segments"]
    assert contract_read["labels"] == list(LABELS)
    assert contract_read["tokenizer"]["settings"] == {"file": "vocab.txt"}
    assert str(small_app.folder) not in contract
