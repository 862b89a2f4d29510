"""Define faults that only an emulated board shows: deviating or wasteful kernels."""

from __future__ import annotations

from suites.meta.gates.planting import Fault, file_of

GOLDEN = "suites/agreement/test_golden.py::"
INSTRUCTIONS = "suites/instructions/test_instructions.py::"
DYNAMIC = "dynamic_wi8_afp32"

FAULTS = {
    "a kernel that turns labels around on ARM": Fault(
        gate=GOLDEN + "test_labels_agree_with_the_host",
        says="fail: agreement_golden of float32",
        runner="turned around on ARM",
    ),
    "a kernel that is a little off on ARM": Fault(
        gate=GOLDEN + "test_logits_stay_close_to_the_host",
        says="fail: logit_difference of float32",
        runner="a little off on ARM",
    ),
    "a reference kernel whose last bit differs on ARM": Fault(
        gate=GOLDEN + "test_reference_kernels_answer_as_on_the_host",
        says="fail: reference_difference of float32",
        runner="last bit on ARM",
    ),
    "a float32 file under an int8 name, as the core computes": Fault(
        gate=INSTRUCTIONS + "test_multiplications_are_as_the_scheme_says",
        only=DYNAMIC,
        says=f"of {DYNAMIC}: 0 % (n = 3 answers)",
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
    "instructions that have come to be more": Fault(
        gate=INSTRUCTIONS + "test_instructions_are_within_budget",
        only=DYNAMIC,
        says=f"regression: instructions of {DYNAMIC} moved by ",
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
        compared=True,
    ),
    "a float32 file's instructions under an int8 name": Fault(
        gate=INSTRUCTIONS + "test_instructions_are_within_budget",
        only=DYNAMIC,
        says=f"fail: instructions of {DYNAMIC}",
        schemes=("float32", DYNAMIC),
        plant=file_of("float32", under=DYNAMIC),
    ),
}
