"""Reject files that are certainly not FlatBuffers before native code reads them."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Tuple

from models.backends.common.refusals import Refusal

SMALLEST_FLATBUFFER = 16


def check_file(start: bytes, size: int) -> None:
    """Reject a file that is not a FlatBuffer before native code, which may crash, reads it.

    Args:
        start: the first eight bytes of the file.
        size: size of the file in bytes.

    Raises:
        Refusal: the file is not a FlatBuffer, or is truncated.
    """
    if size < SMALLEST_FLATBUFFER or start[4:8] != b"TFL3":
        raise Refusal("not-a-flatbuffer", "{} bytes without the identifier TFL3".format(size))
    (root,) = struct.unpack("<I", start[:4])
    if root >= size:
        message = "the root table is at byte {} of {}: the file is truncated"
        raise Refusal("not-a-flatbuffer", message.format(root, size))


def file_facts(path: str) -> Tuple[str, int]:
    """Return sha256 and size in bytes of a FlatBuffer, read in pieces to keep peak memory low.

    Raises:
        Refusal: the file cannot be read, or is not a FlatBuffer.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_file(file.read(8), size)
            file.seek(0)
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
    except OSError as error:
        raise Refusal("file", "{}: {}".format(path, error.strerror or error)) from None
    return digest.hexdigest(), size
