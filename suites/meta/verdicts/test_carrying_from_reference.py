"""A quantized variant is judged by the reference's answers and few of its own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.answering.carrying import ReferenceCarrier
from models.errors import EdgeproofError
from models.verdicts import carrying
from models.verdicts.estimates import accuracy_drop, balanced_accuracy_drop, macro_f1_drop
from models.verdicts.judge import Verdict

TEXTS, LIMIT = 2000, 0.041
DROPS = {
    "accuracy_drop": accuracy_drop,
    "balanced_accuracy_drop": balanced_accuracy_drop,
    "macro_f1_drop": macro_f1_drop,
}
GOLD = np.arange(TEXTS) % 3


class Answering:
    """A variant that gives chosen logits and notes which texts it classified.

    Args:
        scheme: its name.
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
        """Return labels, probabilities and logits."""
        return SimpleNamespace(labels=logits.argmax(axis=1), probabilities=logits, logits=logits)


def _answers(*, wrong, seed=0):
    """Return logits that are wrong for a share of the texts, and close for a fiftieth."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random(TEXTS) < wrong, (GOLD + 1) % 3, GOLD)
    logits = np.eye(3, dtype=np.float32)[labels]
    logits[random.random(TEXTS) < 0.02] *= 0.1
    return logits


def _judged(metric, variant, reference, full):
    """Return what was carried over for a variant, and the verdict on it."""

    def drop(texts):
        answers = texts.gold, full[texts.rows], texts.labels(variant)
        return DROPS[metric](*answers, confidence=texts.confidence)

    def says(estimate):
        if estimate.high <= LIMIT:
            return Verdict.PASS
        return Verdict.FAIL if estimate.low > LIMIT else Verdict.INCONCLUSIVE

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
    assert said["because"].startswith("float32 classified all texts; 0 of the texts")


@pytest.mark.parametrize("metric", DROPS)
def test_variant_with_many_wrong_labels_fails_although_the_reference_is_right(metric):
    """The planted variant turns every fourth label around."""
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


def test_reference_that_cannot_answer_leaves_the_variant_to_its_own_answers():
    class Broken(Answering):
        def logits_of(self, rows):
            raise EdgeproofError(f"killed while answering {rows}", remedy="Use another backend")

    answers = _answers(wrong=0.1)
    carrier = ReferenceCarrier(GOLD, Broken("float32", answers))
    assert not carrier.covers("accuracy_drop", Answering("float16", answers))


def test_looks_with_and_without_the_reference_share_the_error_rate():
    """The bounds of the first two looks add up to one half, and the last look has the other."""
    bounds = carrying.OF_QUANTIZED.first + carrying.OF_QUANTIZED.second
    last = (1.0 - carrying.LAST_LOOK) / 2.0
    assert bounds + last == pytest.approx(0.025)
    assert carrying.OF_QUANTIZED.confidence == pytest.approx(1.0 - 2.0 * bounds)
