"""Judge the share of equal labels by the fewest texts of a board that can decide it.

Where all texts get equal labels, a share of 98 % is shown by some two hundred. So these are asked
first, and some times as many where a label differs. Both intervals together err as often as one of
95 %: their errors are added up (Bonferroni).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.verdicts.carrying import BOUND_ERRORS, GROWTH, texts_needed
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.looks import Look

if TYPE_CHECKING:
    from collections.abc import Collection

    from models.verdicts.judge import Budget


def looks_at_equal_labels(
    limits: Collection[Budget], texts: int, *, usual: int
) -> tuple[Look, ...]:
    """Return the looks after which the share of equal labels is judged.

    Args:
        limits: of the share, at least.
        texts: how many there are.
        usual: how many are looked at once where nothing limits the share, or where more than there
            are would have to be looked at.
    """
    limit = max((budget.value for budget in limits), default=0.0)
    first, second = BOUND_ERRORS
    fewest = texts_needed(1.0 - limit, error=first)
    if not limits or fewest > texts:
        return (Look(min(usual, texts), CONFIDENCE),)
    return (
        Look(fewest, 1.0 - 2.0 * first),
        Look(min(texts, GROWTH * fewest), 1.0 - 2.0 * second),
    )
