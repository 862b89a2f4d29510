"""Which of a file's operators stand on proven kernels: each asked at its own shapes and weights.

An operator of the file becomes a file of its own, with its attributes, weights and quantization
parameters, is fed with drawn values, and judged as the families are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.flatbuffers.arithmetic import multiply_accumulates
from models.kernels.case import Case
from models.kernels.graph import RANGES
from models.kernels.reference.evaluating import REFERENCES
from models.kernels.searching import judged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from models.flatbuffers.contents import Operator
    from models.kernels.asking import Answering
    from models.kernels.graph import Graph

State = Literal["proven", "deviates", "refused", "not covered"]
# Drawn values of one operator: a few rounds, for kernels are chosen by shapes, not by values.
ROUNDS = 3
# Where an operator has its ids and its table.
_TABLES = {"GATHER": (1, 0), "EMBEDDING_LOOKUP": (0, 1)}


@dataclass(frozen=True)
class Instance:
    """One operator of a file, and what became of it.

    Attributes:
        place: in its graph.
        multiplications: multiply-accumulates of one answer.
        why: it is not proven.
    """

    place: int
    operator: str
    state: State
    multiplications: int
    why: str = ""


@dataclass(frozen=True)
class Coverage:
    """What of a file stands on proven kernels."""

    instances: tuple[Instance, ...]

    @property
    def operators(self) -> float:
        """The share of operators whose kernel was proven, from 0 to 1."""
        proven = sum(one.state == "proven" for one in self.instances)
        return proven / max(len(self.instances), 1)

    @property
    def multiplications(self) -> float:
        """The share of multiply-accumulates in them, from 0 to 1."""
        total = sum(one.multiplications for one in self.instances)
        proven = sum(one.multiplications for one in self.instances if one.state == "proven")
        return proven / total if total else 1.0

    def describe(self) -> dict[str, Any]:
        """Return what people are told."""
        counted = Counter(one.state for one in self.instances)
        return {
            "kernel_coverage": f"{self.operators:.1%} of {len(self.instances)} operators",
            "multiply_accumulates": f"{self.multiplications:.1%}",
            **{state: str(count) for state, count in sorted(counted.items())},
            "not_proven": [
                f"{one.operator} ({one.place}): {one.state}; {one.why}"
                for one in self.instances
                if one.state != "proven"
            ],
        }


def coverage(
    operators: Iterable[tuple[Operator, Graph | None]], backend: Answering, *, threads: int = 1
) -> Coverage:
    """Ask a backend for each operator of a file."""
    return Coverage(tuple(_instance(each, graph, backend, threads) for each, graph in operators))


def _instance(
    operator: Operator, graph: Graph | None, backend: Answering, threads: int
) -> Instance:
    state, why = _state(graph, backend, threads)
    done = multiply_accumulates(operator)
    return Instance(operator.index, operator.name, state, done, why)


def _state(graph: Graph | None, backend: Answering, threads: int) -> tuple[State, str]:
    if graph is None or graph.nodes[0].operator not in REFERENCES:
        return "not covered", "the reference does not have it"
    if graph.nodes[0].operator == "WHILE":
        return "not covered", "its body is no single operator"
    if not graph.inputs:
        return "not covered", "it has no input"
    draw = np.random.default_rng(0)
    runs = tuple(tuple(_drawn(draw, graph, place) for place in graph.inputs) for _ in range(ROUNDS))
    case = Case(graph, runs, threads)
    answer = backend.answer(case)
    if answer.kind == "refused":
        return "refused", answer.said
    wrong = judged(case, answer)
    return ("proven", "") if wrong is None else ("deviates", wrong.what)


def _drawn(draw: np.random.Generator, graph: Graph, place: int) -> NDArray[Any]:
    """Draw values for an input: of ids only those that the table has."""
    tensor, node = graph.tensors[place], graph.nodes[0]
    if tensor.dtype == "bool":
        return draw.random(tensor.shape) < 0.5  # noqa: PLR2004 - one half
    if tensor.dtype in RANGES and not tensor.quantized:
        ids, table = _TABLES.get(node.operator, (None, 0))
        axis = int(node.options.get("axis", 0))
        at_ids = ids is not None and node.inputs[ids] == place
        below = graph.tensors[node.inputs[table]].shape[axis] if at_ids else 2
        return draw.integers(0, below, tensor.shape).astype(tensor.dtype)
    if tensor.quantized:
        low, high = RANGES[tensor.dtype]
        return draw.integers(low, high, tensor.shape, endpoint=True).astype(tensor.dtype)
    values = np.abs(draw.normal(0.0, 1.0, tensor.shape)) + 0.01
    signed = node.operator not in {"RSQRT", "SQRT", "POW"}
    signs = draw.choice([-1.0, 1.0] if signed else [1.0], tensor.shape)
    return np.asarray(values * signs, tensor.dtype)
