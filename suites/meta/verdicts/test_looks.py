"""Several interim looks err no more often than one look, as 2,000 simulated draws show."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from models.verdicts import confusion, intervals
from models.verdicts.judge import Budget, Estimate, Verdict, judge
from models.verdicts.looks import confidences_of, look_until_decided, looks_of, order_of, sizes_of
from models.verdicts.resampling import counts_interval, drop_interval, drop_of

DRAWS = 2000
FLOOR = 0.94
SHARES = [0.5, 0.85, 0.97, 0.98, 0.995]
# Shares of texts that only the first model, and only the second, gets right.
DISCORDANT = [(0.002, 0.0), (0.01, 0.0), (0.005, 0.005), (0.05, 0.03), (0.2, 0.1)]


def parts_of(texts, at_least=0):
    """Return the number of texts that each look adds."""
    return np.diff([0, *(look.texts for look in looks_of(texts, at_least=at_least))])


@pytest.mark.parametrize("texts", [1000, 2000, 58568])
@pytest.mark.parametrize("share", SHARES)
def test_intervals_of_a_proportion_at_all_interim_looks_jointly_cover_the_true_value(texts, share):
    random = np.random.default_rng([texts, round(1e4 * share)])
    looks, interval = looks_of(texts), cache(intervals.proportion_interval)
    counts = random.binomial(parts_of(texts), share, size=(DRAWS, len(looks))).cumsum(axis=1)
    covered = 0
    for successes in counts.tolist():
        intervals_found = (
            interval(count, look.texts, confidence=look.confidence)
            for count, look in zip(successes, looks, strict=True)
        )
        covered += all(low <= share <= high for low, high in intervals_found)
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize("texts", [1000, 2000])
@pytest.mark.parametrize(("only_first", "only_second"), DISCORDANT)
def test_intervals_of_a_drop_at_all_interim_looks_jointly_cover_the_true_value(
    texts, only_first, only_second
):
    random = np.random.default_rng([texts, round(1e4 * only_first), round(1e4 * only_second)])
    looks, interval = looks_of(texts), cache(intervals.difference_from_counts)
    odds = [only_first, only_second, 1.0 - only_first - only_second]
    parts = [random.multinomial(part, odds, size=DRAWS) for part in parts_of(texts)]
    counts = np.cumsum(parts, axis=0)
    truth, covered = only_first - only_second, 0
    for draw in range(DRAWS):
        intervals_found = (
            interval(int(first), int(second), look.texts, confidence=look.confidence)
            for (first, second, _), look in zip(counts[:, draw], looks, strict=True)
        )
        covered += all(low <= truth <= high for low, high in intervals_found)
    assert covered / DRAWS >= FLOOR


@pytest.mark.parametrize("share", [0.96, 0.97, 0.98])
def test_verdict_after_interim_looks_is_wrong_no_more_often_than_after_one_look(share):
    """A candidate exactly at its limit passes or fails in at most 2.5 % of runs each."""
    random = np.random.default_rng(round(1e4 * share))
    looks, interval = looks_of(2000), cache(intervals.proportion_interval)
    budget = Budget("agreement", "min", 0.97, "97 %", "budgets.toml", "agreement.min")
    ended = dict.fromkeys(Verdict, 0)
    texts_asked = 0
    for drawn in random.random((DRAWS, 2000)) < share:

        def measured(look, drawn=drawn):
            right = int(drawn[: look.texts].sum())
            ends = interval(right, look.texts, confidence=look.confidence)
            return Estimate(right / look.texts, *ends, look.texts)

        def says(estimate):
            return judge(estimate, budget, scheme="float16").verdict

        look, estimate = look_until_decided(looks, measured, says)
        ended[says(estimate)] += 1
        texts_asked += look.texts
    wrong = {0.96: (Verdict.PASS,), 0.97: (Verdict.PASS, Verdict.FAIL), 0.98: (Verdict.FAIL,)}
    for verdict in wrong[share]:
        assert ended[verdict] / DRAWS <= 0.03
    if share != 0.97:
        assert texts_asked / DRAWS < 1700


def test_simulation_detects_interim_looks_with_uncorrected_intervals():
    """The planted fault uses 95 % intervals at each look, which err far more often."""
    random = np.random.default_rng(3)
    looks, interval = looks_of(2000), cache(intervals.proportion_interval)
    counts = random.binomial(parts_of(2000), 0.85, size=(DRAWS, len(looks))).cumsum(axis=1)
    covered = 0
    for successes in counts.tolist():
        intervals_found = (
            interval(n, look.texts) for n, look in zip(successes, looks, strict=True)
        )
        covered += all(low <= 0.85 <= high for low, high in intervals_found)
    assert covered / DRAWS < 0.88


@pytest.mark.slow
@pytest.mark.parametrize("texts", [300, 2000])
@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
@pytest.mark.parametrize("rarest", [0.25, 0.1])
def test_intervals_of_class_averaged_scores_at_all_looks_jointly_cover_the_true_value(
    name, texts, rarest
):
    random = np.random.default_rng([texts, round(100 * rarest), len(name)])
    answers = np.array([[0.7, 0.2, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.05, 0.05, 0.9, 0.0]])
    odds = np.array([rarest, 0.3, 0.7 - rarest])[:, None] * answers
    looks = looks_of(texts, at_least=round(20 / rarest))

    def statistic(tables):
        return getattr(confusion, name)(tables[..., 0, :, :])

    truth = float(statistic(np.round(1e9 * odds).astype(np.int64)[None]))
    covered = 0
    for _ in range(DRAWS):
        tables = np.zeros((1, 3, 4), np.int64)
        covers = True
        for look in looks:
            part = look.texts - int(tables.sum())
            tables = tables + random.multinomial(part, odds.ravel()).reshape(1, 3, 4)
            low, high = counts_interval(statistic, tables, confidence=look.confidence)
            covers = covers and low <= truth <= high
        covered += covers
    assert covered / DRAWS >= FLOOR


@pytest.mark.slow
@pytest.mark.parametrize("texts", [300, 2000])
@pytest.mark.parametrize(("name", "together"), [("macro_f1", 0.95), ("balanced_accuracy", 0.9)])
def test_intervals_of_class_averaged_drops_at_all_looks_jointly_cover_the_true_value(
    name, texts, together
):
    random = np.random.default_rng([texts, round(100 * together)])
    answers = np.array([[0.7, 0.2, 0.1, 0.0], [0.15, 0.7, 0.15, 0.0], [0.1, 0.2, 0.7, 0.0]])
    alone = np.array([[0.6, 0.3, 0.1, 0.0], [0.2, 0.6, 0.2, 0.0], [0.2, 0.2, 0.6, 0.0]])
    joint = together * np.einsum("ga,ab->gab", answers, np.eye(4))
    joint += (1.0 - together) * np.einsum("ga,gb->gab", answers, alone)
    odds = np.array([0.25, 0.3, 0.45])[:, None, None] * joint
    looks = looks_of(texts, at_least=80)

    def statistic(tables):
        return getattr(confusion, name)(tables[..., 0, :, :])

    truth = float(drop_of(statistic, np.round(1e9 * odds).astype(np.int64)[None]))
    covered = 0
    for _ in range(DRAWS):
        tables = np.zeros((1, *odds.shape), np.int64)
        covers = True
        for look in looks:
            part = look.texts - int(tables.sum())
            drawn = random.multinomial(part, odds.ravel()).reshape(tables.shape)
            tables = tables + drawn
            low, high = drop_interval(statistic, tables, confidence=look.confidence)
            covers = covers and low <= truth <= high
        covered += covers
    assert covered / DRAWS >= FLOOR


@pytest.mark.slow
@pytest.mark.parametrize(("texts", "far"), [(1000, 0.02), (1000, 0.1), (1000, 0.01)])
def test_intervals_of_a_distance_at_all_interim_looks_jointly_cover_the_true_value(texts, far):
    random = np.random.default_rng([texts, round(1e4 * far)])
    truth = far * 0.4 + (1.0 - far) * 0.5 / 60.5
    looks, covered = looks_of(texts), 0
    for _ in range(DRAWS):
        moved = random.random(texts) < far
        distances = np.where(moved, random.beta(2, 3, texts), random.beta(0.5, 60, texts))
        intervals_found = (
            intervals.mean_interval(
                distances[: look.texts], confidence=look.confidence, resamples=1000
            )
            for look in looks
        )
        covered += all(low <= truth <= high for low, high in intervals_found)
    assert covered / DRAWS >= FLOOR


def test_few_texts_are_judged_at_a_single_look_with_the_usual_interval():
    assert looks_of(40) == ((40, intervals.CONFIDENCE),)
    assert looks_of(999) == ((999, intervals.CONFIDENCE),)
    assert looks_of(2000, at_least=2000) == ((2000, intervals.CONFIDENCE),)


def test_interim_looks_double_from_a_minimum_to_all_texts():
    assert sizes_of(2000) == (50, 100, 200, 400, 800, 1400, 2000)
    assert sizes_of(2000, at_least=150) == (200, 400, 800, 1400, 2000)
    assert sizes_of(58568)[0] >= 50
    assert sizes_of(58568)[-1] == 58568


def test_later_interim_looks_spend_more_of_the_error_rate():
    confidences = confidences_of((0.1, 0.2, 0.4, 0.7, 1.0))
    assert list(confidences) == sorted(confidences, reverse=True)
    assert all(confidence > intervals.CONFIDENCE for confidence in confidences)


def test_random_order_of_texts_follows_the_seed():
    assert order_of(100).tolist() == order_of(100).tolist()
    assert order_of(100).tolist() != order_of(100, seed=1).tolist()
    assert sorted(order_of(100).tolist()) == list(range(100))
