"""A red gate of agreement is localized: which tweets flipped, where the error begins."""

from __future__ import annotations

from suites.meta.gates import edits
from suites.meta.gates.planting import Fault, in_flatbuffer

GATE = "suites/agreement/test_agreement.py::test_labels_agree_with_float32"
DYNAMIC = "dynamic_wi8_afp32"


def test_a_red_gate_says_where_the_error_begins(run_with):
    fault = Fault(
        gate=GATE,
        schemes=("float32", DYNAMIC),
        plant=in_flatbuffer(DYNAMIC, edits.eightfold_scale),
    )
    outcome = run_with(fault)
    (found,) = outcome.results()["run"]["localizations"]
    assert found["scheme"] == DYNAMIC
    assert found["tests"] == [f"{GATE}[host-{DYNAMIC}]"]
    assert found["diverges_at"]["operator"] == "FULLY_CONNECTED", found
    assert 0 < len(found["flips"]) <= 20
    margins = [flip["margins"]["float32"] for flip in found["flips"]]
    assert margins == sorted(margins, reverse=True)
    assert {"nan", "inf", "sqnr_db", "cosine"} <= set(found["curve"][0])
