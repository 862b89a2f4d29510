"""Define faults of another backend, one for each mode of `planted_backends/planted.py`."""

from __future__ import annotations

from typing import Any

from suites.meta.gates.planting import Fault

BACKENDS = "suites/backends/test_backends.py::"
ACCELERATOR = BACKENDS + "test_accelerator_takes_the_operators"


def in_backend(mode: str, gate: str, says: str = "", **more: Any) -> Fault:
    """Return the fault of a mode of the planted backend, with the gate that must turn red."""
    return Fault(gate=BACKENDS + gate, says=says, backend=f"planted-{mode}", **more)


FAULTS = {
    "a backend that refuses a file which it has to load": in_backend(
        "refusing", "test_backend_loads_the_file", "although the file needs only"
    ),
    "a backend that crashes in its third answer": in_backend(
        "crashing", "test_backend_answers_every_text", "was killed by SIGSEGV"
    ),
    "a backend that never gives its third answer": in_backend(
        "hanging", "test_backend_answers_every_text", "took longer than 10 s", backend_seconds=10.0
    ),
    "a backend that answers NaN": in_backend(
        "nan", "test_backend_gives_finite_answers", "are NaN or infinite"
    ),
    "a backend whose float16 overflows": in_backend(
        "overflowing", "test_backend_gives_finite_answers", "are NaN or infinite"
    ),
    "a backend that answers zero vectors": in_backend(
        "zeros", "test_backend_gives_different_answers_to_different_texts", "every text gets"
    ),
    "a backend that answers another file's logits": in_backend(
        "another-file",
        "test_backend_gives_the_labels_of_the_judged_one",
        "fail: agreement_backends of float32",
    ),
    "a backend that reads a weight transposed": in_backend(
        "transposed",
        "test_backend_gives_the_logits_of_the_judged_one",
        "fail: backend_deviation of float32",
    ),
    "a backend whose logits are a tenth too large": in_backend(
        "shifted",
        "test_backend_gives_the_logits_of_the_judged_one",
        "fail: backend_deviation of float32",
    ),
    "a backend whose answers differ each time": in_backend(
        "noisy", "test_backend_repeats_its_answers"
    ),
    "a backend whose answers differ from process to process": in_backend(
        "by-process", "test_fresh_process_of_the_backend_repeats_its_answers"
    ),
    "a backend whose threads race": in_backend(
        "by-threads",
        "test_number_of_threads_changes_no_label_on_the_backend",
        "some labels change if threads = 2",
    ),
    "an accelerator that takes nothing over": in_backend(
        "plain", "test_accelerator_takes_the_operators", "fail: delegated_share of float32"
    ),
}
