"""Record the values of the tensors between a file's operators, for real texts.

Each graph is computed separately. The inputs of the main graph are encoded texts, the inputs of a
loop's body are the values of its first rounds, and the inputs of a branch are the values with which
an operator calls it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.calls import entries
from models.kernels.called_graph_inputs import inputs_of_called_graphs
from models.kernels.inner_tensors import InnerTensors, NotComputed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from models.flatbuffers.structure import Contents, Operator
    from models.flatbuffers.structure import Tensor as Held
    from models.kernels.asking import AskedBackend
    from models.kernels.inner_tensors import Given
    from models.kernels.reading import Instances
    from models.runtime.binding import Binding

    # By index of a graph that a program can run (`entries`): its inputs for each text.
    Texts = Mapping[int, Sequence[Given]]
    # By tensor index: its values, one array for each time that its graph is computed.
    Values = dict[int, list[NDArray[Any]]]

# Maximum number of tensors in one message. A runner accepts 64 arrays, and one operator has about
# five operands.
MOST_TENSORS = 56
# Maximum number of times that the inputs of a graph are recorded. Without a limit, the graphs of
# nested loops would be recorded very often.
MOST_GIVEN = 8
_RECORDED = frozenset(
    {"bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"}
)
_MOST_BYTES = 64_000_000


def by_position(
    contents: Contents, binding: Binding, rows: Mapping[str, NDArray[Any]], count: int
) -> list[list[NDArray[Any]]]:
    """Return, for each text, the inputs of a graph by position.

    Args:
        contents: the contents of the file.
        binding: the graph, and the roles of its inputs.
        rows: by role, the encoded texts as an array [texts, tokens].
        count: the number of texts to use.
    """
    inputs = contents.subgraphs[binding.graph].inputs
    inputs_by_key = {entry.key: entry.inputs for entry in contents.signatures}
    signature = inputs_by_key.get(binding.signature or next(iter(inputs_by_key), ""), {})
    roles: dict[int, str] = {}
    for port in binding.inputs:
        tensor = inputs[port.tensor] if isinstance(port.tensor, int) else signature[port.tensor]
        roles[tensor.index] = port.role
    return [
        [_fitting(rows[roles[tensor.index]][row], tensor) for tensor in inputs]
        for row in range(min(count, *map(len, rows.values())))
    ]


def _fitting(row: NDArray[Any], tensor: Held) -> NDArray[Any]:
    """Return a row in a tensor's dtype and shape; a dynamic tensor takes the length of the row."""
    flat = row.reshape(-1)
    if any(tensor.dynamic):
        shape = [1] * (len(tensor.shape) - 1) + [flat.size]
    else:
        shape = list(tensor.shape)
    return flat[: math.prod(shape)].reshape(shape).astype(tensor.dtype)


class Recorder:
    """Records the activations of a file, one group of operators at a time.

    Args:
        instances: the operators of the file.
        texts: by graph, the inputs of encoded texts.
        backend: the backend that computes the activations.
        threads: the number of threads of the kernels.
        reason: why graphs that a program can call have no texts; used only if they have none.
    """

    def __init__(
        self,
        instances: Instances,
        texts: Texts | None = None,
        backend: AskedBackend | None = None,
        threads: int = 1,
        reason: str = "no texts were given",
    ) -> None:
        self._file = instances
        self._inner = None if backend is None else InnerTensors(instances, backend, threads)
        self._given = {graph: list((texts or {}).get(graph, ())) for graph in instances.graphs}
        self._texts = {graph: len(fed) for graph, fed in self._given.items()}
        entry_graphs = set(entries(instances.contents))
        uncalled = "no recorded operator calls it"
        self._reasons = {
            graph: reason if graph in entry_graphs else uncalled for graph in instances.graphs
        }
        if instances.cycle:
            self._record_nothing(f"its graph {instances.cycle[0]} calls itself endlessly")

    @property
    def recorded(self) -> int:
        """Return the number of texts with recorded activations, over all graphs."""
        return sum(count for graph, count in self._texts.items() if self._given[graph])

    @property
    def why_not(self) -> dict[int, str]:
        """Return why graphs have no recorded activations, by index of the graph."""
        return {graph: self._reasons[graph] for graph, fed in self._given.items() if not fed}

    def parts(self) -> Iterator[tuple[list[Operator], Values]]:
        """Yield groups of operators, and the values of the tensors that they read and write."""
        for graph in self._file.graphs:
            operators = [
                operator for operator in self._file.operators if operator.subgraph == graph
            ]
            for part, beside in _parts(operators):
                values = self._values(graph, beside)
                for operator in part:
                    self._enter(operator, values)
                yield part, values

    def _values(self, graph: int, tensors: Sequence[int]) -> Values:
        fed = self._given[graph]
        if not fed or self._inner is None or not tensors:
            return {}
        try:
            recorded = self._inner.tensors(graph, tensors, fed)
        except NotComputed as error:
            self._given[graph], self._reasons[graph] = [], str(error)
            return {}
        return {index: [values[index] for values in recorded] for index in tensors}

    def _enter(self, operator: Operator, values: Values) -> None:
        """Record the inputs of the graphs that an operator calls."""
        if not operator.calls or self._inner is None:
            return
        for time in range(len(self._given[operator.subgraph])):
            operands = self._operands(operator, values, time)
            if operands is None:
                self._say(operator, f"not every operand of {operator.name} was recorded")
                return
            try:
                for graph, operands_of_call in inputs_of_called_graphs(
                    operator, operands, self._inner
                ):
                    if len(self._given[graph]) < MOST_GIVEN:
                        self._given[graph].append(operands_of_call)
            except NotComputed as error:
                self._say(operator, str(error))
                return

    def _operands(self, operator: Operator, values: Values, time: int) -> Given | None:
        """Return the values of an operator's operands; None if they were not recorded."""
        arrays = []
        for tensor in operator.inputs:
            if tensor is not None and tensor.constant_bytes and self._file.readable(tensor):
                arrays.append(self._file.constant(tensor))
            elif tensor is not None and tensor.index in values:
                arrays.append(values[tensor.index][time])
            else:
                return None
        return arrays

    def _say(self, operator: Operator, reason: str) -> None:
        self._reasons |= dict.fromkeys(operator.calls, reason)

    def _record_nothing(self, reason: str) -> None:
        self._given = {graph: [] for graph in self._given}
        self._reasons = dict.fromkeys(self._given, reason)


def _parts(operators: Sequence[Operator]) -> Iterator[tuple[list[Operator], list[int]]]:
    """Yield groups of operators whose activations fit into one reply, with the tensors' indices."""
    part: list[Operator] = []
    beside: dict[int, int] = {}
    for operator in operators:
        own = {tensor.index: _bytes(tensor) for tensor in _activations(operator)}
        if len(own) > MOST_TENSORS:
            own = {}
        both = beside | own
        if part and (len(both) > MOST_TENSORS or sum(both.values()) > _MOST_BYTES):
            yield part, list(beside)
            part, both = [], own
        part.append(operator)
        beside = both
    yield part, list(beside)


def _activations(operator: Operator) -> list[Held]:
    """Return the tensors that an operator reads and writes, without constants and variables."""
    beside = (tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None)
    return [
        tensor
        for tensor in beside
        if tensor.dtype in _RECORDED and not tensor.constant_bytes and not tensor.variable
    ]


def _bytes(tensor: Held) -> int:
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
