"""Under xdist, all gates that use the answers of one candidate run in one process."""

from __future__ import annotations

import pytest

from fixtures.selecting.scheduling import scope_of

PREFIXES = ("rpi4-emulated-float32", "rpi4-emulated-mine", "rpi4-emulated-mine-int8")
DROP = "suites/accuracy/test_accuracy_drop.py"
SIZE = "suites/size/test_size.py"


@pytest.mark.parametrize(
    ("node_id", "scope"),
    [
        (f"{DROP}::test_drop[rpi4-emulated-float32]", PREFIXES[0]),
        ("suites/agreement/test_golden.py::test_same[rpi4-emulated-float32]", PREFIXES[0]),
        (f"{DROP}::test_drop[rpi4-emulated-mine-macro_f1_drop]", PREFIXES[1]),
        (f"{DROP}::test_drop[rpi4-emulated-mine-int8-macro_f1_drop]", PREFIXES[2]),
        (f"{DROP}::test_full_model[accuracy]", DROP),
        (f"{DROP}::test_full_model", DROP),
        (f"{SIZE}::test_size[rpi4-emulated-float32]", SIZE),
    ],
)
def test_gates_that_use_the_answers_of_one_candidate_share_a_process(node_id, scope):
    assert scope_of(node_id, PREFIXES) == scope
