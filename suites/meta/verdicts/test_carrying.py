"""The effect of texts that a board did not classify is bounded, as 2,000 simulated draws show."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from fixtures.answering.carrying import Carrier, Scored
from models.verdicts import carrying
from models.verdicts.estimates import accuracy, accuracy_drop
from models.verdicts.intervals import proportion_interval
from models.verdicts.judge import Verdict

DRAWS = 2000
TEXTS = 2000


@pytest.mark.parametrize("share", [0.002, 0.01, 0.2])
@pytest.mark.parametrize("drawn", [30, 400])
def test_upper_bound_on_disagreements_covers_the_true_number(share, drawn):
    random = np.random.default_rng([round(1e4 * share), drawn])
    bound = cache(carrying.most_disagreeing)
    true = round(share * TEXTS)
    disagreeing = random.hypergeometric(true, TEXTS - true, drawn, size=DRAWS)
    covered = sum(
        bound(int(count), drawn, others=TEXTS, error=0.025) >= true for count in disagreeing
    )
    assert covered / DRAWS >= 1.0 - 0.025 - 0.007


def test_upper_bound_is_the_largest_number_consistent_with_the_sample():
    """The expected bound is found by enumerating all samples of 4 out of 10 texts."""
    for count, error in itertools.product(range(4), (0.01, 0.025, 0.2)):
        unrefuted = [
            true for true in range(count, 7 + count) if _share_of_choices(true, count) > error
        ]
        assert carrying.most_disagreeing(count, 4, others=10, error=error) == max(unrefuted)


def _share_of_choices(true, most):
    """Return the share of all samples of 4 of 10 with at most this many of the marked ones."""
    counts = [sum(text < true for text in four) for four in itertools.combinations(range(10), 4)]
    return sum(count <= most for count in counts) / len(counts)


@pytest.mark.parametrize(
    ("close", "far"),
    [(0.0, 0.0), (0.1, 0.0), (0.3, 0.005), (0.0, 0.01), (0.0, 0.02), (0.5, 0.1)],
    ids=["none", "close ones", "some", "others", "more others", "many"],
)
@pytest.mark.parametrize("right", [0.9, 0.995], ids=["accuracy", "agreement"])
@pytest.mark.parametrize("drawn", [60, 400])
def test_interval_from_host_answers_and_a_board_sample_has_the_nominal_error_rate(
    close, far, right, drawn
):
    """The rate holds whichever texts disagree; texts with small margins are all included."""
    random = np.random.default_rng([round(100 * close), round(1e4 * far), drawn])
    bound = cache(carrying.most_disagreeing)
    chosen = np.arange(TEXTS) < carrying.CLOSE_SHARE * TEXTS
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
        error = sum(carrying.BOUND_ERRORS)
        share = bound(differing, drawn, others=len(farther), error=error) / TEXTS
        hybrid = measured(int((host & ~(differs & chosen)).sum()))
        above += hybrid.low - share > truth
        below += hybrid.high + share < truth
    assert above / DRAWS <= 0.025 + 0.007
    assert below / DRAWS <= 0.025 + 0.007


def test_simulation_detects_a_bound_that_ignores_texts_outside_the_sample():
    """The planted fault takes the observed share as an upper bound."""
    random = np.random.default_rng(5)
    assert (random.binomial(200, 0.01, size=DRAWS) / 200 >= 0.01).mean() < 0.7


@pytest.mark.parametrize(("count", "others"), [(15, 1960), (0, 50), (1, 1960), (60, 1000)])
def test_board_sample_is_the_smallest_that_decides_if_all_its_texts_agree(count, others):
    drawn = carrying.draws_needed(count, others=others, error=0.025)
    assert carrying.most_disagreeing(0, drawn, others=others, error=0.025) <= count
    if drawn > carrying.FEWEST:
        assert carrying.most_disagreeing(0, drawn - 1, others=others, error=0.025) > count


def test_board_sample_is_minimal_if_all_remaining_texts_may_disagree():
    assert carrying.draws_needed(40, others=40, error=0.025) == carrying.FEWEST
    assert carrying.draws_needed(5, others=5, error=0.025) == 5


def test_sample_size_for_a_share_equals_the_size_that_an_exact_interval_requires():
    drawn = carrying.texts_needed(0.02, error=0.025)
    assert proportion_interval(drawn, drawn).low >= 0.98
    assert proportion_interval(drawn - 1, drawn - 1).low < 0.98
    assert carrying.texts_needed(1.0, error=0.025) == carrying.FEWEST
    assert carrying.texts_needed(0.0, error=0.025) > 10**9


def test_number_of_low_margin_texts_is_limited_for_a_large_split():
    strata = carrying.strata_of(np.arange(50_000.0), np.arange(50_000))
    assert strata.close.tolist() == list(range(carrying.MOST_CLOSE))


def test_finds_the_largest_allowed_disagreement():
    assert carrying.most_allowed(lambda count: count <= 17, 2000) == 17
    assert carrying.most_allowed(lambda _: True, 2000) == 2000
    assert carrying.most_allowed(lambda _: False, 2000) is None


def test_texts_with_the_smallest_margins_form_their_own_stratum():
    margins = np.linspace(1.0, 0.01, 100)
    strata = carrying.strata_of(margins, np.random.default_rng(0).permutation(100))
    assert strata.close.tolist() == [98, 99]
    assert sorted(strata.others.tolist()) == list(range(98))
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
        """Return its labels for some texts."""
        return self._labels[rows]


def _carried(host, board, gold, says=None, most=TEXTS):
    """Return the accuracy of a board, carried over from the host's labels."""
    scored = Scored(host, np.eye(2)[host], np.linspace(0.0, 1.0, TEXTS))
    carrier = Carrier(gold, lambda _variant: scored, most)

    def measured(texts):
        return accuracy(texts.gold, texts.labels(board), confidence=texts.confidence)

    return carrier.measure("accuracy", measured, board, against=None, says=says)


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


def test_few_texts_suffice_to_show_a_board_with_every_label_wrong():
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
    for most in (TEXTS, 300):
        carried = _carried(
            host, Board(host), gold, lambda estimate: _at_least(limit, estimate), most
        )
        outcomes[most] = carried.estimate.n, _at_least(limit, carried.estimate)
    assert outcomes[TEXTS][0] > 300
    assert outcomes[TEXTS][1] is Verdict.PASS
    assert outcomes[300] == (300, Verdict.INCONCLUSIVE)


def _at_least(limit, estimate):
    """Judge an estimate by its interval."""
    if estimate.low >= limit:
        return Verdict.PASS
    return Verdict.FAIL if estimate.high < limit else Verdict.INCONCLUSIVE
