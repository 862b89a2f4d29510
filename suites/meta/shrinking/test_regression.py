"""A regression finds the change of a dense layer that corrects its outputs."""

from __future__ import annotations

import numpy as np

from models.shrinking.regression import Regression

DRAW = np.random.default_rng(7)


def rows(count, inputs):
    return DRAW.normal(size=(count, inputs)).astype(np.float32)


def test_regression_finds_the_change_that_removes_the_errors():
    inputs = rows(500, 6)
    weight, bias = rows(4, 6), rows(1, 4)[0]
    regression = Regression()
    for part in np.split(inputs, 5):
        regression.add(part, part @ weight.T + bias)
    found_weight, found_bias = regression.solve()
    np.testing.assert_allclose(found_weight, weight, atol=0.01)
    np.testing.assert_allclose(found_bias, bias, atol=0.01)


def test_regression_on_outputs_without_error_changes_nothing():
    regression = Regression()
    regression.add(rows(50, 6), np.zeros((50, 4), np.float32))
    weight, bias = regression.solve()
    assert not weight.any()
    assert not bias.any()


def test_regression_on_inputs_of_zero_changes_only_the_bias():
    regression = Regression()
    regression.add(np.zeros((50, 6), np.float32), np.full((50, 4), 2.0, np.float32))
    weight, bias = regression.solve()
    assert not weight.any()
    np.testing.assert_allclose(bias, 2.0)


def test_regression_on_fewer_rows_than_inputs_has_small_weights():
    inputs = rows(3, 40)
    errors = rows(3, 2)
    regression = Regression()
    regression.add(inputs, errors)
    weight, bias = regression.solve()
    np.testing.assert_allclose(inputs @ weight.T + bias, errors, atol=0.05)
    assert np.abs(weight).max() < 1.0
