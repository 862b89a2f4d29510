"""Check that a text gets the same label at every row length."""

from __future__ import annotations

import pytest

from models.verdicts.estimates import agreement


@pytest.mark.measures("agreement_lengths")
@pytest.mark.needs("a runner", "several lengths")
def test_labels_agree_at_every_length_that_fits(variant, at_every_length, judge):
    """A text gets the label of the shortest length that it fits at each longer one, too."""
    answered = at_every_length(variant)
    measured = agreement(answered.shortest, answered.others)
    judge("agreement_lengths", measured, of=variant, differing=answered.differing)
