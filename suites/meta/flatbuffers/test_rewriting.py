"""Rewriting preserves a float32 FlatBuffer's outputs, and makes 8 bits accurate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suites.meta.scripts import printed_by

SCRIPT = Path(__file__).with_name("rewriting_check.py")
FLOAT32_BYTES = 4


@pytest.fixture(scope="module")
def found():
    """Run the script once; return the results that it prints."""
    pytest.importorskip("tensorflow", reason="making FlatBuffers needs TensorFlow")
    return json.loads(printed_by(SCRIPT).strip().splitlines()[-1])


def test_repacked_graph_gives_bit_identical_outputs(found):
    assert found["packing"]


def test_value_ranges_are_observed_for_every_tensor_that_an_operator_writes(found):
    assert found["ranges"] == {"all": True, "ordered": True}


def test_smoothing_hardly_changes_the_float_outputs(found):
    assert found["leveled"]["error"] < 1e-4


def test_smoothing_removes_outliers_from_the_inputs_of_dense_layers(found):
    assert found["leveled"]["worst_outlier_before"] > 50
    assert found["leveled"]["worst_outlier_after"] < 3


def test_smoothing_finds_the_attention_scores_of_each_layer(found):
    assert len(found["leveled"]["scores"]) == 2


def test_int8_quantization_is_accurate_only_after_smoothing(found):
    assert found["static"]["leveled"] < 0.2
    assert found["static"]["plain"] > 4 * found["static"]["leveled"]


def test_position_table_is_stored_as_8_bit_integers(found):
    """One byte replaces four, but the added DEQUANTIZE operator takes some bytes."""
    addends = found["addends"]
    saved = (FLOAT32_BYTES - 1) * addends["table"]
    assert 0.8 * saved < addends["saved"] < saved
    assert addends["kinds"].count("DEQUANTIZE") == 1


def test_storing_the_position_table_as_integers_changes_outputs_only_slightly(found):
    assert 0 < found["addends"]["error"] < 0.05


def test_constants_stored_as_integers_are_not_quantized_again(found):
    assert found["addends"]["again"]
