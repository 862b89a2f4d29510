"""Check that an exported bundle overwrites nothing but an older bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.bundle.manifest import MANIFEST
from models.errors import UsageMistake
from models.files.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

# Beginning of a zip archive whose first member is the manifest: a signature of 4 bytes, 22 bytes of
# sizes and dates, two lengths of 2 bytes each, and the name.
_ARCHIVE = b"PK\x03\x04"
_NAME_AT = 30


def check_replaced(file: Path, key: str) -> None:
    """Reject a path at which a file that is not a bundle would be overwritten.

    A user may have given the path of a FlatBuffer or a corpus by mistake.

    Args:
        file: path of the bundle to write.
        key: the option that contains the path, for messages.

    Raises:
        UsageMistake: another file exists at the path, or an existing file cannot be read.
    """
    if not file.exists():
        return
    try:
        with open_regular(file) as existing:
            beginning = existing.read(_NAME_AT + len(MANIFEST))
    except OSError as error:
        raise UsageMistake(
            f"already exists and cannot be read ({error.strerror})",
            file=file,
            key=key,
            remedy="Remove this file, or give another path",
        ) from None
    is_bundle = beginning.startswith(_ARCHIVE) and beginning.endswith(MANIFEST.encode())
    if beginning and not is_bundle:
        raise UsageMistake(
            "already exists and is not a bundle, so it is not overwritten",
            file=file,
            key=key,
            remedy="Remove this file, or give another path",
        )
