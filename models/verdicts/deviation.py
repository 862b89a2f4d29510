"""Bound the difference between two backends' logits that rounding can explain."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.files.toml_tables import Table, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILE = Path(__file__).with_name("deviation.toml")
# Smallest scale of logits for relative tolerances: smaller logits are noise, and a share of them
# would allow no deviation at all.
_SMALLEST_SCALE = 1.0


class Tolerances(Table, frozen=True, kw_only=True):
    """The content of deviation.toml: tolerances as shares of the largest logit, by precision."""

    float32: float
    float16: float


def allowed(
    judged: NDArray[np.float32], reference: NDArray[np.float32] | None, precision: str
) -> float:
    """Return the largest allowed difference between two backends' logits of the same file.

    Backends round the activations of a quantized file at different places, and all of them are
    right. So any backend may be as far from the float32 reference as the judged backend is on the
    same texts. By the triangle inequality, two backends may then differ by twice that distance.

    Args:
        judged: logits of the judged backend [n, values].
        reference: logits of the float32 reference [n, values]; None if there is none.
        precision: precision of the compared backend, float32 or float16.
    """
    share: float = getattr(_tolerances(), precision)
    rounding = share * max(float(np.abs(judged).max(initial=0.0)), _SMALLEST_SCALE)
    if reference is None or reference.shape != judged.shape:
        return rounding
    return max(rounding, 2.0 * float(np.abs(judged - reference).max(initial=0.0)))


@cache
def _tolerances() -> Tolerances:
    return read_table(_FILE, Tolerances)
