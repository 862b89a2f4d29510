"""The effect of texts that a board did not classify is bounded, as 2,000 simulated draws show."""

from __future__ import annotations

import itertools
import math
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from fixtures.answering.carrying import Carrier
from fixtures.answering.known import Scored
from models.verdicts import carrying
from models.verdicts.estimates import accuracy, accuracy_drop, total_variation
from models.verdicts.intervals import CONFIDENCE, difference_from_counts, proportion_interval
from models.verdicts.judge import Verdict
from models.verdicts.looks import Look, looks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 2000
TEXTS = 2000
cached_difference = cache(difference_from_counts)
# Number of texts that are not close, for a board and for a quantized variant.
OTHERS = {
    carrying.OF_BOARD: TEXTS - round(carrying.CLOSE_SHARE_OF_ONE_FILE * TEXTS),
    carrying.OF_QUANTIZED: TEXTS - round(carrying.CLOSE_SHARE * TEXTS),
}


@pytest.mark.parametrize("share", [0.002, 0.01, 0.2])
@pytest.mark.parametrize("drawn", [30, 400])
def test_upper_bound_on_disagreements_covers_the_true_share(share, drawn):
    random = np.random.default_rng([round(1e4 * share), drawn])
    bound = cache(carrying.most_disagreeing)
    disagreeing = random.binomial(drawn, share, size=DRAWS)
    covered = sum(bound(int(count), drawn, error=0.025) >= share for count in disagreeing)
    assert covered / DRAWS >= 1.0 - 0.025 - 0.007


@pytest.mark.parametrize(
    ("close", "far"),
    [(0.0, 0.0), (0.1, 0.0), (0.3, 0.005), (0.0, 0.01), (0.0, 0.02), (0.5, 0.1)],
    ids=["none", "close ones", "some", "others", "more others", "many"],
)
@pytest.mark.parametrize("right", [0.9, 0.995], ids=["accuracy", "agreement"])
@pytest.mark.parametrize("drawn", [60, 400])
def test_interval_from_host_answers_and_a_board_sample_errs_at_the_nominal_rate(
    close, far, right, drawn
):
    """The rate holds whichever texts disagree; all texts with small margins are classified."""
    random = np.random.default_rng([round(100 * close), round(1e4 * far), drawn])
    bound = cache(carrying.most_disagreeing)
    chosen = np.arange(TEXTS) < carrying.CLOSE_SHARE_OF_ONE_FILE * TEXTS
    # A label that differs counts as wrong, which is the worst case for a board.
    truth = right * (1.0 - np.where(chosen, close, far).mean())
    gold = np.zeros(TEXTS, np.int64)

    @cache
    def measured(correct):
        return accuracy(gold, (np.arange(TEXTS) >= correct).astype(np.int64))

    above = below = 0
    for _ in range(DRAWS):
        host = random.random(TEXTS) < right
        differs = random.random(TEXTS) < np.where(chosen, close, far)
        farther = random.permutation(np.flatnonzero(~chosen))
        differing = int(differs[farther[:drawn]].sum())
        error = carrying.OF_BOARD.first + carrying.OF_BOARD.second
        others = len(farther) / TEXTS
        moved = differing / drawn * others, bound(differing, drawn, error=error) * others
        hybrid = measured(int((host & ~(differs & chosen)).sum()))
        above += hybrid.value - carrying.combined(hybrid.value - hybrid.low, *moved) > truth
        below += hybrid.value + carrying.combined(hybrid.high - hybrid.value, *moved) < truth
    assert above / DRAWS <= 0.025 + 0.007
    assert below / DRAWS <= 0.025 + 0.007


def test_simulation_detects_a_bound_that_ignores_texts_outside_the_sample():
    """The planted fault takes the observed share as an upper bound."""
    random = np.random.default_rng(5)
    assert (random.binomial(200, 0.01, size=DRAWS) / 200 >= 0.01).mean() < 0.7


def test_upper_bound_without_disagreements_solves_the_binomial_equation():
    for drawn, error in ((30, 0.025), (400, 0.01)):
        share = carrying.most_disagreeing(0, drawn, error=error)
        assert (1.0 - share) ** drawn == pytest.approx(error)


