"""Find which operators of a file have proven kernels: test each at its own shapes and weights.

Each operator of the file is written to a file of its own, with its attributes, weights and
quantization parameters. The inputs of that file are random values, and the activations that the
whole file computes from texts. The results are judged like those of the families. The operators in
the bodies of loops, in branches and in further signatures are tested too.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from models.flatbuffers.arithmetic import multiply_accumulates
from models.kernels.arithmetic import PROCESSOR
from models.kernels.case import Case
from models.kernels.graph import RANGES
from models.kernels.recording import MOST_TENSORS, Recorder
from models.kernels.reference.evaluating import REFERENCES
from models.kernels.searching import Deviating, judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.flatbuffers.structure import Operator
    from models.kernels.arithmetic import Arithmetic
    from models.kernels.asking import Answering
    from models.kernels.graph import Graph
    from models.kernels.reading import Instance, Instances
    from models.kernels.recording import Values

State = Literal["proven", "deviates", "refused", "not covered"]
# Number of random inputs for an operator. A few are enough, because shapes and not values decide
# which kernel runs.
DRAWN = 3
# Positions of the ids and the table among the operands.
_TABLES = {"GATHER": (1, 0), "EMBEDDING_LOOKUP": (0, 1)}
# Positions of operands that are indices or shapes, for which no random values are drawn.
_INDICES_AND_SHAPES = {
    **dict.fromkeys(("ARG_MAX", "BROADCAST_TO", "CUMSUM", "EXPAND_DIMS", "GATHER_ND"), (1,)),
    **dict.fromkeys(("MEAN", "PAD", "REDUCE_MAX", "RESHAPE", "SUM", "TILE", "TRANSPOSE"), (1,)),
    "SLICE": (1, 2),
    "SPLIT": (0,),
    "STRIDED_SLICE": (1, 2, 3),
}
_CALLING = {"CALL_ONCE", "IF", "WHILE"}
# Maximum number of elements in all tensors of one operator: more random numbers, computed in
# float64, would exceed the memory.
_MOST_NUMBERS = 1 << 28
_POSITIVE = {"POW", "RSQRT", "SQRT"}
_WHOLE = 100


@dataclass(frozen=True)
class JudgedOperator:
    """One operator of a file, and its result.

    Attributes:
        graph: the index of its graph in the file.
        place: the index of the operator in its graph.
        name: the name of the operator.
        state: "proven" if every result was right; see `State` for the other values.
        multiply_accumulates: the multiply-accumulates of the operator in one run of its graph.
        why: the reason why its kernel is not proven.
        deviating: the case that demonstrates a wrong kernel.
    """

    graph: int
    place: int
    name: str
    state: State
    multiply_accumulates: int = 0
    why: str = ""
    deviating: Deviating | None = field(default=None, repr=False, compare=False)

    @property
    def where(self) -> str:
        """Return the position of the operator as text; the first graph is not mentioned."""
        return f"{self.place} of graph {self.graph}" if self.graph else f"{self.place}"


@dataclass(frozen=True)
class Coverage:
    """The operators of a file, with the share whose kernels are proven.

    Attributes:
        operators: the results of all operators in the graphs that the file computes.
        texts: the number of texts whose activations were inputs, in addition to random values.
        not_recorded: by graph name, the reason why no activations were recorded.
        graphs: the number of graphs in the file.
        asked_graphs: the number of graphs that a runtime computes when it runs the file.
    """

    operators: tuple[JudgedOperator, ...]
    texts: int = 0
    not_recorded: dict[str, str] = field(default_factory=dict)
    graphs: int = 1
    asked_graphs: int = 1

    @property
    def share(self) -> float:
        """Return the share of operators with a proven kernel, from 0 to 1."""
        proven = sum(operator.state == "proven" for operator in self.operators)
        return proven / max(len(self.operators), 1)

    @property
    def multiply_accumulates(self) -> float:
        """Return the share of multiply-accumulates with a proven kernel, from 0 to 1."""
        total = sum(operator.multiply_accumulates for operator in self.operators)
        proven = sum(
            operator.multiply_accumulates
            for operator in self.operators
            if operator.state == "proven"
        )
        return proven / total if total else 1.0

    def describe(self) -> dict[str, Any]:
        """Return the coverage as values that JSON can represent."""
        return {
            "kernel_coverage": self.share,
            "multiply_accumulates": self.multiply_accumulates,
            "operators": len(self.operators),
            "states": dict(sorted(Counter(operator.state for operator in self.operators).items())),
            "graphs": self.graphs,
            "asked_graphs": self.asked_graphs,
            "texts": self.texts,
            # If no activations were recorded at all, one reason covers the whole file.
            "not_recorded": "" if self.texts else next(iter(self.not_recorded.values()), ""),
            "drawn_alone": [
                f"{graph}: only random values were fed; {reason}"
                for graph, reason in self.not_recorded.items()
                if self.texts
            ],
            "not_proven": [
                f"{operator.name} ({operator.where}): {operator.state}; {operator.why}"
                for operator in self.operators
                if operator.state != "proven"
            ],
        }


def coverage(
    instances: Instances,
    backend: Answering,
    *,
    threads: int = 1,
    recorder: Recorder | None = None,
    arithmetic: Arithmetic = PROCESSOR,
) -> Coverage:
    """Test on a backend each operator of the graphs that a file computes.

    Args:
        instances: the operators of the file.
        backend: the backend whose kernels are tested.
        threads: the number of threads of the kernels.
        recorder: records the activations of texts; without it, all inputs are random values.
        arithmetic: the arithmetic of the backend.
    """
    if recorder is None:
        recorder = Recorder(instances)
    asking = _Asked(backend, arithmetic, threads)
    judged_operators = [
        _judged(operator, instances, values, asking)
        for operators, values in recorder.parts()
        for operator in operators
    ]
    names = [subgraph.name for subgraph in instances.contents.subgraphs]
    return Coverage(
        tuple(judged_operators),
        recorder.recorded,
        {f"graph {graph} ({names[graph]})": reason for graph, reason in recorder.why_not.items()},
        len(names),
        len(instances.graphs),
    )


class _Asked(NamedTuple):
    """The judged backend, its arithmetic, and the number of threads."""

    backend: Answering
    arithmetic: Arithmetic
    threads: int


def _judged(
    operator: Operator, instances: Instances, values: Values, asking: _Asked
) -> JudgedOperator:
    shapes = {index: arrays[0].shape for index, arrays in values.items()}
    instance = instances.instance(operator, shapes)
    judged_as = partial(
        JudgedOperator,
        operator.subgraph,
        operator.index,
        operator.name,
        multiply_accumulates=multiply_accumulates(operator),
    )
    reason = _why_not_covered(operator, instance)
    runs = [] if instance is None or reason else _runs(instance, values)
    if instance is None or not runs:
        problem = reason or "its inputs cannot be random values, and were not recorded"
        return judged_as("not covered", why=problem)
    facts = {"graph": operator.subgraph, "place": operator.index}
    case = Case(_asked(instance.graph), tuple(runs), asking.threads, facts)
    answer = asking.backend.answer(case)
    if answer.kind == "refused":
        return judged_as("refused", why=answer.said)
    worst = judged(case, answer, asking.arithmetic)
    if worst is None:
        return judged_as("proven")
    counterexample = Deviating(case, answer, worst)
    return judged_as("deviates", why=worst.what, deviating=counterexample)


def _why_not_covered(operator: Operator, instance: Instance | None) -> str:
    if operator.calls:
        called = sorted(set(operator.calls))
        graphs = f"graph{'s' if len(called) > 1 else ''} {' and '.join(map(str, called))}"
        return f"it calls {graphs}, whose operators are tested in its place"
    if operator.name in _CALLING:
        return "it calls no graph"
    if operator.name not in REFERENCES:
        return "edgeproof cannot compute its exact result"
    if instance is None:
        return "its options, shapes or the type of a constant are not known"
    if sum(math.prod(tensor.shape) for tensor in instance.graph.tensors) > _MOST_NUMBERS:
        return f"its tensors contain more than {_MOST_NUMBERS:,} numbers"
    ports = max(len(instance.graph.inputs), len(instance.graph.outputs))
    return (
        "it has more tensors than a message to a runner can contain" if ports > MOST_TENSORS else ""
    )


def _runs(instance: Instance, values: Values) -> list[tuple[NDArray[Any], ...]]:
    """Return the inputs of an operator: the activations of each text, then random values."""
    graph, draw = instance.graph, np.random.default_rng(0)
    if not graph.inputs:
        return [_unpacked(graph)]
    drawn = []
    if not _has_index_input(graph):
        drawn = [tuple(_drawn(draw, graph, at) for at in graph.inputs) for _ in range(DRAWN)]
    shapes = [graph.tensors[at].shape for at in graph.inputs]
    recorded = [
        inputs
        for inputs in zip(*(values.get(index, []) for index in instance.given), strict=False)
        # States of a loop may change their shape between iterations, but this graph has only one
        # shape.
        if [array.shape for array in inputs] == shapes
    ]
    most = MOST_TENSORS // max(len(graph.inputs), len(graph.outputs))
    return [*recorded, *drawn][:most]


def _unpacked(graph: Graph) -> tuple[NDArray[Any], ...]:
    """Return the inputs for an operator that reads only constants: its first constant.

    The result is () if this constant cannot become an input; see `_asked`.
    """
    arrays = (graph.tensors[place].data for place in _asked(graph).inputs)
    return tuple(data for data in arrays if data is not None)


def _asked(graph: Graph) -> Graph:
    """Return a graph with an input, because some backends reject graphs without inputs.

    If all operands are constants, the first one becomes an input, unless it has four bits: a
    four-bit tensor can only be a constant.
    """
    (node,) = graph.nodes
    first = node.inputs[0]
    if graph.inputs or graph.tensors[first].dtype == "int4":
        return graph
    tensors = list(graph.tensors)
    tensors[first] = replace(tensors[first], data=None)
    return replace(graph, tensors=tuple(tensors), inputs=(first,))


def _has_index_input(graph: Graph) -> bool:
    """Return whether an index or a shape is an input of the graph, not a constant."""
    (node,) = graph.nodes
    operands = _INDICES_AND_SHAPES.get(node.operator, ())
    return any(node.inputs[operand] in graph.inputs for operand in operands)


def _drawn(draw: np.random.Generator, graph: Graph, place: int) -> NDArray[Any]:
    """Return random values for an input; ids are indices of rows that their table has."""
    tensor, (node,) = graph.tensors[place], graph.nodes
    if tensor.dtype == "bool":
        return draw.random(tensor.shape) < 0.5  # noqa: PLR2004 - true and false are equally likely
    if tensor.quantized:
        low, high = RANGES[tensor.dtype]
        return draw.integers(low, high, tensor.shape, endpoint=True).astype(tensor.dtype)
    if tensor.dtype in RANGES:
        low, high = _least_and_below(graph, place)
        return draw.integers(low, high, tensor.shape).astype(tensor.dtype)
    values = np.abs(draw.normal(0.0, 1.0, tensor.shape)) + 0.01
    signs = draw.choice([1.0] if node.operator in _POSITIVE else [-1.0, 1.0], tensor.shape)
    return np.asarray(values * signs, tensor.dtype)


def _least_and_below(graph: Graph, place: int) -> tuple[int, int]:
    """Return the limits of random integers for an input: the first included, the last excluded."""
    (node,) = graph.nodes
    ids, table = _TABLES.get(node.operator, (None, 0))
    if ids is not None and node.inputs[ids] == place:
        shape = graph.tensors[node.inputs[table]].shape
        return 0, shape[int(node.options.get("axis", 0))]
    return (1, 4) if node.operator in {"DIV", "POW"} else (-_WHOLE, _WHOLE)
