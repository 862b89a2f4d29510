"""Define wrong kernels: the reference with one fault in one operator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.kernels.asking import Answer
from models.kernels.graph import RANGES, Quantization
from models.kernels.reference.evaluating import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.kernels.case import Case
    from models.kernels.graph import Graph, Node, Tensor
    from models.kernels.rounded import Rounded

    Runs = list[list[np.ndarray]]


def rounded_right(want: Rounded, tensor: Tensor) -> np.ndarray:
    """Return the answer of a correct kernel: the exact result, rounded to the output's dtype."""
    dtype = "int8" if tensor.dtype == "int4" else tensor.dtype
    with np.errstate(all="ignore"):
        if dtype in RANGES and want.value.dtype.kind == "f":
            rounded = np.rint(np.nan_to_num(want.value)).astype(np.int64)
            return np.asarray(rounded.astype(dtype))
        return np.asarray(want.value).astype(dtype)


@dataclass(frozen=True)
class Kernels:
    """Correct kernels of all operators, one of which can get a planted fault.

    Attributes:
        operator: operator with the wrong kernel; "" for none.
        edit: function that changes the graph that the kernels compute; None for no change.
        spoil: function that changes the answers to a case; None for no change.
    """

    operator: str = ""
    edit: Callable[[Graph, Node], Graph] | None = None
    spoil: Callable[[Case, Runs], Runs] | None = None

    def answer(self, case: Case) -> Answer:
        """Return the answers of these kernels to a case."""
        node = next(
            (candidate for candidate in case.graph.nodes if candidate.operator == self.operator),
            None,
        )
        with np.errstate(all="ignore"):
            computed = case.computed(self._taken_for)
        runs = [
            [rounded_right(want, tensor) for want, tensor in zip(run, case.outputs, strict=True)]
            for run in computed
        ]
        if node is not None and self.spoil is not None:
            runs = self.spoil(case, runs)
        return Answer("computed", runs)

    def _taken_for(self, graph: Graph) -> Graph:
        node = next(
            (candidate for candidate in graph.nodes if candidate.operator == self.operator), None
        )
        return graph if node is None or self.edit is None else self.edit(graph, node)


def _with(graph: Graph, place: int, **changes: Any) -> Graph:
    """Return a copy of a graph in which one tensor has other fields."""
    tensors = list(graph.tensors)
    tensors[place] = replace(tensors[place], **changes)
    return replace(graph, tensors=tuple(tensors))


def _without_zero(graph: Graph, node: Node) -> Graph:
    quantization = graph.tensors[node.inputs[0]].quantization
    if quantization is None:
        return graph
    return _with(
        graph,
        node.inputs[0],
        quantization=Quantization(quantization.scales, quantization.zeros * 0),
    )


def _one_scale(place: int) -> Callable[[Graph, Node], Graph]:
    def edit(graph: Graph, node: Node) -> Graph:
        quantization = graph.tensors[node.inputs[place]].quantization
        if quantization is None:
            return graph
        same = replace(
            quantization,
            scales=np.full_like(quantization.scales, quantization.scales.reshape(-1)[0]),
        )
        return _with(graph, node.inputs[place], quantization=same)

    return edit


def _swapped_halves(graph: Graph, node: Node) -> Graph:
    tensor = graph.tensors[node.inputs[1]]
    if tensor.dtype != "int4" or tensor.data is None or tensor.data.size % 2:
        return graph
    swapped = tensor.data.reshape(-1, 2)[:, ::-1].reshape(tensor.shape)
    return _with(graph, node.inputs[1], data=swapped)


def _bias_times(factor: int) -> Callable[[Graph, Node], Graph]:
    def edit(graph: Graph, node: Node) -> Graph:
        bias = graph.tensors[node.inputs[2]] if node.inputs[2] >= 0 else None
        if bias is None or bias.data is None:
            return graph
        return _with(graph, node.inputs[2], data=(bias.data * factor).astype(bias.data.dtype))

    return edit


def _option(name: str, value: Any) -> Callable[[Graph, Node], Graph]:
    """Return an edit that replaces the value of an option."""

    def edit(graph: Graph, node: Node) -> Graph:
        changed = replace(node, options=node.options | {name: value})
        nodes = tuple(changed if candidate is node else candidate for candidate in graph.nodes)
        return replace(graph, nodes=nodes)

    return edit


def _each(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Case, Runs], Runs]:
    return lambda _, runs: [[change(output) for output in run] for run in runs]


def _no_last_column(answer: np.ndarray) -> np.ndarray:
    spoiled = answer.copy()
    spoiled[..., -1] = 0
    return spoiled


def _toward_zero(case: Case, runs: Runs) -> Runs:
    """Truncate integer answers."""
    expected = case.expected()
    return [
        [
            np.trunc(want.value).astype(got.dtype) if got.dtype.kind == "i" else got
            for want, got in zip(*pair, strict=True)
        ]
        for pair in zip(expected, runs, strict=True)
    ]


def _wrapped(case: Case, runs: Runs) -> Runs:
    """Let integer sums overflow instead of saturating."""
    if case.outputs[0].dtype != "int8":
        return runs
    (node,) = case.graph.nodes
    tensors = [case.graph.tensors[place] for place in node.inputs]
    if any(tensor.quantization is None for tensor in tensors):
        return runs
    wide = case.computed(lambda graph: _with(graph, node.outputs[0], dtype="int32"))
    return [
        [np.rint(output.value).astype(np.int64).astype(np.int8) for output in run] for run in wide
    ]


