"""On PyTorch, the networks give the logits of `transformers` for the same config and weights.

Keras computes the networks, without TensorFlow. There is only one test, so the comparison is made
in one process.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from suites.meta.networks.compared import CASES, LENGTHS, TOLERANCE, compare

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="needs the dependency group 'huggingface'",
)


def test_networks_on_pytorch_give_the_logits_of_transformers(tmp_path):
    answers = compare(tmp_path, "torch", *CASES)
    assert set(answers) == set(CASES)
    worst = {case: max(answer["errors"].values()) for case, answer in answers.items()}
    assert {case: error for case, error in worst.items() if error >= TOLERANCE} == {}
    for fault in ("unmasked", "untyped"):
        least_errors = {case: min(answers[case][fault][n] for n in LENGTHS[1:]) for case in CASES}
        missed = {case: error for case, error in least_errors.items() if error <= 100 * TOLERANCE}
        assert missed == {}, fault
    same = {case: answer["same_from_bin"] for case, answer in answers.items()}
    assert same == {case: {"zipped": True, "legacy": True} for case in CASES}
