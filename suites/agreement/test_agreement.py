"""How often quantization changes the answer, right or wrong."""

from __future__ import annotations

from models.verdicts.estimates import agreement, total_variation


def test_labels_agree_with_float32(candidate, reference, judge):
    """The FlatBuffer gives the label of the float32 variant for the budgeted share of tweets."""
    judge("agreement", agreement(reference.labels, candidate.labels), of=candidate)


def test_probabilities_stay_close_to_float32(candidate, reference, judge):
    """Its probabilities stay within the budgeted total variation distance of float32's."""
    judge("total_variation", total_variation(reference.logits, candidate.logits), of=candidate)
