"""A board that needs a second for each answer is asked for few answers (on a virtual clock)."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.answering.pace import SECONDS_OF_A_PROPERTY, SECONDS_OF_EXAMPLES, Tries
from fixtures.answering.timed_texts import TimedTexts
from fixtures.session.sample_sizes import (
    EMULATED,
    FEWEST_EXAMPLES,
    FEWEST_OF_A_PROPERTY,
    FULL,
    as_many_as_fit,
)
from fixtures.timing.classifying import PILOT, _Sizes, _until_decided
from fixtures.timing.orders import (
    FEWEST_ORDERED,
    ORDERED_BLOCKS,
    ORDERS,
    OTHER_TEXTS,
    Answered,
    _Race,
)
from fixtures.timing.races import BREAK, Load, ratio_of
from models.runtime.answers import Classified
from models.verdicts.comparison import BLOCK, FEWEST_BLOCKS, block_for
from models.verdicts.intervals import CONFIDENCE, samples_for_quantile
from models.verdicts.single_stream import FEWEST, single_stream
from models.verdicts.stopping import DECIDES, timed_looks

# Seconds for one text: a MobileBERT of 24 layers on a Raspberry Pi 3, and a small one on a host.
SLOW, FAST = 1.0, 0.001


class Device:
    """A device that answers in virtual time.

    Args:
        seconds: time of each answer, in s.
    """

    def __init__(self, seconds):
        self.seconds, self.asked = seconds, 0

    def classify(self, rows):
        """Label texts, and count them."""
        self.asked += len(rows)
        nanoseconds = np.full(len(rows), round(1e9 * self.seconds), np.int64)
        labels = np.asarray(rows, np.int32)
        return Classified(
            logits=np.zeros((len(rows), 2), np.float32),
            labels=labels,
            lengths=labels,
            text_to_label_ns=nanoseconds,
        )

    def answer(self, _, count):
        """Return the time of each of `count` answers, in s."""
        self.asked += count
        return np.full(count, self.seconds)


def _labelled(seconds, decided=lambda _: DECIDES, fewest=0):
    device = Device(seconds)
    most = FULL.rate_rounds * FULL.rate_texts
    sizes = _Sizes(FULL.rate_texts, FULL.rate_rounds, fewest)
    rows = np.arange(most)
    labelled = _until_decided(device.classify, rows, rows[:PILOT], sizes, decided)
    return labelled, device.asked


def test_slow_board_classifies_few_texts_to_measure_its_rate():
    """Each rate is measured on four texts, fewer than on a fast device."""
    labelled, asked = _labelled(SLOW)
    rates = timed_looks(FULL.rate_rounds, fewest=FEWEST_BLOCKS)[0].texts
    assert labelled.texts_of_a_rate == 4
    assert asked - PILOT == len(labelled.rows) == 4 * rates <= 50
    assert labelled.rate.value == pytest.approx(1.0 / SLOW)
    assert labelled.details()["timed"] == {
        "asked": rates,
        "of": FULL.rate_rounds,
        "confidence": labelled.confidence,
        "because": DECIDES,
    }


def test_fast_device_classifies_the_usual_number_of_texts():
    labelled, _ = _labelled(FAST)
    assert len(labelled.rows) == 600
    assert labelled.texts_of_a_rate == FULL.rate_texts
    assert labelled.stopped.look.texts == FULL.rate_rounds


def test_slow_board_measures_all_rounds_while_the_verdict_is_undecided():
    labelled, _ = _labelled(SLOW, decided=lambda _: "")
    assert len(labelled.rows) == 4 * FULL.rate_rounds
    assert labelled.stopped.because != DECIDES


@pytest.mark.parametrize("seconds", [SLOW, FAST])
def test_budget_on_the_99th_percentile_is_judged_once_with_a_finite_interval(seconds):
    fewest = math.ceil(1.5 * samples_for_quantile(0.99))
    labelled, _ = _labelled(seconds, fewest=fewest)
    assert labelled.confidence == CONFIDENCE
    assert len(labelled.rows) >= fewest
    assert math.isfinite(labelled.stream.percentile(0.99).high)


def test_slow_board_gives_a_bounded_number_of_answers_for_one_candidate():
    """Count the answers that the gates on behavior and time request for one candidate."""
    texts = as_many_as_fit(SECONDS_OF_A_PROPERTY, SLOW, FEWEST_OF_A_PROPERTY, FULL.few)
    tries = as_many_as_fit(SECONDS_OF_EXAMPLES, SLOW * texts, FEWEST_EXAMPLES, FULL.examples)
    # Gates on repetition, a fresh process, other threads, another order of inputs, three inputs,
    # privacy, and the examples of two properties.
    behavior = texts * (2 + 1 + 1 + 1 + 3 + 2 + 2 * tries)
    device = Device(SLOW)
    single_stream(device.answer, lambda _: DECIDES, queries=FULL.stream_queries, seconds=60.0)
    _, labelled = _labelled(SLOW)
    ordered = block_for(SLOW, fewest=FEWEST_ORDERED)
    # Two orders, the fixed one and the repeated text, need answers that no other gate uses.
    orders = 2 * ordered * timed_looks(FULL.order_blocks, fewest=FEWEST_BLOCKS)[0].texts
    raced = block_for(SLOW) * timed_looks(FULL.race_rounds // BLOCK, fewest=FEWEST_BLOCKS)[0].texts
    counts = {
        "behavior": behavior,
        "stream": device.asked,
        "labels": labelled,
        "orders": orders,
        # A race of four candidates runs five instances, because the reference runs twice, and one
        # round warms up.
        "race": round((raced + 1) * 5 / 4),
    }
    assert sum(counts.values()) <= 390, counts
    assert FEWEST <= counts["stream"] <= 110


class OrderedRunner:
    """A runner that takes a second for each answer, or half a second if it expects the text.

    Args:
        expects: returns whether a text is expected, from the text before it and the earlier pairs.
    """

    def __init__(self, expects):
        self._expects, self._before, self._pairs = expects, None, set()
        self.asked = []

    def answer(self, _, rows, timeout):
        """Return the time and the logits of the answer to each text."""
        assert timeout
        seconds = []
        for row in rows.tolist():
            pair = self._before, row
            seconds.append(0.5 if self._expects(pair, self._pairs) else 1.0)
            self._pairs.add(pair)
            self._before = row
        self.asked += rows.tolist()
        logits = rows[:, None].astype(np.float32)
        return SimpleNamespace(invoke_ns=1e9 * np.array(seconds), logits=logits)


def _race_of_orders(expects):
    """Return the ratios of a race on a slow board, its runner, and the saved answers."""
    runner, kept = OrderedRunner(expects), []
    block = block_for(SLOW, fewest=FEWEST_ORDERED)
    known = ORDERED_BLOCKS * block
    race = _Race(
        runner,
        SimpleNamespace(scheme="float32", inputs=lambda rows: rows),
        list(ORDERS),
        known=np.arange(known),
        others=np.arange(known, 100),
        keep=kept.append,
        block=block,
        parts=OTHER_TEXTS.parts,
    )
    seconds = race.until(FEWEST_BLOCKS)
    ratios = {
        metric: ratio_of(seconds, pair, OTHER_TEXTS.same, None, block).widened
        for metric, pair in OTHER_TEXTS.ratios.items()
    }
    return ratios, runner, Answered.joined(kept)


def test_comparing_orders_on_a_slow_board_needs_few_extra_answers():
    """Other gates reuse the answers in random order and those of the first pass in fixed order."""
    ratios, runner, kept = _race_of_orders(lambda *_: False)
    assert {ratio.value for ratio in ratios.values()} == {1.0}
    assert len(np.unique(kept.rows)) == len(kept.rows)
    assert np.array_equal(kept.logits[:, 0], kept.rows)
    assert len(runner.asked) - len(kept.rows) == 2 * 2 * FEWEST_BLOCKS


@pytest.mark.parametrize(
    ("expects", "metric"),
    [
        (lambda pair, _: pair[0] == pair[1], "latency_repeat_ratio"),
        (lambda pair, pairs: pair[0] != pair[1] and pair in pairs, "latency_order_ratio"),
    ],
    ids=["repeated", "order"],
)
def test_comparing_orders_on_a_slow_board_detects_a_runner_that_predicts_texts(expects, metric):
    ratios, _, _ = _race_of_orders(expects)
    other = (set(ratios) - {metric}).pop()
    assert ratios[metric].low > 1.25
    assert ratios[other].value == 1.0


@pytest.mark.parametrize("texts", [2, 40, 2000])
@pytest.mark.parametrize("sizes", [FULL, EMULATED], ids=["full", "emulated"])
def test_every_timed_measurement_can_use_all_texts(sizes, texts):
    timed = TimedTexts(texts, sizes)
    assert sorted(timed.of_rates) == sorted(timed.of_orders) == list(range(texts))


def test_timed_measurements_of_a_slow_board_use_different_texts():
    timed = TimedTexts(2000, FULL)
    stream = timed.order[: timed_looks(FULL.stream_queries, fewest=FEWEST)[0].texts]
    starts = [timed.of_start(number) for number in range(FULL.fresh_starts)]
    rates = timed.of_rates[: 4 * timed_looks(FULL.rate_rounds, fewest=FEWEST_BLOCKS)[0].texts]
    every = np.concatenate([stream, *starts, rates, timed.of_race, timed.of_orders[:1]])
    assert every.tolist() == timed.order[: len(every)].tolist()


@pytest.mark.parametrize(
    ("seconds", "block"), [(0.0, 10), (0.001, 10), (0.01, 10), (0.02, 6), (0.05, 2), (1.0, 2)]
)
def test_timing_block_contains_fewer_answers_if_each_takes_longer(seconds, block):
    assert block_for(seconds) == block
    assert block_for(seconds, fewest=4) == max(4, block)


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.0, 40), (0.001, 40), (0.2, 20), (1.0, 4), (100.0, 4)]
)
def test_number_of_answers_that_fit_the_time_lies_between_minimum_and_maximum(seconds, count):
    assert as_many_as_fit(4.0, seconds, 4, 40) == count
    assert as_many_as_fit(4.0, seconds, 4, 3) == 3


def test_counter_allows_only_the_given_number_of_tries():
    tries = Tries(2)
    assert [tries.over() for _ in range(4)] == [False, False, True, True]


def test_seconds_under_load_add_up_over_several_streams_until_a_pause():
    now = [100.0]
    load = Load(lambda: now[0])
    assert load.seconds == 0.0
    for _ in range(3):
        now[0] += 2.0
        load.add(2.0)
    assert load.seconds == pytest.approx(6.0)
    now[0] += BREAK
    assert load.seconds == pytest.approx(6.0)
    now[0] += 2.1
    load.add(2.0)
    assert load.seconds == pytest.approx(2.0)
    now[0] += 2.0 * BREAK
    assert load.seconds == 0.0
