"""Answers are compared with the reference whatever bits they contain."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.judging import allowed
from models.kernels.rounded import Rounded

SIGNALING, QUIET = 0x7F80_0001, 0x7FC0_0000


@pytest.mark.parametrize("bits", [SIGNALING, QUIET])
def test_nan_in_place_of_a_number_is_wrong(bits):
    got = np.array([bits, 0x3F80_0000], np.uint32).view(np.float32)
    assert allowed(Rounded.exact(np.array([1.0, 1.0])), got).tolist() == [False, True]


@pytest.mark.parametrize("bits", [SIGNALING, QUIET])
def test_every_nan_bit_pattern_is_accepted_where_nan_is_expected(bits):
    got = np.array([bits], np.uint32).view(np.float32)
    assert allowed(Rounded.exact(np.array([np.nan])), got).tolist() == [True]