@pytest.mark.parametrize(
    ("end", "moved", "most", "expected"),
    [(3.0, 0.0, 4.0, 5.0), (3.0, 1.0, 5.0, 6.0), (0.0, 2.0, 7.0, 7.0), (3.0, 2.0, 2.0, 5.0)],
)
def test_independent_margins_are_added_in_quadrature(end, moved, most, expected):
    assert carrying.combined(end, moved, most) == expected


def test_sample_size_for_a_share_equals_the_size_that_an_exact_interval_requires():
    drawn = carrying.texts_needed(0.02, error=0.025)
    assert proportion_interval(drawn, drawn).low >= 0.98
    assert proportion_interval(drawn - 1, drawn - 1).low < 0.98
    assert carrying.texts_needed(1.0, error=0.025) == carrying.FEWEST
    assert carrying.texts_needed(0.0, error=0.025) > 10**9


def test_number_of_low_margin_texts_is_limited_for_a_large_split():
    strata = carrying.strata_of(np.arange(50_000.0), np.arange(50_000))
    assert strata.close.tolist() == list(range(carrying.MOST_CLOSE))


def test_largest_allowed_number_of_disagreements_is_found():
    assert carrying.most_allowed(lambda count: count <= 17, 2000) == 17
    assert carrying.most_allowed(lambda _: True, 2000) == 2000
    assert carrying.most_allowed(lambda _: False, 2000) is None


@pytest.mark.parametrize(("share", "close"), [(0.02, [98, 99]), (0.01, [99]), (0.001, [99])])
def test_texts_with_the_smallest_margins_form_their_own_stratum(share, close):
    margins = np.linspace(1.0, 0.01, 100)
    order = np.random.default_rng(0).permutation(100)
    strata = carrying.strata_of(margins, order, share=share)
    assert strata.close.tolist() == close
    assert sorted(strata.others.tolist()) == list(range(100 - len(close)))
    assert strata.texts == 100


@pytest.mark.parametrize("better", [False, True])
def test_worst_case_score_equals_the_extreme_over_all_possible_answers(better):
    """The expected score is found by trying every choice of two texts among eight."""
    gold = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    labels = np.array([0, 0, 0, 1, 1, 0, 2, 1])
    unknown = np.arange(8)
    changed = carrying.at_worst(labels, gold, unknown, 2, better=better)
    assert (changed != labels).sum() == 2
    value = (changed == gold).mean()
    every = []
    for texts in itertools.combinations(range(8), 2):
        for new in itertools.product(range(3), repeat=2):
            tried = labels.copy()
            tried[list(texts)] = new
            every.append((tried == gold).mean())
    assert value == (max(every) if better else min(every))


def test_worst_case_does_not_change_texts_the_board_has_classified():
    gold, labels = np.zeros(10, np.int64), np.zeros(10, np.int64)
    changed = carrying.at_worst(labels, gold, np.arange(5, 10), 9, better=False)
    assert (changed[:5] == 0).all()
    assert (changed[5:] != 0).all()
    drop = accuracy_drop(gold, labels, changed)
    assert drop.value == 0.5


class Board:
    """A variant on a board that labels some texts differently than the host.

    Args:
        labels: labels of all texts [n].
    """

    scheme = "float32"
    answered = np.array([], np.int64)

    def __init__(self, labels) -> None:
        self._labels = labels

    def labels_of(self, rows):
        """Return the board's labels of these texts."""
        return self._labels[rows]

    def probabilities_of(self, rows):
        """Return probabilities of these texts: one for the board's label, zero for the others."""
        return np.eye(2)[self._labels[rows]]


def _carried(host, board, gold, says=None, most=TEXTS):
    """Measure the accuracy of a board, carried over from the host's labels."""
    scored = Scored(host, np.eye(2)[host], np.linspace(0.0, 1.0, TEXTS))
    known = SimpleNamespace(instead_of=lambda _variant: scored)
    carrier = Carrier(gold, known, most=most)

    def measured(texts):
        return accuracy(texts.gold, texts.labels(board), confidence=texts.confidence)

    return carrier.measure("accuracy", measured, board, against=None, says=says)


