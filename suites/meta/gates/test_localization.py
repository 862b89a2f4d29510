"""After a red gate, the report names the flipped texts and the operator where the error begins."""

from __future__ import annotations

from suites.meta.gates import edits
from suites.meta.gates.planting import Fault, in_flatbuffer

GATE = "suites/agreement/test_agreement.py::test_labels_agree_with_float32"
FLOOR = "suites/accuracy/test_accuracy_floor.py::test_variant_beats_the_majority"
DYNAMIC = "dynamic_wi8_afp32"


def test_report_on_a_failed_gate_names_the_operator_where_the_error_begins(run_with):
    fault = Fault(
        gate=GATE,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.eightfold_scale),
    )
    outcome = run_with(fault)
    (localization,) = outcome.results()["run"]["localizations"]
    assert localization["scheme"] == DYNAMIC
    assert localization["tests"] == [f"{GATE}[host-{DYNAMIC}]"]
    assert localization["diverges_at"]["operator"] == "FULLY_CONNECTED", localization
    assert 0 < len(localization["flips"]) <= 20
    margins = [flip["margins"]["float32"] for flip in localization["flips"]]
    assert margins == sorted(margins, reverse=True)
    assert {"nan", "inf", "sqnr_db", "cosine"} <= set(localization["curve"][0])


def test_operator_that_outputs_nan_is_found_without_a_reference(run_with):
    fault = Fault(
        gate=FLOOR,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.nan_weights),
    )
    outcome = run_with(fault)
    assert outcome.code == 1, outcome.output
    (localization,) = outcome.results()["run"]["localizations"]
    assert localization["scheme"] == DYNAMIC
    assert (localization["not_finite"]["operator"], localization["not_finite"]["inf"]) == (
        "FULLY_CONNECTED",
        0,
    )
    assert localization["not_finite"]["nan"] > 0
    assert localization["flips"] == []
    (failed,) = outcome.ids("failed")
    assert localization["tests"] == [failed]
    assert "answers contain NaN or Inf" in outcome.tests[failed][1]
    # Other gates that need the same answers point to that gate instead of repeating the error.
    pointing = [
        text for _, text in outcome.tests.values() if f"the same error made {failed} fail" in text
    ]
    assert len(pointing) == len([name for name in outcome.tests if DYNAMIC in name]) - 1
    assert "is the first operator that gives NaN or Inf" in " ".join(outcome.output.split())
