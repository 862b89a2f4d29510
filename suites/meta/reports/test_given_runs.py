"""The report describes files that a user gave, and answers that an app recorded."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from reports.page.summary import Shown, put_first
from reports.texts.explain import explanations
from reports.texts.scoreboard import GIVEN, LEGEND, as_csv, as_text, scoreboard_table
from reports.texts.sizes import as_html, as_markdown
from reports.texts.sizes import as_text as sizes_as_text
from suites.meta.reports.documents import changed
from suites.meta.reports.test_scoreboard import SAMPLE, document, make_measurement

OF_RECORDED = ("same ids", "as here", "logits off")
BINDING = "app: ids = '<ids>' int32 [1, 8] (by name) -> logits = 'out' float32 [1, 3] (by graph)"


def given(*measurements, **subject):
    """Return a run of a file that a user gave, without a full model."""
    run = document(*measurements)
    variants = {"app": {"flatbuffer": 3200, "flatbuffer_zipped": 1900, "resident": None}}
    sizes = {"variants": {name: sizes | {"ratios": {}} for name, sizes in variants.items()}}
    return changed(run, subject={"sizes": sizes, **subject})


@pytest.fixture
def recorded():
    """Return a run that judges an app's recorded answers, some with wrong token ids."""
    wrong = "3 of 300 texts have different ids; the first is 't7', line 9: 'a b'\n  recorded: [1]"
    test = "suites/tokenization/test_parity.py::test_app_makes_the_same_ids[recorded-app]"
    parity = make_measurement("app", "token_parity", 0.99, details={"first_difference": wrong})
    parity = msgspec.structs.replace(parity, test=test)
    run = given(
        make_measurement("app", "accuracy", 0.873),
        make_measurement("app", "agreement_golden", 0.98),
        make_measurement("app", "logit_difference", 2.5e-7),
        parity,
    )
    tests = [{"id": test, "outcome": "failed", "seconds": 0.1}]
    return changed(run, tests=tests, device={"name": "recorded", "emulated": False})


def test_scoreboard_shows_agreement_with_recorded_answers(recorded):
    head, row = scoreboard_table(recorded)
    cells = dict(zip(head, row, strict=True))
    assert [cells[title] for title in OF_RECORDED] == ["0.990", "0.980", "2.5e-07"]
    text = " ".join(as_text(recorded).split())
    assert "same ids: share of texts for which the app makes the correct ids" in text
    assert "as here: share of texts that the device labels as the host does" in text


def test_csv_columns_are_named_after_their_metrics(recorded):
    (row,) = csv.DictReader(io.StringIO(as_csv(recorded)))
    assert (row["device"], row["scheme"]) == ("recorded", "app")
    values = [float(row[name]) for name in ("token_parity", "agreement_golden", "logit_difference")]
    assert values == [0.99, 0.98, 2.5e-7]
    assert {row["token_parity"] for row in csv.DictReader(io.StringIO(as_csv(SAMPLE)))} == {""}


def test_columns_for_recorded_answers_appear_only_in_runs_with_recordings():
    assert not set(OF_RECORDED) & set(scoreboard_table(SAMPLE)[0])
    assert not any(f"{title}:" in as_text(SAMPLE) for title in OF_RECORDED)


def test_page_shows_token_parity_and_the_first_text_with_different_ids(recorded):
    page = put_first("<body></body>", [Shown(recorded, [], {})], gate=[])
    assert all(f"<th>{title}</th>" in page for title in OF_RECORDED)
    (explanation,) = explanations(recorded)
    assert dict(explanation.rows)["First difference"].startswith(
        "3 of 300 texts have different ids"
    )
    assert "the first is &#x27;t7&#x27;, line 9" in page or "the first is 't7', line 9" in page


def test_scoreboard_compares_user_files_with_their_reference():
    reference = [
        make_measurement("app", "size_ratio_reference", 3.96, backend=None),
        make_measurement("app", "accuracy_drop_float32", 0.012, 0.004, 0.021),
    ]
    head, row = scoreboard_table(given(*reference))
    cells = dict(zip(head, row, strict=True))
    assert (cells["ratio"], cells["drop"]) == ("4.0", "1.2 [0.4, 2.1]")
    text = " ".join(as_text(given(*reference)).split())
    assert GIVEN in text
    assert "full model" not in text
    # Files that edgeproof trained are compared only with their full model, which is missing here.
    trained = document(*reference)
    head, row = scoreboard_table(trained)
    assert dict(zip(head, row, strict=True))["drop"] == "-"
    assert LEGEND in " ".join(as_text(trained).split())


def test_small_sizes_and_times_are_not_rounded_to_zero():
    run = given(
        make_measurement("app", "flatbuffer_bytes", 3200.0, backend=None),
        make_measurement("app", "latency_p50", 2.1e-6),
    )
    head, row = scoreboard_table(run)
    cells = dict(zip(head, row, strict=True))
    assert (cells["MB"], cells["ms"]) == ("0.0032", "0.0021")


def test_scoreboard_explains_trivial_classifiers_computed_from_the_test_texts():
    floors = {"majority_of_test": {"accuracy": 0.5}}
    text = as_text(given(make_measurement("app", "accuracy", 0.9), floors=floors))
    assert "majority_of_test: the most frequent label of the test texts" in text
    other_floors = {"majority_of_train": {"accuracy": 0.5}}
    assert "majority_of_test" not in as_text(
        given(make_measurement("app", "accuracy", 0.9), floors=other_floors)
    )


def test_page_shows_how_files_are_read_and_which_gates_do_not_apply():
    run = given(
        make_measurement("app", "accuracy", 0.9), read_as=[BINDING, "compared with: nothing"]
    )
    reasons = [("the texts belong to no groups", 5), ("there is no reference to compare with", 4)]
    groups = [{"reason": reason, "count": count} for reason, count in reasons]
    extent = {"suites": ["accuracy"], "collected": 1, "run": 1, "not_applicable": groups}
    run = changed(run, run={"extent": extent})
    page = put_first("<body></body>", [Shown(run, [], {})], gate=[])
    assert "How files and texts are read" in page
    assert "&lt;ids&gt;" in page
    assert "<ids>" not in page
    assert "9 do not apply" in page
    assert "the texts belong to no groups (5); there is no reference to compare with (4)" in page


def test_table_of_sizes_omits_unknown_models():
    run = given(make_measurement("app", "accuracy", 0.9))
    for table in (sizes_as_text(run), as_markdown(run), as_html(run)):
        assert "0.0032" in table
        assert "BERT" not in table
        assert "checkpoint" not in table
        assert "zlib" in table
