"""Check that a text gets the same label at every row length."""

from __future__ import annotations

import pytest


@pytest.mark.measures("agreement_lengths")
@pytest.mark.needs("a runner", "several lengths")
def test_labels_agree_at_every_length_that_fits(variant, at_every_length, judge):
    """Each longer row gives a text the label that the shortest row gives it."""
    compared = at_every_length(variant)
    judge.alike(
        "agreement_lengths",
        compared.alike,
        compared.looks,
        of=variant,
        differing=compared.differing,
    )
