"""Opening a file that is said to be a TFLite FlatBuffer, and telling what it is where it is not."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path


def read_flatbuffer(path: Path) -> bytes:
    """Return the bytes of a file that can be read to its end.

    Raises:
        UsageMistake: it is not there, cannot be read, or is a folder, a pipe or a device.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageMistake(
                "cannot be read: it is no regular file", file=path, remedy="Give a .tflite file"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})", file=path, remedy="Check the path"
        ) from None
