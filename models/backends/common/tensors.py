"""Convert values to and from the dtype of an input or output of a loaded file."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

_FLOAT32 = np.dtype(np.float32)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One input or output of a file, bound to its index in the interpreter.

    `below` is the smallest integer that is rejected as too large; None means no limit.
    """

    name: str
    index: int
    shape: Tuple[int, ...]
    shape_signature: Tuple[int, ...]
    dtype: Any
    scales: Tuple[float, ...]
    zero_points: Tuple[int, ...]
    axis: int
    below: Optional[int] = None

    @classmethod
    def of(cls, name: str, details: Mapping[str, Any], below: Optional[int] = None) -> Tensor:
        """Create a tensor from the details that a runtime reports about it."""
        quantization = details["quantization_parameters"]
        return cls(
            name=name,
            index=int(details["index"]),
            shape=tuple(int(size) for size in details["shape"]),
            shape_signature=tuple(int(size) for size in details["shape_signature"]),
            dtype=np.dtype(details["dtype"]),
            scales=tuple(float(scale) for scale in quantization["scales"]),
            zero_points=tuple(int(zero) for zero in quantization["zero_points"]),
            axis=int(quantization["quantized_dimension"]),
            below=below,
        )

    def facts(self) -> Dict[str, Any]:
        """Return the tensor as values that JSON can represent."""
        facts = dict(dataclasses.asdict(self), dtype=self.dtype.name)
        del facts["index"], facts["below"]
        return facts

    def stored(self, array: Any) -> Any:
        """Convert `array` to this tensor's dtype; quantize it if the tensor is quantized.

        In some files, ids are int64, float32 or small integers, and masks are bool. If the dtype
        cannot represent every number exactly, the array is returned unchanged, and `Model.check`
        rejects it. float32 represents integers below 2**24 exactly.
        """
        exact = array.dtype == np.int32
        if self.scales and self.dtype.kind in "iu" and (exact or array.dtype.kind == "f"):
            limits = np.iinfo(self.dtype)
            quantized = np.rint(array / self.scales[0]) + self.zero_points[0]
            return np.clip(quantized, limits.min, limits.max).astype(self.dtype)
        if exact and self.dtype != array.dtype:
            converted = array.astype(self.dtype)
            return converted if (converted == array).all() else array
        return array

    def real(self, array: Any) -> Any:
        """Return the float32 values that an array of this tensor represents."""
        if self.scales and self.dtype.kind in "iu":
            steps = array.astype(np.float64) - self.zero_points[0]
            return (steps * self.scales[0]).astype(np.float32)
        return array if array.dtype is _FLOAT32 else array.astype(np.float32)
