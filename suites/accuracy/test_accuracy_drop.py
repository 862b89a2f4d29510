"""How much accuracy quantization costs, on the same texts, with a paired interval."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import accuracy_drop, balanced_accuracy_drop, macro_f1_drop

MEASURES = {"balanced_accuracy_drop": balanced_accuracy_drop, "macro_f1_drop": macro_f1_drop}


@pytest.mark.measures("accuracy_drop")
@pytest.mark.needs("a teacher")
def test_drop_from_the_full_model_is_within_budget(variant, full_model, corpus, judge):
    """The FlatBuffer answers at most the budgeted points less accurately than the full model."""
    drop = accuracy_drop(corpus.test.labels, full_model.labels, variant.labels)
    judge("accuracy_drop", drop, of=variant)


@pytest.mark.needs("a teacher")
@pytest.mark.parametrize("metric", MEASURES)
def test_drop_of_the_rarer_labels_is_within_budget(metric, variant, full_model, corpus, judge):
    """Counted by label, not by text, it loses at most the budgeted points of the full model."""
    drop = MEASURES[metric](corpus.test.labels, full_model.labels, variant.labels)
    judge(metric, drop, of=variant)


@pytest.mark.measures("accuracy_drop_float32")
@pytest.mark.needs("a reference")
def test_drop_from_float32_is_within_budget(candidate, reference, corpus, judge):
    """The FlatBuffer answers at most the budgeted points less accurately than the reference."""
    drop = accuracy_drop(corpus.test.labels, reference.labels, candidate.labels)
    judge("accuracy_drop_float32", drop, of=candidate)
