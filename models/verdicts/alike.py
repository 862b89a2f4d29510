"""Judge the share of equal labels by the fewest texts that can decide it.

Where all texts get equal labels, a share of 98 % is shown by some two hundred. So these are asked
first, and some times as many where labels differ, until the verdict is decided or no further texts
may be asked. All intervals together err as often as one of 95 %: their errors are added up
(Bonferroni).
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
    limits: Collection[Budget], texts: int, *, usual: int, most: int | None = None
) -> tuple[Look, ...]:
    """Return the looks after which the share of equal labels is judged.

    Args:
        limits: of the share, at least.
        texts: how many there are.
        usual: how many are looked at once where nothing limits the share, or where more than there
            are would have to be looked at.
        most: how many may be looked at in the end; `GROWTH` times the first look by default, as on
            a board, where each answer takes long.
    """
    limit = max((budget.value for budget in limits), default=0.0)
    first, left = BOUND_ERRORS
    fewest = texts_needed(1.0 - limit, error=first)
    if not limits or fewest > texts:
        return (Look(min(usual, texts), CONFIDENCE),)
    last = min(texts, GROWTH * fewest if most is None else most)
    looks, size = [Look(fewest, 1.0 - 2.0 * first)], fewest
    while size < last:
        size = min(last, GROWTH * size)
        # The last look may err as often as all looks before it left over.
        error = left if size == last else left / 2.0
        left -= error
        looks.append(Look(size, 1.0 - 2.0 * error))
    return tuple(looks)