@pytest.mark.parametrize("limit", [0.01, 0.015, 0.02])
def test_first_look_at_equal_probabilities_decides(limit):
    """The bound on a mean distance is found by resampling, so it needs a small reserve."""
    host = np.zeros(TEXTS, np.int64)
    scored = Scored(host, np.eye(2)[host], np.linspace(0.0, 1.0, TEXTS))
    board = Board(host)
    carrier = Carrier(host, SimpleNamespace(instead_of=lambda _variant: scored))

    def measured(texts):
        return total_variation(
            scored.probabilities, texts.probabilities(board), confidence=texts.confidence
        )

    def says(estimate):
        return Verdict.PASS if estimate.high <= limit else Verdict.INCONCLUSIVE

    carried = carrier.measure("total_variation", measured, board, against=None, says=says)
    assert says(carried.estimate) is Verdict.PASS
    # The second look would have three times as many texts.
    assert carried.estimate.n < 5.0 / limit


@pytest.mark.parametrize("turned", [0.01, 0.1, 1.0])
def test_interval_of_a_board_that_differs_from_the_host_has_the_nominal_error_rate(turned):
    """Both ends are checked, whether the interval uses the host's answers or only the board's."""
    random, right, draws = np.random.default_rng(round(1e3 * turned)), 0.9, 1000
    truth = right * (1.0 - turned) + (1.0 - right) * turned
    gold = np.zeros(TEXTS, np.int64)
    above = below = 0
    for _ in range(draws):
        host = (random.random(TEXTS) >= right).astype(np.int64)
        board = np.where(random.random(TEXTS) < turned, 1 - host, host)
        estimate = _carried(host, Board(board), gold).estimate
        above += estimate.low > truth
        below += estimate.high < truth
    assert max(above, below) / draws <= 0.025 + 0.01


def test_few_texts_suffice_to_fail_a_board_with_every_label_wrong():
    gold = np.zeros(TEXTS, np.int64)
    carried = _carried(gold, Board(1 - gold), gold)
    assert carried.estimate.high < 0.05
    assert carried.estimate.value < 0.05
    assert carried.estimate.n < TEXTS / 5


def test_board_never_classifies_more_texts_than_allowed():
    random = np.random.default_rng(7)
    gold = np.zeros(TEXTS, np.int64)
    host = (random.random(TEXTS) >= 0.9).astype(np.int64)
    limit = accuracy(gold, host).low - 0.01
    outcomes = {}
    for most in (TEXTS, 200):
        carried = _carried(
            host, Board(host), gold, lambda estimate: _at_least(limit, estimate), most
        )
        outcomes[most] = carried.estimate.n, _at_least(limit, carried.estimate)
    assert outcomes[TEXTS][0] > 200
    assert outcomes[TEXTS][1] is Verdict.PASS
    assert outcomes[200] == (200, Verdict.INCONCLUSIVE)


@cache
def _of_known(lost, won, confidence):
    """Return the drop of the known answers and the upper end of its interval."""
    high = difference_from_counts(lost, won, TEXTS, confidence=confidence).high
    return (lost - won) / TEXTS, high


@cache
def _draws(limit, lost, won, errors):
    """Return how many texts the first look classifies, as in `Carrier.measure`; 0 for all texts."""
    value, high = _of_known(lost, won, errors.confidence)
    others = OTHERS[errors]
    allowed = carrying.most_allowed(
        lambda count: value + carrying.combined(high - value, 0.0, count / TEXTS) <= limit, others
    )
    if not allowed:
        return 0
    drawn = carrying.texts_needed(allowed / others, error=errors.first)
    return drawn if drawn <= others // 2 else 0


@cache
def _end(known, differing, drawn, error, errors):
    """Return the upper end of the drop after a sample of the other texts."""
    value, high = _of_known(*known, errors.confidence)
    bounds = differing / drawn, carrying.most_disagreeing(differing, drawn, error=error)
    moved = (math.ceil(share * OTHERS[errors]) / TEXTS for share in bounds)
    return value + carrying.combined(high - value, *moved)


class Drawn(NamedTuple):
    """Simulated answers: those of the host or the reference, and those of the judged variant.

    Attributes:
        known: number of texts that the known answers lose, and number that they gain.
        differing: whether each text that is not close is labelled worse, in random order [others].
        lost: whether the variant loses each text, in random order [texts]; 2 for a text that is
            counted twice, because both draws lose it.
        won: whether it gains each text, in random order [texts].
    """

    known: tuple[int, int]
    differing: NDArray[np.bool_]
    lost: NDArray[np.int64]
    won: NDArray[np.bool_]


