"""Fuzzing detects a reader that neither reads nor rejects a file, and continues."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from models.store import PROJECT
from suites.meta.fuzz.__main__ import report
from suites.meta.fuzz.readers import READERS
from suites.meta.fuzz.running import ReaderResult, fuzz

PLANTED = "suites.meta.fuzz.planted"
CRAFTED, ENOUGH = 3, 500


def run(reader, out, **options):
    return fuzz(reader, out, module=PLANTED, **{"inputs": 0} | options)


@pytest.mark.parametrize(
    ("reader", "problem"),
    [
        ("raising", "raised KeyError"),
        ("dying", "SIGSEGV"),
        ("ending", "exit status 7"),
        ("slow", "took 2."),
        ("large", " GB"),
        ("talkative", "several lines"),
        ("warning", "raised RuntimeWarning"),
    ],
)
def test_input_that_breaks_a_reader_is_stored_and_fuzzing_continues(reader, problem, tmp_path):
    outcome = run(reader, tmp_path)
    (finding,) = outcome.findings
    assert problem in finding.problem
    assert finding.kept.read_text(encoding="utf-8").startswith(reader)
    assert finding.kept.with_suffix(".bin").read_bytes() == b"second"
    assert report([outcome]).count("\n") == 3


def test_fuzzing_a_correct_reader_finds_nothing(tmp_path):
    outcome = run("sound", tmp_path, inputs=50, jobs=2)
    assert outcome.findings == []
    assert outcome.refused >= CRAFTED
    assert outcome.accepted + outcome.refused == CRAFTED + 50


def test_fuzzing_with_equal_seeds_generates_equal_files(tmp_path):
    first, again = (run("sound", tmp_path, inputs=200, seed=3) for _ in range(2))
    repeated = run("sound", tmp_path, inputs=200, seed=4, every=2)
    assert (first.accepted, first.refused) == (again.accepted, again.refused)
    assert repeated.inputs == 2 + 200


def test_reader_that_rejects_all_valid_files_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="not even good files"):
        run("picky", tmp_path)


def test_error_names_an_unknown_reader():
    done = subprocess.run(
        [sys.executable, "-m", "suites.meta.fuzz", "nope"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no reader is called nope" in done.stderr


def test_fuzzing_report_has_one_row_for_each_reader():
    outcome = ReaderResult("torch", accepted=1000, refused=2000, slowest=0.123, peak=10**8)
    head, row = report([outcome]).splitlines()
    assert head.split()[:4] == ["reader", "inputs", "accepted", "refused"]
    assert row.split() == ["torch", "3,000", "1,000", "2,000", "0.12", "100", "0"]


@pytest.mark.parametrize("chosen", READERS.values(), ids=READERS)
def test_every_reader_has_five_hundred_handcrafted_inputs(chosen):
    if chosen.name == "tflite":
        pytest.importorskip("tensorflow", reason="its good files are TensorFlow's")
    assert len(list(itertools.islice(chosen.crafted(), ENOUGH))) == ENOUGH


def test_peak_memory_of_a_reader_excludes_its_parent_process():
    """Linux passes `ru_maxrss` on to child processes: readers would look as large as pytest."""
    child = "from suites.meta.fuzz.worker import peak_memory; print(peak_memory())"
    parent = (
        "import subprocess, sys; held = bytearray(b'x') * 400_000_000; "
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 300_000_000
