"""Parse versions into numbers."""

from __future__ import annotations

import re
from typing import Tuple


def numbers_of(version: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version: (2, 14, 0) for "2.14.0.post1"."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()
