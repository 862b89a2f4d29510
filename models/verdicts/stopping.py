"""Stop asking for timed answers once they decide, with the error rates of a single look at all.

What is limited is looked at several times, as the texts of a split are: the intervals of all looks
together hold the true value as often as one interval of all answers (`models.verdicts.looks`). The
first look whose interval keeps or breaks the limit ends the answers. What nothing limits is known
well enough once its interval is narrow (`models.verdicts.precision`).

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

# What a measurement's details call how many timed answers there were, and why no more.
TIMED = "timed"
DECIDES = "decided"
IS_NARROW = "its interval is narrow"
NO_MORE = "no more are asked at once"


class Stopped(NamedTuple):
    """The look at which timed answers ended, and the reason.

    Attributes:
        look: the number of answers, blocks or rounds, and the confidence of the interval then.
        of: how many there are at the most.
        because: why no more.
    """

    look: Look
    of: int
    because: str

    def said(self) -> dict[str, Any]:
        """Return the details of a measurement about the number of answers."""
        return {
            "asked": self.look.texts,
            "of": self.of,
            "confidence": self.look.confidence,
            "because": self.because,
        }


def timed_looks(most: int, *, fewest: int) -> tuple[Look, ...]:
    """Return the looks at timed answers, or at blocks or rounds of them.

    Args:
        most: how many there are at the last look.
        fewest: the first look is at no fewer; below it intervals have no finite ends.
    """
    sizes = [math.ceil(share * most) for share in SHARES]
    sizes = [*(size for size in sizes if fewest <= size < most), most]
    return tuple(map(Look, sizes, confidences_of(tuple(size / most for size in sizes))))


def why_enough(
    estimate: Estimate, limits: Collection[Budget], *, scheme: str, within: float = MEASURED
) -> str:
    """Return why no more timed answers are needed; "" if more are.

    Args:
        estimate: what is known so far, with the interval of the look.
        limits: its budget and its regression guard, those that there are.
        scheme: of which variant.
        within: how precise it has to be where nothing limits it, see `is_precise`.
    """
    if not limits:
        return IS_NARROW if is_precise(estimate, within) else ""
    verdicts = {judge(estimate, limit, scheme=scheme).verdict for limit in limits}
    return DECIDES if Verdict.FAIL in verdicts or verdicts <= set(DECIDED) else ""
