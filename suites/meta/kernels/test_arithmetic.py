"""A backend is judged by the error bounds of the arithmetic that its kernels use."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.arithmetic import (
    PROCESSOR,
    WGSL,
    WGSL_HALF,
    Arithmetic,
    arithmetic_of,
    computing_in,
)
from models.kernels.families.all_families import FAMILIES
from models.kernels.judging import allowed
from models.kernels.reference.pointwise import exponential, hyperbolic, power, root
from models.kernels.rounded import Rounded, gamma
from models.kernels.searching import search_by_seeds
from suites.meta.kernels.false_alarms import false_alarms
from suites.meta.kernels.planted import WRONG
from suites.meta.kernels.right_kernels import ORDERS, RightKernel

HALF = [RightKernel(order, dtype=np.float16) for order in ORDERS]
ONE = Rounded.exact(np.asarray([1.0]))
# Wrong float kernels, and a family that reveals each.
PLANTED = {
    "drops the last column": "FULLY_CONNECTED-float32",
    "forgets the activation": "FULLY_CONNECTED-float32",
    "takes the first batch for all": "BATCH_MATMUL-float32",
}


@pytest.mark.parametrize(
    ("backend", "arithmetic"),
    [
        ("ai_edge_litert", PROCESSOR),
        ("litert-cpu-reference", PROCESSOR),
        ("litert-gpu", WGSL),
        ("litert-gpu-alone", WGSL),
        ("litert-gpu-float16", WGSL_HALF),
    ],
)
def test_each_backend_is_judged_by_the_arithmetic_of_its_kernels(
    backend: str, arithmetic: Arithmetic
) -> None:
    assert arithmetic_of(backend) is arithmetic


def test_shader_may_round_a_sum_to_either_neighbor() -> None:
    """WGSL lets a sum round up or down; a processor must round to the nearest value."""
    tiny = Rounded.exact(np.asarray([2.0**-26]))
    upper = np.nextafter(np.float32([1.0]), np.float32(2.0))
    assert not allowed(ONE + tiny, upper).any()
    with computing_in(WGSL):
        assert allowed(ONE + tiny, upper).all()
        assert not allowed(ONE + tiny, np.nextafter(upper, np.float32(2.0))).any()


@pytest.mark.parametrize("given", [np.nan, np.inf, -np.inf])
def test_result_of_a_shader_with_nan_or_infinity_is_unspecified(given: float) -> None:
    number = Rounded.exact(np.asarray([given]))
    zero = np.zeros(1, np.float32)
    assert not allowed(number + ONE, zero).any()
    with computing_in(WGSL):
        assert allowed(number + ONE, zero).all()


def test_exponential_and_tanh_of_a_shader_have_the_specified_error_bounds() -> None:
    """On a GPU, an exponential may be off by 3 + 2 |x| ULPs, and tanh by 1e-5."""
    x = Rounded.exact(np.asarray([-15.0, 1e-3]))
    plain = exponential(x).error, hyperbolic(x).error
    with computing_in(WGSL):
        shaded = exponential(x), hyperbolic(x)
    np.testing.assert_allclose(shaded[0].error / plain[0], [33.0 / 3.0, 3.002 / 3.0], rtol=1e-6)
    np.testing.assert_allclose(shaded[1].error, [1e-5, 1e-5], rtol=0.2)
    assert (plain[1] < 1e-6).all()


def test_roots_and_powers_of_a_shader_have_the_error_bounds_of_their_formulas() -> None:
    """WGSL defines a root as 1 / inverseSqrt(x), which overflows at 0."""
    with computing_in(WGSL):
        roots = root(Rounded.exact(np.asarray([0.0, 4.0])))
        powers = power(Rounded.exact(np.asarray([8.0])), Rounded.exact(np.asarray([4.0])))
    assert np.isposinf(roots.error).tolist() == [True, False]
    assert 2.0 * 4.0 * 2.0**-23 < roots.error[1] < 2.0 * 6.0 * 2.0**-23
    assert 27.0 * 2.0**-23 < powers.error[0] / 8.0**4 < 64.0 * 2.0**-23


def test_error_bound_of_too_many_float16_roundings_is_infinite() -> None:
    with computing_in(WGSL_HALF):
        assert gamma(1023) > 100.0
        assert np.isposinf(gamma(1024))


def test_correct_float16_kernels_pass_if_the_backend_promises_float16() -> None:
    asked, alarms = false_alarms(300, kernels=HALF, arithmetic=WGSL_HALF)
    assert asked == 300
    assert alarms == []
    assert len(false_alarms(60, kernels=HALF, arithmetic=WGSL)[1]) > 20


def test_correct_float32_kernels_pass_on_a_gpu() -> None:
    assert false_alarms(300, arithmetic=WGSL)[1] == []


@pytest.mark.parametrize("arithmetic", [WGSL, WGSL_HALF], ids=["float32", "float16"])
@pytest.mark.parametrize("name", PLANTED)
def test_wrong_gpu_kernel_is_detected(name: str, arithmetic: Arithmetic) -> None:
    family = FAMILIES[PLANTED[name]]
    record = search_by_seeds(family, WRONG[name], range(150), arithmetic=arithmetic)
    assert record.deviating is not None
