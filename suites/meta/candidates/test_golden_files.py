"""Golden vectors contain the chosen texts and all fields, but no private texts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration
from models.candidates.golden import MOST_TEXTS, Answers, Golden, chosen_rows, write_golden
from models.errors import EdgeproofError

LABELS = ("bad", "fair", "good")


def golden(file, **changes):
    count = changes.pop("count", 4)
    raw = np.eye(3)[np.arange(count) % 3] + 0.25
    ids = np.arange(count * 8, dtype=np.int32).reshape(count, 8)
    answers = Answers(
        name="app",
        spec=read_candidate(file, Declaration(labels=LABELS)),
        inputs={"ids": ids, "mask": np.ones_like(ids)},
        raw=raw,
        labels=raw.argmax(axis=1),
        contract={"sha256": "0" * 64},
    )
    texts = [(f"text | `{at}`\n", "the second") for at in range(count)]
    usual = {
        "subject": "given",
        "labels": LABELS,
        "ids": [f"t{at}" for at in range(count)],
        "texts": texts,
        "gold": np.zeros(count, np.int64),
        "candidates": [answers],
    }
    return Golden(**{**usual, **changes})


def lines(folder):
    return [json.loads(line) for line in (folder / "app.jsonl").read_text("utf-8").splitlines()]


def test_texts_chosen_for_golden_vectors_cover_every_gold_and_predicted_label():
    gold, answered = np.zeros(5000, np.int64), np.zeros(5000, np.int64)
    gold[4321], answered[77] = 1, 2
    rows = chosen_rows([gold, answered])
    assert len(rows) == len(set(rows)) == MOST_TEXTS
    assert {4321, 77} <= set(rows)
    assert rows == chosen_rows([gold, answered])
    assert rows != sorted(rows)


def test_golden_vectors_exceed_the_usual_number_of_texts_if_there_are_more_labels():
    assert len(chosen_rows([np.arange(1000)])) == 1000
    assert sorted(chosen_rows([np.array([0, 1])])) == [0, 1]


def test_each_line_of_golden_vectors_contains_text_inputs_and_outputs(write, tmp_path):
    write_golden(tmp_path / "out", golden(write()))
    (line,) = [parsed for parsed in lines(tmp_path / "out") if parsed["id"] == "t1"]
    assert line == {
        "id": "t1",
        "text": "text | `1`\n",
        "second": "the second",
        "ids": list(range(8, 16)),
        "mask": [1] * 8,
        "logits": [0.25, 1.25, 0.25],
        "label": "fair",
    }


def test_scores_in_golden_vectors_are_named_logits_or_probabilities(write, tmp_path):
    write_golden(tmp_path / "out", golden(write(end=("SOFTMAX",))))
    assert all("probabilities" in line and "logits" not in line for line in lines(tmp_path / "out"))
    assert '"means": "probabilities"' in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_private_texts_and_their_token_ids_are_omitted(write, tmp_path):
    write_golden(tmp_path / "out", golden(write(), texts=None))
    assert all(list(line) == ["id", "logits", "label"] for line in lines(tmp_path / "out"))
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "texts of this corpus may not be passed on" in readme
    assert "text |" not in readme


def test_unwritable_output_is_reported_in_one_message(write, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeproofError, match="cannot be written") as caught:
        write_golden(tmp_path / "file" / "out", golden(write()))
    assert caught.value.remedy


def test_existing_file_is_not_overwritten_by_golden_vectors(write, tmp_path):
    (tmp_path / "out" / "labels.txt").mkdir(parents=True)
    with pytest.raises(EdgeproofError, match="it is a folder, not a file"):
        write_golden(tmp_path / "out", golden(write()))
    assert not (tmp_path / "out" / "README.md").exists()
