"""Tell whether the interval of timed answers is narrow enough to stop.

Whoever stops as soon as an interval is narrow stops a little more often where it is narrow by
chance. `suites/meta/verdicts/test_precision.py` simulates how often such intervals hold the true
value: at least in 94 % of runs, of 95 % intervals.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.verdicts.judge import Estimate

# Half an interval over its value. A baseline allows a latency 10 % of noise and more.
# COMPARED: of what has a baseline. MEASURED: of what has neither limit nor baseline.
COMPARED, MEASURED = 0.02, 0.05


def is_precise(estimate: Estimate, within: float) -> bool:
    """Tell whether half of the interval is at most this share of the value."""
    width = estimate.high - estimate.low
    return math.isfinite(width) and width / 2.0 <= within * abs(estimate.value)
