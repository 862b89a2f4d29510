"""numpy's files are read as written, and other files are rejected."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.errors import EdgeproofError, UsageMistake
from models.files.numpy_files import open_npz, read_npy, read_npz

REMEDY = "Make it again"
PLAIN = st.sampled_from(["?", "i1", "u1", "<i2", "<i4", "<i8", "<u8", "<f2", "<f4", "<f8", "<U3"])
plain_arrays = PLAIN.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Return the path of a file to write to; Hypothesis forbids fixtures of a smaller scope."""
    return tmp_path_factory.mktemp("arrays") / "file"


def npy(descr="'<f4'", order="False", shape="(2, 3)", values=bytes(24)):
    """Return a `.npy` file with an arbitrary header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values


@given(array=plain_arrays, by_columns=st.booleans())
def test_arrays_read_from_numpy_files_equal_the_written_ones(array, by_columns, scratch):
    given_array = np.array(array, order="F" if by_columns else "C")
    buffer = io.BytesIO()
    np.save(buffer, given_array)
    scratch.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_npy(scratch, remedy=REMEDY), array, strict=True)
    np.savez_compressed(scratch.with_suffix(".npz"), one=given_array, other=np.arange(3))
    read = read_npz(scratch.with_suffix(".npz"), remedy=REMEDY)
    assert read.keys() == {"one", "other"}
    np.testing.assert_array_equal(read["one"], array, strict=True)


@pytest.mark.parametrize(
    "file",
    [
        npy(descr="'|O'"),
        npy(descr="'<f4,<f4'"),
        npy(descr="[('a', '<f4')]"),
        npy(descr="'<M8[ns]'"),
        npy(descr="'>f4'"),
        npy(descr="'<U0'"),
        npy(order="1"),
        npy(shape="(-2, 3)"),
        npy(shape="(2.0, 3)"),
        npy(shape="(True, 6)"),
        npy(shape="(2, 4)"),
        npy(shape="(2, 2)"),
        npy(shape="(" + "1, " * 100 + ")"),
        npy(shape="(0, 99999999999999, 99999999999999)", values=b""),
        npy(shape="(99999999999999999999999,)"),
        npy(shape="(" * 500 + ")" * 500),
        npy(shape="(__import__('os').getpid(),)"),
        npy()[:20],
        npy()[:5],
        b"",
    ],
)
def test_rejects_numpy_file_with_anything_but_plain_arrays(file, tmp_path):
    path = tmp_path / "file.npy"
    path.write_bytes(file)
    with pytest.raises(EdgeproofError, match="as an array") as caught:
        read_npy(path, remedy=REMEDY)
    assert (caught.value.file, caught.value.remedy) == (str(path), REMEDY)
    with zipfile.ZipFile(tmp_path / "file.npz", "w") as archive:
        archive.writestr("one.npy", file)
    with pytest.raises(EdgeproofError, match="as an array") as caught:
        read_npz(tmp_path / "file.npz", remedy=REMEDY)
    assert caught.value.key == "one.npy"


def test_error_about_a_missing_numpy_file_has_the_requested_exception_class(tmp_path):
    for read in (read_npy, read_npz):
        with pytest.raises(UsageMistake, match="file"):
            read(tmp_path / "file", remedy=REMEDY, kind=UsageMistake)


def test_error_names_an_array_that_the_archive_lacks(tmp_path):
    np.savez(tmp_path / "file.npz", one=np.zeros(2))
    with open_npz(tmp_path / "file.npz", remedy=REMEDY) as arrays:
        assert list(arrays) == ["one"]
        with pytest.raises(EdgeproofError, match="missing") as caught:
            _ = arrays["other"]
    assert caught.value.key == "other.npy"


def test_rejects_npz_archive_that_unpacks_to_gigabytes(tmp_path):
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("one.npy", "w") as member,
    ):
        for _ in range(9):
            member.write(bytes(1 << 26))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(EdgeproofError, match="unpacked"):
        read_npz(path, remedy=REMEDY)


def test_reading_a_fifo_is_an_error_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for read in (read_npy, read_npz):
        with pytest.raises(EdgeproofError, match="FIFO"):
            read(tmp_path / "fifo", remedy=REMEDY)
