"""The time from text to label, tokenization included, as a user of the device sees it."""

from __future__ import annotations

import pytest

from fixtures.runners import DEVICE_CLOCK
from models.verdicts.estimates import quantile


@pytest.mark.measures("texts_per_second")
@pytest.mark.needs("a runner", "a tokenizer on the device")
def test_texts_per_second_are_within_budget(variant, classify_rates, judge):
    """The device labels at least the budgeted texts per second, from text to label."""
    rates = classify_rates(variant)
    judge("texts_per_second", quantile(rates, 0.5), of=variant)


@pytest.mark.needs("a runner", "a tokenizer on the device")
def test_text_and_its_ids_get_one_label(variant, classified):
    """Tokenizing on the device gives the labels that the tokens made in the build give."""
    from_text = classified(variant).labels
    assert (from_text == variant.labels_of(slice(len(from_text)))).all()


@pytest.mark.benchmark(timer=DEVICE_CLOCK)
@pytest.mark.needs("a runner", "a clock")
def test_rounds_are_recorded(variant, load, corpus, benchmark, device_clock):
    """pytest-benchmark records single answers by the device's clock, for its own reports."""
    device_clock.follow(load(variant), variant, len(corpus.test.labels))
    benchmark.pedantic(device_clock.answer_one, rounds=device_clock.rounds, warmup_rounds=1)
    if benchmark.disabled:
        pytest.fail("invalid: pytest-benchmark is off under xdist; run without -n", pytrace=False)
    assert benchmark.stats.stats.rounds == device_clock.rounds
