"""Files from options are not compared with measurements of another user's files."""

from __future__ import annotations

import pytest

from fixtures.session.handing import provider_of
from fixtures.session.options import OPTIONS
from models.files.paths import is_name
from suites.meta.gates.running import run_pytest
from suites.meta.recordings import write_app
from suites.meta.small_classifiers import classifier

SIZE = "suites/size/test_size.py::test_file_is_within_budget"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Write an app's files, and a classifier with other weights."""
    written_app = write_app(tmp_path_factory.mktemp("app"), texts=40)
    (written_app.folder / "other.tflite").write_bytes(classifier(seed=7))
    (written_app.folder / "budgets.toml").write_text('[flatbuffer_bytes]\nmax = "1 MB"\n')
    return written_app


@pytest.fixture(scope="module")
def judged(app, tmp_path_factory):
    """Return `judged("NAME=FILE", ...)`, which judges the size of given files."""
    baselines = tmp_path_factory.mktemp("baselines")

    def run(*files, update=False):
        options = [f"--edge-flatbuffer={file.replace('=', f'={app.folder}/')}" for file in files]
        options += [f"--edge-baseline={baselines}", f"--edge-budgets={app.folder / 'budgets.toml'}"]
        more = [*options, *["--edge-update-baseline"] * update]
        arguments = app.arguments(*more, file=False)
        outcome = run_pytest(tmp_path_factory.mktemp("run"), [SIZE, *arguments])
        assert outcome.code == 0, outcome.output
        return outcome

    run("mail=app.tflite", update=True)
    return run


def test_unchanged_file_is_compared_with_its_baseline_without_a_remark(judged):
    outcome = judged("mail=app.tflite")
    assert "baseline: 2 same" in outcome.output
    assert "another file" not in outcome.output


def test_run_reports_that_the_baseline_was_measured_on_another_file(judged):
    outcome = judged("mail=other.tflite")
    assert "baseline: 2 same" in outcome.output
    assert "baseline: mail was measured on another file: sha256 " in outcome.output
    for measurement in outcome.results()["measurements"]:
        assert "on another file" in measurement["details"]["baseline"]["reason"]


@pytest.mark.parametrize("files", [["spam=app.tflite"], ["mail=app.tflite", "spam=other.tflite"]])
def test_candidate_is_not_compared_with_the_baseline_of_another_name(judged, files):
    outcome = judged(*files)
    assert "baseline: 2 same" not in outcome.output
    names = ", ".join(sorted(file.partition("=")[0] for file in files))
    assert f"baseline: there is none for {names} in " in outcome.output


def name_of(app, *files, recorded=None):
    values = {option.name: option.default for option in OPTIONS}
    values |= {
        "flatbuffer": tuple(f"{name}={app.folder / 'app.tflite'}" for name in files),
        "corpus": str(app.folder / "texts.csv"),
        "labels": ("bad", "fair", "good"),
        "tokenizer": f"wordpiece:{app.folder / 'vocab.txt'}",
        "recorded": recorded,
        "columns": "text=text,label=label,id=id",
    }
    return provider_of(values).facts.name


def test_subject_without_a_toml_is_named_after_its_files(app):
    assert name_of(app, "mail") == "mail"
    assert name_of(app, "float32", "rounded") == "float32+rounded"
    assert name_of(app, recorded=app.record("kotlin.jsonl")) == "kotlin"


def test_subjects_with_many_files_get_valid_and_distinct_names(app):
    many = [f"candidate-{number}" for number in range(9)]
    names = {name_of(app, *many), name_of(app, *many[:-1]), name_of(app, *many[::-1])}
    assert len(names) == 3
    assert all(map(is_name, names))
