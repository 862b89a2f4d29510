"""Find the inputs of the graphs that an operator calls: each round of a loop, or a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.kernels.showing import NotShown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.flatbuffers.structure import Operator
    from models.kernels.showing import Given, Shown

    Entered = Iterator[tuple[int, Given]]

# Number of loop iterations to record. Iterations usually have the same shapes, and shapes decide
# which kernel runs.
ROUNDS = 4


def entered(operator: Operator, operands: Given, shown: Shown) -> Entered:
    """Yield each graph that an operator calls, with its inputs.

    Args:
        operator: an operator that calls graphs: a loop or a branch.
        operands: the values that the operator reads.
        shown: computes the values after each round of a loop.

    Raises:
        NotShown: the backend cannot compute the condition or the body of a loop separately.
    """
    yield from _ENTERED[operator.name](operator.calls, operands, shown)


def _loop(calls: tuple[int, ...], states: Given, shown: Shown) -> Entered:
    """Yield the first rounds: the inputs of the condition, and of the body if it is run."""
    condition, body = calls
    for _ in range(ROUNDS):
        yield condition, states
        goes_on = shown.outputs(condition, states)
        if len(goes_on) != 1:
            raise NotShown(f"graph {condition} is a condition, and returns {len(goes_on)} tensors")
        if not goes_on[0].all():
            return
        yield body, states
        states = shown.outputs(body, states)


def _branch(calls: tuple[int, ...], operands: Given, _: Shown) -> Entered:
    """Yield the chosen branch; the first operand chooses it."""
    if_true, if_false = calls
    if not operands:
        raise NotShown("an IF reads no condition")
    yield (if_true if operands[0].all() else if_false), operands[1:]


def _nothing(_calls: tuple[int, ...], _operands: Given, _shown: Shown) -> Entered:
    """Yield nothing: the graph initializes variables and has no inputs."""
    yield from ()


def _decomposition(calls: tuple[int, ...], operands: Given, _: Shown) -> Entered:
    (graph,) = calls
    yield graph, operands


_ENTERED: dict[str, Callable[[tuple[int, ...], Given, Shown], Entered]] = {
    "CALL_ONCE": _nothing,
    "IF": _branch,
    "STABLEHLO_COMPOSITE": _decomposition,
    "WHILE": _loop,
}
