"""Run a FlatBuffer as a runner does, text by text, and read the tensors between its operators.

A `Watcher` imports ai-edge-litert when it is created, so it is used in a separate process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.backends.common.backend import Source
from models.backends.common.registry import find_backend
from models.input_roles import MASK
from models.runner.binding import interpret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    # Token ids, mask and segments of texts, [n, tokens] by role.
    Rows = Mapping[str, NDArray[np.int32]]

_NUMBERS = "fiub"
# A backend without a delegate, because values inside a delegate cannot be read.
PLAIN = "ai_edge_litert-builtin"


class Watcher:
    """A FlatBuffer whose inner tensors can be read.

    If the file has a mask, values at padding are left out, because they do not affect the answer.

    Args:
        flatbuffer: the content of the file.
        binding: roles of its inputs, as in a runner's request.
        scores: names of attention scores: both of their last two dimensions run over tokens.
        backend: name of a backend that returns the values of inner tensors.

    Raises:
        Refusal: the runtime cannot load the file, or the binding does not fit.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        binding: Mapping[str, Any],
        scores: frozenset[str] = frozenset(),
        backend: str = PLAIN,
    ) -> None:
        self._model = interpret(
            find_backend(backend),
            Source(content=flatbuffer),
            {"threads": 1, "binding": binding},
            keep_all=True,
        )
        self._details = {
            int(detail["index"]): detail for detail in self._model.loaded.inner_tensors()
        }
        self._by_name = {detail["name"]: index for index, detail in self._details.items()}
        self._roles = [tensor.name for tensor in self._model.inputs]
        self._scores = scores

    def answers(self, rows: Rows) -> tuple[Array, NDArray[np.int64]]:
        """Return the file's outputs for each text, [n, values], and the labels [n]."""
        values, labels = [], []
        for _ in self._each(rows):
            values.append(self._model.logits())
            labels.append(self._model.label())
        return np.stack(values), np.array(labels, np.int64)

    def knows(self, name: str) -> bool:
        """Return whether the file has a tensor called `name`."""
        return name in self._by_name

    def at(self, rows: Rows, tensors: Iterable[int]) -> Iterator[dict[int, Array]]:
        """Yield, for each text, the values of tensors by index.

        Tensors that contain no numbers, or none for this text, are left out.
        """
        tensors = list(tensors)
        for row in self._each(rows):
            real_tokens = rows[MASK][row] == 1 if MASK in self._roles else None
            values_of = {index: self._real(index, real_tokens) for index in tensors}
            yield {index: values for index, values in values_of.items() if values is not None}

    def each(self, rows: Rows, names: Iterable[str]) -> Iterator[dict[str, Array]]:
        """Yield, for each text, the values of tensors by name."""
        indices = {self._by_name[name]: name for name in names}
        for values in self.at(rows, indices):
            yield {indices[index]: array for index, array in values.items()}

    def _each(self, rows: Rows) -> Iterator[int]:
        count, checked = self._model.check({role: rows[role] for role in self._roles})
        for row in range(count):
            self._model.set_row(checked, row)
            self._model.invoke()
            yield row

    def _real(self, index: int, real_tokens: NDArray[np.bool_] | None) -> Array | None:
        try:
            values = self._model.graph.get_tensor(index)
        except ValueError:  # resources and absent optional outputs have no values
            return None
        if values.dtype.kind not in _NUMBERS:
            return None
        detail = self._details[index]
        scale, zero_point = detail["quantization"]
        if scale:
            values = (values.astype(np.float64) - zero_point) * scale
        if real_tokens is not None:
            if values.ndim > 1 and values.shape[-2] == len(real_tokens):
                values = np.compress(real_tokens, values, axis=-2)
            if detail["name"] in self._scores and values.shape[-1] == len(real_tokens):
                values = np.compress(real_tokens, values, axis=-1)
        return np.array(values, np.float32)
