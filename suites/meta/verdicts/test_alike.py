"""Agreement is proven on few texts by interim looks, with the error rate of a single interval."""

from __future__ import annotations

import numpy as np
import pytest

from models.verdicts.alike import looks_at_equal_labels
from models.verdicts.estimates import agreement
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.judge import Budget, Verdict, judge
from models.verdicts.looks import Look, look_until_decided

TEXTS, USUAL, DRAWS = 2000, 200, 2000


def _limit(value):
    return Budget(
        metric="agreement_backends",
        limit="min",
        value=value,
        text=f"{value:.2%}",
        file="a test",
        key="agreement_backends.min",
    )


def _judged(same, limit, *, most=None):
    """Return the last look and its verdict, if `same` [TEXTS] marks the texts with equal labels."""
    zeros = np.zeros(TEXTS, np.int64)

    def measured(look):
        labels = (~same[: look.texts]).astype(np.int64)
        return agreement(zeros[: look.texts], labels, confidence=look.confidence)

    def says(estimate):
        return judge(estimate, limit, scheme="one").verdict

    looks = looks_at_equal_labels([limit], TEXTS, usual=USUAL, most=most)
    look, estimate = look_until_decided(looks, measured, says)
    return look, says(estimate)


@pytest.mark.parametrize(("value", "fewest"), [(0.98, 188), (0.95, 74), (0.995, 757)])
def test_first_interim_look_uses_the_fewest_texts_that_can_prove_the_limit(value, fewest):
    looks = looks_at_equal_labels([_limit(value)], TEXTS, usual=USUAL)
    assert [look.texts for look in looks] == [fewest, min(TEXTS, 3 * fewest)]
    look, verdict = _judged(np.ones(TEXTS, np.bool_), _limit(value))
    assert (look, verdict) == (looks[0], Verdict.PASS)


def test_strictest_limit_decides_the_number_of_texts():
    several = looks_at_equal_labels([_limit(0.9), _limit(0.98)], TEXTS, usual=USUAL)
    assert several == looks_at_equal_labels([_limit(0.98)], TEXTS, usual=USUAL)


@pytest.mark.parametrize("limits", [[], [_limit(0.9999)]], ids=["no limit", "more than there are"])
def test_default_number_of_texts_is_used_if_no_number_can_prove_the_limit(limits):
    assert looks_at_equal_labels(limits, TEXTS, usual=USUAL) == (Look(USUAL, CONFIDENCE),)


def test_more_texts_are_needed_to_pass_if_one_label_differs():
    same = np.ones(TEXTS, np.bool_)
    same[3] = False
    look, verdict = _judged(same, _limit(0.98))
    assert (look.texts, verdict) == (564, Verdict.PASS)


def test_wrong_model_fails_at_the_first_interim_look():
    same = np.random.default_rng(0).random(TEXTS) < 0.4
    look, verdict = _judged(same, _limit(0.98))
    assert (look.texts, verdict) == (188, Verdict.FAIL)


def test_last_interim_look_may_use_all_texts():
    looks = looks_at_equal_labels([_limit(0.98)], TEXTS, usual=USUAL, most=TEXTS)
    assert [look.texts for look in looks] == [188, 564, 1692, TEXTS]


@pytest.mark.parametrize("most", [None, TEXTS])
def test_error_rates_of_all_interim_looks_add_up_to_the_nominal_rate(most):
    looks = looks_at_equal_labels([_limit(0.98)], TEXTS, usual=USUAL, most=most)
    assert sum(1.0 - look.confidence for look in looks) == pytest.approx(1.0 - CONFIDENCE)


def test_all_texts_decide_if_a_few_labels_differ():
    """One text in 200 gets another label; the limit of agreement is 98 %."""
    same = np.arange(TEXTS) % 200 != 3
    _, verdict = _judged(same, _limit(0.98), most=TEXTS)
    assert verdict is Verdict.PASS


@pytest.mark.parametrize("most", [None, TEXTS])
@pytest.mark.parametrize("share", [0.98, 0.975, 0.97])
def test_agreement_below_its_limit_passes_in_at_most_one_of_forty_runs(share, most):
    """The nominal rate is 2.5 %; it is simulated with 2,000 draws for each share."""
    random = np.random.default_rng(round(1e4 * share))
    drawn = (random.random(TEXTS) < share for _ in range(DRAWS))
    verdicts = [_judged(same, _limit(0.98), most=most)[1] for same in drawn]
    assert verdicts.count(Verdict.PASS) / DRAWS <= 0.025 + 0.007


@pytest.mark.parametrize("most", [None, TEXTS])
def test_agreement_above_its_limit_fails_in_at_most_one_of_forty_runs(most):
    random = np.random.default_rng(3)
    drawn = (random.random(TEXTS) < 0.981 for _ in range(DRAWS))
    verdicts = [_judged(same, _limit(0.98), most=most)[1] for same in drawn]
    assert verdicts.count(Verdict.FAIL) / DRAWS <= 0.025 + 0.007
