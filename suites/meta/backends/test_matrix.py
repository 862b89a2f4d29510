"""Each cell of the matrix of candidates and backends shows the worst result of its gates."""

from __future__ import annotations

import numpy as np

from models.files.extensible_tables import as_plain
from models.verdicts import deviation
from reports.documents.matrix import Cell, Seen, State, as_table, as_text, fit_on
from suites.meta.reports import runs
from suites.meta.reports.documents import changed

LABELS = "test_backend_gives_the_labels_of_the_judged_one"


def cell(candidate="float32", backend="litert-cpu", **more):
    return Cell(
        candidate=candidate, backend=backend, version="2.3.0", required=True, texts=200, **more
    )


def document(*cells):
    return changed(runs.document(), run={"backends": as_plain(cells)})


def test_matrix_cell_shows_the_result_of_the_worst_gate():
    worst = cell().after(Seen("test_a", State.RIGHT)).after(Seen(LABELS, State.WRONG, "33 %"))
    worst = worst.after(Seen("test_c", State.KNOWN)).after(Seen("test_d", State.RIGHT))
    assert (worst.state, worst.gate, worst.why) == (State.WRONG, LABELS, "33 %")
    assert worst.short == "other labels"


def test_matrix_cell_shows_delegated_share_signal_and_known_failure():
    assert cell(taken=(141, 154)).short == "right 141/154"
    assert cell(state=State.REFUSED).short == "refused"
    killed = Seen("test_backend_loads_the_file", State.WRONG, "was killed by SIGSEGV", "SIGSEGV")
    assert cell().after(killed).short == "SIGSEGV"
    known_failure = Seen(LABELS, State.KNOWN, "33 %")
    assert cell().after(known_failure).short == "other labels (known)"


def test_matrix_has_a_row_for_each_candidate_and_a_column_for_each_backend():
    table = as_table([cell(), cell(backend="tflite_runtime"), cell("int8")], "ai_edge_litert")
    assert table == [
        ["candidate", "ai_edge_litert", "litert-cpu", "tflite_runtime"],
        ["float32", "judged", "right", "right"],
        ["int8", "judged", "right", "-"],
    ]


def test_headline_names_the_backends_on_which_the_files_are_right():
    wrong = cell("int4", "builtin", state=State.KNOWN, gate=LABELS)
    refused = cell("int8", "gpu", state=State.REFUSED)
    sentence = fit_on(document(cell(), cell("int8"), cell(backend="builtin"), wrong, refused))
    assert sentence == (
        "on ai_edge_litert (also on litert-cpu; on builtin all but int4 (other labels (known)); "
        "on gpu none)"
    )
    assert fit_on(document()) == "on ai_edge_litert"


def test_run_on_a_single_backend_shows_no_matrix():
    assert as_text(document()) == ""
    assert "litert-cpu" in as_text(document(cell()))


def test_logits_of_backends_may_differ_by_rounding_and_by_the_precision_of_the_scheme():
    judged = np.array([[4.0, -2.0]], np.float32)
    assert deviation.allowed(judged, None, "float32") == np.float32(4e-3)
    assert deviation.allowed(judged, None, "float16") == 0.2
    assert deviation.allowed(judged, judged + 0.5, "float32") == 1.0
