"""Read the constants of a FlatBuffer as float32 arrays, whatever their stored type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from models.files.arrays import as_array
from models.flatbuffers.reading import content_of_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.flatbuffers.structure import Quantization, Tensor

_INT4_BITS = 4
_INT4_PER_BYTE = 2
_READ = frozenset(
    {
        *("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
    }
)
# Maximum bytes of float32 values per byte of the file. Values of 4 bits take 8 times their bytes as
# float32, once as constants and once as parameters; the rest is margin.
_EXPANSION = 32
_SMALL = 1 << 26


class Constants:
    """Reads the values of a FlatBuffer's constant tensors.

    Many tensors can refer to one buffer, and an operator can compute a large constant from two
    small ones. So the memory of all values together is limited to 32 times the file, or to 64 MiB
    for small files.

    Args:
        data: a FlatBuffer that `read_contents` has accepted.
    """

    def __init__(self, data: bytes) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - only for reading weights

        self._data = data
        self._model = Model.GetRootAs(data, 0)
        self._allowance = max(_SMALL, _EXPANSION * len(data))

    def allow(self, values: int) -> None:
        """Count float32 values that are about to be allocated.

        Raises:
            ValueError: all values together are more than a file of this size needs.
        """
        self._allowance -= np.dtype(np.float32).itemsize * values
        if self._allowance < 0:
            raise ValueError("its constants take far more memory than the file")

    def of(self, tensor: Tensor) -> NDArray[np.float32] | None:
        """Return the dequantized values of a tensor; None if it is not a constant.

        Raises:
            ValueError: the tensor is stored in a way that is not supported (blockwise, strings), or
                all constants together take too much memory.
        """
        if not tensor.constant_bytes:
            return None
        self.allow(math.prod(tensor.shape))
        stored = self._stored(tensor)
        if tensor.quantization is None:
            return stored.astype(np.float32)
        return _dequantized(stored, tensor.quantization)

    def _stored(self, tensor: Tensor) -> NDArray[Any]:
        raw = content_of_buffer(self._data, self._model.Buffers(tensor.buffer))
        if tensor.dtype == "int4":
            # A byte contains two values, the lower half first; arithmetic shifts extend the sign.
            halves = as_array(raw, np.dtype(np.int8), [len(raw)])
            pairs = np.stack([halves << _INT4_BITS >> _INT4_BITS, halves >> _INT4_BITS], axis=-1)
            count = math.prod(tensor.shape)
            if not count <= pairs.size < count + _INT4_PER_BYTE:
                raise ValueError(f"{tensor.name!r:.80} holds more or fewer values than its shape")
            values: NDArray[Any] = pairs.reshape(-1)[:count]
            return values.reshape(tensor.shape)
        if tensor.dtype not in _READ:
            raise ValueError(f"constants of type {tensor.dtype} are not supported")
        return as_array(raw, np.dtype(tensor.dtype), tensor.shape)


def _dequantized(stored: NDArray[Any], quantization: Quantization) -> NDArray[np.float32]:
    """Return (stored - zero point) * scale; both may differ between slices along an axis."""
    if quantization.block is not None:
        raise ValueError("its weights are quantized blockwise")
    scales = np.array(quantization.scales, np.float64)
    zeros = np.array(quantization.zero_points or (0,), np.float64)
    if quantization.axis is not None:
        along = [1] * stored.ndim
        along[quantization.axis] = -1
        slices = stored.shape[quantization.axis]
        if len(scales) != slices or len(zeros) not in (1, slices):
            raise ValueError(
                f"a constant with {slices} slices has {len(scales)} scales and {len(zeros)} "
                "zero points"
            )
        scales, zeros = scales.reshape(along), zeros.reshape([-1] if len(zeros) == 1 else along)
    elif len(scales) != 1 or len(zeros) != 1:
        raise ValueError(f"a constant has {len(scales)} scales and {len(zeros)} zero points")
    return ((stored.astype(np.float64) - zeros) * scales).astype(np.float32)
