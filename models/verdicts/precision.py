"""Tell whether the interval of timed answers is narrow enough to stop.

A rule that stops as soon as an interval is narrow also stops if the interval is narrow by chance,
so its intervals are slightly too narrow. `suites/meta/verdicts/test_precision.py` simulates the
effect: such 95 % intervals contain the true value in at least 94 % of runs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.verdicts.judge import Estimate

# Measuring stops when half the width of the interval, relative to the value, is at most `COMPARED`
# if there is a baseline (which allows at least 10 % of noise for a latency), or at most `MEASURED`
# if there is neither a limit nor a baseline.
COMPARED, MEASURED = 0.02, 0.05


def is_precise(estimate: Estimate, within: float) -> bool:
    """Tell whether half the width of the interval is at most a share (`within`) of the value."""
    width = estimate.high - estimate.low
    return math.isfinite(width) and width / 2.0 <= within * abs(estimate.value)
