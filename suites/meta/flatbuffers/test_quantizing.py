"""A float32 file of another converter, with a mask and lookups, is quantized under every scheme."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.flatbuffers.schemes import SCHEMES
from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("quantizing_check.py")
INTEGER = "static_wi8_ai8_integer"
# Limits on the mean difference of the logits relative to their standard deviation: a few times the
# observed values. Random logits would give 1.
EIGHT_BITS, FOUR_BITS = 0.1, 0.4
# Only these files use this operator to read the mask's constant, so that tests can check that the
# operator keeps it.
PLANTED = "MAXIMUM"


@pytest.fixture(scope="module")
def found():
    """Run the script once; return the results that it prints."""
    pytest.importorskip("litert_quantizer", reason="quantizing needs litert-quantizer")
    return json.loads(printed_by(SCRIPT).strip().splitlines()[-1])


def test_simplifying_a_graph_does_not_change_its_outputs(found):
    assert found["simplified"]["same"]
    assert found["simplified"]["again"]


def test_simplifying_removes_newer_operators_and_constant_arithmetic(found):
    assert found["simplified"]["gone"] == ["ABS", "GATHER_ND"]
    assert found["simplified"]["runtimes"] == ["2.16.0", "2.3.0"]


def test_token_axes_are_distinguished_from_channel_axes_of_equal_size(found):
    assert found["axes"] == {"keys": [2], "scores": [1, 2], "masked": [2], "words": [0]}


def test_clipping_the_attention_mask_does_not_change_the_outputs(found):
    assert found["masks"]["mask"] == [pytest.approx(-3.4e38, rel=0.01), -1e4]
    assert found["masks"]["same"]
    assert found["masks"]["again"]


def test_clipping_the_attention_mask_does_not_change_other_uses_of_its_constant(found):
    before, after = found["masks"]["other"]
    assert before == after == pytest.approx(-3.4e38, rel=0.01)


def test_clipped_attention_mask_still_hides_padding(found):
    masks = found["masks"]
    assert -100 < masks["lowered"] <= masks["end"] < 0
    assert masks["lowered_error"] < 1e-3


def test_integer_quantization_is_far_less_accurate_without_a_clipped_attention_mask(found):
    right, wide = found["schemes"][INTEGER]["error"], found["faults"]["wide"]
    assert wide > 4 * right


def test_attention_mask_clipped_too_narrowly_lets_padding_change_the_outputs(found):
    assert found["faults"]["shallow"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_token_ids_at_padding_positions_do_not_change_the_outputs(found, scheme):
    assert not found["schemes"][scheme]["padding_matters"]


def test_embedding_lookups_become_gathers_whose_range_covers_all_rows(found):
    assert found["gathers"] == {"same": True, "left": 0, "every_row": True}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_quantized_file_fulfills_the_contract_of_its_scheme(found, scheme):
    variant = found["schemes"][scheme]
    assert set(variant["breaches"]) <= {PLANTED}
    assert variant["new_enough"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_outputs_of_each_scheme_are_close_to_float32(found, scheme):
    few_bits = any(rule.weight_bits == 4 for rule in SCHEMES[scheme].rules)
    assert found["schemes"][scheme]["error"] < (FOUR_BITS if few_bits else EIGHT_BITS)


def test_every_scheme_is_smaller_than_float32(found):
    sizes = {name: variant["bytes"] for name, variant in found["schemes"].items()}
    plain = sizes.pop("float32")
    assert max(sizes.values()) < 0.6 * plain


def test_rejects_static_scheme_without_calibration_texts(found):
    assert "this scheme needs calibration texts" in found["faults"]["without_texts"]
