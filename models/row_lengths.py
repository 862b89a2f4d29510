"""Handle rows of several lengths: their declaration, and the length for each text.

A row holds a text's tokens and the padding behind them. Where a file takes rows of several lengths,
a text is answered at the shortest that has room for its tokens.
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
    """Check that declared lengths are several and ascend; an empty list is valid.

    Raises:
        ValueError: they are not.
    """
    if len(lengths) == 1:
        raise ValueError(f"`lengths` contains only {lengths[0]}: give two or more lengths, or none")
    for shorter, longer in pairwise(lengths):
        if shorter >= longer:
            raise ValueError(f"`lengths` must ascend, but {longer} comes after {shorter}")


def tokens_of(mask: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return where the padding behind the tokens begins [n], from a mask [n, length] of 0 and 1.

    Padding that is put before a text leaves none behind it: such a text takes its whole row.
    """
    behind = (mask[:, ::-1] != 0).argmax(axis=1)
    return np.where(mask.any(axis=1), mask.shape[1] - behind, 0)


def shortest_that_fit(mask: NDArray[np.integer[Any]], lengths: Sequence[int]) -> NDArray[np.int32]:
    """Return the row length for each text [n]: the shortest that its tokens fit.

    Args:
        mask: of the rows [n, longest]: 1 where a token stands.
        lengths: ascending; the last is that of the rows.
    """
    indices = np.searchsorted(lengths, tokens_of(mask))
    return np.asarray(lengths, np.int32)[indices]
