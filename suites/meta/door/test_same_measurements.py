"""A file gets the same measurements whether it is given or built."""

from __future__ import annotations

import csv

import pytest

from models.corpus.artefact import TOKENIZER, load_corpus
from suites.meta.gates.running import run_pytest
from suites.meta.gates.sharing import clean_run, miniature, shared_folder

__all__ = ["clean_run", "miniature", "shared_folder"]

SCHEMES = ("float32", "dynamic_wi8_afp32", "static_wi8_ai8_dense")
SUITES = ("suites/accuracy", "suites/agreement", "suites/size", "suites/conformance/test_file.py")
# Metrics that depend only on the files and the answers.
METRICS = (
    *("accuracy", "balanced_accuracy", "macro_f1", "accuracy_drop_float32", "agreement"),
    *("total_variation", "flatbuffer_bytes", "flatbuffer_zipped_bytes", "size_ratio_reference"),
    *("quantized_weight_share", "quantized_operator_share"),
)


def handed_in(mini, folder):
    """Write the test split as a user's files; return the options that pass them to a run."""
    artefact = mini.stored("corpus")
    corpus = load_corpus(artefact)
    with (folder / "test.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["about", "said", "felt"])
        for row in corpus.splits["test"]:
            writer.writerow([row.group, row.text, corpus.labels[row.label]])
    return [
        *(f"--edge-flatbuffer={scheme}={mini.flatbuffer(scheme)}" for scheme in SCHEMES),
        f"--edge-corpus={folder / 'test.csv'}",
        "--edge-columns=text=about,second=said,label=felt",
        f"--edge-labels={','.join(corpus.labels)}",
        f"--edge-tokenizer=huggingface:{artefact.path(TOKENIZER)}",
        f"--edge-cache-dir={folder / 'store'}",
    ]


def figures(document):
    """Return value, interval and sample size by metric and scheme."""
    return {
        (measurement["metric"], measurement["scheme"]): (
            measurement["value"],
            measurement["low"],
            measurement["high"],
            measurement["n"],
        )
        for measurement in document["measurements"]
        if measurement["metric"] in METRICS and measurement["scheme"] in SCHEMES
    }


@pytest.fixture(scope="module")
def given(miniature, tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    run = run_pytest(folder / "reports", [*SUITES, *handed_in(miniature, folder)])
    return run.results()


def test_user_files_and_built_files_get_equal_measurements(given, clean_run):
    built, of_given = figures(clean_run.results()), figures(given)
    assert {metric for metric, _ in of_given} == set(METRICS)
    assert of_given == {key: built[key] for key in of_given}
