"""Read numpy's `.npy` and `.npz` files, as edgeproof writes them.

`numpy.load` trusts a header: it allocates the declared size, evaluates the header as Python, and
unpacks as much as an archive holds. The functions here accept only headers as numpy writes them,
for plain numbers or text, which must agree with the bytes that follow.
"""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import EdgeproofError
from models.files.archives import Limits, open_archive
from models.files.arrays import ArrayError, as_array
from models.files.regular_files import open_regular, read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.files.archives import Archive

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '([<|](?:b1|[iu][1248]|f[248]|U[0-9]{1,7}))', "
    r"'fortran_order': (False|True), "
    r"'shape': \(((?:[0-9]{1,15}, ?)*(?:[0-9]{1,15})?)\), \} *\n",
    re.ASCII,
)
_SUFFIX = ".npy"
_MOST_MEMBERS = 20_000
# Masks of ones compress to a thousandth: for 1.6 million texts of 64 tokens, 1.2 GB of arrays
# become 60 MB. Unpacked arrays may therefore have this many bytes, or this multiple of the file's
# size if that is more.
_UNPACKED = 1 << 29
_RATIO = 64
# Highest compression ratio of deflate, reached by one repeated value.
_DEFLATE = 1032
_LARGEST_NPY = 1 << 30


def read_npy(
    path: Path, *, remedy: str, kind: type[EdgeproofError] = EdgeproofError
) -> NDArray[Any]:
    """Read an array from a `.npy` file.

    Args:
        path: the file.
        remedy: the remedy in messages.
        kind: class of the errors to raise.

    Raises:
        EdgeproofError: the file is missing, not a `.npy` file, damaged, or holds neither numbers
            nor text.
    """
    try:
        data = read_regular(path, _LARGEST_NPY)
    except OSError as error:
        raise kind(f"cannot be read as an array ({error})", file=path, remedy=remedy) from None
    return parse_npy(data, name=path, remedy=remedy, kind=kind)


def parse_npy(
    data: bytes, *, name: Path, remedy: str, kind: type[EdgeproofError] = EdgeproofError
) -> NDArray[Any]:
    """Return the array in a `.npy` file's bytes; `name` is its path; see `read_npy` for errors."""
    try:
        return _parsed(data)
    except ArrayError as error:
        raise kind(f"cannot be read as an array ({error})", file=name, remedy=remedy) from None


def parse_npz(
    data: bytes, *, name: Path, remedy: str, kind: type[EdgeproofError] = EdgeproofError
) -> dict[str, NDArray[Any]]:
    """Return the arrays in a `.npz` file's bytes; `name` is its path; see `open_npz` for errors."""
    limits = _limits(len(data))
    with open_archive(io.BytesIO(data), limits, name=name, remedy=remedy, kind=kind) as archive:
        return dict(Arrays(archive))


class Arrays(Mapping[str, Any]):
    """The arrays of an open `.npz` file by name, each read on demand."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read the array called `name`.

        Raises:
            EdgeproofError: the array is missing or damaged; the message names the member.
        """
        content = io.BytesIO()
        self._archive.copy(name + _SUFFIX, content)
        try:
            return _parsed(content.getbuffer())
        except ArrayError as error:
            problem = f"cannot be read as an array ({error})"
            raise self._archive.refusal(problem, name + _SUFFIX) from None

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(_SUFFIX) for name in self._archive.members)

    def __len__(self) -> int:
        return len(self._archive.members)


@contextmanager
def open_npz(
    path: Path, *, remedy: str, kind: type[EdgeproofError] = EdgeproofError
) -> Iterator[Arrays]:
    """Open a `.npz` file; see `read_npy` for arguments and errors.

    A file is also rejected if its unpacked size exceeds both 512 MiB and 64 times its packed size.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise kind(f"cannot be read ({error})", file=path, remedy=remedy) from None
    with file:
        limits = _limits(os.fstat(file.fileno()).st_size)
        with open_archive(file, limits, name=path, remedy=remedy, kind=kind) as archive:
            yield Arrays(archive)


def read_npz(
    path: Path, *, remedy: str, kind: type[EdgeproofError] = EdgeproofError
) -> dict[str, NDArray[Any]]:
    """Read all arrays of a `.npz` file by name; see `open_npz` for arguments and errors."""
    with open_npz(path, remedy=remedy, kind=kind) as arrays:
        return dict(arrays)


def _limits(packed: int) -> Limits:
    most = max(_UNPACKED, _RATIO * packed)
    return Limits(members=_MOST_MEMBERS, member=most, total=most, ratio=_DEFLATE)


def _parsed(data: bytes | memoryview) -> NDArray[Any]:
    """Return the array of a whole `.npy` file, without a copy."""
    start = len(_MAGIC) + 2
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        raise ArrayError("it does not begin as numpy's files do")
    (length,) = struct.unpack("<H", data[len(_MAGIC) : start])
    header = _HEADER.fullmatch(bytes(data[start : start + length]).decode("latin-1"))
    if header is None:
        raise ArrayError("its header is not that of plain numbers or text")
    dtype, by_columns, sizes = np.dtype(header[1]), header[2] == "True", header[3]
    shape = [int(size) for size in sizes.split(",") if size.strip()]
    if dtype.itemsize == 0:
        raise ArrayError("its values take no bytes")
    array = as_array(data, dtype, shape[::-1] if by_columns else shape, start + length)
    return array.T if by_columns else array
