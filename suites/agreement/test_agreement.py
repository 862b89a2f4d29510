"""Measure how often quantization changes the answer, right or wrong."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import total_variation


@pytest.mark.measures("agreement")
@pytest.mark.needs("a reference")
def test_labels_agree_with_float32(candidate, reference, judge_agreement):
    """The FlatBuffer gives the reference's label to at least the budgeted share of the texts."""
    judge_agreement("agreement", of=candidate, answering=reference)


@pytest.mark.needs("a teacher")
@pytest.mark.measures("agreement_full")
def test_labels_agree_with_the_full_model(variant, full_model, judge_agreement):
    """The FlatBuffer gives the full model's label to at least the budgeted share of the texts."""
    judge_agreement("agreement_full", of=variant, answering=full_model)


@pytest.mark.measures("total_variation")
@pytest.mark.needs("scores")
@pytest.mark.needs("reference scores")
def test_probabilities_stay_close_to_float32(candidate, reference, judge):
    """The mean total variation distance from the reference's probabilities is within budget."""

    def measured(texts):
        answers = texts.probabilities(reference), texts.probabilities(candidate)
        return total_variation(*answers, confidence=texts.confidence)

    judge.early("total_variation", measured, of=candidate)
