"""Draw convolutions along time, and LSTMs as an operator and as the body of a loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from models.kernels.case import Case, Family
from models.kernels.choices import one_of, yes_or_no
from models.kernels.families.drawing import Sketch, activation
from models.kernels.families.products import quantized_weights
from models.kernels.graph import ABSENT, Drawing, Quantization, Tensor
from models.kernels.options import PADDINGS
from models.kernels.values import FEW, SIZES, floats, held, scale, zero_point

if TYPE_CHECKING:
    from models.kernels.choices import Choices
    from models.kernels.graph import Graph

_KERNELS = (1, 2, 3, 5)
_WIDTHS = (1, 2, 3, 4, 7, 8, 9, 16)
_GATES = 4
_OPERANDS_OF_LSTM = 24
# The schema's number of the activation tanh (kTfLiteActTanh), the only one of an LSTM.
_TANH = 4


def _convolution(choices: Choices, kind: str) -> Case:
    """Draw a CONV_1D as converters write it: a CONV_2D on an input with an added height of 1."""
    sketch = Sketch(choices)
    batch, channels, outputs = (one_of(choices, sizes) for sizes in (FEW, _WIDTHS, _WIDTHS))
    kernel, stride, dilation = one_of(choices, _KERNELS), 1 + choices.integer(0, 1), 1
    if stride == 1 and yes_or_no(choices):
        dilation = 2
    reach = (kernel - 1) * dilation + 1
    length = max(one_of(choices, SIZES), reach)
    padding = one_of(choices, ("VALID", "SAME"))
    places = -(-length // stride) if padding == "SAME" else (length - reach) // stride + 1
    quantized = after = None
    shape = (outputs, 1, kernel, channels)
    if kind in {"int8_channel", "uint8"}:
        dtype = "uint8" if kind == "uint8" else "int8"
        quantized = Quantization.of(scale(choices), zero_point(choices, dtype))
        draw = partial(held, dtype=dtype)
    else:
        dtype, draw = "float32", partial(floats, low=-4.0, high=4.0)
    source = sketch.input(Tensor((batch, length, channels), dtype, quantization=quantized), draw)
    if kind == "float32":
        weights = sketch.drawing.constant(floats(choices, shape))
    else:
        stored, scales = ("uint8", "tensor") if kind == "uint8" else ("int8", "channel")
        weights = quantized_weights(sketch, shape, stored, scales)
    bias = sketch.drawing.constant(floats(choices, (outputs,)))
    if quantized is not None:
        fine = sketch.drawing.tensors[weights].quantization
        if fine is None:
            raise AssertionError("integer weights have scales")
        steps = (quantized.scales[0] * fine.scales).astype(np.float32)
        drawn = np.rint(floats(choices, (outputs,)) * 2000).astype(np.int32)
        bias = sketch.drawing.constant(
            drawn, "int32", Quantization(steps, np.zeros(steps.size, np.int64))
        )
        wide = float(np.float32(steps.max() * 64.0 * np.sqrt(kernel * channels)))
        after = Quantization.of(wide, zero_point(choices, dtype))
    axis = sketch.drawing.constant(np.array(1, np.int32))
    image = Tensor((batch, 1, length, channels), dtype, quantization=quantized)
    wide_source = sketch.drawing.node("EXPAND_DIMS", [source, axis], [image])
    options = {
        "padding": PADDINGS[padding],
        "stride_w": stride,
        "stride_h": 1,
        "activation": activation(choices, ("NONE", "RELU", "RELU6")),
        "dilation_w": dilation,
        "dilation_h": 1,
    }
    answer = Tensor((batch, 1, places, outputs), dtype, quantization=after)
    result = sketch.drawing.node("CONV_2D", [wide_source, weights, bias], [answer], **options)
    flat = Tensor((batch, places, outputs), dtype, quantization=after)
    sketch.facts |= {"dilation": dilation, "stride": stride}
    return sketch.case(sketch.drawing.node("SQUEEZE", [result], [flat], dims=[1]), by_rows=True)


def _lstm(choices: Choices, kind: str) -> Case:
    """Draw an LSTM of four gates, without peepholes, projection or norms."""
    sketch, draw = Sketch(choices), partial(floats, low=-2.0, high=2.0)
    batch, steps, width, units = (one_of(choices, sizes) for sizes in (FEW, FEW, _WIDTHS, _WIDTHS))
    time_major = yes_or_no(choices)
    outer = (steps, batch) if time_major else (batch, steps)
    operands = [ABSENT] * _OPERANDS_OF_LSTM
    operands[0] = sketch.input(Tensor((*outer, width)), draw)
    for gate in range(_GATES):
        for first, shape in ((1, (units, width)), (5, (units, units))):
            if kind == "float32":
                place = sketch.drawing.constant(floats(choices, shape))
            else:
                place = quantized_weights(sketch, shape, "int8", "tensor")
            operands[first + gate] = place
        operands[12 + gate] = sketch.drawing.constant(floats(choices, (units,)))
    for place in (18, 19):
        operands[place] = sketch.drawing.tensor(Tensor((batch, units), variable=True))
    answer = Tensor((*outer, units))
    options = {"activation": _TANH, "cell_clip": one_of(choices, (0.0, 0.5))}
    sketch.facts |= {"steps": steps, "time_major": time_major}
    return sketch.case(
        sketch.drawing.node(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [answer], time_major=time_major, **options
        )
    )


def _loop(choices: Choices) -> Case:
    """Draw a WHILE whose body is one step of an LSTM, written with single operators."""
    sketch = Sketch(choices)
    batch, units, rounds = (one_of(choices, sizes) for sizes in (FEW, _WIDTHS, FEW))
    weights = floats(choices, (_GATES * units, units)), floats(choices, (_GATES * units,))
    states = (Tensor((), "int32"), Tensor((batch, units)), Tensor((batch, units)))
    start = sketch.drawing.constant(np.array(0, np.int32))
    inputs = [start, *(sketch.input(state, floats) for state in states[1:])]
    bodies = _condition(states, rounds), _body(states, *weights)
    first = sketch.drawing.node("WHILE", inputs, list(states), condition=1, body=2)
    return sketch.case(first + 1, first + 2, bodies=bodies)


def _condition(states: tuple[Tensor, ...], rounds: int) -> Graph:
    drawing = Drawing()
    counter, *_ = [drawing.input(state) for state in states]
    limit = drawing.constant(np.array(rounds, np.int32))
    return drawing.graph(drawing.node("LESS", [counter, limit], [Tensor((), "bool")]))


def _body(states: tuple[Tensor, ...], weights: np.ndarray, bias: np.ndarray) -> Graph:
    drawing = Drawing()
    counter, hidden, cell = (drawing.input(state) for state in states)
    state, (batch, units) = states[1], states[1].shape
    following = drawing.node("ADD", [counter, drawing.constant(np.array(1, np.int32))], [states[0]])
    sums = drawing.node(
        "FULLY_CONNECTED",
        [hidden, drawing.constant(weights), drawing.constant(bias)],
        [Tensor((batch, _GATES * units))],
    )
    axis = drawing.constant(np.array(1, np.int32))
    gate = drawing.node("SPLIT", [axis, sums], [state] * _GATES, splits=_GATES)
    input_gate, forget_gate, output_gate = (
        drawing.node("LOGISTIC", [gate + i], [state]) for i in (0, 1, 3)
    )
    new = drawing.node("TANH", [gate + 2], [state])
    old = drawing.node("MUL", [forget_gate, cell], [state])
    after = drawing.node("ADD", [old, drawing.node("MUL", [input_gate, new], [state])], [state])
    shape = drawing.node("TANH", [after], [state])
    return drawing.graph(following, drawing.node("MUL", [output_gate, shape], [state]), after)


FAMILIES: list[Family] = [
    *(
        Family("CONV_1D", kind, partial(_convolution, kind=kind))
        for kind in ("float32", "hybrid_int8_channel", "int8_channel", "uint8")
    ),
    *(
        Family("UNIDIRECTIONAL_SEQUENCE_LSTM", kind, partial(_lstm, kind=kind))
        for kind in ("float32", "hybrid_int8")
    ),
    Family("WHILE", "lstm", _loop),
]
