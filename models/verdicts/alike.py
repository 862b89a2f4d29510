"""Plan after how many texts the share of equal labels is judged.

The first look uses the fewest texts that can give a verdict: if all of them get equal labels, about
two hundred texts show a share of 98 %. If labels differ, each further look uses `GROWTH` times as
many texts, until there is a verdict or no more texts are allowed. The error rates of all looks add
up to the error rate of a single 95 % interval (Bonferroni).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.verdicts.carrying import GROWTH, OF_BOARD, texts_needed
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.looks import Look

if TYPE_CHECKING:
    from collections.abc import Collection

    from models.verdicts.judge import Budget


def looks_at_equal_labels(
    limits: Collection[Budget], texts: int, *, usual: int, most: int | None = None
) -> tuple[Look, ...]:
    """Return the looks at the share of equal labels, each with its number of texts and confidence.

    Args:
        limits: lower limits of the share.
        texts: number of available texts.
        usual: number of texts if there is only one look, because the share has no limit, or because
            a verdict would need more texts than are available.
        most: largest number of texts at the last look; by default `GROWTH` times the first look,
            which suits a board, where each answer takes long.
    """
    limit = max((budget.value for budget in limits), default=0.0)
    first, left = OF_BOARD.first, OF_BOARD.second
    fewest = texts_needed(1.0 - limit, error=first)
    if not limits or fewest > texts:
        return (Look(min(usual, texts), CONFIDENCE),)
    last = min(texts, GROWTH * fewest if most is None else most)
    looks, size = [Look(fewest, 1.0 - 2.0 * first)], fewest
    while size < last:
        size = min(last, GROWTH * size)
        # Each look after the first uses half of the remaining error probability; the last look uses
        # all of it.
        error = left if size == last else left / 2.0
        left -= error
        looks.append(Look(size, 1.0 - 2.0 * error))
    return tuple(looks)
