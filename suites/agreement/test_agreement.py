"""How often quantization changes the answer, right or wrong."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import agreement, total_variation


@pytest.mark.measures("agreement")
@pytest.mark.needs("a reference")
def test_labels_agree_with_float32(candidate, reference, corpus, judge):
    """The FlatBuffer gives the label of the reference for the budgeted share of texts."""

    def expected(texts):
        return texts.labels(reference)

    def measured(texts):
        return agreement(expected(texts), texts.labels(candidate), confidence=texts.confidence)

    def flips(texts):
        return corpus.label_pairs(expected(texts), texts.labels(candidate))

    judge.early("agreement", measured, of=candidate, against=expected, flips=flips)


@pytest.mark.needs("a teacher")
@pytest.mark.measures("agreement_full")
def test_labels_agree_with_the_full_model(variant, full_model, corpus, judge):
    """The FlatBuffer gives the label of the full model for the budgeted share of texts."""

    def expected(texts):
        return texts.labels(full_model)

    def measured(texts):
        return agreement(expected(texts), texts.labels(variant), confidence=texts.confidence)

    def flips(texts):
        return corpus.label_pairs(expected(texts), texts.labels(variant))

    judge.early("agreement_full", measured, of=variant, against=expected, flips=flips)


@pytest.mark.measures("total_variation")
@pytest.mark.needs("scores")
@pytest.mark.needs("reference scores")
def test_probabilities_stay_close_to_float32(candidate, reference, judge):
    """Its probabilities stay within the budgeted total variation distance of the reference's."""

    def measured(texts):
        answers = texts.probabilities(reference), texts.probabilities(candidate)
        return total_variation(*answers, confidence=texts.confidence)

    judge.early("total_variation", measured, of=candidate)
