"""Encoded splits for tests, without a tokenizer."""

from __future__ import annotations

import numpy as np

from models.corpus.tokenize import Encoded


def encoded(labels, tokens=8):
    """Return a split of one token a text, with these labels."""
    ids = np.ones((len(labels), tokens), np.int32)
    return Encoded(ids=ids, mask=ids, segments=ids * 0, labels=np.array(labels, np.int32))
