"""Answers are stored as they arrive, so a killed run loses none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from models.errors import EdgeproofError
from models.runtime.journal import Journal
from models.runtime.predictions import answer_split_at_once
from models.store import PROJECT
from suites.meta.gates.running import environment

TEXTS = 3000
# Program that classifies texts slowly and records each answer in a journal.
KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from models.runtime.journal import Journal
from models.runtime.predictions import answer_split_at_once
from suites.meta.runtime.test_journal import Answering, inputs

with Journal(Path(sys.argv[1]), {texts}) as journal:
    answer_split_at_once(
        lambda: Answering(0.002), lambda _: None, "tiny", inputs(), runners=2, journal=journal
    )
"""


def inputs():
    """Return one row for each text, whose only token is the number of the text."""
    return {"ids": np.arange(TEXTS, dtype=np.int32)[:, None]}


class Answering:
    """A replacement for a runner: its answer to a text is the text's number and half of it."""

    def __init__(self, seconds=0.0):
        self._seconds = seconds
        self.asked = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def answer(self, _name, inputs, *, timeout):
        """Wait as long as a runner would, and return the logits of these texts."""
        assert timeout > 0
        rows = inputs["ids"][:, 0]
        self.asked += rows.tolist()
        time.sleep(self._seconds * len(rows))
        return type("Answers", (), {"logits": np.stack([rows, rows / 2], axis=1)})


def all_answers(journal, runners=1):
    """Return the answers to all texts, and the numbers of the texts that runners classified."""
    started = []

    def start():
        started.append(Answering())
        return started[-1]

    logits = answer_split_at_once(
        start, lambda _: None, "tiny", inputs(), runners=runners, journal=journal
    )
    return logits, [row for runner in started for row in runner.asked]


@pytest.mark.parametrize("moment", [0.3, 0.7, 1.1])
def test_killed_run_resumes_with_the_texts_not_yet_classified(tmp_path, moment):
    file = tmp_path / "answers.journal"
    command = [sys.executable, "-c", KILLED.format(texts=TEXTS), str(file)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment(), start_new_session=True)
    deadline = time.monotonic() + 60
    while (not file.exists() or not file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with Journal(file, TEXTS) as journal:
        answered = set(journal.rows.tolist())
        assert 0 < len(answered) < TEXTS
        logits, asked_again = all_answers(journal)
    assert answered.isdisjoint(asked_again)
    assert answered | set(asked_again) == set(range(TEXTS))
    assert (logits[:, 0] == np.arange(TEXTS)).all()
    assert (logits[:, 1] == np.arange(TEXTS) / 2).all()


@pytest.mark.parametrize("cut", [1, 5, 11, 12, 13, 200])
def test_incomplete_last_record_of_the_answer_journal_is_discarded(tmp_path, cut):
    file = tmp_path / "answers.journal"
    with Journal(file, TEXTS) as journal:
        journal.add(np.arange(10), np.ones((10, 2), np.float32))
        intact_size = file.stat().st_size
        journal.add(np.arange(10, 40), np.ones((30, 2), np.float32))
    content = file.read_bytes()
    file.write_bytes(content[: intact_size + cut])
    with Journal(file, TEXTS) as journal:
        assert journal.rows.tolist() == list(range(10))
        assert file.stat().st_size == intact_size
        journal.add(np.array([77]), np.full((1, 2), 3.0, np.float32))
    with Journal(file, TEXTS) as journal:
        assert journal.rows.tolist() == [*range(10), 77]
        assert journal.at(np.array([77, 3])).tolist() == [[3.0, 3.0], [1.0, 1.0]]


@pytest.mark.parametrize("at", [0, 4, 8, 12, 100])
def test_journal_records_with_changed_bytes_are_ignored(tmp_path, at):
    file = tmp_path / "answers.journal"
    with Journal(file, TEXTS) as journal:
        journal.add(np.arange(10), np.ones((10, 2), np.float32))
    content = bytearray(file.read_bytes())
    content[at] ^= 0x80
    file.write_bytes(bytes(content))
    with Journal(file, TEXTS) as journal:
        assert journal.rows.size == 0


def test_journal_records_beyond_the_last_text_are_ignored(tmp_path):
    file = tmp_path / "answers.journal"
    with Journal(file, TEXTS) as journal:
        journal.add(np.array([TEXTS - 1]), np.ones((1, 2), np.float32))
    with Journal(file, TEXTS - 1) as journal:
        assert journal.rows.size == 0


def test_error_names_an_unwritable_journal_folder(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        EdgeproofError, match=r"cannot save answers as they arrive .*--edge-cache-dir"
    ):
        Journal(tmp_path / "file" / "answers.journal", TEXTS)


@pytest.mark.parametrize("runners", [1, 2, 3])
def test_runners_share_the_texts_without_overlap(tmp_path, runners):
    with Journal(tmp_path / "answers.journal", TEXTS) as journal:
        logits, rows_asked = all_answers(journal, runners)
    assert sorted(rows_asked) == list(range(TEXTS))
    assert (logits[:, 0] == np.arange(TEXTS)).all()


def test_no_runner_starts_if_every_text_has_an_answer(tmp_path):
    with Journal(tmp_path / "answers.journal", TEXTS) as journal:
        all_answers(journal)
        logits, rows_asked = all_answers(journal)
    assert rows_asked == []
    assert logits.shape == (TEXTS, 2)
