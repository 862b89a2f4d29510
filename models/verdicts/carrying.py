"""Carry a host's verdict over to a board that classified only some of the texts.

A quantized variant is judged in the same way by the answers of its reference. In that case, read
"reference" in place of "host", and "variant" in place of "board".

The host has classified every text with the same file. The board can differ from it only on texts
that it labels differently. The board classifies all *close* texts: their two best labels are nearly
equal on the host, so that another order of additions can change the label. It also classifies a
random sample of the *other* texts.

The *hybrid* has the board's answers to the close texts and the host's answers to the others. Its
answers to all texts are known, so that its interval is computed as usual. The board's true value
differs from the hybrid's only as far as board and host disagree on the other texts. The share of
these disagreements is estimated and bounded from the random sample (Clopper and Pearson). The close
texts were chosen and not drawn, so they do not count in the bound and cannot bias it.

The hybrid's interval is moved by the effect of the estimated share. Its margin and the share's
margin are independent, each wrong in 2.5 % of runs at each end, so they are combined by squares
(Newcombe 1998, Statistics in Medicine 17:873; Zou and Donner 2008, Statistics in Medicine 27:1693),
as if all disagreements made the metric worse, or all made it better. The plain sum of the margins
would be larger than the error rate requires, because both are rarely wrong together, and the board
would have to classify more texts. `suites/meta/verdicts/test_carrying.py` simulates the error rate
of each end, also for the sample sizes that are computed from the host's answers.

This interval alone could not show that a board labels many texts wrongly, because the hybrid has
the host's labels for all texts outside of the sample. So the better end of the interval is computed
in two ways, each with half of the error rate: from the hybrid, and from the board's own answers to
the first texts in random order, which are a random sample of all texts. The end that is nearer to
the value is used.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.verdicts.intervals import CONFIDENCE, proportion_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.verdicts.metrics import Floats, Labels

    Rows = NDArray[np.int64]

# Parts of the error probability of one end of an interval that two looks use. The first look uses
# the fewest texts that give a verdict if none of them disagrees. The second uses more texts, if
# some disagreed at the first.
_FIRST, _SECOND = 0.9, 0.1
# Share and largest number of the texts with the smallest margins, all of which are classified. In a
# large split 100 are enough, because each further close text costs one inference, as much as a text
# of the random sample.
CLOSE_SHARE, MOST_CLOSE = 0.02, 100
# The share if host and board run the same file. Between XNNPACK and the portable kernels, 2 of
# 8,000 labels of four files of the default subject differed, where the margins were the 2nd and the
# 12th smallest of 2,000. On emulated boards no logit differed by more than 0.06
# (models/devices/emulated), which can change a label only where the margin is below 0.12: in 0.8 %
# of the texts.
CLOSE_SHARE_OF_ONE_FILE = 0.01
# Factor by which the second look has more of the other texts than the first.
GROWTH = 3
# Smallest sample of the other texts that allows a conclusion.
FEWEST = 30


class Errors(NamedTuple):
    """The error probabilities of a gate, each for one end of its interval.

    Attributes:
        first: of the bound on disagreements at the first look.
        second: of that bound at the second look.
        confidence: confidence level of the interval that is computed from the known answers.
    """

    first: float
    second: float
    confidence: float

    @classmethod
    def of(cls, confidence: float) -> Errors:
        """Return the error probabilities for looks that together have a confidence level."""
        error = (1.0 - confidence) / 2.0
        return cls(_FIRST * error, _SECOND * error, confidence)


OF_BOARD = Errors.of(CONFIDENCE)
# If the reference's answers give no verdict on a quantized variant, its own answers to all texts
# are judged in a last look. Half of the error probability is left for it.
LAST_LOOK = (1.0 + CONFIDENCE) / 2.0
OF_QUANTIZED = Errors.of(LAST_LOOK)


class Strata(NamedTuple):
    """The texts, divided by the host's margins.

    Attributes:
        close: positions of the texts with the smallest margins, [close].
        others: positions of the other texts, in the random order in which they are drawn, [others].
        order: positions of all texts in random order, [n].
    """

    close: Rows
    others: Rows
    order: Rows

    @property
    def texts(self) -> int:
        """Return the number of all texts."""
        return len(self.order)

    def sample(self, drawn: int) -> Rows:
        """Return the first texts in random order, sorted; the board has classified all of them.

        Args:
            drawn: how many of the other texts were drawn, and therefore the size of the sample.
        """
        return np.sort(self.order[:drawn])


def strata_of(margins: Floats, order: Rows, *, share: float = CLOSE_SHARE) -> Strata:
    """Divide the texts by the host's margins.

    Args:
        margins: difference between each text's two largest logits on the host, [n].
        order: random order of the texts, a permutation [n].
        share: share of the texts that count as close, if these are not more than `MOST_CLOSE`.
    """
    count = min(MOST_CLOSE, max(1, round(share * len(margins))))
    close = np.sort(np.argsort(margins, kind="stable")[:count])
    return Strata(close, order[~np.isin(order, close)], order)


def most_disagreeing(disagreeing: int, drawn: int, *, error: float) -> float:
    """Return an upper bound on the share of texts that disagree, from a random sample.

    The bound is one-sided (Clopper and Pearson 1934). It holds for all texts that the board will
    ever classify, not only for the test split. So it does not become smaller if the sample
    is a large part of the split.

    Args:
        disagreeing: number of texts in the sample that disagree.
        drawn: number of texts in the sample.
        error: largest probability that the bound is too small.
    """
    return proportion_interval(disagreeing, drawn, confidence=1.0 - 2.0 * error).high


def texts_needed(share: float, *, error: float) -> int:
    """Return how many texts without a disagreement show that at most a share disagrees.

    Args:
        share: the share that may disagree (Clopper and Pearson, one side).
        error: largest probability that the bound is too small.
    """
    if share >= 1.0:
        return FEWEST
    if share <= 0.0:
        return sys.maxsize
    return max(FEWEST, math.ceil(math.log(error) / math.log1p(-share)))


def combined(end: float, moved: float, most_moved: float) -> float:
    """Return the distance of an end of the board's interval from the hybrid's value.

    Args:
        end: distance from the hybrid's value to that end of its interval.
        moved: estimated distance by which disagreements on the other texts move the value.
        most_moved: upper bound on this distance.
    """
    return moved + math.hypot(end, most_moved - moved)


def most_allowed(decided: Callable[[int], bool], texts: int) -> int | None:
    """Return the largest number of disagreements that leaves the verdict decided.

    Return None if the verdict is undecided even without disagreements.

    Args:
        decided: returns whether a number of disagreements leaves the verdict decided; if it returns
            True for a number, it must for every smaller one.
        texts: number of texts that may disagree.
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
    """Return the labels in the best or the worst case if some texts have other labels.

    Args:
        labels: the known labels [n].
        right: labels that count as right [n]: gold labels, or the labels of a reference.
        different: positions of the texts that may have other labels.
        count: largest number of these texts that have another label.
        better: whether to return the best case (wrong labels become right) or the worst.
    """
    changed = labels.copy()
    # Change the rarest labels first, because they affect measures that weight all labels equally
    # the most.
    amounts = np.bincount(right)[right[different]]
    ordered = different[np.argsort(amounts, kind="stable")]
    moved = ordered[(changed[ordered] == right[ordered]) != better][:count]
    classes = max(2, int(max(labels.max(), right.max())) + 1)
    changed[moved] = right[moved] if better else (right[moved] + 1) % classes
    return changed
