"""Carry a host's verdict over to a board that answered only some of the texts.

The host has answered every text by the same file. What the board can add is disagreement: texts
that it labels otherwise. It is asked for all texts whose label the host is least sure of (those
close to a decision, where another order of additions can tip a label), and for some of the others,
drawn at random.

What is measured of the board differs from what is measured of a *hybrid*, which answers the close
texts as the board does and the others as the host does, by no more than disagreement on the others
can make of it. The hybrid's answers to all texts are known, so that its interval is the usual one.
How many of the others disagree is bounded by those that were drawn of them, without replacement
(hypergeometric), whatever makes them disagree: each was as likely to be drawn as any other, and the
close ones, that were chosen, are no part of that bound, so that choosing them biases nothing.

The ends of the hybrid's interval are moved apart by what the bound allows. An end errs where the
texts at hand are off by more than the interval says and the drawn ones by more than the bound says,
or one makes up for the other: two independent margins, added in full, that each err in 2.5 % of
runs. Where one of them is nothing, that is the error of an end; elsewhere it is smaller, which is
simulated in `suites/meta/verdicts/test_carrying.py`.

A board that labels many texts otherwise is not found wrong by that: its hybrid keeps the host's
labels of all texts that were not asked. So the better end of the interval is the nearer one of two,
each at half of the end's error: the hybrid's, and that of the board's own answers to the first
texts in random order, which were all asked and are a random sample of all texts.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.verdicts.metrics import Floats, Labels

    Rows = NDArray[np.int64]

# The error of one end of an interval, shared by the bounds after each of two questions: the first
# asks as many texts as decide where none disagrees, the second some more where one did.
_ERROR = (1.0 - CONFIDENCE) / 2.0
BOUND_ERRORS = (0.9 * _ERROR, 0.1 * _ERROR)
# Of the texts, those that are closest to a decision; they are all asked. Of a large split so many
# hold the closest: each more would cost an answer, as a drawn text does.
CLOSE_SHARE, MOST_CLOSE = 0.02, 100
# How many times as many of the others the second question is at.
GROWTH = 3
# Nothing is said of fewer others.
FEWEST = 30
# Of a sum of probabilities; those that follow are smaller still.
_NEGLIGIBLE = 1e-12


class Strata(NamedTuple):
    """The texts, divided by the host's margins.

    Attributes:
        close: texts whose label it is least sure of, [close].
        others: the rest, in the order in which they are drawn, [others].
        order: all texts in that order, [n].
    """

    close: Rows
    others: Rows
    order: Rows

    @property
    def texts(self) -> int:
        """The number of texts."""
        return len(self.order)

    def sample(self, drawn: int) -> Rows:
        """Return a random sample of all texts that were asked, where so many others were drawn."""
        return np.sort(self.order[:drawn])


def strata_of(margins: Floats, order: Rows) -> Strata:
    """Divide the texts by the host's margins.

    Args:
        margins: by how much the host prefers each text's label to the next, [n].
        order: in which texts are drawn, a permutation [n].
    """
    count = min(MOST_CLOSE, max(1, round(CLOSE_SHARE * len(margins))))
    close = np.sort(np.argsort(margins, kind="stable")[:count])
    return Strata(close, order[~np.isin(order, close)], order)


def most_disagreeing(disagreeing: int, drawn: int, *, others: int, error: float) -> int:
    """Return an upper bound of the number of other texts that disagree, from a random sample.

    A one-sided bound of a finite number, from a sample without replacement: the largest number that
    is not refuted (Wright 1991, "Exact confidence bounds when sampling from small finite
    universes").

    Args:
        disagreeing: how many of the drawn ones disagree.
        drawn: how many were drawn.
        others: how many there are in all.
        error: the bound is too small at most so often.
    """
    least, most = disagreeing, others - (drawn - disagreeing)
    while least < most:
        middle = (least + most + 1) // 2
        if _at_most(disagreeing, drawn, middle, others) > error:
            least = middle
        else:
            most = middle - 1
    return least


def _at_most(count: int, drawn: int, disagreeing: int, others: int) -> float:
    """Return the probability that at most so many of the drawn texts disagree.

    Args:
        count: of the drawn ones.
        drawn: how many are drawn, without replacement.
        disagreeing: how many of all others disagree.
        others: how many there are.

    Returns:
        The probability; 1 where it is no less than one half.
    """
    agreeing = others - disagreeing
    if count * others >= drawn * disagreeing + others:
        # By one more than the mean, from which the median is no further than that (Siegel 2001).
        return 1.0
    term = math.exp(
        _log_choices(disagreeing, count)
        + _log_choices(agreeing, drawn - count)
        - _log_choices(others, drawn)
    )
    total, least = term, max(0, drawn - agreeing)
    # Each from the one above it.
    for number in range(count, least, -1):
        term *= number * (agreeing - drawn + number)
        term /= (disagreeing - number + 1) * (drawn - number + 1)
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return total


def _log_choices(things: int, chosen: int) -> float:
    """Return the logarithm of the number of ways to choose so many things."""
    return math.lgamma(things + 1) - math.lgamma(chosen + 1) - math.lgamma(things - chosen + 1)


def draws_needed(allowed: int, *, others: int, error: float) -> int:
    """Return how many of the others to draw so that full agreement bounds the disagreement.

    Args:
        allowed: how many of the others may disagree.
        others: how many there are.
        error: see `most_disagreeing`.
    """
    least, most = min(FEWEST, others), others
    if allowed >= others:
        return least
    while least < most:
        middle = (least + most) // 2
        if most_disagreeing(0, middle, others=others, error=error) <= allowed:
            most = middle
        else:
            least = middle + 1
    return least


def texts_needed(share: float, *, error: float) -> int:
    """Return how many texts to draw so that full agreement bounds a share of whatever there is.

    Args:
        share: that may disagree (Clopper and Pearson, one side).
        error: the bound is too small at most so often.
    """
    if share >= 1.0:
        return FEWEST
    if share <= 0.0:
        return sys.maxsize
    return max(FEWEST, math.ceil(math.log(error) / math.log1p(-share)))


def most_allowed(decided: Callable[[int], bool], texts: int) -> int | None:
    """Return the largest number of disagreements that keeps a verdict; None if there is none.

    Args:
        decided: tells whether so many leave it decided; the more, the less.
        texts: how many there are.
    """
    if not decided(0):
        return None
    least, most = 0, texts
    while least < most:
        middle = (least + most + 1) // 2
        if decided(middle):
            least = middle
        else:
            most = middle - 1
    return least


def at_worst(labels: Labels, right: Labels, different: Rows, count: int, *, better: bool) -> Labels:
    """Return labels in the best or worst case for some of the other texts.

    Args:
        labels: [n].
        right: [n], what they are compared with: gold, or a reference's.
        different: the texts that may have other labels.
        count: how many of these have one, at the most.
        better: whether it is the right one, where it was not.
    """
    changed = labels.copy()
    # The rarest labels first: measures that count every label alike move most by them.
    amounts = np.bincount(right)[right[different]]
    ordered = different[np.argsort(amounts, kind="stable")]
    moved = ordered[(changed[ordered] == right[ordered]) != better][:count]
    classes = max(2, int(max(labels.max(), right.max())) + 1)
    changed[moved] = right[moved] if better else (right[moved] + 1) % classes
    return changed
