"""Make encoded splits for tests without a tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.corpus.tokenize import Encoded

if TYPE_CHECKING:
    from collections.abc import Sequence


def encoded(labels: Sequence[int], tokens: int = 8) -> Encoded:
    """Return a split with these labels, whose rows all contain the same token."""
    ids = np.ones((len(labels), tokens), np.int32)
    return Encoded(ids=ids, mask=ids, segments=ids * 0, labels=np.array(labels, np.int32))
