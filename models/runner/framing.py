"""Exchange messages between client and runner: a header and arrays, on two streams.

A message consists of MAGIC, the length of a JSON header (4 bytes, big-endian), the header, and the
raw little-endian bytes of the arrays, which the header's "arrays" lists as [name, dtype, shape]. A
request names its operation in "op"; a reply contains the results of the operation, or
{"error": {"kind", "message"}}.
"""

from __future__ import annotations

import json
import math
import struct
from typing import IO, Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

PROTOCOL = 4
MAGIC = b"EDGE"
# Maximum bytes of a message. A request contains a tokenizer and texts in the header, and a
# FlatBuffer after it; a reply contains only logits and times, so its limits are lower.
LARGEST_HEADER = 1 << 26
LARGEST_ARRAYS = 1 << 32
LARGEST_ANSWER_HEADER = 1 << 22
LARGEST_ANSWER_ARRAYS = 1 << 28
MOST_ARRAYS = 64
# Maximum bytes to read at once.
LARGEST_PIECE = 1 << 24
# Limit of numpy 1.26, so that both ends can represent every array.
MOST_DIMENSIONS = 32
DTYPES = frozenset(np.dtype(code).name for code in "?bhiqBHIQefd")

Header = Dict[str, Any]
Arrays = Dict[str, Any]
Reply = Tuple[Header, Arrays]


class FramingError(Exception):
    """The bytes on the stream are not a message, so that nothing after them can be read, either."""


def write_message(
    stream: IO[bytes], header: Header, arrays: Optional[Mapping[str, Any]] = None
) -> None:
    """Write one message.

    Args:
        stream: a binary stream open for writing; it is flushed.
        header: a table of JSON values; the key "arrays" is reserved.
        arrays: numpy arrays by name, of the dtypes in `DTYPES`.

    Raises:
        TypeError: an array's dtype cannot be sent; nothing was written.
    """
    listed: List[Tuple[str, str, Tuple[int, ...]]] = []
    blocks: List[bytes] = []
    for name, array in (arrays or {}).items():
        if array.dtype.name not in DTYPES:
            raise TypeError("array {} has dtype {}".format(name, array.dtype))
        listed.append((name, array.dtype.name, array.shape))
        blocks.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    text = json.dumps(dict(header, arrays=listed)).encode("utf-8")
    stream.write(MAGIC + struct.pack(">I", len(text)) + text)
    stream.writelines(blocks)
    stream.flush()


def read_message(
    stream: IO[bytes],
    largest_header: int = LARGEST_HEADER,
    largest_arrays: int = LARGEST_ARRAYS,
) -> Optional[Reply]:
    """Read one message: its header, and its arrays by name; None at the end of the stream.

    Args:
        stream: a binary stream open for reading.
        largest_header: largest accepted size of the header, in bytes.
        largest_arrays: largest accepted size of all arrays, in bytes.

    Raises:
        FramingError: the stream does not contain a message, ends within one, or announces a message
            that is too large.
    """
    start = _read_exactly(stream, len(MAGIC) + 4, at_start=True)
    if not start:
        return None
    if start[: len(MAGIC)] != MAGIC:
        raise FramingError("not a message: the stream holds {!r}".format(start))
    (length,) = struct.unpack(">I", start[len(MAGIC) :])
    if length > largest_header:
        raise FramingError("a header of {} bytes is announced".format(length))
    try:
        header = json.loads(_read_exactly(stream, length).decode("utf-8"))
        listed = _array_entries(header.pop("arrays"), largest_arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = "the header is not valid ({:.200})".format(repr(error))
        raise FramingError(message) from None
    return header, {name: _read_array(stream, dtype, shape) for name, dtype, shape in listed}


def _array_entries(entries: Any, room: int) -> List[Tuple[str, str, Tuple[int, ...]]]:
    """Return the arrays that a header lists, after checking them; their data is read later."""
    if not isinstance(entries, list) or len(entries) > MOST_ARRAYS:
        raise ValueError("more than {} arrays".format(MOST_ARRAYS))
    listed = [_array_entry(entry, room) for entry in entries]
    if len({name for name, _, _ in listed}) != len(listed):
        raise ValueError("two arrays have the same name")
    if sum(_array_bytes(dtype, shape) for _, dtype, shape in listed) > room:
        raise ValueError("arrays of more than {} bytes are announced".format(room))
    return listed


def _array_entry(entry: Any, room: int) -> Tuple[str, str, Tuple[int, ...]]:
    name, dtype, shape = entry
    if not isinstance(name, str) or dtype not in DTYPES or not isinstance(shape, list):
        raise ValueError("an array has no name, dtype or shape")
    if len(shape) > MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("an array's shape has an invalid size, or too many sizes")
    # Count a size of 0 as 1, because numpy multiplies the other sizes even then.
    if _array_bytes(dtype, tuple(max(size, 1) for size in shape)) > room:
        raise ValueError("an array of more than {} bytes is announced".format(room))
    return name, dtype, tuple(shape)


def _array_bytes(dtype: str, shape: Tuple[int, ...]) -> int:
    return int(np.dtype(dtype).itemsize) * math.prod(shape)


def _read_array(stream: IO[bytes], dtype: str, shape: Tuple[int, ...]) -> Any:
    kind = np.dtype(dtype).newbyteorder("<")
    block = _read_exactly(stream, _array_bytes(dtype, shape))
    flat = np.frombuffer(block, dtype=kind)  # noqa: TID251 - the block has exactly the shape's size
    return flat.reshape(shape).astype(dtype, copy=False)


def _read_exactly(stream: IO[bytes], count: int, *, at_start: bool = False) -> bytes:
    # Bounded pieces, so that a false header cannot reserve memory for bytes that never come.
    block = stream.read(min(count, LARGEST_PIECE))
    if len(block) == count:
        return block
    pieces = bytearray(block)
    while len(pieces) < count:
        piece = stream.read(min(count - len(pieces), LARGEST_PIECE))
        if not piece:
            if at_start and not pieces:
                return b""
            raise FramingError("the stream ends {} bytes early".format(count - len(pieces)))
        pieces += piece
    return bytes(pieces)
