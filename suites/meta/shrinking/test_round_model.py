"""A rounded network answers like the network before rounding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suites.meta.scripts import printed_by

CHECK = Path(__file__).with_name("round_check.py")


def test_layers_correct_the_rounding_of_the_layers_before_them():
    pytest.importorskip("tensorflow", reason="the check needs TensorFlow")
    each_alone, in_order, on_grid = json.loads(printed_by(CHECK))
    assert in_order < 0.7 * each_alone
    assert on_grid
