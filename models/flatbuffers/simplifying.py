"""Replace operators by simpler, older or faster operators.

litert-torch broadcasts an attention mask by a GATHER_ND. It does not fold arithmetic on constants,
so that DeBERTa's distances between tokens, for example, are computed again for every text.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import ABSENT, CODES, Graph
from models.flatbuffers.stamp import declare_runtime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# Version of GATHER_ND for float32 and int32. A single use on booleans raises the version of all
# uses.
_GATHER_ND_OF_NUMBERS = 1
# Operators that read weights. They are not folded into constants, because their results may be
# larger than the weights.
_WEIGHED = (CODES.BATCH_MATMUL, CODES.EMBEDDING_LOOKUP, CODES.FULLY_CONNECTED, CODES.GATHER)


def simplify(flatbuffer: bytes) -> bytes:
    """Return the file with fewer and older operators, and bit-identical answers.

    A GATHER_ND that reads every element in order is replaced by a RESHAPE: on booleans it would
    need TFLite 2.16, while the rest of an encoder runs in 2.14. Integers that depend only on
    constants are folded into constants.
    """
    graph = Graph(flatbuffer)
    changed = _fold(graph, flatbuffer) + _reshape(graph)
    return declare_runtime(graph.pack()) if changed else flatbuffer


def _reshape(graph: Graph) -> int:
    """Replace each GATHER_ND that reads every element by a RESHAPE; return their number."""
    gathers = [
        operator for operator in graph.operators(CODES.GATHER_ND) if _takes_all(graph, operator)
    ]
    for operator in gathers:
        source, output = int(operator.inputs[0]), int(operator.outputs[0])
        shape = graph.new_constant(f"{graph.name(output)}/shape", list(graph.shape(output)))
        graph.become(operator, CODES.RESHAPE, [source, shape])
    left = graph.operators(CODES.GATHER_ND)
    if gathers and not any(graph.holds_truth(int(gather.inputs[0])) for gather in left):
        graph.lower_version(CODES.GATHER_ND, _GATHER_ND_OF_NUMBERS)
    return len(gathers)


def _takes_all(graph: Graph, operator: Any) -> bool:
    source, places = (int(tensor) for tensor in operator.inputs)
    indices, shape = graph.integers(places), graph.shape(source)
    if indices is None or indices.shape[-1] != len(shape):
        return False  # it gathers slices, not elements
    everything = np.indices(shape).reshape(len(shape), -1).T
    return np.array_equal(indices.reshape(-1, len(shape)), everything)


def _fold(graph: Graph, flatbuffer: bytes) -> int:
    """Fold integer constants; return the number of removed operators."""
    fixed = _fixed(graph)
    needed, folded = _needed(graph, fixed)
    gone = [operator for operator in graph.operators() if id(operator) not in needed]
    if not gone:
        return 0
    values = _values(flatbuffer, folded)
    for tensor in folded:
        graph.make_constant(tensor, values[tensor])
    graph.remove(gone)
    return len(gone)


def _fixed(graph: Graph) -> dict[int, Any]:
    """Return the operators that depend only on constants, by the tensors that they write."""
    fixed: dict[int, Any] = {}
    for operator in graph.operators():
        read = [int(tensor) for tensor in operator.inputs if tensor != ABSENT]
        is_known = all(tensor in fixed or graph.is_constant(tensor) for tensor in read)
        if read and is_known and graph.code(operator) not in _WEIGHED:
            fixed |= {int(tensor): operator for tensor in operator.outputs}
    return fixed


def _needed(graph: Graph, fixed: dict[int, Any]) -> tuple[set[int], list[int]]:
    """Return which operators remain, by Python's `id`, and which tensors become constants."""
    removable = {id(operator) for operator in fixed.values()}
    waiting = [operator for operator in graph.operators() if id(operator) not in removable]
    waiting += [fixed[tensor] for tensor in graph.results() if tensor in fixed]
    needed: set[int] = set()
    folded: list[int] = []
    while waiting:
        operator = waiting.pop()
        if id(operator) in needed:
            continue
        needed.add(id(operator))
        for tensor in map(int, operator.inputs):
            if tensor not in fixed:
                continue
            if graph.holds_integers(tensor):
                folded.append(tensor)
            else:
                waiting.append(fixed[tensor])
    return needed, sorted(set(folded))


def _values(flatbuffer: bytes, tensors: Iterable[int]) -> dict[int, NDArray[Any]]:
    """Return the values of tensors that depend only on constants."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - a large package

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the interpreter warns that this costs memory
        interpreter = Interpreter(
            model_content=flatbuffer, num_threads=1, experimental_preserve_all_tensors=True
        )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    return {tensor: interpreter.get_tensor(tensor).copy() for tensor in tensors}
