"""Wrap a loaded FlatBuffer as a classifier: checked rows in, logits and a label out."""

from __future__ import annotations

import contextlib
import gc
import math
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np

from models.backends.common.refusals import Refusal, one_line

if TYPE_CHECKING:
    from models.backends.common.backend import Graph, Loaded
    from models.backends.common.tensors import Tensor


# Name of the array in a request that contains the length in tokens at which each row is classified,
# if a file has several lengths.
LENGTH = "length"


class Model:
    """One graph of a loaded FlatBuffer, with its tensors assigned to input roles.

    `decision` is (threshold, label above the threshold) for an output with one value, else None.
    `shorter` contains the same network for shorter rows, by their length in tokens, if the file has
    several lengths.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: List[Tensor],
        output: Tensor,
        loaded: Loaded,
    ) -> None:
        self.graph = graph
        self.inputs = inputs
        self.output = output
        self.loaded = loaded
        self.decision: Optional[Tuple[float, int]] = None
        self.shorter: Dict[int, Model] = {}

    @property
    def length(self) -> int:
        """Return the number of tokens in a row."""
        return math.prod(self.inputs[0].shape)

    def lengths(self) -> List[int]:
        """Return the row lengths that the file accepts, in ascending order."""
        return [*sorted(self.shorter), self.length]

    def stores_like(self, other: Model) -> bool:
        """Return whether the graph for another length has inputs and output of the same dtypes."""
        return self._stored() == other._stored()

    def _stored(self) -> List[Tuple[Any, ...]]:
        every = [*self.inputs, self.output]
        stored = [
            (tensor.name, tensor.dtype, tensor.scales, tensor.zero_points) for tensor in every
        ]
        return [*stored, (math.prod(self.output.shape),)]

    def shortest_for(self, tokens: int) -> Model:
        """Return the graph with the shortest rows that have room for a number of tokens."""
        fitting = [length for length in self.shorter if length >= tokens]
        return self.shorter[min(fitting)] if fitting else self

    def of_row(self, arrays: Mapping[str, Any], row: int) -> Model:
        """Return the graph for a checked row; this one if the request contains no lengths."""
        if LENGTH not in arrays:
            return self
        return self.shorter.get(int(arrays[LENGTH][row]), self)

    def check(self, arrays: Mapping[str, Any]) -> Tuple[int, Dict[str, Any]]:
        """Check `arrays` ([n, ...] by input name) against the inputs.

        Runtimes do not check them: they silently compute with an unset input or an id of -1. Rows
        have the longest length; the array LENGTH [n] gives the length at which each row is
        classified, without the padding beyond this length.

        Returns:
            n, and the arrays in the dtypes of the tensors.

        Raises:
            Refusal: names, shapes, dtypes or values of the arrays are not valid.
        """
        if self.shorter and LENGTH in arrays:
            arrays = dict(arrays)
            lengths = self._checked_lengths(arrays.pop(LENGTH))
            count, checked = self.check(arrays)
            if len(lengths) != count:
                message = "{} lengths were given for {} rows"
                raise Refusal("inputs", message.format(len(lengths), count))
            return count, dict(checked, **{LENGTH: lengths})
        names = {tensor.name for tensor in self.inputs}
        if names != set(arrays):
            message = "the signature has the inputs {}, but {} were given"
            raise Refusal("inputs", message.format(sorted(names), sorted(arrays)))
        counts = sorted({array.shape[0] if array.ndim else -1 for array in arrays.values()})
        if len(counts) != 1:
            raise Refusal("inputs", "the inputs have different numbers of rows: {}".format(counts))
        return counts[0], {
            tensor.name: self._checked(tensor, arrays[tensor.name]) for tensor in self.inputs
        }

    def _checked_lengths(self, lengths: Any) -> Any:
        own_lengths = self.lengths()
        if (
            lengths.ndim != 1
            or lengths.dtype.kind not in "iu"
            or not np.isin(lengths, own_lengths).all()
        ):
            message = "each row needs one length, a whole number, one of {}"
            raise Refusal("inputs", message.format(", ".join(map(str, own_lengths))))
        return lengths

    def _checked(self, tensor: Tensor, value: Any) -> Any:
        # Some files accept a row without a batch dimension, or with more dimensions of size 1.
        fits = value.ndim > 1 and math.prod(value.shape[1:]) == math.prod(tensor.shape)
        if not fits or value.shape[1:] not in {tensor.shape[1:], (math.prod(tensor.shape),)}:
            message = "{} has shape {}, but the signature needs rows of {}"
            shapes = list(value.shape), list(tensor.shape)
            raise Refusal("inputs", message.format(tensor.name, *shapes))
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise Refusal("inputs", "{} contains NaN or infinity".format(tensor.name))
        array = tensor.stored(value)
        if array.dtype != tensor.dtype:
            message = "{} is {}, but the signature needs {}"
            raise Refusal("inputs", message.format(tensor.name, array.dtype, tensor.dtype))
        if value.dtype.kind in "iu" and value.size:
            low, high = int(value.min()), int(value.max())
            if low < 0 or (tensor.below is not None and high >= tensor.below):
                message = "{} contains values from {} to {}, but only 0 to {} are allowed"
                top = "any" if tensor.below is None else tensor.below - 1
                raise Refusal("inputs", message.format(tensor.name, low, high, top))
        # With the tensor's own shape, `set_row` needs to reshape no row.
        return np.ascontiguousarray(array).reshape((len(array), *tensor.shape))

    def set_row(self, arrays: Mapping[str, Any], row: int) -> None:
        """Set each input to one row of its array, truncated to the length of this graph."""
        set_tensor = self.graph.set_tensor
        for tensor in self.inputs:
            cells = arrays[tensor.name][row]
            if cells.shape != tensor.shape:
                cells = cells.reshape(-1)[: math.prod(tensor.shape)].reshape(tensor.shape)
            set_tensor(tensor.index, cells)

    def invoke(self) -> Tuple[int, int]:
        """Run the model once; return its wall-clock and CPU time in nanoseconds.

        Raises:
            Refusal: the runtime raises an error.
        """
        invoke = self.graph.invoke
        try:
            cpu_start = process_time_ns()
            start = perf_counter_ns()
            invoke()
            end = perf_counter_ns()
            return end - start, process_time_ns() - cpu_start
        except (RuntimeError, ValueError) as error:
            raise Refusal("invoke", one_line(error)) from None

    def run(self) -> None:
        """Run the model once without reading a clock.

        Raises:
            Refusal: the runtime raises an error.
        """
        try:
            self.graph.invoke()
        except (RuntimeError, ValueError) as error:
            raise Refusal("invoke", one_line(error)) from None

    def logits(self) -> Any:
        """Return the output of the last `invoke` as float32 [C]."""
        return self.output.real(self.graph.get_tensor(self.output.index)).reshape(-1)

    def label(self) -> int:
        """Return the label of the last `invoke`'s output."""
        return self.label_of(self.logits())

    def label_of(self, values: Any) -> int:
        """Return the label that logits [C] of one text stand for."""
        if self.decision is None:
            return int(values.argmax())
        threshold, above = self.decision
        return above if float(values[0]) > threshold else 1 - above


@contextlib.contextmanager
def quiet_collector() -> Iterator[None]:
    """Collect garbage first, then disable Python's garbage collector during the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
