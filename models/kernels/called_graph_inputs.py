"""Find the inputs with which an operator calls graphs: the rounds of a loop, or a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.kernels.inner_tensors import NotComputed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.flatbuffers.structure import Operator
    from models.kernels.inner_tensors import Given, InnerTensors

    CalledInputs = Iterator[tuple[int, Given]]

# Number of loop iterations to record. Iterations usually have the same shapes, and shapes decide
# which kernel runs.
ROUNDS = 4


def inputs_of_called_graphs(
    operator: Operator, operands: Given, inner: InnerTensors
) -> CalledInputs:
    """Yield each graph that an operator calls, with its inputs.

    Args:
        operator: an operator that calls graphs: a loop or a branch.
        operands: the values that the operator reads.
        inner: computes the values after each round of a loop.

    Raises:
        NotComputed: the backend cannot compute the condition or the body of a loop separately.
    """
    yield from _BY_OPERATOR[operator.name](operator.calls, operands, inner)


def _loop(calls: tuple[int, ...], states: Given, inner: InnerTensors) -> CalledInputs:
    """Yield the graphs of a WHILE with their inputs: in each round the condition, then the body.

    There are at most `ROUNDS` rounds; the last has no body if the condition is false.
    """
    condition, body = calls
    for _ in range(ROUNDS):
        yield condition, states
        goes_on = inner.outputs(condition, states)
        if len(goes_on) != 1:
            raise NotComputed(
                f"graph {condition} is a condition, but returns {len(goes_on)} tensors"
            )
        if not goes_on[0].all():
            return
        yield body, states
        states = inner.outputs(body, states)


def _branch(calls: tuple[int, ...], operands: Given, _: InnerTensors) -> CalledInputs:
    """Yield the graph that an IF's first operand chooses, with the other operands as inputs."""
    if_true, if_false = calls
    if not operands:
        raise NotComputed("an IF has no condition")
    yield (if_true if operands[0].all() else if_false), operands[1:]


def _nothing(_calls: tuple[int, ...], _operands: Given, _inner: InnerTensors) -> CalledInputs:
    """Yield no graph, because the called graph initializes variables and has no inputs."""
    yield from ()


def _decomposition(calls: tuple[int, ...], operands: Given, _: InnerTensors) -> CalledInputs:
    (graph,) = calls
    yield graph, operands


_BY_OPERATOR: dict[str, Callable[[tuple[int, ...], Given, InnerTensors], CalledInputs]] = {
    "CALL_ONCE": _nothing,
    "IF": _branch,
    "STABLEHLO_COMPOSITE": _decomposition,
    "WHILE": _loop,
}
