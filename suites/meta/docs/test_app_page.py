"""The steps of docs/my-app.md work for an independently written app.

The app reads the words and the weights of docs/example and computes by numpy.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from models.store import PROJECT
from suites.meta.docs.blocks import blocks
from suites.meta.docs.example import FOLDER, HEAD, TOKENS, table_of_words
from suites.meta.gates.running import run_pytest

PAGE = PROJECT / "docs" / "my-app.md"
GIVEN = (
    f"--edge-flatbuffer={FOLDER / 'sentiment.tflite'}",
    f"--edge-corpus={FOLDER / 'reviews.csv'}",
    "--edge-labels=negative,positive",
    f"--edge-tokenizer={FOLDER / 'vocab.txt'}",
)
LABELS = ("negative", "positive")
APP = f"""
import string
from pathlib import Path

import numpy as np

WORDS = Path({str(FOLDER / "vocab.txt")!r}).read_text(encoding="utf-8").split("\\n")
MARKS = str.maketrans("", "", string.punctuation)
TABLE = np.array({table_of_words().tolist()}, np.float32)
HEAD = np.array({HEAD.tolist()}, np.float32)


def ids_of(text):
    words = text.lower().translate(MARKS).split()
    ids = [WORDS.index(word) if word in WORDS else 1 for word in words]
    return ids + [0] * ({TOKENS} - len(ids))


def probabilities_of(ids):
    powers = np.exp(HEAD @ TABLE[ids].mean(axis=0))
    return (powers / powers.sum()).tolist()
"""
FAULTS = {
    "its case is kept": (".lower()", ""),
    "its marks are kept": (".translate(MARKS)", ""),
    "its words are numbered from 1": ("WORDS.index(word) if", "WORDS.index(word) + 1 if"),
}


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """Return the folder with the golden vectors of docs/example."""
    folder = tmp_path_factory.mktemp("app")
    done = run_pytest(
        folder / "reports",
        ["suites/accuracy", *GIVEN, f"--edge-export-golden={folder / 'golden'}"],
    )
    assert done.code == 0, done.output
    return folder


@pytest.fixture
def unit_test(golden, tmp_path):
    """Return `unit_test(source)`, which runs the page's unit test on an app."""

    def ran(source):
        (tmp_path / "my_app.py").write_text(source, encoding="utf-8")
        (code,) = blocks(PAGE, "python")
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=golden,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return ran


def recording_of(source, file):
    """Record an app's answers to every text of the example."""
    app = {}
    exec(source, app)  # noqa: S102 - trusted code, written above
    with (FOLDER / "reviews.csv").open(encoding="utf-8", newline="") as table:
        texts = [row["text"] for row in csv.DictReader(table)]
    lines = []
    for number, text in enumerate(texts, start=2):
        ids = app["ids_of"](text)
        answer = app["probabilities_of"](ids)
        recorded = {"label": LABELS[int(np.argmax(answer))], "probabilities": answer, "ids": ids}
        lines.append(json.dumps({"id": f"line-{number}", **recorded, "latency_us": 40.0}))
    file.write_text("\n".join(lines), encoding="utf-8")


def test_correct_app_passes_the_documented_unit_test(unit_test):
    done = unit_test(APP)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fault", FAULTS)
def test_app_with_a_fault_fails_the_documented_unit_test(fault, unit_test):
    done = unit_test(APP.replace(*FAULTS[fault]))
    assert "AssertionError: line-" in done.stderr


@pytest.mark.parametrize("fault", [None, "its case is kept"])
def test_recording_of_a_correct_app_passes_and_of_a_faulty_app_fails(fault, tmp_path):
    recording = tmp_path / "answers.jsonl"
    recording_of(APP.replace(*FAULTS[fault]) if fault else APP, recording)
    suites = ["suites/accuracy", "suites/agreement", "suites/tokenization", "suites/latency"]
    done = run_pytest(tmp_path / "reports", [*suites, *GIVEN, f"--edge-recorded={recording}"])
    failed = done.ids("failed")
    if fault is None:
        assert (done.code, failed) == (0, []), done.output
        return
    assert done.code == 1, done.output
    assert [name for name in failed if "test_app_makes_the_same_ids" in name] == failed
    # The page must quote the message that the report shows.
    (message,) = (block for block in blocks(PAGE, "text") if block.startswith("fail: "))
    assert message in done.output
