"""Measure the time of an answer: on shared machines, as a ratio to the reference's time."""

from __future__ import annotations

import pytest

from fixtures.timing.classifying import TEXT_SHARES
from models.verdicts.estimates import quantile
from models.verdicts.single_stream import PERCENTILES


@pytest.mark.measures("latency_ratio")
@pytest.mark.needs("a runner", "a reference file")
def test_latency_over_float32_is_within_budget(candidate, races, judge):
    """One answer takes at most the budgeted multiple of the reference's time."""
    judge.confirmed("latency_ratio", races.against_reference(candidate), of=candidate)


@pytest.mark.parametrize("metric", PERCENTILES)
@pytest.mark.needs("latencies")
def test_latency_percentile_is_within_budget(metric, variant, stream, judge):
    """The percentile of the times of `invoke()`, one text after another, is within budget."""
    single_stream = stream(variant)
    measured = single_stream.percentile(PERCENTILES[metric])
    judge(metric, measured, of=variant, **single_stream.details())


@pytest.mark.needs("a runner", "a tokenizer on the device")
@pytest.mark.parametrize("metric", TEXT_SHARES)
def test_text_to_label_percentile_is_within_budget(metric, variant, classified, judge):
    """The percentile of the time from text to label is within budget."""
    single_stream = classified(variant).stream
    measured = single_stream.percentile(TEXT_SHARES[metric])
    judge(metric, measured, of=variant, **single_stream.details())


@pytest.mark.measures("latency_first_p50")
@pytest.mark.needs("a runner")
def test_first_seconds_are_within_budget(variant, stream, judge):
    """The median time in the first seconds, before a device may throttle, is within budget."""
    single_stream = stream(variant)
    measured = quantile(single_stream.first, 0.5, confidence=single_stream.confidence)
    judge("latency_first_p50", measured, of=variant)
