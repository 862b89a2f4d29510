"""Check the declaration of several row lengths, and choose a length for each text.

A row holds the tokens of a text and the padding after them. If a file takes rows of several
lengths, each text uses the shortest row that its tokens fit.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Each length needs a graph of its own, with the graph's memory.
MOST_LENGTHS = 16
Lengths = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=65_536)], ...], Meta(max_length=MOST_LENGTHS)
]


def check_lengths(lengths: Sequence[int]) -> None:
    """Check that there are either no lengths, or two or more in ascending order.

    Raises:
        ValueError: there is only one length, or the lengths do not ascend.
    """
    if len(lengths) == 1:
        raise ValueError(f"`lengths` contains only {lengths[0]}: give two or more lengths, or none")
    for shorter, longer in pairwise(lengths):
        if shorter >= longer:
            raise ValueError(f"`lengths` must ascend, but {longer} comes after {shorter}")


def tokens_of(mask: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the position after the last token of each row [n], from a mask [n, length] of 0 and 1.

    In a row with its padding before the text, this is the length of the row.
    """
    behind = (mask[:, ::-1] != 0).argmax(axis=1)
    return np.where(mask.any(axis=1), mask.shape[1] - behind, 0)


def shortest_that_fit(mask: NDArray[np.integer[Any]], lengths: Sequence[int]) -> NDArray[np.int32]:
    """Return the row length for each text [n]: the shortest row that its tokens fit into.

    Args:
        mask: mask of the rows [n, longest], 1 for a token and 0 for padding.
        lengths: row lengths in tokens, ascending; the last is `longest`.
    """
    indices = np.searchsorted(lengths, tokens_of(mask))
    return np.asarray(lengths, np.int32)[indices]
