"""Golden vectors are exported for candidates that edgeproof built."""

from __future__ import annotations

import json

import pytest

from suites.meta.gates import edits
from suites.meta.gates.planting import in_flatbuffer
from suites.meta.gates.running import run


def lines_of(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_golden_vectors_are_exported_for_built_candidates(miniature, tmp_path):
    folder, schemes = tmp_path / "golden", ("float32", "dynamic_wi8_afp32")
    options = [f"--edge-schemes={','.join(schemes)}", f"--edge-export-golden={folder}"]
    outcome = run(miniature, tmp_path / "reports", ["suites/agreement"], options)
    assert outcome.code == 0, outcome.output
    files = {file.name for file in folder.iterdir()}
    assert files == {"README.md", "labels.txt", *(f"{scheme}.jsonl" for scheme in schemes)}
    first, second = (lines_of(folder / f"{scheme}.jsonl") for scheme in schemes)
    assert len(first) == len(second) == 200
    assert [line["ids"] for line in first] == [line["ids"] for line in second]
    assert {line["label"] for line in first} == {"NEGATIVE", "NEUTRAL", "POSITIVE"}
    assert first[0]["logits"] == pytest.approx(second[0]["logits"], abs=0.5)
    assert first[0]["logits"] != second[0]["logits"]


def test_export_omits_golden_vectors_of_a_candidate_with_uncertain_inputs(miniature, tmp_path):
    """Other candidates are exported, and the run says which candidate is missing and why."""
    folder, mini = tmp_path / "golden", miniature.copied_to(tmp_path / "store")
    in_flatbuffer("dynamic_wi8_afp32", edits.swapped_inputs)(mini)
    schemes = "--edge-schemes=float32,dynamic_wi8_afp32"
    options = [schemes, f"--edge-export-golden={folder}"]
    outcome = run(mini, tmp_path / "reports", ["suites/agreement/test_agreement.py"], options)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome.output
    says = "golden vectors: without dynamic_wi8_afp32: it is uncertain which input takes ids"
    assert says in outcome.output
    assert f"golden vectors: {folder}, 200 texts: float32\n" in outcome.output
    assert sorted(file.name for file in folder.glob("*.jsonl")) == ["float32.jsonl"]
    assert len(lines_of(folder / "float32.jsonl")) == 200
    assert "dynamic_wi8_afp32" not in (folder / "README.md").read_text("utf-8")


def test_run_that_classifies_no_texts_exports_no_golden_vectors(miniature, tmp_path):
    folder = tmp_path / "golden"
    mini = miniature.copied_to(tmp_path / "store")
    for answers in (mini.store / "answers").glob("*"):
        answers.rename(tmp_path / answers.name)
    options = ["--edge-schemes=float32", f"--edge-export-golden={folder}"]
    outcome = run(mini, tmp_path / "reports", ["suites/size"], options)
    assert outcome.code == pytest.ExitCode.TESTS_FAILED
    assert "no candidate classified all texts in this run" in outcome.output
    assert not folder.exists()
