"""Measure how much accuracy quantization costs, on the same texts, with a paired interval."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import accuracy_drop, balanced_accuracy_drop, macro_f1_drop

MEASURES = {"balanced_accuracy_drop": balanced_accuracy_drop, "macro_f1_drop": macro_f1_drop}


@pytest.mark.measures("accuracy_drop")
@pytest.mark.needs("a teacher")
def test_drop_from_the_full_model_is_within_budget(variant, full_model, judge):
    """The FlatBuffer's accuracy is at most the budgeted points below that of the full model."""

    def drop(texts):
        answers = texts.gold, texts.labels(full_model), texts.labels(variant)
        return accuracy_drop(*answers, confidence=texts.confidence)

    judge.early("accuracy_drop", drop, of=variant)


@pytest.mark.needs("a teacher")
@pytest.mark.parametrize("metric", MEASURES)
def test_drop_of_the_rarer_labels_is_within_budget(metric, variant, full_model, judge):
    """Balanced accuracy and macro F1 drop by at most the budgeted points from the full model's."""

    def drop(texts):
        answers = texts.gold, texts.labels(full_model), texts.labels(variant)
        return MEASURES[metric](*answers, confidence=texts.confidence)

    judge.early(metric, drop, of=variant)


@pytest.mark.measures("accuracy_drop_float32")
@pytest.mark.needs("a reference")
def test_drop_from_float32_is_within_budget(candidate, reference, judge):
    """The FlatBuffer's accuracy is at most the budgeted points below that of the reference."""

    def drop(texts):
        answers = texts.gold, texts.labels(reference), texts.labels(candidate)
        return accuracy_drop(*answers, confidence=texts.confidence)

    judge.early("accuracy_drop_float32", drop, of=candidate)
