"""Write small classifiers that accept rows of several lengths, each in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.meta.small_classifiers import classifier

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTHS = (4, 6, 8)


def of_lengths(
    *lengths: int, edits: dict[int, Callable[[bytes], bytes]] | None = None, **shape: Any
) -> bytes:
    """Return one classifier with several lengths that share the same weights.

    Args:
        lengths: numbers of tokens in a row; `LENGTHS` if none is given.
        edits: changes of the file of a length, by length.
        shape: the classifier's shape.
    """
    from models.flatbuffers.merging import merge_lengths  # noqa: PLC0415 - slow to import

    files = {length: classifier(tokens=length, **shape) for length in lengths or LENGTHS}
    for length, edit in (edits or {}).items():
        files[length] = edit(files[length])
    return merge_lengths(files)
