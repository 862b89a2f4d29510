"""The pickle inside a PyTorch checkpoint, read without PyTorch and without trusting it.

A pickle may name any function and have it called. This one may name those below and no other,
and none of them does anything but note where in the file a tensor lies.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from numpy.typing import NDArray

# What a broken or hostile pickle makes the unpickler raise.
PICKLE_ERRORS = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    AssertionError,
    AttributeError,
    TypeError,
    KeyError,
    IndexError,
    ValueError,
    OverflowError,
    RecursionError,
    MemoryError,
)
_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


@dataclass(frozen=True)
class Storage:
    """A run of values in the file, that tensors are views of.

    Attributes:
        key: by which the file knows it.
        dtype: name of its values' type.
        size: number of values.
    """

    key: str
    dtype: str
    size: int

    @property
    def bytes(self) -> int:
        """Bytes in the file."""
        return self.size * _numpy_dtype(self.dtype).itemsize


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies: a strided view of a storage, in values, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def values(self, data: bytes) -> NDArray[Any]:
        """Return the tensor, a read-only view of its storage's bytes.

        Raises:
            ValueError: it reaches beyond the storage.
        """
        flat = np.frombuffer(data, _numpy_dtype(self.storage.dtype))
        steps = list(zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor has a negative size or stride")
        last = self.offset + sum((size - 1) * stride for size, stride in steps)
        if 0 not in self.shape and last >= flat.size:
            raise ValueError(f"a tensor of shape {list(self.shape)} reaches beyond its storage")
        strides = [stride * flat.itemsize for stride in self.strides]
        return as_strided(flat[self.offset :], self.shape, strides, writeable=False)


def _numpy_dtype(name: str) -> np.dtype[Any]:
    import ml_dtypes  # noqa: F401, PLC0415 - teaches numpy what bfloat16 is

    return np.dtype(name)


class _StateDict(dict[str, Any]):
    """An OrderedDict whose attributes (versions of modules) are of no use here."""

    def __setstate__(self, state: object) -> None:
        """Ignore the attributes."""


def _ordered_dict(*items: Any) -> _StateDict:
    return _StateDict(*items)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_rest: Any) -> StoredTensor:
    if not isinstance(storage, Storage):
        raise TypeError("a tensor has no storage")
    return StoredTensor(storage, int(offset), _integers(shape), _integers(strides))


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _parameter(tensor: Any, *_rest: Any) -> Any:
    return tensor


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", storage): dtype for storage, dtype in _DTYPES.items()},
}


class TensorUnpickler(pickle._Unpickler):  # noqa: SLF001 - see below
    """Reads one pickle; tensors come out as `StoredTensor`.

    In Python, not in C: there, ten bytes can ask for a memo of 32 GB.

    Args:
        file: positioned at the pickle's start.
        on_storage: told about each storage a tensor refers to.
    """

    def __init__(self, file: BinaryIO, on_storage: Callable[[Storage], None]) -> None:
        super().__init__(file)
        self._on_storage = on_storage

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a global, or refuse it."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no checkpoint of weights needs"
            ) from None

    def persistent_load(self, pid: Any) -> Storage:
        """Return the storage that a persistent id ("storage", type, key, device, size) names."""
        kind, dtype, key, _device, size, *view = pid
        if kind != "storage" or dtype not in _DTYPES.values() or any(part for part in view):
            raise pickle.UnpicklingError(f"it refers to {kind!r} of {dtype!r}")
        storage = Storage(str(key), dtype, int(size))
        self._on_storage(storage)
        return storage
