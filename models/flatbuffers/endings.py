"""Find the meaning of an output from the last operators of a graph.

| the output comes from | it holds |
|---|---|
| SOFTMAX, or EXP divided by its SUM | probabilities |
| LOG_SOFTMAX | their logarithms |
| LOGISTIC | sigmoids: independent probabilities |
| a dense layer, followed by additions and scales | logits |

QUANTIZE, DEQUANTIZE, RESHAPE and similar operators do not change the meaning. After any other
operator, the meaning is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.flatbuffers.structure import Operator, Tensor

Ending = Literal["logits", "probabilities", "log_probabilities", "sigmoids"]

# Operators that move values or change their storage, but not their meaning.
_MOVES = frozenset(
    {
        *("BATCH_TO_SPACE_ND", "CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE"),
        *("SLICE", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE"),
    }
)
_SIMPLE = frozenset({"ADD", "DIV", "MEAN", "MUL", "NEG", "SUB", "SUM"})
_PRODUCTS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"})
_ENDS: dict[str, Ending] = {
    "SOFTMAX": "probabilities",
    "LOG_SOFTMAX": "log_probabilities",
    "LOGISTIC": "sigmoids",
    **dict.fromkeys(_PRODUCTS, "logits"),
}
_DEEPEST = 32
_OPERANDS = 2


def ending_of(tensor: Tensor, operators: Sequence[Operator]) -> Ending | None:
    """Return the meaning of an output, such as `logits`; None if it is unknown.

    Args:
        tensor: an output of the graph.
        operators: the operators of that graph, in execution order.
    """
    return _walk(tensor, _written(operators), _DEEPEST)


def last_operator(tensor: Tensor, operators: Sequence[Operator]) -> str:
    """Return the name of the operator that writes a tensor, ignoring moves; "" if there is none."""
    writers = _written(operators)
    for _ in range(_DEEPEST):
        operator = writers.get(tensor.index)
        if operator is None or operator.name not in _MOVES or not operator.inputs[:1]:
            return "" if operator is None else operator.name
        source = operator.inputs[0]
        if source is None:
            return operator.name
        tensor = source
    return ""


def _written(operators: Sequence[Operator]) -> dict[int, Operator]:
    """Return the operator that writes each tensor, by the tensor's index."""
    return {output.index: operator for operator in operators for output in operator.outputs}


def _walk(tensor: Tensor, writers: dict[int, Operator], depth: int) -> Ending | None:
    operator = writers.get(tensor.index)
    if operator is None or depth == 0:
        return None
    if operator.name in _ENDS:
        return _ENDS[operator.name]
    sources = [operand for operand in operator.inputs if operand is not None]
    if operator.name in _MOVES:
        return _walk(sources[0], writers, depth - 1) if sources else None
    if operator.name == "DIV" and _is_share(sources, writers):
        return "probabilities"
    if operator.name not in _SIMPLE:
        return None
    meanings = {
        _walk(source, writers, depth - 1) for source in sources if not source.constant_bytes
    }
    # A sum or a multiple of probabilities may or may not be probabilities, so its meaning is
    # unknown.
    return "logits" if meanings == {"logits"} else None


def _is_share(sources: list[Tensor], writers: dict[int, Operator]) -> bool:
    """Return whether a division is the last operator of a softmax: EXP(x) / SUM(EXP(x))."""
    makers = [writers.get(source.index) for source in sources]
    if len(makers) != _OPERANDS or not all(makers):
        return False
    exponential, total = makers
    if exponential is None or total is None:
        return False
    summed = total.inputs[0] if total.inputs else None
    return (
        exponential.name == "EXP"
        and total.name == "SUM"
        and summed is not None
        and summed.index == sources[0].index
    )
