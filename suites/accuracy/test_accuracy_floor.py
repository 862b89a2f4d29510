"""Check that a model is more accurate than trivial classifiers; all other gates presume this."""

from __future__ import annotations

import pytest

from models.verdicts import estimates

MEASURES = {
    "accuracy": estimates.accuracy,
    "balanced_accuracy": estimates.balanced_accuracy,
    "macro_f1": estimates.macro_f1,
}


@pytest.mark.measures("accuracy", "weights_bytes")
@pytest.mark.needs("a teacher")
def test_full_model_has_learned(full_model, corpus, judge):
    """The full model reaches the accuracy that the subject's budgets demand."""
    judge.record("weights_bytes", estimates.exact(full_model.weights_bytes), of=full_model)
    judge("accuracy", estimates.accuracy(corpus.test.labels, full_model.labels), of=full_model)


@pytest.mark.parametrize("metric", MEASURES)
def test_variant_beats_the_majority(metric, variant, corpus, trivial_classifiers, judge):
    """The FlatBuffer scores higher than any trivial classifier: one label for all, or per group."""

    def score(texts):
        return MEASURES[metric](texts.gold, texts.labels(variant), confidence=texts.confidence)

    judge.early(
        metric,
        score,
        of=variant,
        data_limit=trivial_classifiers.highest(metric),
        floors=trivial_classifiers.of(metric),
        confusion=lambda texts: corpus.label_pairs(texts.gold, texts.labels(variant)),
        **variant.answered_by(),
    )


@pytest.mark.needs("a teacher")
@pytest.mark.parametrize("metric", MEASURES)
def test_full_model_beats_the_majority(metric, full_model, corpus, trivial_classifiers, judge):
    """The full model scores higher than any trivial classifier: one label for all, or per group."""
    judge(
        metric,
        MEASURES[metric](corpus.test.labels, full_model.labels),
        of=full_model,
        data_limit=trivial_classifiers.highest(metric),
        floors=trivial_classifiers.of(metric),
        confusion=corpus.confusion_with(full_model.labels),
    )
