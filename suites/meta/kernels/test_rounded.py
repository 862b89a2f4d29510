"""Error bounds of sums hold for every order of summing, even if a partial sum overflows."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.judging import allowed
from models.kernels.rounded import Rounded, product, total

BIG = 2.5e38
TERMS = {
    "both signs": ([BIG, BIG, -BIG], True),
    "one sign, too large": ([BIG, BIG], False),
    "both signs, far from the largest float": ([1e37, 1e37, -1e37], False),
}


def sums(terms: list[float]) -> list[Rounded]:
    """Return a sum as a reduction and as a product with ones."""
    row = Rounded.exact(np.asarray([terms], np.float64))
    return [total(row, 1), product(row, Rounded.exact(np.ones((len(terms), 1))))]


@pytest.mark.parametrize("name", TERMS)
def test_error_bound_of_a_sum_is_infinite_if_overflow_depends_on_the_order(
    name: str,
) -> None:
    terms, open_ = TERMS[name]
    for summed in sums(terms):
        assert np.isposinf(summed.error).all() == open_


def test_largest_float_is_allowed_if_a_partial_sum_overflows() -> None:
    """A kernel that first adds the two large numbers overflows, and may clamp the result."""
    lowest = np.asarray([[np.finfo(np.float32).min]], np.float32)
    for summed in sums([-BIG, -BIG, BIG]):
        assert allowed(summed, lowest).all()
    for summed in sums([-1e37, -1e37, 1e37]):
        assert not allowed(summed, lowest).any()
