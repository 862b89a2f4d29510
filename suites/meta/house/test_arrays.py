"""An array never reaches beyond the given bytes, whatever its shape, strides and offset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.files.arrays import (
    MOST_DIMENSIONS,
    ArrayError,
    as_array,
    byte_array,
    check_shape,
    strided,
)

FLOAT = np.dtype(np.float32)
VALUES = np.arange(12, dtype=np.float32)
small = st.integers(-2, 14)
anything = (
    small
    | st.integers()
    | st.booleans()
    | st.floats()
    | st.none()
    | st.text(max_size=2)
    | st.lists(small, max_size=2)
)


@pytest.mark.parametrize(
    "shape",
    [
        (1,) * (MOST_DIMENSIONS + 1),
        (1,) * 100_000,
        (0,) * 33,
        (1 << 63,),
        (1 << 32, 1 << 32),
        (0, 1 << 62),
        (-1, -1),
        (True,),
        (1.0,),
        ("1",),
        (None,),
        ((1,),),
        "11",
        b"\x01",
        {1: 1},
        1,
        None,
        (5, 3),
    ],
)
def test_rejects_shapes_that_are_invalid_or_do_not_fit_the_data(shape):
    for check in (
        lambda: check_shape(shape, 4, 48),
        lambda: as_array(VALUES.tobytes(), FLOAT, shape),
        lambda: strided(VALUES.tobytes(), FLOAT, 0, shape, shape),
    ):
        with pytest.raises(ArrayError) as caught:
            check()
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (3, 4), (4, 1)),
        (0, (3, 4), (4, 2)),
        (0, (3, 4), (-4, 1)),
        (-1, (3,), (1,)),
        (1 << 62, (1,), (1,)),
        (0, (2,), (1 << 62,)),
        (0, (13,), (0,)),
        (0, (3, 5), (1, 0)),
        (0, (3,), (1, 1)),
        (0, (3,), ()),
        (0, (3,), None),
        (0, (3,), (1.0,)),
        (12, (1,), (1,)),
    ],
)
def test_rejects_views_that_exceed_the_data_or_whose_elements_overlap(offset, shape, strides):
    with pytest.raises(ArrayError):
        strided(VALUES.tobytes(), FLOAT, offset, shape, strides)


@given(
    offset=anything, shape=st.lists(anything, max_size=3), strides=st.lists(anything, max_size=3)
)
def test_strided_view_contains_the_indexed_values_or_is_rejected(offset, shape, strides):
    try:
        view = strided(VALUES.tobytes(), FLOAT, offset, shape, strides)
    except ArrayError:
        return
    assert view.shape == tuple(shape)
    # An empty view can have a huge dimension, over which ndindex would iterate.
    for place in np.ndindex(view.shape) if view.size else ():
        at = offset + sum(index * step for index, step in zip(place, strides, strict=True))
        assert view[place] == VALUES[at]


def test_views_share_the_bytes_of_the_data_and_are_read_only():
    data = VALUES.tobytes()
    matrix, column = (
        strided(data, FLOAT, 0, *layout) for layout in (((3, 4), (4, 1)), ((3,), (4,)))
    )
    assert np.shares_memory(matrix, column)
    assert not matrix.flags.writeable
    assert strided(data, FLOAT, 0, (4, 3), (1, 4)).tolist() == matrix.T.tolist()
    assert strided(data, FLOAT, 12, (0, 3), (1, 1)).shape == (0, 3)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_rejects_more_bytes_than_the_shape_needs(shape):
    array = np.zeros(shape, np.float32)
    assert as_array(array.tobytes(), FLOAT, shape).shape == shape
    with pytest.raises(ArrayError, match="fewer bytes"):
        as_array(array.tobytes() + bytes(4), FLOAT, shape)
    assert byte_array(array.tobytes()).nbytes == array.nbytes
