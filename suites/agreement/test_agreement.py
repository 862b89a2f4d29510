"""How often quantization changes the answer, right or wrong."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import agreement, total_variation


@pytest.mark.measures("agreement")
@pytest.mark.needs("a reference")
def test_labels_agree_with_float32(candidate, reference, corpus, judge):
    """The FlatBuffer gives the label of the reference for the budgeted share of texts."""
    measured = agreement(reference.labels, candidate.labels)
    flips = corpus.label_pairs(reference.labels, candidate.labels)
    judge("agreement", measured, of=candidate, flips=flips)


@pytest.mark.needs("a teacher")
@pytest.mark.measures("agreement_full")
def test_labels_agree_with_the_full_model(variant, full_model, corpus, judge):
    """The FlatBuffer gives the label of the full model for the budgeted share of texts."""
    measured = agreement(full_model.labels, variant.labels)
    flips = corpus.label_pairs(full_model.labels, variant.labels)
    judge("agreement_full", measured, of=variant, flips=flips)


@pytest.mark.measures("total_variation")
@pytest.mark.needs("scores")
@pytest.mark.needs("reference scores")
def test_probabilities_stay_close_to_float32(candidate, reference, judge):
    """Its probabilities stay within the budgeted total variation distance of the reference's."""
    judge(
        "total_variation",
        total_variation(reference.probabilities, candidate.probabilities),
        of=candidate,
    )
