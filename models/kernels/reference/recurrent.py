"""Compute recurrent operators, and loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.kernels.reference.pointwise import hyperbolic, logistic
from models.kernels.reference.products import quantized_activations
from models.kernels.rounded import Rounded, clamped, product

if TYPE_CHECKING:
    from models.kernels.reference.calls import Call, Operand, Reference

# Positions of the operands of UNIDIRECTIONAL_SEQUENCE_LSTM (lstm_shared.h of LiteRT).
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = 1, 5, 12
_GATES = 4
_OUTPUT_STATE, _CELL_STATE = 18, 19
MOST_ROUNDS = 64


def _lstm(call: Call) -> list[Rounded]:
    """Return the hidden state h of every step.

    c = f c + i g, h = o tanh(c) (Hochreiter and Schmidhuber, 1997).
    """
    source = call.operand(0).number
    if not call.option("time_major"):
        source = source.moved(lambda a: np.swapaxes(a, 0, 1))
    weights = [call.operand(_INPUT_WEIGHTS + gate) for gate in range(_GATES)]
    recurrent = [call.operand(_RECURRENT_WEIGHTS + gate) for gate in range(_GATES)]
    biases = [call.operand(_BIASES + gate).real for gate in range(_GATES)]
    places = [call.node.inputs[place] for place in (_OUTPUT_STATE, _CELL_STATE)]
    hidden, cell = (call.memory[place] for place in places)
    steps = []
    for row in range(source.value.shape[0]):
        now = Rounded(source.value[row], source.error[row])
        sums = [
            _affine(now, weights[gate]) + _affine(hidden, recurrent[gate]) + biases[gate]
            for gate in range(_GATES)
        ]
        input_gate, forget_gate, output_gate = (
            logistic(sums[0]),
            logistic(sums[1]),
            logistic(sums[3]),
        )
        cell = forget_gate * cell + input_gate * hyperbolic(sums[2])
        clip = float(call.option("cell_clip", 0.0))
        cell = clamped(cell, -clip, clip) if clip > 0.0 else cell
        hidden = output_gate * hyperbolic(cell)
        steps.append(hidden)
    call.memory.update(zip(places, (hidden, cell), strict=True))
    axis = 0 if call.option("time_major") else 1
    value, error = (
        np.stack([getattr(step, part) for step in steps], axis) for part in ("value", "error")
    )
    return [Rounded(value, error)]


def _affine(rows: Rounded, weights: Operand) -> Rounded:
    """Return rows @ weights.T; integer weights make it a hybrid product."""
    hybrid = weights.tensor.quantized
    activations = quantized_activations(rows) if hybrid else rows
    return product(activations, weights.real.moved(np.transpose), extra=8 if hybrid else 1)


def _while(call: Call) -> list[Rounded]:
    """Compute a WHILE: repeat its body graph while its condition graph gives true."""
    if call.compute is None:
        raise ValueError("no function that computes the body of a loop is given")
    condition, body = (call.bodies[int(call.option(name)) - 1] for name in ("condition", "body"))
    values = [call.operand(place).number for place in range(len(call.operands))]
    for _ in range(MOST_ROUNDS):
        (goes_on,) = call.compute(condition, values)
        if not bool(goes_on.value.all()):
            return values
        values = call.compute(body, values)
    raise ValueError(f"the loop has more than {MOST_ROUNDS} rounds")


REFERENCES: dict[str, Reference] = {"UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm, "WHILE": _while}
