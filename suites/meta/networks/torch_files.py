"""Write PyTorch checkpoints in both formats without PyTorch, for the tests of the reader."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Values = Mapping[str, Array]

STORAGES = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def _rebuild_tensor_v2(*_arguments: object) -> None:
    raise AssertionError("this function is pickled, but never called")


class _Tensor:
    """A value that is pickled like PyTorch's tensors: as a call of `_rebuild_tensor_v2`."""

    def __init__(self, key: str, values: Array, transposed: bool) -> None:  # noqa: FBT001 - private class with one caller
        self.key, self.transposed = key, transposed
        # In PyTorch, a transposed tensor shares the storage of the matrix that it was made from.
        self.stored = np.array(values.T if transposed else values, order="C")
        self.shape = values.shape

    def __reduce__(self) -> tuple[Any, ...]:
        strides = [size // self.stored.itemsize for size in self.stored.strides]
        if self.transposed:
            strides.reverse()
        storage = _Storage(self)
        return (_rebuild_tensor_v2, (storage, 0, self.shape, tuple(strides), False, OrderedDict()))


class _Storage:
    def __init__(self, tensor: _Tensor) -> None:
        self.tensor = tensor


class _Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, obj: object) -> tuple[Any, ...] | None:
        if not isinstance(obj, _Storage):
            return None
        stored = obj.tensor.stored
        kind = getattr(sys.modules["torch"], STORAGES[stored.dtype.name])
        view = (None,) if self.legacy else ()
        return ("storage", kind, obj.tensor.key, "cpu", stored.size, *view)


@contextmanager
def _torch_in_name_only() -> Iterator[None]:
    """Define empty modules of PyTorch, with the names that pickle looks up in them."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    vars(utils)["_rebuild_tensor_v2"] = _rebuild_tensor_v2
    renamed = mock.patch.object(_rebuild_tensor_v2, "__module__", "torch._utils")
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}), renamed:
        yield


def _pickled(document: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=2)
    pickler.legacy = legacy
    pickler.dump(document)
    return buffer.getvalue()


def _state(values: Values, transposed: Collection[str]) -> OrderedDict[str, _Tensor]:
    state = OrderedDict(
        (name, _Tensor(str(key), array, name in transposed))
        for key, (name, array) in enumerate(values.items())
    )
    vars(state)["_metadata"] = OrderedDict({"": {"version": 1}})
    return state


def archive(values: Values, transposed: Collection[str] = ()) -> bytes:
    """Return the bytes of a checkpoint in the format of PyTorch since 1.6."""
    state = _state(values, transposed)
    with _torch_in_name_only():
        document = _pickled(state)
    return zipped(document, {tensor.key: tensor.stored.tobytes() for tensor in state.values()})


def zipped(document: bytes, storages: Mapping[str, bytes]) -> bytes:
    """Return an archive with this pickle and these storages."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("pytorch_model/data.pkl", document)
        file.writestr("pytorch_model/byteorder", "little")
        for key, data in storages.items():
            file.writestr(f"pytorch_model/data/{key}", data)
    return buffer.getvalue()


def legacy(values: Values, transposed: Collection[str] = ()) -> bytes:
    """Return the bytes of a checkpoint in the format of PyTorch before 1.6."""
    state = _state(values, transposed)
    with _torch_in_name_only():
        heads = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001}]
        keys = [tensor.key for tensor in state.values()]
        pickles = [_pickled(part, legacy=True) for part in (*heads, state, keys)]
    data = [struct.pack("<q", t.stored.size) + t.stored.tobytes() for t in state.values()]
    return b"".join([*pickles, *data])
