"""Feed a loaded model one tokenized text at a time, with checks and reused arrays.

Checking arrays takes longer than running a small network. The inputs' names, shapes and dtypes are
the same for every text, so they are checked once, and each text is written into existing arrays. A
text with an id that is not allowed is passed to `Model.check`, which raises an error with the
reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Dict, List, Optional

import numpy as np

from models.runner.tokenizing import IDS, MASK, ROLES, SEGMENTS

if TYPE_CHECKING:
    from models.backends.common.tensors import Tensor
    from models.runner.model import Model
    from models.runner.tokenizer_json import Padding
    from models.runner.tokenizing import Row

# The largest integer up to which a float represents every integer, by the size of the float in
# bytes.
_EXACT_FLOATS = {2: 1 << 11, 4: 1 << 24, 8: 1 << 53}


class Feed:
    """Sets a model's inputs, text by text, each at the shortest length that its tokens fit.

    Args:
        model: the model for the longest rows.
        padding: the padding; None if the tokenizer returns padded rows.
    """

    def __init__(self, model: Model, padding: Optional[Padding]) -> None:
        self._model, self._padding = model, padding
        self._names = [tensor.name for tensor in model.inputs]
        graphs = [*(model.shorter[length] for length in sorted(model.shorter)), model]
        self._rows: List[_Rows] = []
        if padding is not None and all(_is_usual(graph, padding, model) for graph in graphs):
            self._rows = [_Rows(graph, padding) for graph in graphs]

    def give(self, row: Row) -> Model:
        """Set the model's inputs to a tokenized text; return the graph to run.

        Raises:
            Refusal: the row is not a valid input of the model.
        """
        if row.mask is None:
            for rows in self._rows:
                if row.end <= rows.length:
                    if rows.write(row):
                        return rows.model
                    break
        return self._give_checked(row)

    def _give_checked(self, row: Row) -> Model:
        """Set the inputs after checking them in full; return the graph to run."""
        values = row.whole(self._padding)
        arrays = {
            name: np.array([values[name]], np.int32) for name in self._names if name in values
        }
        _, checked = self._model.check(arrays)
        model = self._model.shortest_for(row.end)
        model.set_row(checked, 0)
        return model


class _Rows:
    """The input arrays of one graph; they contain the most recent text."""

    def __init__(self, model: Model, padding: Padding) -> None:
        self.model, self.length = model, model.length
        self._pads = _pads(padding)
        self._most = {tensor.name: most_allowed(tensor) for tensor in model.inputs}
        arrays = {
            tensor.name: np.full(tensor.shape, self._pads[tensor.name], tensor.dtype)
            for tensor in model.inputs
        }
        self._given = [(tensor.index, arrays[tensor.name]) for tensor in model.inputs]
        self._flat = {name: array.reshape(-1) for name, array in arrays.items()}
        self._end = 0

    def write(self, row: Row) -> bool:
        """Set the graph's inputs to a text; if an id is not allowed, set none and return False."""
        end, before, flat = row.end, self._end, self._flat
        if not end or not (self._allows(IDS, row.ids) and self._allows(SEGMENTS, row.segments)):
            return False
        if before > end:
            for name, values in flat.items():
                values[end:before] = self._pads[name]
        elif MASK in flat:
            flat[MASK][before:end] = 1
        if IDS in flat:
            flat[IDS][:end] = row.ids
        if SEGMENTS in flat:
            flat[SEGMENTS][:end] = row.segments or 0
        self._end = end
        for index, array in self._given:
            self.model.graph.set_tensor(index, array)
        return True

    def _allows(self, name: str, numbers: Optional[List[int]]) -> bool:
        most = self._most.get(name)
        return most is None or numbers is None or (min(numbers) >= 0 and max(numbers) <= most)


def most_allowed(tensor: Tensor) -> int:
    """Return the largest id that the input allows and its dtype represents; -1 if unknown."""
    kind = tensor.dtype.kind
    if tensor.scales or kind not in "iufb":
        return -1
    largest = _EXACT_FLOATS.get(tensor.dtype.itemsize, -1) if kind == "f" else 1
    if kind in "iu":
        largest = int(np.iinfo(tensor.dtype).max)
    return largest if tensor.below is None else min(largest, tensor.below - 1)


def _is_usual(graph: Model, padding: Padding, longest: Model) -> bool:
    """Return whether all inputs of a graph are rows of tokens, and their dtypes fit the padding."""
    pads = _pads(padding)
    return longest.length == padding.length and all(
        tensor.name in ROLES
        and math.prod(tensor.shape) == graph.length
        and 0 <= pads[tensor.name] <= most_allowed(tensor)
        # A mask must also represent the 1 of a token.
        and (tensor.name != MASK or most_allowed(tensor) >= 1)
        for tensor in graph.inputs
    )


def _pads(padding: Padding) -> Dict[str, int]:
    return {IDS: padding.pad, MASK: 0, SEGMENTS: padding.segment}
