"""Observe the activations of a float32 FlatBuffer on calibration texts.

An `Observer` imports ai-edge-litert when it is created.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.signature import LOGITS, NAMES
from models.flatbuffers.token_axes import token_axes
from models.input_roles import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Samples = list[dict[str, NDArray[np.int32]]]


class Observer:
    """A FlatBuffer that is run text by text, to read the values of its tensors.

    Values at padding tokens are left out: they do not affect the result, but would widen ranges.

    Args:
        flatbuffer: the file. Inputs of a sample that the file does not have are ignored.
        whole: whether values at padding tokens are included.
    """

    def __init__(self, flatbuffer: bytes, *, whole: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - a large package

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the interpreter warns that this costs memory
            self._interpreter = Interpreter(
                model_content=flatbuffer, num_threads=1, experimental_preserve_all_tensors=True
            )
        self._interpreter.allocate_tensors()
        runner: Any = self._interpreter.get_signature_runner()
        self._run: Callable[..., dict[str, Array]] = runner
        self._taken = {name: detail["dtype"] for name, detail in runner.get_input_details().items()}
        self._details = {
            detail["name"]: detail for detail in self._interpreter.get_tensor_details()
        }
        self._whole = whole
        graph = Graph(flatbuffer)
        self._axes = {graph.name(tensor): axes for tensor, axes in token_axes(graph).items()}

    def knows(self, name: str) -> bool:
        """Return whether the file has a tensor called `name`."""
        return name in self._details

    def answers(self, samples: Samples) -> Array:
        """Return the logits [n, classes] of texts, in the dtype of the file's output."""
        return np.stack([self._answer(sample)[LOGITS][0].copy() for sample in samples])

    def each(self, samples: Samples, names: Iterable[str]) -> Iterator[dict[str, Array]]:
        """Yield, for each text, the values of the tensors in `names`, by their names."""
        names = list(names)
        unknown = [name for name in names if name not in self._details]
        if unknown:
            raise ValueError(f"the observed FlatBuffer has no tensor {unknown[0]!r}")
        for sample in samples:
            self._answer(sample)
            real_tokens = (sample[NAMES[MASK]][0] == 1) | self._whole
            yield {name: self._real(name, real_tokens) for name in names}

    def _answer(self, sample: dict[str, NDArray[np.int32]]) -> dict[str, Array]:
        inputs = {name: sample[name].astype(dtype) for name, dtype in self._taken.items()}
        return self._run(**inputs)

    def _real(self, name: str, real_tokens: NDArray[np.bool_]) -> Array:
        detail = self._details[name]
        values: Array = self._interpreter.get_tensor(detail["index"])
        scale, zero_point = detail["quantization"]
        if scale:
            values = ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
        for axis in self._axes.get(name, ()):
            values = np.compress(real_tokens, values, axis=axis)
        return values.copy()


def shortened(sample: dict[str, NDArray[np.int32]], tokens: int) -> dict[str, NDArray[np.int32]]:
    """Return the first tokens of a text's inputs [1, n], for files with shorter rows."""
    return {name: rows[:, :tokens] for name, rows in sample.items()}


def ranges_of(graph: Graph, observer: Observer, samples: Samples) -> dict[str, dict[str, Any]]:
    """Return minimum and maximum of float32 tensors by name, in the form for litert-quantizer.

    Tensors that the observed file lacks are left out: it may be the same network at another length.
    The quantizer's own moving averages are not used, because they cut off the rare large values
    that post-norm encoders need. The range of a lookup's output covers every row of its table,
    since any word may occur.
    """
    names = [name for name in graph.written() if observer.knows(name)]
    low, high = dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
    for values in observer.each(samples, names):
        for name, array in values.items():
            low[name] = min(low[name], float(array.min()))
            high[name] = max(high[name], float(array.max()))
    for name, table in _tables(graph):
        low[name], high[name] = float(table.min()), float(table.max())
    return {
        name: {
            "min": np.array([low[name]], np.float32),
            "max": np.array([high[name]], np.float32),
        }
        for name in names
    }


def _tables(graph: Graph) -> Iterator[tuple[str, Array]]:
    """Yield the constant table of each GATHER, after the name of the operator's output."""
    for operator in graph.operators(CODES.GATHER):
        table = graph.constant(int(operator.inputs[0]))
        if table is not None:
            yield graph.name(int(operator.outputs[0])), table
