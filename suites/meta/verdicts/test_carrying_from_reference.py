"""A quantized variant is judged by the reference's answers and a few answers of its own."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.answering.carrying import ReferenceCarrier
from models.errors import EdgeproofError
from models.verdicts import carrying
from models.verdicts.estimates import accuracy_drop, balanced_accuracy_drop, macro_f1_drop
from models.verdicts.intervals import CONFIDENCE
from models.verdicts.judge import Verdict
from models.verdicts.looks import DECIDED

TEXTS, LIMIT = 2000, 0.041
DROPS = {
    "accuracy_drop": accuracy_drop,
    "balanced_accuracy_drop": balanced_accuracy_drop,
    "macro_f1_drop": macro_f1_drop,
}
GOLD = np.arange(TEXTS) % 3


class Answering:
    """A variant that returns given logits and records which texts it classified.

    Args:
        scheme: scheme of the variant.
        logits: logits of all texts [n, classes].
    """

    def __init__(self, scheme, logits) -> None:
        self.scheme, self._logits = scheme, logits
        self.asked = set()

    @property
    def logits(self):
        """Return the logits of all texts."""
        return self.logits_of(slice(None))

    def logits_of(self, rows):
        """Return the logits of some texts."""
        self.asked.update(np.arange(TEXTS)[rows].tolist())
        return self._logits[rows]

    def labels_of(self, rows):
        """Return the labels of some texts."""
        return self.scores(self.logits_of(rows)).labels

    @staticmethod
    def scores(logits):
        """Return the logits with their labels, and with themselves as probabilities."""
        return SimpleNamespace(labels=logits.argmax(axis=1), probabilities=logits, logits=logits)


def _answers(*, wrong, seed=0):
    """Return logits [n, 3] with a share of wrong labels, and small margins for 2 % of the texts."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random(TEXTS) < wrong, (GOLD + 1) % 3, GOLD)
    logits = np.eye(3, dtype=np.float32)[labels]
    logits[random.random(TEXTS) < 0.02] *= 0.1
    return logits


def _judged(metric, variant, reference, full):
    """Return the carried-over measurement of a variant, its verdict, and the carrier."""

    def drop(texts):
        answers = texts.gold, full[texts.rows], texts.labels(variant)
        return DROPS[metric](*answers, confidence=texts.confidence)

    def says(estimate):
        return _within(LIMIT, estimate)

    carrier = ReferenceCarrier(GOLD, reference)
    assert carrier.covers(metric, variant)
    carried = carrier.measure(metric, drop, variant, against=None, says=says)
    return carried, carried and says(carried.estimate), carrier


@pytest.mark.parametrize("metric", DROPS)
def test_variant_that_answers_like_the_reference_classifies_few_texts(metric):
    answers = _answers(wrong=0.1)
    reference, variant = Answering("float32", answers), Answering("float16", answers)
    full = answers.argmax(axis=1)
    carried, verdict, carrier = _judged(metric, variant, reference, full)
    assert verdict is Verdict.PASS
    assert len(variant.asked) < TEXTS / 4
    said = carrier.said(carried)
    assert said["texts"] == carried.estimate.n == len(variant.asked)
    assert said["of"] == TEXTS
    assert said["because"].startswith(
        "float32 classified all texts; this variant gave another label to 0 of the texts"
    )


@pytest.mark.parametrize("metric", DROPS)
def test_variant_with_many_wrong_labels_fails_although_the_reference_is_right(metric):
    """The planted variant gives every fourth text a wrong label."""
    answers = _answers(wrong=0.02)
    turned = answers.copy()
    turned[::4] = np.roll(turned[::4], 1, axis=1)
    reference, variant = Answering("float32", answers), Answering("dynamic_wi4_afp32", turned)
    _, verdict, _ = _judged(metric, variant, reference, answers.argmax(axis=1))
    assert verdict is Verdict.FAIL
    assert len(variant.asked) < TEXTS / 2


