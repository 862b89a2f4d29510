"""Tokenize texts on the device, with the library that a board has."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from models.backends.common.refusals import Refusal

# What a tokenizer gives, under the names by which a binding calls a file's inputs.
IDS, MASK, SEGMENTS = "ids", "mask", "segments"


def tokenizer(text: str, roles: List[str]) -> Callable[[List[str]], Tuple[Dict[str, Any], int]]:
    """Return a function from [text] or [first text, second text] to the arrays of some roles.

    It also returns where the padding behind the tokens begins, which is the end of the row where
    padding is put before them. The tokenizer's JSON says how to clean, pair, truncate and pad;
    that the rows then have the length of the signature is checked with every other property of
    the inputs.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - few boards need it
    except ImportError as error:
        raise Refusal("no-tokenizers", str(error)) from None
    try:
        words = Tokenizer.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception
        raise Refusal("tokenizer", str(error)) from None

    def encode(pair: List[str]) -> Tuple[Dict[str, Any], int]:
        encoded = words.encode(pair[0], pair[1] if len(pair) > 1 else None)
        rows = {IDS: encoded.ids, MASK: encoded.attention_mask, SEGMENTS: encoded.type_ids}
        arrays = {role: np.array([rows[role]], np.int32) for role in roles if role in rows}
        real = np.flatnonzero(encoded.attention_mask)
        return arrays, int(real[-1]) + 1 if len(real) else 0

    return encode
