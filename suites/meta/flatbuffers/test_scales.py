"""Outlier smoothing moves scales from activations into weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.flatbuffers.scales import choose, even, largest

ROWS, CHANNELS, OUTPUTS = 200, 24, 16


def _network(seed, loud=1.0):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(ROWS, CHANNELS))
    inputs[:, 3] *= loud
    weights = generator.normal(size=(OUTPUTS, CHANNELS))
    weights[:, 3] /= loud
    return inputs, weights


@given(st.integers(0, 1000), st.sampled_from([1.0, 10.0, 100.0]), st.booleans())
def test_smoothing_scales_are_positive_and_finite_for_each_channel(seed, loud, by_token):
    choice = choose(*_network(seed, loud), by_token=by_token)
    assert choice.scales.shape == (CHANNELS,)
    assert np.all(choice.scales > 0)
    assert np.all(np.isfinite(choice.scales))
    assert choice.by_token is by_token


@given(st.integers(0, 1000))
def test_channel_with_the_largest_values_gets_the_largest_scale(seed):
    assert choose(*_network(seed, 100.0)).scales.argmax() == 3


@given(st.integers(0, 1000))
def test_second_smoothing_does_not_increase_the_quantization_error(seed):
    inputs, weights = _network(seed, 30.0)
    choice = choose(inputs, weights)
    again = choose(inputs / choice.scales, weights * choice.scales)
    assert again.loss <= choice.loss * (1 + 1e-9)


def test_smoothing_scales_compensate_for_an_outlier_channel():
    quiet = choose(*_network(1)).loss
    assert choose(*_network(1, 100.0)).loss < 2 * quiet


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30))
def test_normalized_scales_have_a_product_of_one(scales):
    assert np.isclose(np.log(even(np.array(scales))).mean(), 0, atol=1e-9)


def test_channel_of_zeros_gets_a_twentieth_of_the_median_range():
    reach = largest(np.array([[1.0, -2.0, 0.0], [-4.0, 1.0, 0.0]]))
    assert reach.tolist() == [4.0, 2.0, 3.0 / 20]


def test_value_range_of_a_channel_is_positive_even_if_all_channels_are_zero():
    assert np.all(largest(np.zeros((3, 4))) > 0)
