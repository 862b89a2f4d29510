"""Find the first operator of a float32 FlatBuffer that deviates from PyTorch. Imports PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.flatbuffers.graph import Graph
from models.flatbuffers.observing import Observer
from models.flatbuffers.signature import NAMES
from models.huggingface.convert import Logits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.huggingface.network import Network

    Values = NDArray[np.float64]

# Largest rounding error, relative to the largest value: float32 rounds by 6e-8 of a value, and the
# errors of some hundred operators add up.
_CLOSE = 1e-4
# Minimum number of values in a tensor: fewer can match by chance.
_FEWEST_VALUES = 8
# Magnitude above which a value belongs to an attention mask and is replaced by 0: relative to such
# a value, all errors would look like 0.
_MASKED = 1e30


def first_departure(network: Network, flatbuffer: bytes, row: Encoded) -> str:
    """Return the first operator whose outputs differ from PyTorch's.

    A converter fuses, splits and moves operators, so values are compared instead of names: a tensor
    of the file is correct if PyTorch computes the same values anywhere, in any order.

    Args:
        network: the converted network.
        flatbuffer: the float32 file.
        row: a text [1, tokens] for which the logits differ.

    Returns:
        The operator's index, its kind and the name of its output, in words; or a message that no
        single operator differs.
    """
    graph = Graph(flatbuffer)
    computed = _ComputedValues(_computed(network, row))
    inputs = {NAMES[role]: getattr(row, role) for role in network.roles}
    tensors = list(graph.written())
    (values,) = Observer(flatbuffer, whole=True).each([inputs], tensors)
    matched = {name for name in tensors if values[name] in computed}
    operators = list(graph.outputs())
    for number, (kind, name) in enumerate(operators):
        if name not in tensors or name in matched:
            continue
        if not matched & graph.reached_from(name):
            return f"operator {number} of {len(operators)}, {kind}, which writes {name!r}"
    return "no single operator: PyTorch computes the outputs of each"


def _computed(network: Network, row: Encoded) -> Iterator[Values]:
    """Yield every tensor of floats that PyTorch computes for a row."""
    inputs = network.inputs(row, slice(None))
    exported = torch.export.export(Logits(network.model).eval(), (), inputs)
    recorder = _Recorder(exported.module())
    with torch.no_grad():
        recorder.run(*inputs.values())
    yield from recorder.values


class _Recorder(torch.fx.Interpreter):  # type: ignore[misc] # the group `dev` has no PyTorch
    """Runs an exported graph, and stores every tensor of floats that it computes."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.values: list[Values] = []

    def run_node(self, node: torch.fx.Node) -> Any:
        """Run one node of the graph, and store its value if it is a tensor of floats."""
        value = super().run_node(node)
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            self.values.append(value.detach().double().numpy())
        return value


class _ComputedValues:
    """The arrays that PyTorch computed; comparisons ignore the order of their elements."""

    def __init__(self, values: Iterator[Values]) -> None:
        self._by_size: dict[int, list[Values]] = {}
        for array in values:
            self._by_size.setdefault(array.size, []).append(_ordered(array))

    def __contains__(self, array: NDArray[Any]) -> bool:
        if array.size < _FEWEST_VALUES or not np.isfinite(array).all():
            return False
        ordered = _ordered(array)
        room = _CLOSE * max(float(np.abs(ordered).max()), float(np.finfo(np.float32).tiny))
        candidates = self._by_size.get(array.size, ())
        return any(float(np.abs(values - ordered).max()) <= room for values in candidates)


def _ordered(array: NDArray[Any]) -> Values:
    """Return all values in ascending order, with masked ones as 0."""
    values = array.astype(np.float64)
    return np.sort(np.where(np.abs(values) > _MASKED, 0.0, values), axis=None)
