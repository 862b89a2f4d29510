"""Judge the share of equal labels with the fewest texts that can give a verdict.

If all texts get equal labels, about two hundred texts show a share of 98 %. So this many are
classified first. If labels differ, several times as many follow, until there is a verdict or no
more texts are allowed. All intervals together err as often as a single one of 95 %: their error
rates add up to its error rate (Bonferroni).
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
        limits: lower limits of the share.
        texts: number of available texts.
        usual: number of texts of a single look, if the share has no limit, or if more texts than
            available would be needed.
        most: largest number of texts at the last look; by default `GROWTH` times the first look,
            which suits a board, where each answer takes long.
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
        # The last look may use all of the remaining error probability, each earlier look half of
        # it.
        error = left if size == last else left / 2.0
        left -= error
        looks.append(Look(size, 1.0 - 2.0 * error))
    return tuple(looks)