def _racing(case: Case, runs: Runs) -> Runs:
    """Set the second half of the rows to 0, as if their thread had not finished."""
    if case.threads == 1:
        return runs
    spoiled = [[output.copy() for output in run] for run in runs]
    for output in (output for run in spoiled for output in run):
        flat = output.reshape(-1, output.shape[-1])
        flat[len(flat) // 2 :] = 0
    return spoiled


def _kept_answer(_: Case, runs: Runs) -> Runs:
    return [runs[0] for _ in runs]


def _first_batch(_: Case, runs: Runs) -> Runs:
    def same(answer: np.ndarray) -> np.ndarray:
        flat = answer.reshape(-1, *answer.shape[-2:])
        return np.broadcast_to(flat[0], flat.shape).reshape(answer.shape)

    return [[same(output) for output in run] for run in runs]


def _no_mask(graph: Graph, node: Node) -> Graph:
    """Return the graph without the addition of the mask to the scores of an attention."""
    added = next(
        (candidate for candidate in graph.nodes if node.inputs[0] in candidate.outputs), None
    )
    if added is None or added.operator != "ADD":
        return graph
    others = tuple(
        replace(candidate, inputs=(added.inputs[0],)) if candidate is node else candidate
        for candidate in graph.nodes
    )
    return replace(graph, nodes=others)


def _no_state(case: Case, _: Runs) -> Runs:
    """Reset the state before each answer."""
    return [
        [
            rounded_right(want, tensor)
            for want, tensor in zip(evaluate(case.graph, [run])[0], case.outputs, strict=True)
        ]
        for run in case.runs
    ]


def _half_precision(answer: np.ndarray) -> np.ndarray:
    return answer.astype(np.float16).astype(answer.dtype) if answer.dtype == np.float32 else answer


def _zero_padding(graph: Graph, node: Node) -> Graph:
    return _with(graph, node.outputs[0], quantization=None)


def _row_before(graph: Graph, node: Node) -> Graph:
    table = graph.tensors[node.inputs[1]].data
    return graph if table is None else _with(graph, node.inputs[1], data=np.roll(table, 1, 0))


def _no_nan(answer: np.ndarray) -> np.ndarray:
    return np.asarray(np.nan_to_num(answer, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _swapped(graph: Graph, node: Node) -> Graph:
    swapped = replace(node, inputs=node.inputs[::-1])
    return replace(
        graph, nodes=tuple(swapped if candidate is node else candidate for candidate in graph.nodes)
    )


def _nearest(case: Case, runs: Runs) -> Runs:
    """Round to nearest where the specification truncates."""
    if case.outputs[0].dtype not in {"int32", "int64"} or case.runs[0][0].dtype != np.float32:
        return runs
    return [[np.rint(run[0]).astype(case.outputs[0].dtype)] for run in case.runs]


WRONG: dict[str, Kernels] = {
    "drops the last column": Kernels("FULLY_CONNECTED", spoil=_each(_no_last_column)),
    "ignores a zero point": Kernels("FULLY_CONNECTED", _without_zero),
    "rounds toward zero": Kernels("FULLY_CONNECTED", spoil=_toward_zero),
    "uses one scale for all channels": Kernels("FULLY_CONNECTED", _one_scale(1)),
    "swaps the halves of an int4 byte": Kernels("FULLY_CONNECTED", _swapped_halves),
    "reads the bias twice": Kernels("FULLY_CONNECTED", _bias_times(2)),
    "forgets the bias": Kernels("FULLY_CONNECTED", _bias_times(0)),
    "forgets the activation": Kernels("FULLY_CONNECTED", _option("activation", 0)),
    "races between threads": Kernels("BATCH_MATMUL", spoil=_racing),
    "takes the first batch for all": Kernels("BATCH_MATMUL", spoil=_first_batch),
    "sums in half precision": Kernels("MEAN", spoil=_each(_half_precision)),
    "forgets the mask": Kernels("SOFTMAX", _no_mask),
    "forgets beta": Kernels("SOFTMAX", _option("beta", 1.0)),
    "overflows where it must saturate": Kernels("ADD", spoil=_wrapped),
    "swaps its operands": Kernels("SUB", _swapped),
    "pads with 0 instead of the zero point": Kernels("PAD", _zero_padding),
    "takes the row before": Kernels("EMBEDDING_LOOKUP", _row_before),
    "has one scale for all rows": Kernels("EMBEDDING_LOOKUP", _one_scale(1)),
    "includes what is exclusive": Kernels("CUMSUM", _option("exclusive", value=False)),
    "forgets its state": Kernels("UNIDIRECTIONAL_SEQUENCE_LSTM", spoil=_no_state),
    "answers as it did before": Kernels("TANH", spoil=_kept_answer),
    "makes NaN a zero": Kernels("EXP", spoil=_each(_no_nan)),
    "rounds to the nearest": Kernels("CAST", spoil=_nearest),
    "takes one GELU for the other": Kernels("GELU", _option("approximate", value=True)),
}
