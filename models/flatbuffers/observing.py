"""What passes through a float32 FlatBuffer while it answers calibration texts.

Imports ai-edge-litert as it goes: only the builder comes here.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.signature import LOGITS, NAMES
from models.roles import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from models.flatbuffers.graph import Graph

    Array = NDArray[np.float32]
    Samples = list[dict[str, NDArray[np.int32]]]


class Observer:
    """Runs a FlatBuffer and gives the values of any of its tensors, text by text.

    Padding is left out: what is computed there reaches no answer, but would widen every range.

    Args:
        flatbuffer: the file.
        scores: names of the tensors that hold tokens in their last dimension too.
    """

    def __init__(self, flatbuffer: bytes, scores: frozenset[str] = frozenset()) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - TensorFlow-sized

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the memory that this costs
            self._interpreter = Interpreter(
                model_content=flatbuffer, num_threads=1, experimental_preserve_all_tensors=True
            )
        self._interpreter.allocate_tensors()
        self._answer: Callable[..., dict[str, Array]] = self._interpreter.get_signature_runner()
        self._details = {one["name"]: one for one in self._interpreter.get_tensor_details()}
        self._scores = scores

    def answers(self, samples: Samples) -> Array:
        """Return the logits [n, classes], as the file stores them."""
        return np.stack([self._answer(**sample)[LOGITS][0].copy() for sample in samples])

    def each(self, samples: Samples, names: Iterable[str]) -> Iterator[dict[str, Array]]:
        """Yield the values of the tensors called `names` for one text after the other."""
        names = list(names)
        for sample in samples:
            self._answer(**sample)
            kept = sample[NAMES[MASK]][0] == 1
            yield {name: self._real(name, kept) for name in names}

    def _real(self, name: str, kept: NDArray[np.bool_]) -> Array:
        detail = self._details[name]
        values: Array = self._interpreter.get_tensor(detail["index"])
        scale, zero_point = detail["quantization"]
        if scale:
            values = ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
        if values.ndim > 1 and values.shape[-2] == len(kept):
            values = np.compress(kept, values, axis=-2)
        if name in self._scores:
            values = np.compress(kept, values, axis=-1)
        return values.copy()


def ranges_of(graph: Graph, observer: Observer, samples: Samples) -> dict[str, dict[str, Any]]:
    """Return the smallest and the largest value of every float32 tensor, as the quantizer takes it.

    Not its own moving averages: they cut the rare large values off that post-norm encoders live by.
    """
    names = list(graph.written())
    low, high = dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
    for values in observer.each(samples, names):
        for name, array in values.items():
            low[name] = min(low[name], float(array.min()))
            high[name] = max(high[name], float(array.max()))
    return {
        name: {
            "min": np.array([low[name]], np.float32),
            "max": np.array([high[name]], np.float32),
        }
        for name in names
    }
