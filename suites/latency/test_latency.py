"""How fast the FlatBuffer answers; on shared machines as a ratio, interleaved in one runner."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import latency_ratio, quantile

SHARES = {"latency_p50": 0.5, "latency_p90": 0.9, "latency_p99": 0.99}


def test_latency_over_float32_is_within_budget(candidate, reference, race, judge):
    """One answer takes at most the budgeted multiple of the float32 variant's time."""
    ours, theirs = race.invoke_ns[candidate.scheme], race.invoke_ns[reference.scheme]
    judge("latency_ratio", latency_ratio(ours, theirs), of=candidate, timed=True)


@pytest.mark.parametrize("metric", SHARES)
def test_latency_percentile_is_within_budget(metric, variant, race, judge):
    """The percentile of `invoke()`'s time, on the device's own clock, keeps the device's budget."""
    seconds = race.invoke_ns[variant.scheme] / 1e9
    judge(metric, quantile(seconds, SHARES[metric]), of=variant, timed=True, seconds=seconds)


def test_answers_while_timed_are_those_of_the_accuracy_run(variant, race):
    """What was timed is what was judged: the labels given in the race equal the accuracy run's."""
    assert (race.predictions[variant.scheme] == variant.labels[race.rows]).all()
