"""A float32 file of another converter is quantized under every scheme, with masks and lookups."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.flatbuffers.schemes import SCHEMES
from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("quantizing_check.py")
INTEGER = "static_wi8_ai8_integer"
# The mean difference of logits over their spread, a few times what was seen: 1 is chance.
EIGHT_BITS, FOUR_BITS = 0.1, 0.4
# It reads the mask's constant in these files alone, so that a test can see it left alone.
PLANTED = "MAXIMUM"


@pytest.fixture(scope="module")
def found():
    """The output of the script, run once."""
    pytest.importorskip("litert_quantizer", reason="quantizing needs litert-quantizer")
    return json.loads(printed_by(SCRIPT).strip().splitlines()[-1])


def test_simplifying_changes_no_answer(found):
    assert found["simplified"]["same"]
    assert found["simplified"]["again"]


def test_simplifying_removes_newer_operators_and_constant_arithmetic(found):
    assert found["simplified"]["gone"] == ["ABS", "GATHER_ND"]
    assert found["simplified"]["runtimes"] == ["2.16.0", "2.3.0"]


def test_token_axes_are_distinguished_from_channels_of_the_same_size(found):
    assert found["axes"] == {"keys": [2], "scores": [1, 2], "masked": [2], "words": [0]}


def test_clipping_the_mask_changes_no_answer(found):
    assert found["masks"]["mask"] == [pytest.approx(-3.4e38, rel=0.01), -1e4]
    assert found["masks"]["same"]
    assert found["masks"]["again"]


def test_clipping_a_mask_leaves_other_uses_of_its_constant(found):
    before, after = found["masks"]["other"]
    assert before == after == pytest.approx(-3.4e38, rel=0.01)


def test_clipped_mask_still_hides_padding(found):
    masks = found["masks"]
    assert -100 < masks["lowered"] <= masks["end"] < 0
    assert masks["lowered_error"] < 1e-3


def test_integer_schemes_need_the_clipped_mask(found):
    right, wide = found["schemes"][INTEGER]["error"], found["faults"]["wide"]
    assert wide > 4 * right


def test_too_narrow_a_range_reveals_padding(found):
    assert found["faults"]["shallow"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ids_at_padding_change_no_answer(found, scheme):
    assert not found["schemes"][scheme]["padding_matters"]


def test_lookups_become_gathers_with_ranges_over_all_rows(found):
    assert found["gathers"] == {"same": True, "left": 0, "every_row": True}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scheme_keeps_its_contract(found, scheme):
    variant = found["schemes"][scheme]
    assert set(variant["breaches"]) <= {PLANTED}
    assert variant["new_enough"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scheme_answers_nearly_as_float32(found, scheme):
    few_bits = any(rule.weight_bits == 4 for rule in SCHEMES[scheme].rules)
    assert found["schemes"][scheme]["error"] < (FOUR_BITS if few_bits else EIGHT_BITS)


def test_every_scheme_is_smaller_than_float32(found):
    sizes = {name: variant["bytes"] for name, variant in found["schemes"].items()}
    plain = sizes.pop("float32")
    assert max(sizes.values()) < 0.6 * plain


def test_rejects_static_scheme_without_calibration_texts(found):
    assert "no calibration texts" in found["faults"]["without_texts"]