def test_only_drops_of_other_variants_are_carried_over_from_the_reference():
    answers = _answers(wrong=0.1)
    reference, variant = Answering("float32", answers), Answering("float16", answers)
    carrier = ReferenceCarrier(GOLD, reference)
    assert not carrier.covers("accuracy_drop", reference)
    assert not carrier.covers("accuracy", variant)
    assert not carrier.covers("agreement", variant)


def test_variant_is_judged_by_its_own_answers_if_the_reference_cannot_answer():
    class Broken(Answering):
        def logits_of(self, rows):
            raise EdgeproofError(f"killed while answering {rows}", remedy="Use another backend")

    answers = _answers(wrong=0.1)
    carrier = ReferenceCarrier(GOLD, Broken("float32", answers))
    assert not carrier.covers("accuracy_drop", Answering("float16", answers))


def test_looks_with_and_without_the_reference_share_the_error_rate():
    """The error rates of the first two looks and of the last look add up to 2.5 % on each side."""
    bounds = carrying.OF_QUANTIZED.first + carrying.OF_QUANTIZED.second
    last = (1.0 - carrying.LAST_LOOK) / 2.0
    assert bounds + last == pytest.approx(0.025)
    assert carrying.OF_QUANTIZED.confidence == pytest.approx(1.0 - 2.0 * bounds)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("full", "reference", "turned"),
    [(0.9, 0.9, 0.03), (0.9, 0.88, 0.005), (0.9, 0.86, 0.01), (0.9, 0.89, 0.1), (0.95, 0.95, 0.05)],
)
def test_variant_at_its_limit_passes_and_fails_in_at_most_one_of_forty_runs(
    full, reference, turned
):
    """Half of the error rate is left for a look at all texts, if two looks do not decide.

    The variant turns random labels of the reference around, some of them into right ones.

    Args:
        full: accuracy of the full model.
        reference: accuracy of the reference, mostly on the same texts.
        turned: share of the texts that the variant labels differently than the reference.
    """
    random, draws = np.random.default_rng([round(100 * reference), round(1000 * turned)]), 1000
    limit = full - reference * (1.0 - turned) - (1.0 - reference) * turned
    ended = Counter(
        _verdict_at(limit, *_simulated(random, full, reference, turned)) for _ in range(draws)
    )
    assert max(ended[Verdict.PASS], ended[Verdict.FAIL]) / draws <= 0.025 + 0.01


def _simulated(random, full, reference, turned):
    """Return the labels of the full model, the reference and the variant; 0 is right."""
    luck, other = random.random(TEXTS), random.random(TEXTS) < 0.05
    of_full = (luck >= full).astype(np.int64)
    of_reference = np.where(other, random.random(TEXTS), luck) >= reference
    of_variant = of_reference ^ (random.random(TEXTS) < turned)
    return of_full, of_reference.astype(np.int64), of_variant.astype(np.int64)


def _verdict_at(limit, full, reference, labels):
    """Return the verdict on a variant, as a gate with this limit would."""
    gold = np.zeros(TEXTS, np.int64)
    variant = Answering("float16", np.eye(2)[labels])

    def drop(texts):
        answers = texts.gold, full[texts.rows], texts.labels(variant)
        return accuracy_drop(*answers, confidence=texts.confidence)

    def says(estimate):
        return _within(limit, estimate)

    carrier = ReferenceCarrier(gold, Answering("float32", np.eye(2)[reference]))
    carried = carrier.measure("accuracy_drop", drop, variant, against=None, says=says)
    if carried is not None and says(carried.estimate) in DECIDED:
        return says(carried.estimate)
    last = CONFIDENCE if carried is None else carrying.LAST_LOOK
    return says(accuracy_drop(gold, full, labels, confidence=last))


def _within(limit, estimate):
    """Return the verdict on a drop that must be at most the limit."""
    if estimate.high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if estimate.low > limit else Verdict.INCONCLUSIVE
