"""Answers are compared with the reference whatever bits they hold."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.judging import allowed
from models.kernels.rounded import Rounded

SIGNALING, QUIET = 0x7F80_0001, 0x7FC0_0000


@pytest.mark.parametrize("bits", [SIGNALING, QUIET])
def test_any_nan_is_wrong_in_place_of_a_number(bits):
    got = np.array([bits, 0x3F80_0000], np.uint32).view(np.float32)
    assert allowed(Rounded.exact(np.array([1.0, 1.0])), got).tolist() == [False, True]


@pytest.mark.parametrize("bits", [SIGNALING, QUIET])
def test_any_nan_is_right_in_place_of_nan(bits):
    got = np.array([bits], np.uint32).view(np.float32)
    assert allowed(Rounded.exact(np.array([np.nan])), got).tolist() == [True]
