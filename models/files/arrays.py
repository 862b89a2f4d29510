"""Check arrays described by a file or another process before numpy uses their sizes.

Shapes, strides and offsets are not trusted, so that numpy and its native code access only bytes
that exist. Every check raises `ArrayError`, whose message says what is wrong.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = bytes | bytearray | memoryview

# Tensors of text classifiers have up to 5 dimensions; numpy 1.26 has known bugs above 32.
MOST_DIMENSIONS = 8
# Even an array without values can have huge sizes, and numpy computes their product.
_LARGEST_EMPTY = 1 << 40


class ArrayError(ValueError):
    """The description of an array is wrong, or exceeds a limit."""


def whole_number(value: object, name: str) -> int:
    """Return a value after checking that it is a non-negative integer, and not a bool or float.

    Raises:
        ArrayError: the value is anything else.
    """
    if type(value) is not int or value < 0:
        raise ArrayError(f"{name} is {_shown(value)}, not a whole number from 0 on")
    return value


def check_shape(shape: object, itemsize: int, room: int) -> tuple[int, ...]:
    """Return a shape as a tuple, after checking that an array of it fits.

    Args:
        shape: the unchecked shape, a list or tuple of sizes.
        itemsize: bytes of one value.
        room: number of bytes that exist.

    Raises:
        ArrayError: the shape is invalid, has too many dimensions, or needs more bytes than exist.
    """
    if not isinstance(shape, list | tuple):
        raise ArrayError(f"a shape is {_shown(shape)}, not a list of sizes")
    if len(shape) > MOST_DIMENSIONS:
        raise ArrayError(f"it has {len(shape)} dimensions, but at most {MOST_DIMENSIONS} are read")
    sizes = tuple(whole_number(size, "a dimension") for size in shape)
    needed = itemsize * math.prod(max(size, 1) for size in sizes)
    if needed > (max(room, _LARGEST_EMPTY) if 0 in sizes else room):
        raise ArrayError(f"an array of shape {_shown(list(sizes))} needs more bytes than there are")
    return sizes


def as_array(data: Bytes, dtype: np.dtype[Any], shape: object, offset: int = 0) -> NDArray[Any]:
    """Return bytes as an array of a shape, without a copy.

    Args:
        data: the bytes; the array must extend to their end.
        dtype: dtype of the values.
        shape: the unchecked shape.
        offset: position in `data` at which the array begins, in bytes.

    Raises:
        ArrayError: the array needs more or fewer bytes than exist.
    """
    room = memoryview(data).nbytes - whole_number(offset, "an offset")
    sizes = check_shape(shape, dtype.itemsize, room)
    if dtype.itemsize * math.prod(sizes) != room:
        raise ArrayError(
            f"an array of shape {_shown(list(sizes))} needs fewer bytes than there are"
        )
    count = math.prod(sizes)
    flat = np.frombuffer(data, dtype, count, offset if room else 0)  # noqa: TID251 - the arguments are checked above
    return flat.reshape(sizes)


def byte_array(data: Bytes) -> NDArray[np.uint8]:
    """Return bytes as an array of uint8, without a copy."""
    return as_array(data, np.dtype(np.uint8), [memoryview(data).nbytes])


def strided(
    data: Bytes, dtype: np.dtype[Any], offset: object, shape: object, strides: object
) -> NDArray[Any]:
    """Return a read-only strided view of bytes, without a copy.

    The view must not have more values than follow the offset, so that a copy of it takes no more
    memory than the bytes.

    Args:
        data: the bytes.
        dtype: dtype of the values.
        offset: position of the first value, counted in values.
        shape: the unchecked shape.
        strides: the unchecked strides, counted in values.

    Raises:
        ArrayError: a value of the view lies outside of the bytes, or the view has too many values.
    """
    items = memoryview(data).nbytes // dtype.itemsize
    start = whole_number(offset, "an offset")
    sizes = check_shape(shape, 1, max(items - start, 0))
    if not isinstance(strides, list | tuple) or len(strides) != len(sizes):
        raise ArrayError(f"a tensor of {len(sizes)} dimensions has strides {_shown(strides)}")
    steps = [whole_number(step, "a stride") for step in strides]
    if 0 in sizes:
        return np.empty(sizes, dtype)
    last_item = start + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    if last_item >= items:
        raise ArrayError(f"a tensor of shape {_shown(list(sizes))} reaches beyond its storage")
    # numpy checks these bounds once more: unlike as_strided, this constructor verifies the view.
    view: NDArray[Any] = np.ndarray(
        sizes,
        dtype,
        memoryview(data).cast("B"),
        start * dtype.itemsize,
        # The stride of a dimension of size 1 is never used, so its stored value may be anything.
        [
            (step if size > 1 else 1) * dtype.itemsize
            for size, step in zip(sizes, steps, strict=True)
        ],
    )
    view.flags.writeable = False
    return view


def _shown(value: object, most: int = 80) -> str:
    """Return the beginning of an int or a list of ints as text; of other values only the type."""
    if type(value) is int:
        text = f"{value:,}" if value.bit_length() < 4 * most else "a huge number"
    elif isinstance(value, list | tuple) and all(type(entry) is int for entry in value):
        text = "[" + ", ".join(_shown(entry) for entry in value[:MOST_DIMENSIONS]) + "]"
    else:
        text = f"a {type(value).__name__}"
    return text if len(text) <= most else text[:most] + "..."
