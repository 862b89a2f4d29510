"""A cut network is fitted to the full one before it is taught."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suites.meta.scripts import printed_by

CHECK = Path(__file__).with_name("reconstruct_check.py")


@pytest.mark.parametrize(
    ("keys", "most"),
    [
        # The units that remain can take the place of those that were removed.
        ({"intermediate": 12}, 0.25),
        ({"intermediate": 12, "activation": "relu"}, 0.35),
        ({"heads": 2}, 0.9),
        ({"layers": [0, 1]}, 0.6),
    ],
)
def test_fitted_network_answers_more_like_the_full_one(keys, most):
    pytest.importorskip("tensorflow", reason="the check needs TensorFlow")
    before, after = json.loads(printed_by(CHECK, json.dumps(keys), 16))
    assert after < most * before


def test_network_is_not_fitted_if_no_text_has_the_same_tokens_as_before():
    pytest.importorskip("tensorflow", reason="the check needs TensorFlow")
    before, after = json.loads(printed_by(CHECK, json.dumps({"heads": 2}), 3))
    assert after == before
