"""Read JSON from outside, turning every error into one kind."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


class DoubledKeyError(ValueError):
    """An object names a key twice."""


def parse_json(text: str | bytes) -> Any:
    """Read a JSON document in which no object names a key twice.

    Python takes the last of two values of one key, and raises other errors for nesting and numbers
    without end; a document in which either stands is not what its author meant.

    Raises:
        ValueError: it is no JSON, or names a key twice, nests too deeply, or holds NaN, an
            infinity or a number of thousands of digits. Says what and, where it can, where.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise DoubledKeyError(f"the key {twice!r} stands twice in one object")
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
