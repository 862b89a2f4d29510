"""Operator families draw the sizes, scales and shapes at which kernels fail."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.choices import RandomChoices
from models.kernels.families.all_families import FAMILIES
from models.kernels.families.drawing import has_rows, with_rows
from models.kernels.graph import Drawing, Tensor

SEEDS = range(120)
PRODUCTS = ("FULLY_CONNECTED-float32", "FULLY_CONNECTED-int8", "FULLY_CONNECTED-hybrid_int4_block")


def drawn(name, seeds=SEEDS):
    """Return the cases that a family draws with these seeds."""
    return [FAMILIES[name].draw(RandomChoices(seed)) for seed in seeds]


def resizing_families():
    """Return the operators for which some case resizes tensors between runs."""
    return {
        family.operator
        for family in FAMILIES.values()
        if any(family.draw(RandomChoices(seed)).resized for seed in range(25))
    }


def test_generated_cases_resize_tensors_between_runs():
    expected = {"ADD", "ATTENTION", "BATCH_MATMUL", "CONV_1D", "FULLY_CONNECTED", "GELU", "MEAN"}
    expected |= {"LAYER_NORMALIZATION", "SELECT", "SOFTMAX", "TRANSPOSE"}
    assert expected <= resizing_families()


@pytest.mark.parametrize("name", ["ADD-float32", "FULLY_CONNECTED-int8", "ATTENTION-float32"])
def test_inputs_and_outputs_of_a_resized_run_have_the_new_shapes(name):
    case = next(candidate for candidate in drawn(name) if candidate.resized is not None)
    first, *later_runs = ([array.shape for array in run] for run in case.runs)
    assert first == [case.graph.tensors[place].shape for place in case.graph.inputs]
    assert len(later_runs) > 1
    for run in later_runs:
        assert run == [case.resized.tensors[place].shape for place in case.graph.inputs]
    answers = [[output.value.shape for output in run] for run in case.expected()]
    assert answers[0] == [output.shape for output in case.outputs]
    assert answers[1] == [case.resized.tensors[place].shape for place in case.graph.outputs]


def test_changing_the_number_of_rows_does_not_change_constants():
    drawing = Drawing()
    place = drawing.input(Tensor((2, 4)))
    weights = drawing.constant(np.ones((2, 4), np.float32))
    out = drawing.node("FULLY_CONNECTED", [place, weights, -1], [Tensor((2, 2))])
    graph = drawing.graph(out)
    assert has_rows(graph)
    assert [tensor.shape for tensor in with_rows(graph, 5).tensors] == [(5, 4), (2, 4), (5, 2)]


@pytest.mark.parametrize("name", PRODUCTS)
def test_generated_matrix_products_have_sums_of_thousands_of_terms(name):
    assert max(case.facts["inner"] for case in drawn(name)) >= 4096


def test_int8_sums_nearly_fill_a_32_bit_accumulator_without_overflow():
    cases = drawn("FULLY_CONNECTED-int8", range(2000))
    inner = max(case.facts["inner"] for case in cases)
    assert 0.9 * 2**31 < 127 * 255 * inner + 2000 < 2**31


def test_uint8_sums_nearly_fill_a_32_bit_accumulator_without_overflow():
    cases = drawn("FULLY_CONNECTED-uint8", range(2000))
    inner = max(case.facts["inner"] for case in cases)
    assert 0.9 * 2**31 < 254 * 255 * inner + 2000 < 2**31


@pytest.mark.parametrize("name", ["FULLY_CONNECTED-uint8", "CONV_1D-uint8"])
def test_generated_uint8_weights_are_never_zero(name):
    cases = drawn(name)
    stored = [
        tensor
        for case in cases
        for tensor in case.graph.tensors
        if tensor.dtype == "uint8" and tensor.data is not None
    ]
    assert len(stored) == len(cases)
    assert min(tensor.data.min() for tensor in stored) == 1
    assert max(tensor.data.max() for tensor in stored) == 255
    assert {int(tensor.quantization.zeros[0]) for tensor in stored} > {1, 128, 255}


@pytest.mark.parametrize("name", ["ADD-int8", "MUL-int8", "SUB-int16", "QUANTIZE-int8_int8"])
def test_generated_quantization_scales_differ_by_large_factors(name):
    ratios = []
    for case in drawn(name):
        quantizations = (tensor.quantization for tensor in case.graph.tensors)
        scales = [
            float(quantization.scales[0])
            for quantization in quantizations
            if quantization is not None
        ]
        ratios.append(max(scales) / min(scales))
    assert max(ratios) > 1e5
