"""docs/example equals the output of its program, and the description in docs/my-flatbuffer.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from models.store import PROJECT
from suites.meta.docs.blocks import blocks
from suites.meta.docs.example import FOLDER, PAGE, files
from suites.meta.docs.tox import commands_of
from suites.meta.gates.running import environment

NOT_INSTALLED = ("tensorflow", "keras", "litert_quantizer", "safetensors", "huggingface_hub")
# A selection of gates that answers, compares and judges.
CHOSEN = "agree_with_float32 or drop_from_float32"
# Source of modules that replace packages which must not be installed.
ABSENT = 'raise ImportError(f"{__name__} is not installed here")\n'
OPTIONS = [
    "--edge-flatbuffer=float32=sentiment.tflite",
    "--edge-flatbuffer=rounded=sentiment_rounded.tflite",
    "--edge-corpus=reviews.csv",
    "--edge-labels=negative,positive",
    "--edge-tokenizer=vocab.txt",
]


def test_example_folder_equals_the_output_of_its_program():
    expected = files()
    assert {file.name for file in FOLDER.iterdir()} == set(expected)
    assert [name for name, data in expected.items() if (FOLDER / name).read_bytes() != data] == []


def test_documented_known_failure_names_an_existing_test():
    *_, known_failure = blocks(PAGE, "toml")
    file, name = re.search(r'^test = "(.*)::(\w+)\[', known_failure, re.MULTILINE).groups()
    assert f"def {name}(" in (PROJECT / file).read_text(encoding="utf-8")


@pytest.fixture
def own_folder(tmp_path):
    """Return a copy of the example with an additional module that has a name of edgeproof's."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, data in files().items():
        (folder / name).write_bytes(data)
    (folder / "fixtures.py").write_text(ABSENT, encoding="utf-8")
    return folder


def test_judge_environment_runs_in_the_callers_folder_without_tensorflow(own_folder, tmp_path):
    places = {
        "tox_root": str(PROJECT),
        "env_dir": str(tmp_path / "env"),
        "results": str(own_folder / "edgeproof-results"),
    }
    (command,) = commands_of("judge", [*OPTIONS, "-k", CHOSEN], **places)
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in NOT_INSTALLED:
        (absent / f"{name}.py").write_text(ABSENT, encoding="utf-8")
    own = {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
    own |= {"PYTHONPATH": str(absent), "EDGEPROOF_CACHE_DIR": str(tmp_path / "store")}
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=own_folder,
        env=environment() | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Results: {own_folder}/edgeproof-results/results.json" in done.stdout
    assert "2 passed" in done.stdout
    new_files = {file.name for file in own_folder.iterdir()} - set(files())
    assert new_files == {"fixtures.py", "edgeproof-results"}
    document = json.loads((own_folder / "edgeproof-results" / "results.json").read_text())
    assert document["run"]["command"].startswith(f"cd {PROJECT} && ")
