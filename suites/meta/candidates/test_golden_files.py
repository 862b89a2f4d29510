"""Golden vectors as files: which texts, what a line holds, and what may not be passed on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration
from models.candidates.golden import MOST_TEXTS, Answers, Golden, chosen_rows, write_golden
from models.errors import EdgeproofError

LABELS = ("bad", "fair", "good")


def golden(file, **how):
    count = how.pop("count", 4)
    raw = np.eye(3)[np.arange(count) % 3] + 0.25
    ids = np.arange(count * 8, dtype=np.int32).reshape(count, 8)
    one = Answers(
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
        "candidates": [one],
    }
    return Golden(**{**usual, **how})


def lines(folder):
    return [json.loads(line) for line in (folder / "app.jsonl").read_text("utf-8").splitlines()]


def test_every_label_of_gold_and_of_each_answer_is_among_few_texts():
    gold, answered = np.zeros(5000, np.int64), np.zeros(5000, np.int64)
    gold[4321], answered[77] = 1, 2
    rows = chosen_rows([gold, answered])
    assert len(rows) == len(set(rows)) == MOST_TEXTS
    assert {4321, 77} <= set(rows)
    assert rows == chosen_rows([gold, answered])
    assert rows != sorted(rows)


def test_more_labels_than_texts_are_all_there():
    assert len(chosen_rows([np.arange(1000)])) == 1000
    assert sorted(chosen_rows([np.array([0, 1])])) == [0, 1]


def test_a_line_holds_what_the_file_takes_and_answers(write, tmp_path):
    write_golden(tmp_path / "out", golden(write()))
    (line,) = [one for one in lines(tmp_path / "out") if one["id"] == "t1"]
    assert line == {
        "id": "t1",
        "text": "text | `1`\n",
        "second": "the second",
        "ids": list(range(8, 16)),
        "mask": [1] * 8,
        "logits": [0.25, 1.25, 0.25],
        "label": "fair",
    }


def test_what_the_output_means_names_its_values(write, tmp_path):
    write_golden(tmp_path / "out", golden(write(end=("SOFTMAX",))))
    assert all("probabilities" in one and "logits" not in one for one in lines(tmp_path / "out"))
    assert '"means": "probabilities"' in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_texts_that_may_not_be_passed_on_are_left_out_with_the_ids_that_spell_them(write, tmp_path):
    write_golden(tmp_path / "out", golden(write(), texts=None))
    assert all(list(one) == ["id", "logits", "label"] for one in lines(tmp_path / "out"))
    assert "may not be passed on" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "text |" not in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_what_cannot_be_written_is_one_message(write, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeproofError, match="cannot be written") as caught:
        write_golden(tmp_path / "file" / "out", golden(write()))
    assert caught.value.remedy


def test_a_file_that_is_in_the_way_stays(write, tmp_path):
    (tmp_path / "out" / "labels.txt").mkdir(parents=True)
    with pytest.raises(EdgeproofError, match="it is a folder, not a file"):
        write_golden(tmp_path / "out", golden(write()))
    assert not (tmp_path / "out" / "README.md").exists()
