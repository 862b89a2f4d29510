"""Measure the time from text to label on the device, including tokenization."""

from __future__ import annotations

import pytest

from fixtures.timing.sharing import DEVICE_CLOCK


@pytest.mark.measures("texts_per_second")
@pytest.mark.needs("a runner", "a tokenizer on the device")
def test_texts_per_second_are_within_budget(variant, classified, judge):
    """The device labels at least the budgeted texts per second, from text to label."""
    labelled = classified(variant)
    judge("texts_per_second", labelled.rate, of=variant, **labelled.details())


@pytest.mark.needs("a runner", "a tokenizer on the device")
def test_text_and_its_ids_get_one_label(variant, classified):
    """Texts tokenized on the device get the same labels as their token ids from the build."""
    labelled = classified(variant)
    assert (labelled.answers.labels == variant.labels_of(labelled.rows)).all()


@pytest.mark.benchmark(timer=DEVICE_CLOCK)
@pytest.mark.needs("a runner", "a clock")
def test_rounds_are_recorded(variant, single_answers, benchmark, device_clock):
    """pytest-benchmark records single answers by the device's clock, for its own reports."""
    device_clock.follow(single_answers(variant))
    benchmark.pedantic(device_clock.answer_one, rounds=device_clock.rounds, warmup_rounds=1)
    if benchmark.disabled:
        pytest.fail("invalid: pytest-benchmark is off under xdist; run without -n", pytrace=False)
    assert benchmark.stats.stats.rounds == device_clock.rounds