def _drawn(limit, added, changed, others):
    """Yield simulated answers whose true drop equals the limit.

    The variant adds the share `added` of the drop, and the known answers have the rest. The known
    answers differ from the full model's for the share `changed` of the texts, or for more texts if
    the drop requires it. `others` of the texts are not close: their margins are not the smallest.
    """
    random = np.random.default_rng([round(100 * added), round(1000 * limit), round(100 * changed)])
    known = limit * (1.0 - added)
    gained = max(0.0, changed - known) / 2.0
    for _ in range(DRAWS):
        draws = random.random(TEXTS)
        lost, won = draws < gained + known, draws > 1.0 - gained
        # Only texts that are not close get a worse label: only these are bounded, and not known.
        close = np.zeros(TEXTS, np.bool_)
        close[random.choice(TEXTS, TEXTS - others, replace=False)] = True
        worse = ~close & (random.random(TEXTS) < limit * added * TEXTS / others)
        both = lost.astype(np.int64) + worse
        yield Drawn((int(lost.sum()), int(won.sum())), worse[~close], both, won)


def _passes_carried(drawn, answers, limit, errors):
    """Tell whether one of the looks that use known answers passes."""
    most = min(OTHERS[errors], carrying.GROWTH * drawn)
    looks = (drawn, errors.first), (most, errors.second)
    return any(
        _end(answers.known, int(answers.differing[:texts].sum()), texts, error, errors) <= limit
        for texts, error in looks
    )


def _passes_alone(answers, limit, look):
    """Tell whether a look that uses only the variant's own answers passes."""
    lost, won = (int(part[: look.texts].sum()) for part in (answers.lost, answers.won))
    high = cached_difference(lost, won, look.texts, confidence=look.confidence).high
    return high <= limit


AT_LIMIT = {
    "added": [0.0, 0.05, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0],
    "limit": [0.01, 0.04],
    "changed": [0.0, 0.01, 0.03],
}


@pytest.mark.parametrize("added", AT_LIMIT["added"])
@pytest.mark.parametrize("limit", AT_LIMIT["limit"])
@pytest.mark.parametrize("changed", AT_LIMIT["changed"])
def test_board_at_its_limit_passes_in_at_most_one_of_forty_runs(added, limit, changed):
    """The host's answers decide whether the board classifies all texts, or how many."""
    passed = 0
    for answers in _drawn(limit, added, changed, OTHERS[carrying.OF_BOARD]):
        drawn = _draws(limit, *answers.known, carrying.OF_BOARD)
        if drawn:
            passed += _passes_carried(drawn, answers, limit, carrying.OF_BOARD)
        else:
            passed += _passes_alone(answers, limit, Look(TEXTS, CONFIDENCE))
    assert passed / DRAWS <= 0.025 + 0.007


@pytest.mark.parametrize("added", AT_LIMIT["added"])
@pytest.mark.parametrize("limit", AT_LIMIT["limit"])
@pytest.mark.parametrize("changed", AT_LIMIT["changed"])
def test_quantized_variant_at_its_limit_passes_in_at_most_one_of_forty_runs(added, limit, changed):
    """Looks that use the reference's answers are followed by a look at all texts.

    If the reference's answers would save no texts, the usual looks are used.
    """
    passed, last = 0, Look(TEXTS, carrying.LAST_LOOK)
    for answers in _drawn(limit, added, changed, OTHERS[carrying.OF_QUANTIZED]):
        drawn = _draws(limit, *answers.known, carrying.OF_QUANTIZED)
        if drawn:
            passed += _passes_carried(
                drawn, answers, limit, carrying.OF_QUANTIZED
            ) or _passes_alone(answers, limit, last)
        else:
            passed += any(_passes_alone(answers, limit, look) for look in looks_of(TEXTS))
    assert passed / DRAWS <= 0.025 + 0.007


def test_simulation_detects_looks_that_ignore_disagreements_with_the_reference():
    """The planted fault uses the reference's 95 % interval, and no bound on disagreements."""
    passed = 0
    for answers in _drawn(0.04, 0.5, 0.01, OTHERS[carrying.OF_QUANTIZED]):
        _, high = _of_known(*answers.known, CONFIDENCE)
        passed += high <= 0.04
    assert passed / DRAWS > 0.5


def _at_least(limit, estimate):
    """Return the verdict on an estimate that must be at least the limit."""
    if estimate.low >= limit:
        return Verdict.PASS
    return Verdict.FAIL if estimate.high < limit else Verdict.INCONCLUSIVE
