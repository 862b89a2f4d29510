"""Timing that stops at an interim look errs no more often than one look at all answers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from models.verdicts.comparison import (
    BLOCK,
    FEWEST_BLOCKS,
    RacedRatio,
    latency_ratio,
    noise_floor,
)
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.judge import Budget, Estimate, Verdict, judge
from models.verdicts.looks import Look
from models.verdicts.single_stream import CHUNK, FEWEST, single_stream
from models.verdicts.stopping import (
    DECIDES,
    IS_NARROW,
    NO_MORE,
    Stopped,
    timed_looks,
    why_enough,
)

DRAWS = 400
# Limits on the observed error (nominally 2.5 %) and coverage (at least 94 %), with a margin of two
# standard deviations for this number of draws.
ERROR = 0.025 + 2.0 * math.sqrt(0.025 * 0.975 / DRAWS)
COVERED = 0.94 - 2.0 * math.sqrt(0.95 * 0.05 / DRAWS)
SHARE = 0.9
SPREAD = 0.15
# The 90th percentile of a lognormal distribution around 1.
TRUE = math.exp(SPREAD * 1.2815515655446004)
QUERIES = 512


def _at_most(metric, value):
    return Budget(metric, "max", value, f"{value} s", "budgets.toml", metric)


def _stream(random, limit, looks_at=None):
    """Return a stream of lognormal latencies that stops once it is decided, and its verdict."""
    budget = _at_most("latency_p90", limit)

    def enough(stream):
        estimate = stream.percentile(SHARE)
        if looks_at is not None:
            looks_at.append(estimate.n)
        return why_enough(estimate, [budget], scheme="float32")

    def ask(_, count):
        return random.lognormal(0.0, SPREAD, count)

    stream = single_stream(ask, enough, queries=QUERIES, seconds=0.0)
    return stream, judge(stream.percentile(SHARE), budget, scheme="float32").verdict


@pytest.mark.parametrize("effect", [0.95, 1.0, 1.05])
def test_interim_looks_at_a_percentile_err_no_more_often_than_one_look(effect):
    """The true value is `effect` times the limit."""
    random, covered, verdicts, sizes = np.random.default_rng(7), 0, [], []
    for _ in range(DRAWS):
        stream, verdict = _stream(random, TRUE / effect)
        estimate = stream.percentile(SHARE)
        covered += estimate.low <= TRUE <= estimate.high
        verdicts.append(verdict)
        sizes.append(stream.seconds.size)
    wrong = {"pass": effect >= 1.0, "fail": effect <= 1.0}
    assert covered / DRAWS >= COVERED
    assert all(
        verdicts.count(Verdict(name)) / DRAWS <= ERROR
        for name, is_wrong in wrong.items()
        if is_wrong
    )
    assert (np.mean(sizes) > 0.9 * QUERIES) == (effect == 1.0), (
        "fewer queries must be needed if the limit is decided early"
    )


def test_simulation_detects_interim_looks_at_uncorrected_confidence(monkeypatch):
    """With 95 % confidence at each look the rate of wrong verdicts is too high."""
    looks = tuple(Look(look.texts, CONFIDENCE) for look in timed_looks(QUERIES, fewest=FEWEST))
    monkeypatch.setattr("models.verdicts.single_stream.timed_looks", lambda *_, **__: looks)
    random = np.random.default_rng(7)
    verdicts = [_stream(random, TRUE)[1] for _ in range(DRAWS)]
    wrong = max(verdicts.count(Verdict.PASS), verdicts.count(Verdict.FAIL))
    assert wrong / DRAWS > ERROR


def test_limit_far_from_the_value_is_decided_at_the_first_interim_look():
    looks = []
    stream, verdict = _stream(np.random.default_rng(1), 50.0, looks)
    assert verdict is Verdict.PASS
    assert len(looks) == 1
    assert stream.stopped.because == DECIDES
    assert stream.stopped.look.texts == stream.seconds.size <= QUERIES / 4
    assert stream.details()["timed"]["of"] == QUERIES


def test_limit_equal_to_the_value_needs_all_interim_looks():
    looks = []
    stream, verdict = _stream(np.random.default_rng(2), TRUE, looks)
    assert verdict is Verdict.INCONCLUSIVE
    assert len(looks) == len(timed_looks(QUERIES, fewest=FEWEST))
    assert stream.stopped == Stopped(Look(QUERIES, stream.confidence), QUERIES, NO_MORE)


def test_interim_looks_before_the_minimum_time_are_skipped():
    """If each answer takes a millisecond, the minimum of a second leaves only the last look."""
    sizes = []

    def enough(so_far):
        sizes.append(so_far.seconds.size)
        return DECIDES

    stream = single_stream(lambda _, n: np.full(n, 1e-3), enough, queries=QUERIES, seconds=1.0)
    last = timed_looks(QUERIES, fewest=FEWEST)[-1]
    assert sizes == [stream.seconds.size]
    assert 1000 <= stream.seconds.size <= 1000 + CHUNK
    assert stream.confidence == last.confidence


@pytest.mark.parametrize("effect", [0.97, 1.0, 1.03])
def test_interim_looks_at_a_ratio_err_no_more_often_than_one_look(effect):
    random, verdicts, blocks = np.random.default_rng(11), [], []
    budget = _at_most("latency_ratio", 1.0 / effect)
    looks = timed_looks(40, fewest=FEWEST_BLOCKS)
    for _ in range(DRAWS):
        seconds = random.lognormal(0.0, 0.02, (3, looks[-1].texts * BLOCK))
        for look in looks:
            first, again, raced_model = seconds[:, : look.texts * BLOCK]
            ratio = RacedRatio(
                latency_ratio(raced_model, first, confidence=look.confidence),
                noise_floor(again, first, confidence=look.confidence),
            )
            if why_enough(ratio.widened, [budget], scheme="float16"):
                break
        verdicts.append(judge(ratio.widened, budget, scheme="float16").verdict)
        blocks.append(ratio.ratio.n)
    wrong = {"pass": effect >= 1.0, "fail": effect <= 1.0}
    assert all(
        verdicts.count(Verdict(name)) / DRAWS <= ERROR
        for name, is_wrong in wrong.items()
        if is_wrong
    )
    assert (np.mean(blocks) > 38) == (effect == 1.0), (
        "fewer blocks must be needed if the limit is decided early"
    )


def test_first_interim_look_at_timing_blocks_has_a_finite_interval():
    for most in (16, 40):
        look = timed_looks(most, fewest=FEWEST_BLOCKS)[0]
        samples = np.random.default_rng(0).lognormal(0.0, 0.1, look.texts * BLOCK)
        ratio = latency_ratio(samples, np.ones_like(samples), confidence=look.confidence)
        assert math.isfinite(ratio.low)
        assert math.isfinite(ratio.high)


@pytest.mark.parametrize(("most", "fewest"), [(4, 96), (7, 7), (96, 96)])
def test_few_answers_are_judged_at_a_single_look_with_the_usual_confidence(most, fewest):
    assert timed_looks(most, fewest=fewest) == (Look(most, CONFIDENCE),)


@pytest.mark.parametrize(
    ("interval", "limits", "because"),
    [
        ((0.9, 1.1), [], ""),
        ((0.99, 1.01), [], IS_NARROW),
        ((0.5, 1.4), [1.5], DECIDES),
        ((0.5, 1.4), [1.2], ""),
        ((0.5, 1.4), [1.5, 1.2], ""),
        ((0.5, 1.4), [1.2, 0.4], DECIDES),
        ((0.5, math.inf), [1.5], ""),
    ],
)
def test_timing_stops_if_limits_are_decided_or_the_interval_is_narrow(interval, limits, because):
    estimate = Estimate(1.0, *interval, 10)
    limits = [_at_most("latency_ratio", limit) for limit in limits]
    assert why_enough(estimate, limits, scheme="float16") == because


def test_value_with_a_baseline_is_timed_until_its_interval_is_narrow():
    from fixtures.timing.stopping import enough  # noqa: PLC0415 - importing a fixture at the top would register it

    budget = _at_most("latency_ratio", 5.0)
    settings = SimpleNamespace(
        budgets=SimpleNamespace(limit=lambda *_: budget),
        guards=None,
        target=SimpleNamespace(untimed=None, device=SimpleNamespace(budgets={})),
    )
    wide = Estimate(1.0, 0.8, 1.2, 10)
    for texts, because in ((None, DECIDES), (40, "")):
        baselines = SimpleNamespace(texts_of=lambda *_, known=texts: known)
        tell = enough.__wrapped__(settings, baselines)
        assert tell("latency_ratio", "float16", wide) == because


def test_race_whose_candidate_is_missing_is_not_continued():
    from fixtures.timing.races import why_races_are_enough  # noqa: PLC0415 - see above

    assert why_races_are_enough(lambda *_: "", "latency_ratio", {})
