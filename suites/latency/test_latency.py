"""How fast the FlatBuffer answers; on shared machines as a ratio, interleaved in one runner."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import quantile
from models.verdicts.single_stream import PERCENTILES

TEXT_SHARES = {"text_to_label_p50": 0.5, "text_to_label_p90": 0.9, "text_to_label_p99": 0.99}


@pytest.mark.measures("latency_ratio")
@pytest.mark.needs("a runner", "a reference file")
def test_latency_over_float32_is_within_budget(candidate, races, judge):
    """One answer takes at most the budgeted multiple of the reference's time."""
    judge.confirmed("latency_ratio", races.against_reference(candidate), of=candidate)


@pytest.mark.parametrize("metric", PERCENTILES)
@pytest.mark.needs("latencies")
def test_latency_percentile_is_within_budget(metric, variant, stream, judge):
    """The percentile of `invoke()`'s time, one text after the other, keeps the device's budget."""
    asked = stream(variant)
    measured = quantile(asked.sustained, PERCENTILES[metric])
    judge(metric, measured, of=variant, **asked.details())


@pytest.mark.needs("a runner", "a tokenizer on the device")
@pytest.mark.parametrize("metric", TEXT_SHARES)
def test_text_to_label_percentile_is_within_budget(metric, variant, text_stream, judge):
    """The percentile of the time from text to label keeps the device's budget."""
    asked = text_stream(variant)
    measured = quantile(asked.sustained, TEXT_SHARES[metric])
    judge(metric, measured, of=variant, **asked.details())


@pytest.mark.measures("latency_first_p50")
@pytest.mark.needs("a runner")
def test_first_seconds_are_within_budget(variant, stream, judge):
    """The median of the first seconds, before a device may throttle, keeps the device's budget."""
    judge("latency_first_p50", quantile(stream(variant).first, 0.5), of=variant)
