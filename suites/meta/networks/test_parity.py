"""The networks give the logits of `transformers` for the same config and weights.

Needs the dependency group `parity`. A planted fault in the mask or the segment ids must be
detected. `suites/meta/huggingface/test_networks.py` tests the same on
PyTorch, without TensorFlow.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from suites.meta.networks.compared import CASES, LENGTHS, TOLERANCE, compare

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="comparing with transformers needs the dependency group 'parity'",
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return the results of the script for every small case."""
    return compare(tmp_path_factory.mktemp("networks"), "tensorflow", *CASES)


@pytest.mark.parametrize("tokens", LENGTHS)
@pytest.mark.parametrize("case", CASES)
def test_logits_of_our_networks_agree_with_transformers(case, tokens, answers):
    assert answers[case]["errors"][tokens] < TOLERANCE


@pytest.mark.parametrize("fault", ["unmasked", "untyped"])
@pytest.mark.parametrize("case", CASES)
def test_planted_fault_in_mask_or_segment_ids_is_detected(case, fault, answers):
    assert min(answers[case][fault][tokens] for tokens in LENGTHS[1:]) > 100 * TOLERANCE


@pytest.mark.parametrize("layout", ["zipped", "legacy"])
@pytest.mark.parametrize("case", CASES)
def test_weights_read_from_a_pytorch_file_equal_the_networks_weights(case, layout, answers):
    assert answers[case]["same_from_bin"][layout]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "parameters"),
    [("mobilebert_published", 24_581_888), ("mobilebert_tiny_published", 15_485_696)],
)
def test_networks_of_published_size_agree_with_transformers(case, parameters, tmp_path):
    answer = compare(tmp_path, "tensorflow", case)[case]
    assert max(answer["errors"].values()) < TOLERANCE
    assert answer["parameters"] == parameters + 3 * (512 + 1)
