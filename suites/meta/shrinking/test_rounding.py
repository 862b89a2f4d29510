"""Rounded weights lie on a grid that a converter finds again, and change outputs little."""

from __future__ import annotations

import numpy as np
import pytest

from models.shrinking.inputs import Inputs
from models.shrinking.rounding import round_dense, round_for_inputs, round_rows

BITS = 4
LAST = 7
RNG = np.random.default_rng(5)
WEIGHTS = RNG.standard_normal((24, 96)).astype(np.float32)
# The inputs of a real layer are strongly correlated, so these lie near a space of 12 dimensions.
INPUTS = RNG.standard_normal((2000, 12)) @ RNG.standard_normal((12, 96))
INPUTS += 0.1 * RNG.standard_normal(INPUTS.shape)
MOMENTS = INPUTS.T @ INPUTS


def nearest(weights):
    """Round like a converter: to the nearest step of a grid up to a row's largest weight."""
    scales = np.abs(weights).max(axis=1, keepdims=True) / LAST
    return np.rint(weights / scales) * scales


def disturbance(weights):
    return float((((weights - WEIGHTS) @ INPUTS.T) ** 2).mean())


@pytest.mark.parametrize(
    "rounded",
    [round_rows(WEIGHTS, BITS), round_for_inputs(WEIGHTS, MOMENTS, BITS)],
    ids=["rows", "for_inputs"],
)
def test_converter_rounds_to_the_grid_that_rounding_used(rounded):
    np.testing.assert_allclose(nearest(rounded), rounded, rtol=1e-5, atol=1e-7)
    steps = rounded / (np.abs(rounded).max(axis=1, keepdims=True) / LAST)
    assert len(np.unique(np.rint(steps))) <= 2 * LAST + 1


def test_rounding_for_inputs_changes_outputs_less_than_nearest_rounding():
    assert disturbance(round_for_inputs(WEIGHTS, MOMENTS, BITS)) < 0.4 * disturbance(
        nearest(WEIGHTS)
    )


def test_rounding_for_uncorrelated_inputs_equals_nearest_rounding_on_the_best_grid():
    alone = round_for_inputs(WEIGHTS, np.eye(WEIGHTS.shape[1]), BITS)
    np.testing.assert_allclose(alone, round_rows(WEIGHTS, BITS), atol=1e-6)


@pytest.mark.parametrize("dead", [0, 50, 95])
def test_rounding_works_with_an_input_that_is_always_zero(dead):
    moments = MOMENTS.copy()
    moments[dead] = moments[:, dead] = 0.0
    rounded = round_for_inputs(WEIGHTS, moments, BITS)
    assert np.isfinite(rounded).all()
    living = np.arange(WEIGHTS.shape[1]) != dead
    missed = (rounded - WEIGHTS)[:, living] @ INPUTS[:, living].T
    assert float((missed**2).mean()) < disturbance(nearest(WEIGHTS))


def test_corrected_bias_compensates_for_rounding_errors_of_constant_inputs():
    shifted = INPUTS + np.where(np.arange(96) % 32 == 0, 60.0, 0.0)
    inputs = Inputs(len(shifted), shifted.sum(axis=0), shifted.T @ shifted)
    bias = np.zeros(len(WEIGHTS), np.float32)
    weights, bias = round_dense(WEIGHTS, bias, inputs, BITS)
    missed = shifted @ (weights - WEIGHTS).T + bias
    alone = shifted @ (round_for_inputs(WEIGHTS, inputs.moments, BITS) - WEIGHTS).T
    assert float((missed**2).mean()) < 0.8 * float((alone**2).mean())
    assert float(np.abs(missed.mean(axis=0)).max()) < 1e-3


def test_rounded_row_of_zeros_is_nearly_zero():
    weights = np.vstack([WEIGHTS[:1], np.zeros_like(WEIGHTS[:1])])
    assert np.abs(round_rows(weights, BITS)[1]).max() < 1e-30
    assert np.abs(round_for_inputs(weights, MOMENTS, BITS)[1]).max() < 1e-30


def test_weights_times_gains_lie_on_the_quantization_grid():
    """A converter first multiplies weights by gains, so each product must lie on the grid."""
    generator = np.random.default_rng(9)
    gains = generator.uniform(0.2, 3.0, WEIGHTS.shape[1]).astype(np.float32)
    samples = generator.normal(size=(400, WEIGHTS.shape[1]))
    inputs = Inputs(len(samples), samples.sum(axis=0), samples.T @ samples)
    bias = np.zeros(len(WEIGHTS), np.float32)
    products = round_dense(WEIGHTS, bias, inputs, BITS, gains)[0] * gains
    steps = products / np.abs(products).max(axis=1, keepdims=True) * (2 ** (BITS - 1) - 1)
    assert np.allclose(steps, np.rint(steps), atol=1e-4)


def test_rounding_preserves_the_output_for_constant_inputs():
    # The first token of all texts is the same, so that the first layer always gets the same input.
    same = np.tile(INPUTS[:1], (500, 1)).astype(np.float64)
    inputs = Inputs(len(same), same.sum(axis=0), same.T @ same)
    bias = np.zeros(len(WEIGHTS), np.float32)
    rounded, corrected = round_dense(WEIGHTS, bias, inputs, BITS)
    np.testing.assert_allclose(rounded @ same[0] + corrected, WEIGHTS @ same[0], atol=1e-3)
