"""The reference agrees with independent code: scipy and runtimes' reference kernels."""

from __future__ import annotations

import numpy as np
import pytest

from models.kernels.asking import AskedBackend
from models.kernels.choices import RandomChoices
from models.kernels.families.all_families import FAMILIES
from models.kernels.graph import Drawing, Quantization, Tensor
from models.kernels.judging import allowed
from models.kernels.reference.evaluating import evaluate
from models.kernels.searching import search_by_seeds
from models.runtime.available import why_absent
from models.runtime.transports import LocalTransport

X = np.linspace(-6.0, 6.0, 41).astype(np.float32).reshape(1, 41)
# Operators for which scipy.special or numpy has a float64 function.
SCIPY = {
    "EXP": ({}, lambda _, x: np.exp(x)),
    "GELU": ({"approximate": False}, lambda special, x: x * special.ndtr(x)),
    "LOGISTIC": ({}, lambda special, x: special.expit(x)),
    "LOG_SOFTMAX": ({}, lambda special, x: special.log_softmax(x, axis=-1)),
    "SOFTMAX": ({"beta": 1.0}, lambda special, x: special.softmax(x, axis=-1)),
    "TANH": ({}, lambda _, x: np.tanh(x)),
}
RUNTIMES = ("ai_edge_litert-reference", "tensorflow-reference")
# Families for which no deviation of a reference kernel is known.
JUDGED = (
    *("FULLY_CONNECTED-float32", "FULLY_CONNECTED-int8_channel", "ATTENTION-float32"),
    *("LOGISTIC-uint8", "MUL-uint8", "FULLY_CONNECTED-uint8"),
    *("SOFTMAX-float32", "SOFTMAX-int8", "MEAN-int8", "GELU-float32_erf", "ADD-int8"),
    *("STRIDED_SLICE-float32", "GATHER-int8", "CUMSUM-int64", "LAYER_NORMALIZATION-float32"),
    *("UNIDIRECTIONAL_SEQUENCE_LSTM-float32", "WHILE-lstm", "QUANTIZE-float32_int8"),
)


@pytest.mark.parametrize("operator", SCIPY)
def test_reference_implementation_of_functions_agrees_with_scipy(operator):
    from scipy import special  # noqa: PLC0415 - slow to import

    options, apply = SCIPY[operator]
    drawing = Drawing()
    place = drawing.input(Tensor(X.shape))
    graph = drawing.graph(drawing.node(operator, [place], [Tensor(X.shape)], **options))
    ((answer,),) = evaluate(graph, [[X]])
    np.testing.assert_allclose(
        answer.value, apply(special, X.astype(np.float64)), rtol=1e-12, atol=1e-15
    )


def test_reference_implementation_of_convolution_agrees_with_scipy():
    from scipy import signal  # noqa: PLC0415 - slow to import

    image = np.arange(24, dtype=np.float32).reshape(1, 1, 12, 2)
    weights = np.array([[[[1, -1], [2, 0], [0, 3]]]], np.float32)
    drawing = Drawing()
    places = [drawing.input(Tensor(image.shape)), drawing.constant(weights), -1]
    options = {"padding": 1, "stride_w": 1, "stride_h": 1, "dilation_w": 1, "dilation_h": 1}
    out = drawing.node("CONV_2D", places, [Tensor((1, 1, 10, 1))], activation=0, **options)
    ((answer,),) = evaluate(drawing.graph(out), [[image]])
    expected = signal.correlate2d(image[0, 0], weights[0, 0], mode="valid")
    np.testing.assert_array_equal(answer.value.reshape(-1), expected.reshape(-1))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_reference_implementation_agrees_with_the_reference_kernels_of_runtimes(runtime):
    reason = why_absent(runtime)
    if reason is not None:
        pytest.skip(reason)
    with AskedBackend(LocalTransport(), runtime) as backend:
        for name in JUDGED:
            record = search_by_seeds(FAMILIES[name], backend, range(8))
            assert record.deviating is None, (name, record.deviating.deviation)
            assert record.right, (name, record.refused)


def test_equal_seeds_generate_equal_cases():
    for family in FAMILIES.values():
        first, second = (family.draw(RandomChoices(3)) for _ in range(2))
        assert first.flatbuffer() == second.flatbuffer()


def test_per_channel_scales_of_a_symmetric_matrix_apply_to_its_rows():
    """Transposing a symmetric matrix changes no value, but moves scales to the columns."""
    drawing = Drawing()
    quantization = Quantization(np.array([1.0, 10.0], np.float32), np.zeros(2, np.int64))
    weights = drawing.constant(np.array([[0, 2], [2, 3]], np.int8), "int8", quantization)
    place = drawing.input(Tensor((1, 2)))
    out = drawing.node("FULLY_CONNECTED", [place, weights, -1], [Tensor((1, 2))], activation=0)
    ((answer,),) = evaluate(drawing.graph(out), [[np.array([[1.0, 1.0]], np.float32)]])
    assert answer.value.tolist() == [[2.0, 50.0]]


def test_root_of_a_negative_subnormal_number_may_equal_the_root_of_zero():
    """A runtime may flush the number to zero; otherwise its root is NaN."""
    drawing = Drawing()
    place = drawing.input(Tensor((3,)))
    graph = drawing.graph(drawing.node("RSQRT", [place], [Tensor((3,))]))
    operand = np.array([-1e-40, -0.0, -1.0], np.float32)
    with np.errstate(all="ignore"):
        ((answer,),) = evaluate(graph, [[operand]])
    infinite, nan = (np.full(3, value, np.float32) for value in (-np.inf, np.nan))
    assert allowed(answer, infinite).tolist() == [True, True, False]
    assert allowed(answer, nan).tolist() == [True, False, True]
