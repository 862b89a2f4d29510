"""The constants of a FlatBuffer as float32 arrays, whatever they are stored as."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.reading import held_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.flatbuffers.contents import Quantization, Tensor

_INT4_BITS = 4


class Constants:
    """Values of constant tensors.

    Args:
        data: a FlatBuffer that `read_contents` found sound.
    """

    def __init__(self, data: bytes) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - only where weights are read

        self._data = data
        self._model = Model.GetRootAs(data, 0)

    def of(self, tensor: Tensor) -> NDArray[np.float32] | None:
        """Return what a tensor holds, dequantized; None where it is no constant.

        Raises:
            ValueError: it is stored in a way that is not read here (blockwise, strings).
        """
        if not tensor.constant_bytes:
            return None
        stored = self._stored(tensor)
        if tensor.quantization is None:
            return stored.astype(np.float32)
        return _dequantized(stored, tensor.quantization)

    def _stored(self, tensor: Tensor) -> NDArray[Any]:
        raw = held_by(self._data, self._model.Buffers(tensor.buffer))
        flat: NDArray[Any]
        if tensor.dtype == "int4":
            # Two values in a byte, the lower half first; arithmetic shifts keep the sign.
            halves = np.frombuffer(raw, np.int8)
            pairs = np.stack([halves << _INT4_BITS >> _INT4_BITS, halves >> _INT4_BITS], axis=-1)
            flat = pairs.reshape(-1)[: math.prod(tensor.shape)]
        else:
            flat = np.frombuffer(raw, np.dtype(tensor.dtype))
        return flat.reshape(tensor.shape)


def _dequantized(stored: NDArray[Any], how: Quantization) -> NDArray[np.float32]:
    """Return (stored - zero point) * scale, along the axis where each slice has its own."""
    if how.block is not None:
        raise ValueError("its weights are quantized blockwise")
    scales = np.array(how.scales, np.float64)
    zeros = np.array(how.zero_points or (0,), np.float64)
    if how.axis is not None:
        along = [1] * stored.ndim
        along[how.axis] = -1
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    return ((stored.astype(np.float64) - zeros) * scales).astype(np.float32)
