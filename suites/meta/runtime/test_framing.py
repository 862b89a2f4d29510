"""Messages between client and runner arrive unchanged, and other data is rejected."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.runner.framing import (
    DTYPES,
    LARGEST_ANSWER_ARRAYS,
    LARGEST_ANSWER_HEADER,
    MAGIC,
    FramingError,
    read_message,
    write_message,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
headers = st.dictionaries(st.text().filter(lambda key: key != "arrays"), json_values, max_size=5)
any_array = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    )
)
messages = st.tuples(headers, st.dictionaries(st.text(), any_array, max_size=4))


def packed(header: dict, arrays: dict) -> bytes:
    stream = io.BytesIO()
    write_message(stream, header, arrays)
    return stream.getvalue()


def headed(header: bytes) -> io.BytesIO:
    """Return a stream that consists of an arbitrary header."""
    return io.BytesIO(MAGIC + struct.pack(">I", len(header)) + header)


class Dribble(io.RawIOBase):
    """A stream that returns a few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        """Read at most five bytes."""
        return self._content.read(min(size, 5))


@given(messages)
def test_received_message_equals_the_sent_message(message: tuple[dict, dict]) -> None:
    header, arrays = message
    arrived = read_message(Dribble(packed(header, arrays)))
    assert arrived is not None
    assert arrived[0] == header
    assert arrived[1].keys() == arrays.keys()
    for name, array in arrays.items():
        assert arrived[1][name].dtype == array.dtype
        np.testing.assert_array_equal(arrived[1][name], array, strict=True)


@given(messages, st.data())
def test_truncated_message_is_an_error(message: tuple[dict, dict], data: st.DataObject) -> None:
    intact = packed(*message)
    cut = data.draw(st.integers(1, len(intact) - 1))
    with pytest.raises(FramingError):
        read_message(io.BytesIO(intact[:cut]))


@given(st.binary(min_size=1).filter(lambda noise: not noise.startswith(MAGIC)))
def test_bytes_that_are_not_a_message_are_an_error(noise: bytes) -> None:
    with pytest.raises(FramingError):
        read_message(io.BytesIO(noise))


@given(st.binary())
def test_damaged_message_header_is_an_error(text: bytes) -> None:
    # Hypothesis also draws words from the code, and so can produce a valid header.
    assume(b"arrays" not in text)
    with pytest.raises(FramingError):
        read_message(io.BytesIO(MAGIC + struct.pack(">I", len(text)) + text))


def test_consecutive_messages_are_read_separately() -> None:
    stream = io.BytesIO(packed({"op": "a"}, {"x": np.arange(3)}) + packed({"op": "b"}, {}))
    replies = [read_message(stream), read_message(stream), read_message(stream)]
    assert [reply[0] if reply else None for reply in replies] == [{"op": "a"}, {"op": "b"}, None]


def test_wrong_length_in_a_header_is_an_error_and_allocates_no_memory() -> None:
    with pytest.raises(FramingError, match="ends"):
        read_message(headed(b'{"arrays": [["x", "int8", [1000000000]]]}'))
    with pytest.raises(FramingError, match="announced"):
        read_message(io.BytesIO(MAGIC + b"\xff\xff\xff\xff"))


@pytest.mark.parametrize("sizes", [[1] * 33, [1] * 100_000, [0] * 40, [-1], ["x"], [[1]], 3])
def test_invalid_shape_in_a_header_is_an_error(sizes: object) -> None:
    header = json.dumps({"arrays": [["x", "int8", sizes]]}).encode()
    content = MAGIC + struct.pack(">I", len(header)) + header + bytes(8)
    with pytest.raises(FramingError, match="the header is not"):
        read_message(io.BytesIO(content))


def test_accepts_numpys_largest_number_of_dimensions() -> None:
    array = np.zeros([1] * 32, np.int8)
    arrived = read_message(io.BytesIO(packed({}, {"x": array})))
    assert arrived is not None
    assert arrived[1]["x"].shape == array.shape


@pytest.mark.parametrize(
    "arrays",
    [
        [["x", "int8", [1 << 63]]],
        [["x", "int64", [1 << 20, 1 << 20, 1 << 20]]],
        [["x", "int8", [0, 1 << 62, 1 << 62]]],
        [["x", "int8", [1] * 100]],
        [["x", "int8", [-1]]],
        [["x", "int8", [1.0]]],
        [["x", "int8", [True]]],
        [["x", "int8", ["1"]]],
        [["x", "int8", "11"]],
        [["x", "object", [1]]],
        [["x", ["int8"], [1]]],
        [[7, "int8", [1]]],
        [["x", "int8"]],
        [["x", "int8", [0]], ["x", "int8", [0]]],
        [[f"x{number}", "int8", [0]] for number in range(1000)],
        [[f"x{number}", "int8", [1 << 27]] for number in range(3)],
        {"x": ["int8", [1]]},
        None,
    ],
)
def test_rejects_invalid_or_too_many_array_headers(arrays) -> None:
    header = json.dumps({"arrays": arrays}).encode()
    with pytest.raises(FramingError, match="the header is not valid"):
        read_message(headed(header), LARGEST_ANSWER_HEADER, LARGEST_ANSWER_ARRAYS)


def test_rejects_deeply_nested_header() -> None:
    nested = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(FramingError, match="RecursionError"):
        read_message(headed(b'{"arrays": [], "x": ' + nested + b"}"))
    with pytest.raises(FramingError, match="announced"):
        read_message(headed(nested), largest_header=1000)


def test_array_that_cannot_be_sent_writes_nothing_to_the_stream() -> None:
    stream = io.BytesIO()
    with pytest.raises(TypeError, match="complex128"):
        write_message(stream, {}, {"x": np.zeros(2, complex)})
    assert stream.getvalue() == b""
