"""Stop timing answers once there is a verdict, with the error rates of judging all answers.

A metric with a limit is judged in several looks, each after more answers, as in
`models.verdicts.looks`: the intervals of all looks together contain the true value as often as one
interval of all answers. After the first look with a verdict, no more answers are timed. A metric
without a limit is measured until its interval is narrow (`models.verdicts.precision`).

`suites/meta/verdicts/test_stopping.py` simulates how often such verdicts err.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from models.verdicts.judge import Budget, Estimate, Verdict, judge
from models.verdicts.looks import DECIDED, SHARES, Look, confidences_of
from models.verdicts.precision import MEASURED, is_precise

if TYPE_CHECKING:
    from collections.abc import Collection

# Key of the number of timed answers in a measurement's details, and reasons for not timing more.
TIMED = "timed"
DECIDES = "decided"
IS_NARROW = "its interval is narrow"
NO_MORE = "this is the largest number for one measurement"


class Stopped(NamedTuple):
    """The point at which the timing of answers ended, and the reason.

    Attributes:
        look: number of answers, blocks or rounds, and confidence level of the interval.
        of: largest possible number of answers, blocks or rounds.
        because: why no more were timed.
    """

    look: Look
    of: int
    because: str

    def said(self) -> dict[str, Any]:
        """Return how many answers were timed, and why no more were, as details of a measurement."""
        return {
            "asked": self.look.texts,
            "of": self.of,
            "confidence": self.look.confidence,
            "because": self.because,
        }


def timed_looks(most: int, *, fewest: int) -> tuple[Look, ...]:
    """Return the looks at timed answers, or at blocks or rounds of answers.

    Args:
        most: number at the last look.
        fewest: smallest number at the first look; below it, intervals have no finite ends.
    """
    sizes = [math.ceil(share * most) for share in SHARES]
    sizes = [*(size for size in sizes if fewest <= size < most), most]
    return tuple(map(Look, sizes, confidences_of(tuple(size / most for size in sizes))))


def why_enough(
    estimate: Estimate, limits: Collection[Budget], *, scheme: str, within: float = MEASURED
) -> str:
    """Return why no more timed answers are needed; "" if more are.

    Args:
        estimate: the estimate so far, with the interval of the look.
        limits: the existing limits: budget, regression guard, or both.
        scheme: name of the variant.
        within: required precision of a metric without a limit, see `is_precise`.
    """
    if not limits:
        return IS_NARROW if is_precise(estimate, within) else ""
    verdicts = {judge(estimate, limit, scheme=scheme).verdict for limit in limits}
    return DECIDES if Verdict.FAIL in verdicts or verdicts <= set(DECIDED) else ""
