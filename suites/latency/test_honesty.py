"""Check that timed answers equal the judged ones, and that no order and no cache speeds them up."""

from __future__ import annotations

import pytest


@pytest.mark.needs("a runner")
def test_answers_while_timed_are_those_of_the_accuracy_run(variant, race):
    """The labels given in the race equal those of the accuracy run."""
    assert (race.predictions[variant.scheme] == variant.labels_of(race.rows)).all()


@pytest.mark.measures("latency_order_ratio")
@pytest.mark.needs("a runner", "a clock")
def test_random_order_takes_as_long_as_fixed_order(variant, orders, judge):
    """Texts in random order take at most the budgeted multiple of the time in file order."""
    judge.confirmed("latency_order_ratio", orders(variant, "latency_order_ratio"), of=variant)


@pytest.mark.measures("latency_repeat_ratio")
@pytest.mark.needs("a runner", "a clock")
def test_other_texts_take_as_long_as_repeated_ones(variant, orders, judge):
    """New texts take at most the budgeted multiple of a repeated text's time: nothing is cached."""
    judge.confirmed("latency_repeat_ratio", orders(variant, "latency_repeat_ratio"), of=variant)
